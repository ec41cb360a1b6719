//! A file of the store, read at given offsets. Nothing here can write.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::Error;

/// An open file whose errors say where they arose.
#[derive(Debug)]
pub(crate) struct SourceFile {
    path: PathBuf,
    file: File,
    length: u64,
}

impl SourceFile {
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        let opened = File::open(&path).and_then(|file| {
            let length = file.metadata()?.len();
            Ok((file, length))
        });
        let (file, length) = opened.map_err(|error| Error::io(&path, error))?;
        Ok(Self { path, file, length })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// In bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Returns the `length` bytes at `offset`; damaged where the file does not have that many.
    pub(crate) fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
        // Before memory is reserved for a length that a damaged file may claim.
        let end = offset.checked_add(length).filter(|end| *end <= self.length);
        let (Some(_), Ok(length)) = (end, usize::try_from(length)) else {
            return Err(self.damaged(offset, format!("{length} bytes are not there")));
        };
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset).map_err(|error| self.failed(offset, error))?;
        Ok(bytes)
    }

    /// Returns the bytes at `offset`, at most `length` of them: fewer where the file ends.
    pub(crate) fn read_up_to(&self, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        let left = self.length.saturating_sub(offset);
        self.read(offset.min(self.length), left.min(length as u64))
    }

    pub(crate) fn damaged(&self, offset: u64, reason: impl Into<String>) -> Error {
        Error::damaged(&self.path, offset, reason)
    }

    fn failed(&self, offset: u64, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(offset, "the file has become shorter"),
            _ => Error::io(&self.path, error),
        }
    }
}
