//! Opening the journal: what an earlier process acknowledged is put in its place.

use std::fs;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use lakehold_clock::Runtime;
use lakehold_clock::Timestamp;
use tokio::sync::Semaphore;

use crate::Error;
use crate::local::directories::Directories;
use crate::local::journal::Journal;
use crate::local::journal::Root;
use crate::local::journal::format;
use crate::local::journal::index::Index;
use crate::local::journal::segment;
use crate::local::journal::segment::Sealed;
use crate::local::journal::state::State;
use crate::local::settings::Tuning;
use crate::local::upload::Aside;

/// A store that was just dropped in this process may still be finishing a job; nobody else is given
/// the time that this takes.
const LOCK_ATTEMPTS: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// What a journal is opened with.
#[derive(Debug)]
pub(in crate::local) struct Opening {
    pub(in crate::local) folder: PathBuf,
    pub(in crate::local) aside: Arc<Aside>,
    pub(in crate::local) root: PathBuf,
    pub(in crate::local) directories: Arc<Directories>,
    pub(in crate::local) runtime: Runtime,
    pub(in crate::local) tuning: Tuning,
}

impl Journal {
    /// Opens the journal and puts what it holds in place. May block.
    ///
    /// Fails with [`Error::Corrupt`] where something that was acknowledged cannot be read.
    pub(in crate::local) fn open(opening: Opening) -> Result<Arc<Self>, Error> {
        let Opening { folder, aside, root, directories, runtime, tuning } = opening;
        let locked = lock(&folder)?;
        let root = Root { folder: open_folder(&root)?, path: root };
        refuse_other_file_system(&root.folder, &locked, &folder)?;
        aside.clear()?;

        let index = Index::default();
        let sealed = read_segments(&folder, &index)?;
        let next_number = sealed.last().map_or(1, |last| last.number + 1);
        let max_sealed = tuning.segments;
        let state = State { next_number, max_sealed, ..State::default() };
        let journal = Arc::new(Self {
            folder,
            _locked: locked,
            root,
            directories,
            aside,
            room: Semaphore::new(tuning.waiting_kib as usize),
            runtime,
            tuning,
            index,
            state: Mutex::new(state),
        });
        journal.recover(sealed)?;
        Ok(journal)
    }

    /// Puts in place what was found. What finds no room stays in the journal, from where it is read.
    fn recover(self: &Arc<Self>, sealed: Vec<Sealed>) -> Result<(), Error> {
        if sealed.is_empty() {
            return Ok(());
        }
        let bodies: usize = sealed.iter().map(|segment| segment.places.len()).sum();
        match self.put_in_place(&sealed) {
            Ok(()) => tracing::info!(bodies, "put the bodies of the block journal in their places"),
            Err(error @ Error::Full(_)) => {
                self.change(|state| state.sealed = sealed.into());
                self.write_out_failed(&error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Opens and locks the journal's folder.
fn lock(folder: &Path) -> Result<File, Error> {
    let file = open_folder(folder)?;
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::park_timeout(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => {
                return Err(Error::from_io(folder.display(), error));
            }
        }
    }
    let source = "another process uses this block journal; stop it first".into();
    Err(Error::Io { location: folder.display().to_string(), source })
}

fn open_folder(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|error| Error::from_io(path.display(), error))
}

/// A file moves from one folder to the other as a whole only within one file system.
fn refuse_other_file_system(root: &File, journal: &File, path: &Path) -> Result<(), Error> {
    let device = |folder: &File| folder.metadata().map(|found| found.dev());
    match (device(root), device(journal)) {
        (Ok(one), Ok(other)) if one == other => Ok(()),
        (Err(error), _) | (_, Err(error)) => Err(Error::from_io(path.display(), error)),
        _ => {
            let source = "the block journal must lie on the file system of the block folder".into();
            Err(Error::Io { location: path.display().to_string(), source })
        }
    }
}

/// Reads all segments in `folder`, oldest first, into `index`.
fn read_segments(folder: &Path, index: &Index) -> Result<Vec<Sealed>, Error> {
    let numbers =
        segment::numbers(folder).map_err(|error| Error::from_io(folder.display(), error))?;
    let newest = numbers.last().copied();
    let read = |number| read_one(folder, number, Some(number) == newest, index);
    numbers.into_iter().map(read).collect()
}

fn read_one(folder: &Path, number: u64, newest: bool, index: &Index) -> Result<Sealed, Error> {
    let path = segment::path_of(folder, number);
    let (bytes, modified) =
        read_file(&path).map_err(|error| Error::from_io(path.display(), error))?;
    let contents = format::read_segment(&bytes, number, newest).map_err(|damage| {
        let reason = format!(
            "at byte {}: {}. Uploads that were acknowledged shortly before the last stop may be \
             lost. Check the disk and restore this file from a copy; or, to go on without what it \
             holds, move it away",
            damage.offset, damage.reason
        );
        Error::Corrupt { location: path.display().to_string(), reason }
    })?;
    if let Some(offset) = contents.torn_at {
        let dropped = bytes.len() - offset;
        tracing::info!(
            path = %path.display(), offset, size_bytes = dropped,
            "dropped the end of the block journal, which was never acknowledged"
        );
    }
    let places: Arc<[Arc<str>]> =
        contents.records.iter().map(|record| Arc::from(record.place.as_str())).collect();
    let bodies = contents.records.into_iter().map(|record| record.body);
    index.insert(number, modified, places.iter().cloned().zip(bodies));
    Ok(Sealed { number, path, places })
}

fn read_file(path: &Path) -> io::Result<(Bytes, Timestamp)> {
    let found = fs::metadata(path)?;
    let nanos = u32::try_from(found.mtime_nsec()).unwrap_or(0);
    let modified = Timestamp { seconds: found.mtime(), nanos };
    Ok((fs::read(path)?.into(), modified))
}
