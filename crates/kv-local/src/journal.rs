//! Whether the journals hold every batch that was acknowledged, before the library reads them.
//!
//! What the library does with a batch it cannot read is right for a torn tail, the batch that was
//! being written when the power went: it cuts the journal off there. It does the same where the
//! damage is in the middle, and every batch behind it, long acknowledged, silently vanishes. It also
//! believes a batch's sequence number, which its checksum does not cover.
//!
//! Each batch of ours begins with a record that carries the batch's number, and the sequence number
//! that the library was about to give it ([`mark`]). So this reads the journals, changing nothing,
//! and demands that
//!
//! - batches are numbered without a gap and their sequence numbers rise;
//! - only the youngest journal ends in something unreadable, and no whole batch comes after that:
//!   the committer never begins a batch before the last one is synced, so a torn one is the last;
//! - the last whole batch is not older than the last acknowledged one.
//!
//! The records of a journal file (numbers little-endian), which is filled up with zeros:
//!
//! ```text
//! batch:  1 | items (u32) | sequence number (u64) | item ... | 3 | XXH3-64 of the items | "FJL\x03"
//! item:   2 | kind | compression | tree (u64) | key, value, stored value: length (u16, u32, u32)
//!           | key | value
//! ```

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::path::Path;
use std::path::PathBuf;

use lakehold_kv::Error;
use xxhash_rust::xxh3::Xxh3;

use crate::failure::damaged;
use crate::failure::unreachable_path;
use crate::keys::BATCH_MARK;

const READ_BUFFER_BYTES: usize = 256 * 1024;
const ITEM_HEADER_BYTES: usize = 21;
const TRAILER: &[u8; 4] = b"FJL\x03";

/// The value of the record that begins each batch: the batch's number and the sequence number that
/// the library will give it, or slightly more.
pub(crate) fn mark(number: u64, seqno: u64) -> [u8; 16] {
    let mut mark = [0; 16];
    mark[..8].copy_from_slice(&number.to_be_bytes());
    mark[8..].copy_from_slice(&seqno.to_be_bytes());
    mark
}

/// Returns the batch's number and expected sequence number.
pub(crate) fn parse_mark(mark: &[u8]) -> Option<(u64, u64)> {
    let (number, seqno) = mark.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), u64::from_be_bytes(seqno.try_into().ok()?)))
}

/// Fails where the journals in `path` lack something that was acknowledged, up to batch
/// `acknowledged` where that is known. Changes nothing.
pub(crate) fn check(path: &Path, acknowledged: Option<u64>) -> Result<(), Error> {
    let journals = list(path)?;
    let mut last = None;
    for (at, journal) in journals.iter().enumerate() {
        let end = read_journal(journal, &mut last)?;
        if end == End::Clean {
            continue;
        }
        let behind = last.is_some_and(|last: Batch| acknowledged > Some(last.number));
        if at + 1 < journals.len() || end == End::Damaged || behind {
            return Err(damaged(journal, "the journal is damaged where it was long written"));
        }
        tracing::info!(journal = %journal.display(), "the last, unacknowledged batch is torn");
    }
    Ok(())
}

/// Empties all journals. Only when everything is in tables and nothing will be written any more.
pub(crate) fn clear(path: &Path) -> Result<(), Error> {
    for journal in list(path)? {
        let cleared = OpenOptions::new().write(true).open(&journal).and_then(|file| {
            file.set_len(0)?;
            file.sync_all()
        });
        cleared.map_err(|error| unreachable_path(&journal, error))?;
    }
    Ok(())
}

/// The journals in `path`, oldest first.
fn list(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut journals = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreachable_path(path, error))? {
        let file = entry.map_err(|error| unreachable_path(path, error))?.path();
        if file.extension().is_none_or(|extension| extension != "jnl") {
            continue;
        }
        let number: Option<u64> =
            file.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        let Some(number) = number else {
            return Err(damaged(&file, "the name of a journal is a number"));
        };
        journals.push((number, file));
    }
    journals.sort_unstable();
    Ok(journals.into_iter().map(|(_, file)| file).collect())
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// After a whole batch.
    Clean,
    /// In a batch that is not whole, and nothing after it.
    Torn,
    /// In a batch that is not whole, with a whole one after it.
    Damaged,
}

/// What identifies a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Batch {
    number: u64,
    seqno: u64,
}

/// Reads a journal that goes on after the batch `last`, and moves `last` on.
fn read_journal(path: &Path, last: &mut Option<Batch>) -> Result<End, Error> {
    let failed = |error| unreachable_path(path, error);
    let mut input = BufReader::with_capacity(READ_BUFFER_BYTES, File::open(path).map_err(failed)?);
    let mut end = 0;
    while let Some(batch) = read_batch(&mut input).map_err(failed)? {
        if last.is_some_and(|last| batch.number != last.number + 1 || batch.seqno <= last.seqno) {
            return Err(damaged(path, format!("batches before {} are missing", batch.number)));
        }
        *last = Some(batch);
        end = input.stream_position().map_err(failed)?;
    }
    input.seek(SeekFrom::Start(end)).map_err(failed)?;
    classify_tail(&mut input, *last).map_err(failed)
}

/// Looks at what is behind the last whole batch.
fn classify_tail(input: &mut BufReader<File>, last: Option<Batch>) -> io::Result<End> {
    if only_zeros(input)? {
        return Ok(End::Clean);
    }
    // At most one buffer of zeros before the tail is skipped, which no batch begins with.
    let mut tail = Vec::new();
    input.read_to_end(&mut tail)?;
    Ok(if has_batch_after(&tail, last) { End::Damaged } else { End::Torn })
}

/// Skips zeros, a buffer at a time, and says whether there was nothing else.
fn only_zeros(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(true);
        }
        if buffer.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        let length = buffer.len();
        input.consume(length);
    }
}

fn has_batch_after(tail: &[u8], last: Option<Batch>) -> bool {
    let begins = |at: &usize| tail[*at] == 1 && tail.get(at + 13) == Some(&2);
    (0..tail.len()).filter(begins).any(|at| {
        let found = read_batch(&mut &tail[at..]).ok().flatten();
        found.is_some_and(|found| last.is_none_or(|last| found.number > last.number))
    })
}

/// Reads a batch; `None` where there is no whole one of ours.
fn read_batch(input: &mut impl BufRead) -> io::Result<Option<Batch>> {
    match read_parts(input) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read,
    }
}

fn read_parts(input: &mut impl BufRead) -> io::Result<Option<Batch>> {
    let [tag] = read_array(input)?;
    if tag != 1 {
        return Ok(None);
    }
    let items = u32::from_le_bytes(read_array(input)?);
    let seqno = u64::from_le_bytes(read_array(input)?);
    let mut hasher = Xxh3::new();
    let Some((number, expected_seqno)) = read_mark(input, &mut hasher)? else { return Ok(None) };
    for _ in 1..items {
        if !skip_item(input, &mut hasher)? {
            return Ok(None);
        }
    }
    let [tag] = read_array(input)?;
    let checksum = u64::from_le_bytes(read_array(input)?);
    let trailer: [u8; 4] = read_array(input)?;
    let whole = tag == 3 && checksum == hasher.digest() && trailer == *TRAILER;
    Ok((whole && seqno >= expected_seqno).then_some(Batch { number, seqno }))
}

/// Reads the item that begins a batch.
fn read_mark(input: &mut impl BufRead, hasher: &mut Xxh3) -> io::Result<Option<(u64, u64)>> {
    let header: [u8; ITEM_HEADER_BYTES] = read_array(input)?;
    let mut content = [0; BATCH_MARK.len() + 16];
    if header[0] != 2 || lengths(&header) != (BATCH_MARK.len() as u64, 16) {
        return Ok(None);
    }
    input.read_exact(&mut content)?;
    hasher.update(&header);
    hasher.update(&content);
    Ok(content.strip_prefix(BATCH_MARK).and_then(parse_mark))
}

/// Steps over an item; says whether there was one.
fn skip_item(input: &mut impl BufRead, hasher: &mut Xxh3) -> io::Result<bool> {
    let header: [u8; ITEM_HEADER_BYTES] = read_array(input)?;
    if header[0] != 2 {
        return Ok(false);
    }
    hasher.update(&header);
    let (key, value) = lengths(&header);
    let mut left = key + value;
    while left > 0 {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let taken = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        hasher.update(&buffer[..taken]);
        input.consume(taken);
        left -= taken as u64;
    }
    Ok(true)
}

/// How long key and value are in the file.
fn lengths(header: &[u8; ITEM_HEADER_BYTES]) -> (u64, u64) {
    let key = u16::from_le_bytes([header[11], header[12]]);
    let value = u32::from_le_bytes([header[17], header[18], header[19], header[20]]);
    (key.into(), value.into())
}

fn read_array<const N: usize>(input: &mut impl BufRead) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
