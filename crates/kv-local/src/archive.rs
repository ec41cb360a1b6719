//! The container that the library's manifests and tables are in, as far as we check it.
//!
//! ```text
//! sections | table of contents | trailer
//! contents: "TOC!" | count (u32) | per section: position (u64), length (u64), name length (u16), name
//! trailer:  "SFA!" | 1 | 0 | XXH3-128 of the contents | position, length of the contents (u64 each)
//! ```
//!
//! All numbers are little-endian. The library checks the contents only after having reserved memory
//! for as many sections as they claim, so that one changed byte can end the process; hence we look
//! first.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use lakehold_kv::Error;
use xxhash_rust::xxh3::xxh3_128;

use crate::failure::damaged;
use crate::failure::unreadable;

const TRAILER_BYTES: usize = 38;
const CONTENTS_HEADER_BYTES: usize = 8;
/// Contents list a handful of sections. More is damage, not worth reading.
const MOST_CONTENTS_BYTES: u64 = 64 * 1024;

/// Fails where the table of contents of the file at `path` is not the one written.
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    contents(&file).map_err(|error| unreadable(path, error))?.map(drop).ok_or_else(|| broken(path))
}

/// Returns the section called `name` of the file at `path`, whose bytes are `archive`.
pub(crate) fn section<'a>(path: &Path, archive: &'a [u8], name: &[u8]) -> Result<&'a [u8], Error> {
    find_section(archive, name).ok_or_else(|| broken(path))
}

fn broken(path: &Path) -> Error {
    damaged(path, "the table of contents is damaged")
}

fn contents(file: &File) -> io::Result<Option<Vec<u8>>> {
    let length = file.metadata()?.len();
    let mut trailer = [0; TRAILER_BYTES];
    let Some(trailer_at) = length.checked_sub(TRAILER_BYTES as u64) else { return Ok(None) };
    file.read_exact_at(&mut trailer, trailer_at)?;
    let Some((position, size)) = parse_trailer(&trailer) else { return Ok(None) };
    if size > MOST_CONTENTS_BYTES || position.checked_add(size) != Some(trailer_at) {
        return Ok(None);
    }
    let mut contents = vec![0; usize::try_from(size).unwrap_or_default()];
    file.read_exact_at(&mut contents, position)?;
    Ok((checksum(&trailer) == Some(xxh3_128(&contents))).then_some(contents))
}

fn parse_trailer(trailer: &[u8; TRAILER_BYTES]) -> Option<(u64, u64)> {
    let known = trailer.starts_with(b"SFA!\x01\x00");
    known.then_some((u64_at(trailer, 22)?, u64_at(trailer, 30)?))
}

fn checksum(trailer: &[u8; TRAILER_BYTES]) -> Option<u128> {
    Some(u128::from_le_bytes(trailer.get(6..22)?.try_into().ok()?))
}

fn find_section<'a>(archive: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (body, trailer) = archive.split_last_chunk::<TRAILER_BYTES>()?;
    let (position, size) = parse_trailer(trailer)?;
    let position = usize::try_from(position).ok()?;
    let contents = body.get(position..)?;
    let whole = contents.len() as u64 == size && checksum(trailer)? == xxh3_128(contents);
    let mut rest = contents.get(CONTENTS_HEADER_BYTES..).filter(|_| whole)?;
    while !rest.is_empty() {
        let (at, length) = (u64_at(rest, 0)?, u64_at(rest, 8)?);
        let name_length = u16::from_le_bytes(rest.get(16..18)?.try_into().ok()?);
        let (found, after) = rest.get(18..)?.split_at_checked(name_length.into())?;
        if found == name {
            let start = usize::try_from(at).ok()?;
            return body.get(start..start.checked_add(usize::try_from(length).ok()?)?);
        }
        rest = after;
    }
    None
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
