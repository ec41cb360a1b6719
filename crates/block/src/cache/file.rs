//! A cached object as a file: its bytes, with what is needed to know that they are still its own.
//!
//! ```text
//! "LKHBLKC1" | length of the body, u64 | length of the address, u32
//!            | CRC-32C of the body, u32 | CRC-32C of the 24 bytes above and the address, u32
//! address | body                                               (integers little endian)
//! ```
//!
//! Files are written aside and renamed, but not synced: what a power cut does to one is found out when
//! it is read.

use std::fs;
use std::fs::File;
use std::io;
use std::io::IoSlice;
use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;
use sha2::Digest as _;
use sha2::Sha256;

const MAGIC: &[u8; 8] = b"LKHBLKC1";
const HEADER_BYTES: usize = 28;

/// Names an object in the cache: the SHA-256 of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name([u8; 32]);

impl Name {
    pub(super) fn of(address: &str) -> Self {
        Self(Sha256::digest(address).into())
    }

    /// Reads a file's name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The file's name.
    pub(super) fn text(&self) -> String {
        hex::encode(self.0)
    }
}

/// The length of the file of a body.
pub(super) fn file_length(address: &str, body: &Bytes) -> u64 {
    (HEADER_BYTES + address.len() + body.len()) as u64
}

/// Writes the file at `path`, by way of `aside` in the same folder.
pub(super) fn write(path: &Path, aside: &Path, address: &str, body: &Bytes) -> io::Result<()> {
    let header = header(address, body);
    let written = File::create_new(aside).and_then(|mut file| {
        write_all(&mut file, &[&header, address.as_bytes(), body])?;
        fs::rename(aside, path)
    });
    if written.is_err() {
        // What cannot be removed now is when the cache is opened again.
        drop(fs::remove_file(aside));
    }
    written
}

fn write_all(file: &mut File, pieces: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        match file.write_vectored(rest)? {
            0 if rest.iter().any(|slice| !slice.is_empty()) => {
                return Err(io::ErrorKind::WriteZero.into());
            }
            0 => break,
            written => IoSlice::advance_slices(&mut rest, written),
        }
    }
    Ok(())
}

fn header(address: &str, body: &Bytes) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&(body.len() as u64).to_le_bytes());
    let address_length = u32::try_from(address.len()).unwrap_or(u32::MAX);
    header[16..20].copy_from_slice(&address_length.to_le_bytes());
    header[20..24].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..24]), address.as_bytes());
    header[24..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// The body in the file at `path`; `None` where it is not, or no more, the one of `address`.
pub(super) fn read(path: &Path, address: &str) -> io::Result<Option<Bytes>> {
    let all = Bytes::from(fs::read(path)?);
    let Some(body) = all.len().checked_sub(HEADER_BYTES + address.len()) else { return Ok(None) };
    let body = all.slice(all.len() - body..);
    let expected = [&header(address, &body)[..], address.as_bytes()].concat();
    Ok(all.starts_with(&expected).then_some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "s3://lake/main/_lakefs/0123";

    #[test]
    fn a_file_has_the_documented_bytes() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        write(&path, &home.path().join("aside"), "s3://b/k", &Bytes::from("hi")).unwrap();
        let bytes = hex::encode(fs::read(&path).unwrap());
        assert_eq!(
            bytes,
            "4c4b48424c4b4331\
             0200000000000000\
             08000000\
             c2d99df5\
             c7623200\
             73333a2f2f622f6b\
             6869"
        );
    }

    #[test]
    fn a_file_that_is_changed_anywhere_or_cut_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let body = Bytes::from("the bytes of a range");
        write(&path, &home.path().join("aside"), ADDRESS, &body).unwrap();
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len() as u64, file_length(ADDRESS, &body));
        assert_eq!(read(&path, ADDRESS).unwrap(), Some(body));
        assert_eq!(read(&path, "s3://lake/main/_lakefs/0124").unwrap(), None);
        for place in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[place] ^= 1 << (place % 8);
            fs::write(&path, &flipped).unwrap();
            assert_eq!(read(&path, ADDRESS).unwrap(), None, "byte {place}");
            fs::write(&path, &whole[..place]).unwrap();
            assert_eq!(read(&path, ADDRESS).unwrap(), None, "cut at {place}");
        }
    }

    #[test]
    fn a_name_is_read_back_from_its_text() {
        let name = Name::of(ADDRESS);
        assert_eq!(Name::parse(&name.text()), Some(name));
        assert_eq!(Name::parse("aside-1"), None);
    }
}
