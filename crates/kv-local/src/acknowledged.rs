//! The number of the last batch whose writers were told that it is durable.
//!
//! The library takes damage in a journal for a torn tail and cuts off everything behind it. The
//! number of the last batch that is left then says how much is left, but not how much there was. So
//! the committer notes, in a file of its own, each number *after* the batch was synced and *before*
//! its writers are answered. The note itself is not synced: it survives a killed process, and after a
//! power cut it is at worst older than the journal, never newer.
//!
//! ```text
//! "lhkvack1" | number (u64, big-endian) | XXH3-64 of these 16 bytes (big-endian)
//! ```

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &[u8; 8] = b"lhkvack1";

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// There is no file: the store was never completely created.
    Absent,
    /// The file does not hold a number: torn by a power cut, or damaged.
    Unreadable,
    /// Batches up to this one were acknowledged.
    Batch(u64),
}

/// Returns what the file at `path` says.
pub(crate) fn read(path: &Path) -> io::Result<Mark> {
    match std::fs::read(path) {
        Ok(stored) => Ok(decode(&stored).map_or(Mark::Unreadable, Mark::Batch)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Mark::Absent),
        Err(error) => Err(error),
    }
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Acknowledged(File);

impl Acknowledged {
    /// Opens the file at `path`, or creates it, notes `batch` and syncs.
    pub(crate) fn open(path: &Path, batch: u64) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        let opened = Self(file);
        opened.note(batch)?;
        opened.sync()?;
        Ok(opened)
    }

    /// Notes that batches up to `batch` are durable.
    pub(crate) fn note(&self, batch: u64) -> io::Result<()> {
        self.0.write_all_at(&encode(batch), 0)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn encode(batch: u64) -> [u8; 24] {
    let mut stored = [0; 24];
    stored[..8].copy_from_slice(MAGIC);
    stored[8..16].copy_from_slice(&batch.to_be_bytes());
    let checksum = xxh3_64(&stored[..16]);
    stored[16..].copy_from_slice(&checksum.to_be_bytes());
    stored
}

fn decode(stored: &[u8]) -> Option<u64> {
    let number = u64::from_be_bytes(stored.get(8..16)?.try_into().ok()?);
    (encode(number) == stored).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_and_a_changed_byte_is_noticed() {
        let stored = encode(0x0102_0304_0506_0708);
        assert_eq!(decode(&stored), Some(0x0102_0304_0506_0708));
        for at in 0..stored.len() {
            let mut changed = stored;
            changed[at] ^= 0x10;
            assert_eq!(decode(&changed), None, "byte {at}");
            assert_eq!(decode(&stored[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn a_file_is_absent_unreadable_or_says_a_number() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("acknowledged");
        assert_eq!(read(&path).expect("read"), Mark::Absent);

        let opened = Acknowledged::open(&path, 7).expect("create");
        assert_eq!(read(&path).expect("read"), Mark::Batch(7));
        opened.note(8).expect("note");
        assert_eq!(read(&path).expect("read"), Mark::Batch(8));

        std::fs::write(&path, b"").expect("write");
        assert_eq!(read(&path).expect("read"), Mark::Unreadable);
    }
}
