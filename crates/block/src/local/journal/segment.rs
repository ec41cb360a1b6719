//! One file of the journal, while it takes batches.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Error;
use crate::local::directories::sync_folder;
use crate::local::journal::format::BatchWriter;
use crate::local::journal::format::SEGMENT_HEADER;
use crate::local::journal::format::SegmentId;

const SUFFIX: &str = ".journal";

/// A segment that takes batches.
#[derive(Debug)]
pub(super) struct Segment {
    id: SegmentId,
    path: PathBuf,
    file: File,
    length: u64,
    batches: u64,
    places: Vec<Arc<str>>,
}

/// A segment that takes no more, and whose bodies are to be put in their places.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) places: Arc<[Arc<str>]>,
}

/// A batch that could not be appended.
#[derive(Debug)]
pub(super) enum AppendError {
    /// Nothing of it is in the segment, which can go on.
    Undone(Error),
    /// What the segment holds after its last batch is not known; nothing may be appended to it.
    Broken(Error),
}

/// A batch that has been appended.
#[derive(Debug)]
pub(super) struct Appended {
    /// The segment's number.
    pub(super) segment: u64,
    /// What was written: the bodies lie in it.
    pub(super) bytes: Vec<u8>,
}

impl Segment {
    /// Makes the file of the segment, durable and empty.
    pub(super) fn create(folder: &Path, id: SegmentId) -> Result<Self, Error> {
        let path = path_of(folder, id.number);
        let made = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|file| {
            file.write_all_at(&id.header(), 0)?;
            file.sync_data()?;
            Ok(file)
        });
        let file = made.map_err(|error| {
            // Left behind it would be a torn one: harmless, but a full disk may need the room.
            drop(fs::remove_file(&path));
            Error::from_io(path.display(), error)
        })?;
        sync_folder(folder)?;
        Ok(Self { id, path, file, length: SEGMENT_HEADER as u64, batches: 0, places: Vec::new() })
    }

    /// Writes a batch and syncs it.
    pub(super) fn append(&mut self, batch: BatchWriter) -> Result<Appended, AppendError> {
        let bytes = batch
            .finish(self.id, self.batches, self.length)
            .ok_or_else(|| AppendError::Undone(self.failed(io::ErrorKind::FileTooLarge.into())))?;
        if let Err(error) = self.file.write_all_at(&bytes, self.length) {
            return Err(self.undo(error));
        }
        if let Err(error) = self.file.sync_data() {
            // The kernel may have dropped what it could not write; another sync would not tell.
            drop(self.file.set_len(self.length));
            return Err(AppendError::Broken(self.failed(error)));
        }
        self.length += bytes.len() as u64;
        self.batches += 1;
        Ok(Appended { segment: self.id.number, bytes })
    }

    fn undo(&self, error: io::Error) -> AppendError {
        match self.file.set_len(self.length) {
            Ok(()) => AppendError::Undone(self.failed(error)),
            Err(_) => AppendError::Broken(self.failed(error)),
        }
    }

    /// Remembers that the segment holds bodies for `places`.
    pub(super) fn holds(&mut self, places: impl Iterator<Item = Arc<str>>) {
        self.places.extend(places);
    }

    pub(super) fn number(&self) -> u64 {
        self.id.number
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn entries(&self) -> usize {
        self.places.len()
    }

    /// Ends the segment.
    pub(super) fn seal(self) -> Sealed {
        Sealed { number: self.id.number, path: self.path, places: self.places.into() }
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::from_io(self.path.display(), error)
    }

    #[cfg(test)]
    pub(super) fn replace_file(&mut self, file: File) {
        self.file = file;
    }
}

/// The file of the segment `number`.
pub(super) fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016x}{SUFFIX}"))
}

/// The numbers of the segments in `folder`, ascending.
pub(super) fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        numbers.extend(number.and_then(|number| u64::from_str_radix(number, 16).ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
