//! Why a block store operation failed.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::PartProblem;

/// An error of a driver's library, or of a body's producer.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a block store operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no bytes at the address.
    #[error("no data at {0}")]
    NotFound(String),

    /// There is something at the address already, where nothing should be. Nothing was written.
    #[error("there is data at {0} already")]
    Exists(String),

    /// The request may or may not have been carried out: its answer was lost.
    #[error("outcome of writing {location} is unknown")]
    OutcomeUnknown {
        /// The address.
        location: String,
        /// How the answer was lost.
        #[source]
        source: BoxError,
    },

    /// There is no upload in parts of that id for the address.
    #[error("no upload {0:?} in progress")]
    UploadNotFound(String),

    /// A part cannot be stored, or an upload not be completed with it.
    #[error("part {number} of the upload: {problem}")]
    InvalidPart {
        /// Number of the part; 0 where none was given.
        number: u32,
        /// What is wrong with it.
        problem: PartProblem,
    },

    /// The store asks to be called less often, and did so at each attempt. Nothing was written.
    #[error("block store is throttling requests for {0}")]
    Throttled(String),

    /// The address cannot be one of this store.
    #[error("invalid address {address:?}: {reason}")]
    InvalidAddress {
        /// The address as given.
        address: String,
        /// Which rule it breaks.
        reason: &'static str,
    },

    /// The address leads to where this store must not go.
    #[error("forbidden address {0:?}")]
    Forbidden(String),

    /// This store cannot do that.
    #[error("operation not supported by this block store: {0}")]
    NotSupported(&'static str),

    /// The producer of the body failed; nothing is visible at the address.
    #[error("reading the body failed")]
    Body(#[source] BoxError),

    /// The body was not as long as announced; nothing is visible at the address.
    #[error("body has {actual} bytes where {announced} were announced")]
    Length {
        /// Bytes announced.
        announced: u64,
        /// Bytes that came (at least).
        actual: u64,
    },

    /// There is no room for the bytes; nothing is visible at the address.
    #[error("no space left at {0}: free some, or move the data directory to a larger disk")]
    Full(String),

    /// The bytes are not those that were stored.
    #[error("corrupt data at {location}: {reason}")]
    Corrupt {
        /// The file or address.
        location: String,
        /// What was wrong.
        reason: String,
    },

    /// The store failed.
    #[error("block store failed at {location}")]
    Io {
        /// The file or address.
        location: String,
        /// What the store said.
        #[source]
        source: BoxError,
    },
}

impl Error {
    /// The error for an operating system's error at `location`.
    pub fn from_io(location: impl fmt::Display, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full(location.to_string())
            }
            _ => Self::Io { location: location.to_string(), source: Box::new(source) },
        }
    }

    /// One of the errors of those who waited for the same thing in vain: of the same kind.
    pub(crate) fn from_shared(error: &Arc<Self>) -> Self {
        match &**error {
            Self::NotFound(location) => Self::NotFound(location.clone()),
            Self::Throttled(location) => Self::Throttled(location.clone()),
            Self::Forbidden(address) => Self::Forbidden(address.clone()),
            Self::InvalidAddress { address, reason } => {
                Self::InvalidAddress { address: address.clone(), reason }
            }
            Self::Corrupt { location, reason } => {
                Self::Corrupt { location: location.clone(), reason: reason.clone() }
            }
            Self::Io { location, .. } => Self::Io {
                location: location.clone(),
                source: Box::new(SharedCause(error.clone())),
            },
            other => {
                let source = Box::new(SharedCause(error.clone()));
                Self::Io { location: other.to_string(), source }
            }
        }
    }

    /// The error where `asked` lies not within the `size` bytes at `location`.
    pub fn too_short(location: String, asked: &Range<u64>, size: u64) -> Self {
        let reason =
            format!("bytes {} to {} were asked for, it has {size}", asked.start, asked.end);
        Self::Corrupt { location, reason }
    }
}

/// The cause of an error that several who waited for the same thing were told.
#[derive(Debug)]
struct SharedCause(Arc<Error>);

impl fmt::Display for SharedCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::error::Error::source(&*self.0) {
            Some(cause) => write!(out, "{cause}"),
            None => write!(out, "{}", self.0),
        }
    }
}

impl std::error::Error for SharedCause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0).and_then(std::error::Error::source)
    }
}
