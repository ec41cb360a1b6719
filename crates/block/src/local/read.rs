//! Reading a file: at once where it is small, else piece by piece with one piece read ahead.

use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use lakehold_clock::Runtime;
use lakehold_clock::Timestamp;

use crate::Body;
use crate::Error;
use crate::Head;
use crate::local::directories::is_absent;

/// So much is read at once without leaving the task's thread: from the page cache it takes some
/// microseconds, fewer than going to another thread and back.
const AT_ONCE_BYTES: u64 = 64 << 10;

/// Bytes of one piece.
const PIECE_BYTES: u64 = 256 << 10;

/// How many pieces are on their way: the one that is wanted and the one after it.
const PIECES: usize = 2;

/// What tells a file from another, or from itself after it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileIdentity {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl FileIdentity {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        let modified = (found.mtime(), found.mtime_nsec());
        Ok(Self { inode: found.ino(), size: found.len(), modified })
    }
}

/// The file at `path`, or `None` where there is none.
pub(super) fn open(path: &Path) -> Result<Option<File>, Error> {
    none_if_absent(path, File::open(path).map(Some))
}

/// What is known of the regular file at `path`, or `None` where there is none.
pub(super) fn head(path: &Path) -> Result<Option<Head>, Error> {
    none_if_absent(path, std::fs::metadata(path).map(|found| head_of(&found)))
}

fn none_if_absent<T>(path: &Path, found: io::Result<Option<T>>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(found),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::from_io(path.display(), error)),
    }
}

/// What is known of `file`, or `None` where it is no regular one.
pub(super) fn head_of_open(path: &Path, file: &File) -> Result<Option<Head>, Error> {
    none_if_absent(path, file.metadata().map(|found| head_of(&found)))
}

/// Length and time of a regular file; nothing else holds bytes that somebody stored.
fn head_of(found: &Metadata) -> Option<Head> {
    let nanos = u32::try_from(found.mtime_nsec()).unwrap_or(0);
    let modified = Timestamp { seconds: found.mtime(), nanos };
    found.is_file().then_some(Head { size: found.len(), modified })
}

/// The bytes of `range` in `file`, which has them.
pub(super) fn body(
    runtime: &Runtime,
    location: &str,
    file: File,
    range: Range<u64>,
) -> Result<Body, Error> {
    if range.end - range.start <= AT_ONCE_BYTES {
        return piece(&file, location, range).map(Body::Whole);
    }
    let length = range.end - range.start;
    let file = Arc::new((file, location.to_owned()));
    let runtime = runtime.clone();
    let starts = range.clone().step_by(PIECE_BYTES as usize);
    let pieces = stream::iter(starts).map(move |start| {
        let file = file.clone();
        let wanted = start..range.end.min(start + PIECE_BYTES);
        let runtime = runtime.clone();
        async move {
            let read = runtime.blocking(move || piece(&file.0, &file.1, wanted)).await;
            read.map_err(Into::into)
        }
    });
    Ok(Body::stream(Some(length), pieces.buffered(PIECES)))
}

/// Reads all of `range`: a file that is shorter was cut after it was stored.
fn piece(file: &File, location: &str, range: Range<u64>) -> Result<Bytes, Error> {
    let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(usize::MAX)];
    match file.read_exact_at(&mut bytes, range.start) {
        Ok(()) => Ok(bytes.into()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let size = file.metadata().map_or(0, |found| found.len());
            Err(Error::too_short(location.to_owned(), &range, size))
        }
        Err(error) => Err(Error::from_io(location, error)),
    }
}
