//! Why a block store operation failed.

use std::fmt;
use std::io;
use std::ops::Range;

/// An error of a driver's library, or of a body's producer.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a block store operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no bytes at the address.
    #[error("no data at {0}")]
    NotFound(String),

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

    /// The error where `asked` lies not within the `size` bytes at `location`.
    pub(crate) fn too_short(location: String, asked: &Range<u64>, size: u64) -> Self {
        let reason =
            format!("bytes {} to {} were asked for, it has {size}", asked.start, asked.end);
        Self::Corrupt { location, reason }
    }
}
