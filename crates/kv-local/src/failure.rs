//! Errors that name the path and what to do.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use fjall::LsmError;
use lakehold_kv::BoxError;
use lakehold_kv::Error;

const RESTORE: &str = "restore the directory from a backup";

/// Something that went wrong with a file or directory, and the way out.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}; {advice}", .path.display())]
pub(crate) struct Failure {
    pub(crate) path: PathBuf,
    pub(crate) what: &'static str,
    pub(crate) advice: &'static str,
    #[source]
    pub(crate) source: Option<BoxError>,
}

impl Failure {
    pub(crate) fn new(path: &Path, what: &'static str, advice: &'static str) -> Self {
        Self { path: path.to_path_buf(), what, advice, source: None }
    }

    pub(crate) fn caused_by(self, source: impl Into<BoxError>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(Box::new(failure))
    }
}

/// What is at `path` is not what was written there.
pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Error {
    let source = format!("{}; {RESTORE}", what.into()).into();
    Error::Corrupt { location: path.display().to_string(), source }
}

/// An error of the operating system on reading `path`, which ought to be there and whole.
pub(crate) fn unreadable(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => damaged(path, "the file is missing"),
        io::ErrorKind::UnexpectedEof => damaged(path, "the file is cut off"),
        _ => unreachable_path(path, error),
    }
}

/// An error of the operating system that says nothing about what is stored.
pub(crate) fn unreachable_path(path: &Path, error: io::Error) -> Error {
    let advice = "check the permissions of the directory, the free space and the disk";
    Failure::new(path, "cannot be read or written", advice).caused_by(error).into()
}

/// An error of the library on reading or opening the store in `path`.
pub(crate) fn of_library(path: &Path, error: fjall::Error) -> Error {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(LsmError::Io(error)) => {
            unreadable(path, error)
        }
        fjall::Error::Locked => {
            let advice = "stop the other process first";
            Failure::new(path, "another process has the store open", advice).into()
        }
        other => Error::Corrupt {
            location: path.display().to_string(),
            source: Box::new(
                Failure::new(path, "a file of the store is damaged", RESTORE).caused_by(other),
            ),
        },
    }
}
