//! Opening: create what is not there, check what is, and only then let the library touch it.
//!
//! ```text
//! <directory>/acknowledged   number of the last acknowledged batch; written last on creation
//! <directory>/lsm/           the library's directory
//! ```
//!
//! While `acknowledged` is missing nothing was ever acknowledged, so that a creation that was cut off
//! is begun again. Once it is there, so must everything else be.

use std::any::Any;
use std::fs::File;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;

use fjall::CompressionType;
use fjall::Database;
use fjall::Keyspace;
use fjall::KeyspaceCreateOptions;
use lakehold_kv::Error;

use crate::LocalSettings;
use crate::acknowledged;
use crate::acknowledged::Acknowledged;
use crate::acknowledged::Mark;
use crate::failure::damaged;
use crate::failure::of_library;
use crate::failure::unreachable_path;
use crate::journal;
use crate::keys::BATCH_MARK;
use crate::trees;

/// The library's folder of trees, in its own.
const TREES: &str = "keyspaces";

/// Name of the library's tree that holds the records.
const RECORDS: &str = "records";

/// One thread writes tables and merges them. With two or more, the library keeps one free for writing
/// by having it hand a merge back to the queue, over and over while the other is merging: measured,
/// a tenth of the CPU time of a store under load.
const LIBRARY_THREADS: usize = 1;

/// An open store.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) keyspace: Keyspace,
    pub(crate) acknowledged: Acknowledged,
    pub(crate) last_batch: u64,
}

/// Opens the store in `directory`, creating it where there is none.
pub(crate) fn open(directory: &Path, settings: &LocalSettings) -> Result<Opened, Error> {
    create_directory(directory).map_err(|error| unreachable_path(directory, error))?;
    let mark_path = directory.join("acknowledged");
    let mark =
        acknowledged::read(&mark_path).map_err(|error| unreachable_path(&mark_path, error))?;
    let path = directory.join("lsm");
    match mark {
        Mark::Absent => check_new(&path)?,
        Mark::Unreadable => {
            tracing::warn!(path = %mark_path.display(), "damaged; going on without what it said");
            check_existing(&path, None)?;
        }
        Mark::Batch(number) => check_existing(&path, Some(number))?,
    }
    let (database, keyspace) = guarded(&path, || open_library(&path, mark, settings))?;
    // The library makes a tree's files durable, but not the name of the folder that they are in.
    let trees = path.join(TREES);
    sync_directory(&trees).map_err(|error| unreachable_path(&trees, error))?;
    let last_batch = last_batch(&path, &keyspace)?;
    if let Mark::Batch(acknowledged) = mark
        && last_batch < acknowledged
    {
        let what = format!("batch {acknowledged} was acknowledged, but {last_batch} is the last");
        return Err(damaged(&path, what));
    }
    let acknowledged = Acknowledged::open(&mark_path, last_batch)
        .and_then(|opened| sync_directory(directory).map(|()| opened))
        .map_err(|error| unreachable_path(&mark_path, error))?;
    Ok(Opened { database, keyspace, acknowledged, last_batch })
}

/// Creates `directory` so that a power cut does not take its name away again, also where it is there
/// already: an earlier process may have ended right after creating it.
fn create_directory(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Checks a store that something was acknowledged of, or may have been.
fn check_existing(path: &Path, acknowledged: Option<u64>) -> Result<(), Error> {
    if !path.join("version").is_file() {
        return Err(damaged(&path.join("version"), "the file is missing"));
    }
    trees::check(path, true)?;
    journal::check(path, acknowledged)
}

/// Checks a store whose creation was not completed, and removes what the library cannot go on from.
fn check_new(path: &Path) -> Result<(), Error> {
    if !path.exists() {
        return Ok(());
    }
    if path.join("version").is_file() {
        trees::check(path, false)?;
        return journal::check(path, None);
    }
    if !is_unused(path).map_err(|error| unreachable_path(path, error))? {
        return Err(damaged(&path.join("version"), "the file is missing"));
    }
    std::fs::remove_dir_all(path).map_err(|error| unreachable_path(path, error))
}

/// Whether there is no tree, which the library creates after its file `version`.
fn is_unused(path: &Path) -> io::Result<bool> {
    match std::fs::read_dir(path.join(TREES)) {
        Ok(mut trees) => Ok(trees.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn open_library(
    path: &Path,
    mark: Mark,
    settings: &LocalSettings,
) -> Result<(Database, Keyspace), Error> {
    let opened = Database::builder(path)
        .cache_size(settings.cache_bytes)
        .worker_threads(LIBRARY_THREADS)
        .journal_compression(CompressionType::None)
        .manual_journal_persist(true)
        .open();
    let database = opened.map_err(|error| of_library(path, error))?;
    if mark != Mark::Absent && !database.keyspace_exists(RECORDS) {
        return Err(damaged(path, "the tree of the records is missing"));
    }
    let options = || KeyspaceCreateOptions::default().max_memtable_size(settings.memtable_bytes);
    let keyspace = database.keyspace(RECORDS, options).map_err(|error| of_library(path, error))?;
    Ok((database, keyspace))
}

fn last_batch(path: &Path, keyspace: &Keyspace) -> Result<u64, Error> {
    let stored =
        guarded(path, || keyspace.get(BATCH_MARK).map_err(|error| of_library(path, error)))?;
    let Some(stored) = stored else { return Ok(0) };
    let (number, _) = journal::parse_mark(&stored)
        .ok_or_else(|| damaged(path, "the number of the last batch is not a number"))?;
    Ok(number)
}

/// Runs `work`, taking a panic of the library for what it is: a file it did not expect.
pub(crate) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(damaged(path, format!("a file of the store is damaged ({})", text_of(&*panic))))
    })
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}
