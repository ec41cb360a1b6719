//! Storing a body by itself: a file made aside, synced, then moved into its place.
//!
//! Until it is whole and durable nobody sees it. Its bytes go through memory in chunks of a quarter
//! of a MiB: while one is written, the next is collected. Whoever drops the future stops the
//! transfer; the file aside is removed then, or when the store is opened the next time.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use lakehold_clock::Runtime;
use md5::Digest as _;
use md5::Md5;

use crate::Error;
use crate::Measured;
use crate::local::directories::Directories;
use crate::local::read::FileIdentity;

/// Bytes of a body that are written at once.
pub(super) const CHUNK_BYTES: usize = 256 << 10;

/// After this many bytes the file is synced, so that a body of any size leaves only so much to be
/// written to the disk at its end, and only so much memory taken until then.
const SYNC_EVERY_BYTES: u64 = 64 << 20;

/// Bytes copied between two looks at whether anyone still wants the copy.
const COPY_STEP_BYTES: u64 = 16 << 20;

/// Makes the files aside, and moves them into their places.
#[derive(Debug)]
pub(super) struct Uploads {
    runtime: Runtime,
    directories: Arc<Directories>,
    aside: Arc<Aside>,
}

impl Uploads {
    pub(super) fn new(runtime: Runtime, directories: Arc<Directories>, aside: Arc<Aside>) -> Self {
        Self { runtime, directories, aside }
    }

    /// Stores `first` and what `rest` has yet to give at `to`; returns the number of bytes.
    pub(super) async fn put(
        &self,
        to: Arc<str>,
        first: Bytes,
        rest: Measured,
    ) -> Result<u64, Error> {
        let upload = self.write(first, rest).await?;
        self.finish(upload, to, ()).await
    }

    /// Writes `first` and what `rest` has yet to give to a file aside.
    pub(super) async fn write(&self, first: Bytes, rest: Measured) -> Result<Upload, Error> {
        Self::fill(self.aside.create()?, &self.runtime, first, rest).await
    }

    /// Writes what `body` gives to a file aside, and takes its MD5.
    pub(super) async fn write_hashed(&self, body: Measured) -> Result<Upload, Error> {
        let mut upload = self.aside.create()?;
        upload.md5 = Some(Md5::new());
        Self::fill(upload, &self.runtime, Bytes::new(), body).await
    }

    async fn fill(
        mut upload: Upload,
        runtime: &Runtime,
        first: Bytes,
        mut rest: Measured,
    ) -> Result<Upload, Error> {
        let mut chunk = first;
        loop {
            let written = runtime.blocking(move || upload.write(&chunk).map(|()| upload));
            let (written, next) = tokio::join!(written, rest.gather(CHUNK_BYTES));
            (upload, chunk) = (written?, next?);
            if chunk.is_empty() {
                return Ok(upload);
            }
        }
    }

    /// Stores a copy of `from` at `to`; returns the number of bytes.
    pub(super) async fn copy(&self, from: File, to: Arc<str>) -> Result<u64, Error> {
        let upload = self.concatenate(move || [Ok(from)].into_iter()).await?;
        self.finish(upload, to, ()).await
    }

    /// Writes all of the files that `open` gives, one after the other, to a file aside.
    pub(super) async fn concatenate<F>(
        &self,
        open: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Upload, Error>
    where
        F: Iterator<Item = Result<File, Error>>,
    {
        let mut upload = self.aside.create()?;
        let wanted = Arc::new(());
        let watched = Arc::downgrade(&wanted);
        let copied = move || {
            open().try_for_each(|file| upload.copy(&file?, &watched))?;
            Ok(upload)
        };
        let copied = self.runtime.blocking(copied).await;
        drop(wanted);
        copied
    }

    /// Moves `upload` to its place for good, and returns the number of bytes. `held` is let go only
    /// when nothing of that goes on any more, even if this future is dropped.
    pub(super) async fn finish<H: Send + 'static>(
        &self,
        upload: Upload,
        to: Arc<str>,
        held: H,
    ) -> Result<u64, Error> {
        let directories = self.directories.clone();
        let wanted = Arc::new(());
        let watched = Arc::downgrade(&wanted);
        let place = move || {
            let placed = upload.place(&directories, &to, &watched);
            drop(held);
            placed
        };
        let placed = self.runtime.blocking(place).await;
        drop(wanted);
        placed
    }
}

/// The folder of the files that are not yet in their places.
#[derive(Debug)]
pub(super) struct Aside {
    folder: PathBuf,
    next: AtomicU64,
}

impl Aside {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, next: AtomicU64::new(0) }
    }

    /// Removes what an earlier process left, and makes the folder if it is not there.
    pub(super) fn clear(&self) -> Result<(), Error> {
        let cleared = || {
            fs::create_dir_all(&self.folder)?;
            fs::read_dir(&self.folder)?.try_for_each(|left| fs::remove_file(left?.path()))
        };
        cleared().map_err(|error| Error::from_io(self.folder.display(), error))
    }

    /// Makes a file that no other process and no other upload uses.
    pub(super) fn create(&self) -> Result<Upload, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(number.to_string());
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|error| Error::from_io(path.display(), error))?;
        Ok(Upload { path, file, md5: None, length: 0, unsynced: 0, placed: false })
    }
}

/// A file that is being written aside. Dropped before it is in its place, it is removed.
#[derive(Debug)]
pub(super) struct Upload {
    path: PathBuf,
    file: File,
    md5: Option<Md5>,
    length: u64,
    unsynced: u64,
    placed: bool,
}

impl Upload {
    /// Appends `chunk`.
    pub(super) fn write(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.file.write_all(chunk).map_err(|error| self.failed(error))?;
        if let Some(md5) = &mut self.md5 {
            md5.update(chunk);
        }
        self.wrote(chunk.len() as u64)
    }

    /// The MD5 of what was written, in hexadecimal digits; empty if it was not wanted.
    pub(super) fn etag(&self) -> String {
        self.md5.clone().map_or_else(String::new, |md5| hex::encode(md5.finalize()))
    }

    /// Tells the file from all others, here and in its place.
    pub(super) fn identity(&self) -> Result<FileIdentity, Error> {
        FileIdentity::of(&self.file).map_err(|error| self.failed(error))
    }

    /// Appends all of `from`, unless nobody holds `wanted` any more.
    fn copy(&mut self, from: &File, wanted: &Weak<()>) -> Result<(), Error> {
        while wanted.strong_count() > 0 {
            let step = &mut from.take(COPY_STEP_BYTES);
            let copied = io::copy(step, &mut self.file).map_err(|error| self.failed(error))?;
            if copied == 0 {
                break;
            }
            self.wrote(copied)?;
        }
        Ok(())
    }

    fn wrote(&mut self, bytes: u64) -> Result<(), Error> {
        self.length += bytes;
        self.unsynced += bytes;
        if self.unsynced >= SYNC_EVERY_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.unsynced = 0;
        self.file.sync_data().map_err(|error| self.failed(error))
    }

    /// Moves the file to its place for good, and returns its length.
    fn place(mut self, to: &Directories, path: &str, wanted: &Weak<()>) -> Result<u64, Error> {
        self.sync()?;
        if wanted.strong_count() > 0 {
            self.move_to(to, path)?;
        }
        Ok(self.length)
    }

    /// Moves the file to its place, synced or not.
    pub(super) fn move_to(&mut self, to: &Directories, path: &str) -> Result<(), Error> {
        to.place(&self.path, path)?;
        self.placed = true;
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::from_io(self.path.display(), error)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed now is when the store is opened again.
            drop(fs::remove_file(&self.path));
        }
    }
}
