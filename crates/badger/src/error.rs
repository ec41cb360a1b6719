//! What can be wrong with a directory. Every text names the path and says what to do.

use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Why a directory is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no Badger store at this path.
    #[error("{}: holds no Badger store ({reason}); give the folder that the setting database.local.path names", .path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },

    /// A process has the store open, so that it may change while we read.
    #[error("{}: in use{}; stop lakeFS first", .path.display(), holder(.process.as_deref()))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The number of the process, where the file `LOCK` says it.
        process: Option<String>,
    },

    /// The store uses something that lakeFS never asks Badger for, such as encryption.
    #[error("{}: {what}, which lakeFS does not use and Lakehold does not read", .path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it uses.
        what: String,
    },

    /// A file is not what was written.
    #[error("{} at byte {offset}: {reason}; restore the folder from a backup, or start and stop lakeFS on a copy of it, which keeps what it can", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Offset in the file, in bytes.
        offset: u64,
        /// What was found there.
        reason: String,
    },

    /// The operating system does not let us read.
    #[error("{}: cannot be read; check its permissions and the disk", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

fn holder(process: Option<&str>) -> String {
    process.map(|process| format!(" by process {process}")).unwrap_or_default()
}

impl Error {
    /// Kept out of line: it is never the common case.
    #[cold]
    pub(crate) fn damaged(path: &Path, offset: u64, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), offset, reason: reason.into() }
    }

    pub(crate) fn unsupported(path: &Path, what: impl Into<String>) -> Self {
        Self::Unsupported { path: path.into(), what: what.into() }
    }

    /// An error of the operating system on `path`, which the store says is there.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::damaged(path, 0, "the file is missing"),
            _ => Self::Io { path: path.into(), source },
        }
    }
}
