//! Copying a Badger directory into an empty store, once.
//!
//! ```text
//! empty? ─► write marker ─► copy in batches ─► read everything back, compare ─► remove marker
//! ```
//!
//! The *marker* is a record in a partition of our own, `lakehold-import`, at which lakeFS never looks.
//! It is in the store and not in a file beside it, so that it is there for whichever server opens the
//! store next, on whatever machine: while it is there the store is half a copy and must not be served
//! ([`unfinished_import`]). After the import nothing of it is left.
//!
//! An import that was interrupted is repeated from the beginning. Records that are there already are
//! compared and never overwritten or removed, so that a repetition can destroy nothing.
//!
//! Records are copied byte for byte, all of them. `auth/installation_metadata/lakefs_kv_type` keeps the
//! value `local`, too: it is a description that the server rewrites when it starts, and a copy that is
//! the same in every byte can be checked.

mod content;
mod marker;

use std::path::Path;

use bytes::Bytes;
use lakehold_clock::Timestamp;
use lakehold_kv::Outcome;
use lakehold_kv::Partitions;
use lakehold_kv::Precondition;
use lakehold_kv::Scan;
use lakehold_kv::Store;
use lakehold_kv::Write;

use crate::Badger;
use crate::Error;
use crate::Record;
use content::Content;

pub use marker::unfinished_import;

/// How many records are written in one call.
const BATCH_RECORDS: usize = 500;
/// A batch ends after the record that brings it here.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How many records are read back between two reports of progress.
const REPORT_EVERY: u64 = 500;

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// How many records there are.
    pub records: u64,
    /// Bytes of their partitions, keys and values.
    pub bytes: u64,
    /// Checksum of them all, in hex, whatever their order: the directory and the store have the same.
    pub checksum: String,
    /// Whether an earlier import of this directory had been interrupted.
    pub repeated: bool,
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Records of this phase so far.
    pub records: u64,
    /// Bytes of their partitions, keys and values.
    pub bytes: u64,
    /// How many records this phase will have: when copying, not more than this; then exactly.
    pub total: u64,
}

/// A part of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// From the directory to the store.
    Copy,
    /// Reading back what is in the store.
    Verify,
}

/// Why a directory was not imported, or not completely. In every case the directory is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The directory cannot be read.
    #[error(transparent)]
    Source(#[from] Error),

    /// The store failed. Repeat the import.
    #[error("the key-value store failed; import again when it works")]
    Store(#[from] lakehold_kv::Error),

    /// The store has records that no import put there. Nothing was written.
    #[error("the store is not empty: it has a partition {partition:?}; import into a new one")]
    NotEmpty {
        /// One of its partitions, lossily as text.
        partition: String,
    },

    /// An import of another directory into this store was interrupted. Nothing was written.
    #[error(
        "an import of {directory} into this store was interrupted; repeat that one, or import into a new store"
    )]
    OtherImport {
        /// The other directory.
        directory: String,
    },

    /// The interrupted import that is being repeated had put another value there: the directory has
    /// changed since.
    #[error(
        "{key:?} in partition {partition:?} was imported with another value earlier; import into a new store"
    )]
    Changed {
        /// The partition, lossily as text.
        partition: String,
        /// The key, lossily as text.
        key: String,
    },

    /// What is in the store is not what was copied.
    #[error(
        "the store has {found} records where {expected} were copied, or others; import into a new store"
    )]
    Mismatch {
        /// How many records were copied.
        expected: u64,
        /// How many are in the store.
        found: u64,
    },
}

/// Told of the progress after each batch.
type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Copies all records that `directory` has at `now` into `store`, which must be empty, and verifies the
/// copy by reading it back. Blocks on the disk.
///
/// The directory is not changed: lakeFS can be started on it again, and then has what it had. While this
/// runs it cannot be opened by lakeFS. Fails with [`ImportError::NotEmpty`] where the store has records
/// already. After an interruption, call it again.
pub async fn import_badger(
    directory: &Path,
    store: &dyn Store,
    now: Timestamp,
    report: OnProgress<'_>,
) -> Result<Imported, ImportError> {
    let source = Badger::open(directory)?;
    let repeated = marker::begin(store, directory, now).await?;
    let copied = copy(&source, store, now, report).await?;
    let found = read_back(store, copied.records(), report).await?;
    if found != copied {
        let (expected, found) = (copied.records(), found.records());
        return Err(ImportError::Mismatch { expected, found });
    }
    marker::end(store).await?;
    let (records, bytes) = (copied.records(), copied.bytes());
    Ok(Imported { records, bytes, checksum: copied.checksum(), repeated })
}

async fn copy(
    source: &Badger,
    store: &dyn Store,
    now: Timestamp,
    report: OnProgress<'_>,
) -> Result<Content, ImportError> {
    let mut content = Content::default();
    let mut records = source.records(now);
    loop {
        let batch = next_batch(&mut records)?;
        if batch.is_empty() {
            return Ok(content);
        }
        for record in &batch {
            content.add(&record.partition, &record.key, &record.value);
        }
        write(store, batch).await?;
        report(content.progress(Phase::Copy, source.versions()));
    }
}

fn next_batch(
    records: &mut impl Iterator<Item = Result<Record, Error>>,
) -> Result<Vec<Record>, Error> {
    let mut batch = Vec::new();
    let mut size = 0;
    while batch.len() < BATCH_RECORDS && size < BATCH_BYTES {
        let Some(record) = records.next().transpose()? else { break };
        size += record.value.len();
        batch.push(record);
    }
    Ok(batch)
}

async fn write(store: &dyn Store, batch: Vec<Record>) -> Result<(), ImportError> {
    let write = |record: &Record| Write {
        partition: record.partition.clone(),
        key: record.key.clone(),
        value: Some(record.value.clone()),
        precondition: Precondition::Absent,
    };
    let outcomes = store.write(batch.iter().map(write).collect()).await?;
    for (record, outcome) in batch.into_iter().zip(outcomes) {
        if outcome == Outcome::PreconditionFailed {
            require_equal(store, record).await?;
        }
    }
    Ok(())
}

/// Fails where the record is in `store` with another value.
async fn require_equal(store: &dyn Store, record: Record) -> Result<(), ImportError> {
    let found = store.get(record.partition.clone(), record.key.clone()).await?;
    if found.is_some_and(|found| found.value == record.value) {
        return Ok(());
    }
    Err(ImportError::Changed {
        partition: String::from_utf8_lossy(&record.partition).into_owned(),
        key: String::from_utf8_lossy(&record.key).into_owned(),
    })
}

/// Reads everything in `store` but the marker.
async fn read_back(
    store: &dyn Store,
    total: u64,
    report: OnProgress<'_>,
) -> Result<Content, ImportError> {
    let mut content = Content::default();
    let mut partitions = Partitions::new(store);
    while let Some(partition) = partitions.next().await? {
        if partition == marker::PARTITION {
            continue;
        }
        let mut scan = Scan::new(store, partition.clone(), Bytes::new());
        while let Some(entry) = scan.next().await? {
            content.add(&partition, &entry.key, &entry.value);
            if content.records().is_multiple_of(REPORT_EVERY) {
                report(content.progress(Phase::Verify, total));
            }
        }
    }
    report(content.progress(Phase::Verify, total));
    Ok(content)
}
