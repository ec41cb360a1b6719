//! The store as its users see it: opened, and its records one by one.

use std::path::Path;
use std::path::PathBuf;

use bytes::Bytes;
use lakehold_clock::Timestamp;

use crate::Error;
use crate::directory::Parts;
use crate::lock::DirectoryLock;
use crate::merge::Merge;
use crate::stored::Stored;
use crate::value_log::Values;

/// Keys of Badger's own begin so.
const OWN_PREFIX: &[u8] = b"!badger!";
/// What lakeFS puts between partition and key. No partition's name has one.
const SEPARATOR: u8 = b'/';

/// A Badger directory, open for reading. Nothing is ever written to it.
///
/// While this exists, Badger, and so lakeFS, cannot open the directory.
#[derive(Debug)]
pub struct Badger {
    path: PathBuf,
    parts: Parts,
    _lock: DirectoryLock,
}

/// A record as lakeFS's key-value store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Partition of the key.
    pub partition: Bytes,
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

impl Badger {
    /// Whether `directory` has the manifest of a Badger store.
    pub fn is_in(directory: &Path) -> bool {
        directory.join("MANIFEST").is_file()
    }

    /// Opens the store in `directory`; reads the write-ahead logs and the index of every table. Blocks
    /// on the disk.
    ///
    /// Fails with [`Error::NotAStore`], [`Error::InUse`], [`Error::Unsupported`] where the store is
    /// encrypted or packed with zstd, [`Error::Damaged`] and [`Error::Io`]. Blocks of tables and
    /// values in the value log are checked when they are read.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        if !directory.is_dir() {
            let reason = "there is no such folder".into();
            return Err(Error::NotAStore { path: directory.into(), reason });
        }
        let lock = DirectoryLock::take(directory)?;
        let parts = Parts::read(directory)?;
        Ok(Self { path: directory.into(), parts, _lock: lock })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many versions of keys the store has: not less than its records. For showing progress.
    pub fn versions(&self) -> u64 {
        self.parts.versions()
    }

    /// Returns the records there are at `now`: of each key the newest version, if it is neither deleted
    /// nor expired. Ascending by the bytes of partition, `/` and key, so that each partition is in one
    /// piece.
    ///
    /// Memory does not grow with the number of records: besides the keys of the write-ahead logs, a
    /// block for each of a bounded number of tables and one value are held.
    pub fn records(&self, now: Timestamp) -> Records<'_> {
        Records {
            store: self,
            now: u64::try_from(now.seconds).unwrap_or(0),
            merge: Merge::of(self.parts.sources()),
            values: Values::of(self.path.clone()),
            last: None,
            ended: false,
        }
    }
}

/// The records of a store, in order. After an error nothing follows. Blocks on the disk.
#[derive(Debug)]
pub struct Records<'a> {
    store: &'a Badger,
    now: u64,
    merge: Merge,
    values: Values,
    last: Option<Vec<u8>>,
    ended: bool,
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let found = self.next_record().transpose();
        self.ended = !matches!(found, Some(Ok(_)));
        found
    }
}

impl Records<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, Error> {
        while let Some(stored) = self.merge.next()? {
            if self.last.as_ref() == Some(&stored.key.key) {
                continue;
            }
            self.last = Some(stored.key.key.clone());
            if stored.state.is_visible(self.now) && !stored.key.key.starts_with(OWN_PREFIX) {
                return self.record(&stored).map(Some);
            }
        }
        Ok(None)
    }

    fn record(&mut self, stored: &Stored) -> Result<Record, Error> {
        let text = || String::from_utf8_lossy(&stored.key.key).into_owned();
        if stored.state.is_merge_operand() {
            let what = format!("the key {:?} holds operands of a merge", text());
            return Err(Error::unsupported(&self.store.path, what));
        }
        let separator = stored.key.key.iter().position(|&byte| byte == SEPARATOR);
        let Some((partition, key)) = separator
            .map(|at| (&stored.key.key[..at], &stored.key.key[at + 1..]))
            .filter(|(partition, key)| !partition.is_empty() && !key.is_empty())
        else {
            let what = format!("the key {:?} is not of the form partition/key", text());
            return Err(Error::unsupported(&self.store.path, what));
        };
        Ok(Record {
            partition: Bytes::copy_from_slice(partition),
            key: Bytes::copy_from_slice(key),
            value: self.values.fetch(stored)?.into(),
        })
    }
}
