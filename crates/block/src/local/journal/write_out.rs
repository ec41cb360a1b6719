//! From sealed segments to plain files: many files, one sync, then the segments are removed.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::Mode;
use rustix::fs::OFlags;

use crate::Error;
use crate::local::directories::folder_of;
use crate::local::directories::is_absent;
use crate::local::directories::sync_folder;
use crate::local::journal::Journal;
use crate::local::journal::Root;
use crate::local::journal::segment::Sealed;
use crate::local::journal::state::State;

/// As any program makes files: the umask has the last word.
const FILE_MODE: u32 = 0o666;

/// Why segments could not be written out.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    is_full: bool,
    location: String,
    reason: String,
}

impl Trouble {
    fn new(error: &Error) -> Self {
        let (is_full, location, reason) = match error {
            Error::Full(location) => (true, location.clone(), String::new()),
            Error::Io { location, source } => (false, location.clone(), source.to_string()),
            other => (false, String::new(), other.to_string()),
        };
        Self { is_full, location, reason }
    }

    /// The error, for one more who asks.
    pub(super) fn error(&self) -> Error {
        if self.is_full {
            return Error::Full(self.location.clone());
        }
        Error::Io { location: self.location.clone(), source: self.reason.clone().into() }
    }
}

impl Journal {
    /// Writes out sealed segments until there are none, or something is wrong.
    pub(super) fn write_out(self: &Arc<Self>) {
        while let Some(segments) = self.change(State::next_sealed) {
            match self.put_in_place(&segments) {
                Ok(()) => self.change(|state| state.written_out(segments.len())),
                Err(error) => return self.write_out_failed(&error),
            }
        }
    }

    /// Puts the bodies of `segments` in their places and removes the segments.
    pub(super) fn put_in_place(&self, segments: &[Sealed]) -> Result<(), Error> {
        let mut folder = OpenFolder::default();
        for segment in segments {
            for (place, body) in self.index.bodies_of(segment.number, &segment.places) {
                self.write_file(&mut folder, &place, &body)?;
            }
        }
        rustix::fs::syncfs(&self.root.folder)
            .map_err(|error| Error::from_io(self.root.path.display(), error.into()))?;
        segments.iter().try_for_each(|segment| remove_segment(&segment.path))?;
        sync_folder(&self.folder)?;
        // Not before the segments are gone for good: a body that is deleted as soon as it is in its
        // place would be back after a crash.
        for segment in segments {
            self.index.remove(segment.number, &segment.places);
        }
        Ok(())
    }

    /// Puts `body` in its `place`; it is durable after the next sync of the file system.
    fn write_file(&self, folder: &mut OpenFolder, place: &str, body: &[u8]) -> Result<(), Error> {
        let mut made = folder.create(&self.root, place);
        if made.as_ref().is_err_and(is_absent) {
            self.directories.forget(folder_of(place));
            self.directories.create(folder_of(place))?;
            *folder = OpenFolder::default();
            made = folder.create(&self.root, place);
        }
        let written = match made {
            Ok(mut file) => file.write_all(body),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return self.replace_file(place, body);
            }
            Err(error) => return Err(self.failed(place, error)),
        };
        written.map_err(|error| {
            // Half a file is worse than none for whoever looks into the folder.
            drop(fs::remove_file(self.root.path.join(place)));
            self.failed(place, error)
        })
    }

    /// Puts `body` where there is a file already: the same one, or what a crash left of it.
    fn replace_file(&self, place: &str, body: &[u8]) -> Result<(), Error> {
        let found = File::open(self.root.path.join(place)).and_then(|file| {
            let mut found = Vec::with_capacity(body.len());
            file.take(body.len() as u64 + 1).read_to_end(&mut found).map(|_| found)
        });
        if found.is_ok_and(|found| found == body) {
            return Ok(());
        }
        let mut upload = self.aside.create()?;
        upload.write(body)?;
        upload.move_to(&self.directories, place)
    }

    fn failed(&self, place: &str, error: io::Error) -> Error {
        Error::from_io(self.root.path.join(place).display(), error)
    }

    /// Keeps the bodies where they are, to try again later.
    pub(super) fn write_out_failed(self: &Arc<Self>, error: &Error) {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "bodies stay in the block journal until they can be put in their places"
        );
        let trouble = Trouble::new(error);
        self.change(|state| {
            state.writing_out = false;
            state.retry = false;
            state.fail_drains(&trouble);
            state.trouble = Some(trouble);
        });
        self.retry_later();
    }

    fn retry_later(self: &Arc<Self>) {
        let journal = Arc::downgrade(self);
        let pause = self.runtime.sleep(self.tuning.retry_after);
        self.runtime.spawn("block journal retry", async move {
            pause.await;
            if let Some(journal) = journal.upgrade() {
                journal.change(|state| state.retry = true);
            }
        });
    }
}

impl State {
    /// The segments to be written out, or the end of the write-out.
    fn next_sealed(&mut self) -> Option<Vec<Sealed>> {
        if self.sealed.is_empty() {
            self.writing_out = false;
            return None;
        }
        // After a failure one at a time: each that succeeds makes room for the next.
        let count = if self.trouble.is_some() { 1 } else { self.sealed.len() };
        Some(self.sealed.iter().take(count).cloned().collect())
    }

    /// Takes note that the oldest `count` segments are written out.
    fn written_out(&mut self, count: usize) {
        self.sealed.drain(..count);
        self.trouble = None;
        self.retry = false;
        self.answer_drains();
    }
}

/// The folder that the last file was made in. The next is likely to be made there too, and finding the
/// folder costs as much as making the file.
#[derive(Default)]
struct OpenFolder(Option<(Box<str>, OwnedFd)>);

impl OpenFolder {
    /// Makes a new file at `place` below the root.
    fn create(&mut self, root: &Root, place: &str) -> io::Result<File> {
        let (folder, name) = place.rsplit_once('/').unwrap_or((".", place));
        let open = match self.0.take().filter(|(path, _)| **path == *folder) {
            Some(open) => open,
            None => (folder.into(), open_folder(root, folder)?),
        };
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let made = rustix::fs::openat(&open.1, name, flags, Mode::from_raw_mode(FILE_MODE));
        self.0 = Some(open);
        Ok(made?.into())
    }
}

fn open_folder(root: &Root, folder: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(&root.folder, folder, flags, Mode::empty())?)
}

/// Removes what may have been removed by an attempt before.
fn remove_segment(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => Err(Error::from_io(path.display(), error)),
        _ => Ok(()),
    }
}
