//! From JSON to a store.

use std::io;
use std::io::BufRead;
use std::io::Seek;
use std::io::SeekFrom;

use futures::StreamExt as _;
use futures::TryStreamExt as _;

use super::Chosen;
use super::OnProgress;
use super::Progress;
use super::form::Record;
use super::read::Reader;
use crate::Error;
use crate::Outcome;
use crate::Precondition;
use crate::Store;
use crate::Write;

/// How many records are looked up or written in one go.
const BATCH_RECORDS: usize = 500;
/// A batch ends after the record that brings it here.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How many records are looked up at the same time.
const LOOKUPS: usize = 16;

/// What becomes of records that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// If one has another value than in the dump, nothing is loaded.
    Refuse,
    /// They stay as they are.
    Keep,
    /// They take the value that they have in the dump.
    Replace,
}

/// What a load did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Records that were written.
    pub written: u64,
    /// Records that were there already and stayed as they were.
    pub kept: u64,
    /// Records of the dump in partitions that were not chosen.
    pub left_out: u64,
}

/// Why a dump was not loaded, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The dump could not be read.
    #[error("cannot read the dump")]
    Read(#[from] io::Error),

    /// The file is no dump, or not all of one. Nothing was written.
    #[error("not a dump: {reason} (after record {after})")]
    Malformed {
        /// How many whole records come before it.
        after: u64,
        /// What was wrong.
        reason: String,
    },

    /// The dump has another version than 1.0. Nothing was written.
    #[error("the dump has version {0:?}, and only \"1.0\" can be loaded")]
    Version(String),

    /// A record is there already with another value, and it was not said what to do then.
    #[error("{key:?} in partition {partition:?} is there already with another value")]
    Exists {
        /// The partition, lossily as text.
        partition: String,
        /// The key, lossily as text.
        key: String,
    },

    /// The store failed. Records before that were written; loading again completes them.
    #[error("the key-value store failed")]
    Store(#[from] Error),
}

/// Writes the records of the dump `input` that lie in `chosen` partitions to `store`.
///
/// Reads the dump twice. Before anything is written, all of it was seen to be well-formed and, with
/// [`Existing::Refuse`], to meet no record of another value. A load that was interrupted is completed
/// by loading again with the same choice. Blocks where `input` does.
pub async fn load(
    store: &dyn Store,
    mut input: impl BufRead + Seek + Send,
    chosen: &Chosen,
    existing: Existing,
    report: OnProgress<'_>,
) -> Result<Loaded, LoadError> {
    let start = input.stream_position()?;
    let mut loaded = Loaded::default();
    let mut total = 0;
    let mut batches = Batches::new(&mut input, chosen);
    while let Some(batch) = batches.next()? {
        total += batch.len() as u64;
        if existing == Existing::Refuse {
            refuse_others(store, &batch).await?;
        }
    }
    loaded.left_out = batches.left_out;

    input.seek(SeekFrom::Start(start))?;
    let mut progress = Progress { total: Some(total), ..Progress::default() };
    let mut batches = Batches::new(&mut input, chosen);
    while let Some(batch) = batches.next()? {
        batch
            .iter()
            .for_each(|record| progress.count(&record.partition, &record.key, &record.value));
        write(store, batch, existing, &mut loaded).await?;
        report(progress);
    }
    Ok(loaded)
}

/// The chosen records of a dump, some at a time.
struct Batches<'a, R> {
    reader: Reader<R>,
    chosen: &'a Chosen,
    left_out: u64,
}

impl<'a, R: BufRead> Batches<'a, R> {
    fn new(input: R, chosen: &'a Chosen) -> Self {
        Self { reader: Reader::new(input), chosen, left_out: 0 }
    }

    fn next(&mut self) -> Result<Option<Vec<Record>>, LoadError> {
        let mut batch = Vec::new();
        let mut size = 0;
        while batch.len() < BATCH_RECORDS && size < BATCH_BYTES {
            let Some(record) = self.reader.next()? else { break };
            if self.chosen.contains(&record.partition) {
                size += record.value.len();
                batch.push(record);
            } else {
                self.left_out += 1;
            }
        }
        Ok((!batch.is_empty()).then_some(batch))
    }
}

/// Fails where a record of `batch` is there with another value.
async fn refuse_others(store: &dyn Store, batch: &[Record]) -> Result<(), LoadError> {
    let lookups = batch.iter().map(|record| refuse_other(store, record));
    futures::stream::iter(lookups).buffer_unordered(LOOKUPS).try_collect().await
}

async fn refuse_other(store: &dyn Store, record: &Record) -> Result<(), LoadError> {
    let found = store.get(record.partition.clone(), record.key.clone()).await?;
    match found {
        Some(found) if found.value != record.value => Err(LoadError::Exists {
            partition: String::from_utf8_lossy(&record.partition).into_owned(),
            key: String::from_utf8_lossy(&record.key).into_owned(),
        }),
        _ => Ok(()),
    }
}

async fn write(
    store: &dyn Store,
    batch: Vec<Record>,
    existing: Existing,
    loaded: &mut Loaded,
) -> Result<(), LoadError> {
    let precondition = match existing {
        Existing::Refuse | Existing::Keep => Precondition::Absent,
        Existing::Replace => Precondition::Always,
    };
    let write = |record: &Record| Write {
        partition: record.partition.clone(),
        key: record.key.clone(),
        value: Some(record.value.clone()),
        precondition: precondition.clone(),
    };
    let outcomes = store.write(batch.iter().map(write).collect()).await?;
    for (record, outcome) in batch.iter().zip(outcomes) {
        match outcome {
            Outcome::Applied => loaded.written += 1,
            Outcome::PreconditionFailed => {
                if existing == Existing::Refuse {
                    refuse_other(store, record).await?;
                }
                loaded.kept += 1;
            }
        }
    }
    Ok(())
}
