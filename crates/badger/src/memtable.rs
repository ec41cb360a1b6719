//! A memtable that was not yet written out as a table: its write-ahead log, `<number>.mem`.
//!
//! Entries of a transaction all have its version and are followed by an entry that ends it: meta 0x80,
//! key `!badger!txn` with that version, value the version in decimal. Without that entry the
//! transaction did not happen.
//!
//! Only keys, and where the values are, are kept in memory: a log has at most 128 MiB.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Error;
use crate::coding::VersionedKey;
use crate::log_file::HEADER_BYTES;
use crate::log_file::LogEntry;
use crate::log_file::LogFile;
use crate::log_tail;
use crate::log_tail::Tail;
use crate::source_file::SourceFile;
use crate::stored::END_OF_TRANSACTION;
use crate::stored::IN_TRANSACTION;
use crate::stored::State;
use crate::stored::Stored;
use crate::stored::StoredValue;

const END_KEY: &[u8] = b"!badger!txn";
/// More digits than the largest version has.
const LONGEST_VERSION: u64 = 20;

/// The entries of a log, in order of their keys.
#[derive(Debug)]
pub(crate) struct Memtable {
    file: Arc<SourceFile>,
    entries: Vec<Place>,
    /// Whether the log ends in the middle of a transaction.
    unfinished: bool,
}

#[derive(Clone, Debug)]
struct Place {
    key: VersionedKey,
    state: State,
    offset: u64,
    length: u64,
}

impl Memtable {
    /// Reads the log at `path`.
    pub(crate) fn read(path: PathBuf) -> Result<Self, Error> {
        let mut replay =
            Replay { log: LogFile::open(path)?, finished: Vec::new(), pending: Vec::new() };
        let mut offset = HEADER_BYTES;
        while let Some(entry) = replay.log.entry(offset)? {
            replay.take(offset, &entry)?;
            offset = entry.end;
        }
        let torn = log_tail::inspect(&mut replay.log, offset)? == Tail::Torn;
        let unfinished = torn || !replay.pending.is_empty();
        let mut entries = replay.finished;
        // Where a version was written twice, the later one counts. The sort keeps their order.
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        entries.reverse();
        entries.dedup_by(|earlier, later| earlier.key == later.key);
        entries.reverse();
        Ok(Self { file: replay.log.file().clone(), entries, unfinished })
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// How many versions of keys there are.
    pub(crate) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Fails where the log ends in the middle of a transaction. Only the last one may.
    pub(crate) fn check_finished(&self) -> Result<(), Error> {
        if self.unfinished {
            let reason = "the log ends in the middle of a transaction, but is not the last one";
            return Err(self.file.damaged(self.file.length(), reason));
        }
        Ok(())
    }

    /// The entry with that number, in order of the keys.
    pub(crate) fn entry(&self, number: usize) -> Option<Stored> {
        let Place { key, state, offset, length } = self.entries.get(number)?.clone();
        let value = StoredValue::InLog { file: self.file.clone(), offset, length };
        Some(Stored { key, state, value })
    }
}

struct Replay {
    log: LogFile,
    finished: Vec<Place>,
    /// Entries of a transaction whose end was not read yet.
    pending: Vec<Place>,
}

impl Replay {
    fn take(&mut self, offset: u64, entry: &LogEntry) -> Result<(), Error> {
        let key = VersionedKey::parse(&entry.key)
            .ok_or_else(|| self.log.file().damaged(offset, "a key without a version"))?;
        let other_version = self.pending.first().is_some_and(|first| first.key.age != key.age);
        if other_version {
            let reason = "a transaction goes on with another version";
            return Err(self.log.file().damaged(offset, reason));
        }
        if entry.state.meta & END_OF_TRANSACTION != 0 {
            return self.finish(offset, entry, &key);
        }
        let place = Place {
            key,
            state: entry.state,
            offset: entry.value_offset,
            length: entry.value_length,
        };
        if entry.state.meta & IN_TRANSACTION != 0 {
            self.pending.push(place);
        } else if self.pending.is_empty() {
            self.finished.push(place);
        } else {
            let reason = "an entry of no transaction in the middle of one";
            return Err(self.log.file().damaged(offset, reason));
        }
        Ok(())
    }

    fn finish(&mut self, offset: u64, entry: &LogEntry, key: &VersionedKey) -> Result<(), Error> {
        let length = entry.value_length.min(LONGEST_VERSION);
        let version = self.log.file().read(entry.value_offset, length)?;
        if key.key != END_KEY || version != key.version().to_string().as_bytes() {
            return Err(self.log.file().damaged(offset, "not the end of this transaction"));
        }
        self.finished.append(&mut self.pending);
        Ok(())
    }
}
