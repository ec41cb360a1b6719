//! Why a tree could not be read or written.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::MetaRangeId;

/// An error of a change source, or the cause of [`Error::Corrupt`].
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// Why a tree could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such metarange in the namespace.
    #[error("metarange {0} not found")]
    MetaRangeNotFound(MetaRangeId),
    /// A range or metarange is not what its name says.
    #[error("corrupt {what} at {location}")]
    Corrupt {
        /// `range` or `metarange`.
        what: &'static str,
        /// Its address.
        location: String,
        /// What was wrong.
        #[source]
        source: BoxError,
    },
    /// A range that a metarange lists is missing from the block store (or another error of it).
    #[error("block store")]
    Block(#[from] lakehold_block::Error),
    /// The source of changes failed.
    #[error("reading changes")]
    Changes(#[source] BoxError),
    /// Both sides of a merge changed `key`, differently.
    #[error("conflict at {key:?}")]
    Conflict {
        /// The smallest such key, lossily as text.
        key: String,
    },
    /// Nothing was added, changed or removed, and an equal tree was not asked for.
    #[error("no changes")]
    NoChanges,
}

impl Error {
    /// Whether the block store asks to be called less often.
    pub fn is_throttled(&self) -> bool {
        matches!(self, Self::Block(lakehold_block::Error::Throttled(_)))
    }

    /// The address of the range that is missing from the block store, if that is what this says.
    pub fn missing_range(&self) -> Option<&str> {
        match self {
            Self::Block(lakehold_block::Error::NotFound(address)) => Some(address),
            _ => None,
        }
    }

    /// The corruption `source` of the `what` at `location`.
    pub(crate) fn corrupt(what: &'static str, location: &str, source: impl Into<BoxError>) -> Self {
        Self::Corrupt { what, location: location.to_owned(), source: source.into() }
    }

    /// Takes the error of a load that several tasks waited for: the error itself where this is the
    /// last of them, else one like it.
    pub(crate) fn from_shared(error: Arc<Self>) -> Self {
        Arc::try_unwrap(error).unwrap_or_else(|error| Self::like(&error))
    }

    fn like(error: &Arc<Self>) -> Self {
        let cause = Box::new(SharedCause(error.clone()));
        match &**error {
            Self::MetaRangeNotFound(id) => Self::MetaRangeNotFound(id.clone()),
            Self::Corrupt { what, location, .. } => Self::corrupt(what, location, cause),
            Self::Block(error) => Self::Block(block_error_like(error, cause)),
            Self::Changes(_) => Self::Changes(cause),
            Self::Conflict { key } => Self::Conflict { key: key.clone() },
            Self::NoChanges => Self::NoChanges,
        }
    }
}

/// An error of the same kind, for what a read may meet.
fn block_error_like(error: &lakehold_block::Error, cause: BoxError) -> lakehold_block::Error {
    use lakehold_block::Error as Block;
    match error {
        Block::NotFound(at) => Block::NotFound(at.clone()),
        Block::Throttled(at) => Block::Throttled(at.clone()),
        Block::InvalidAddress { address, reason } => {
            Block::InvalidAddress { address: address.clone(), reason }
        }
        Block::Forbidden(at) => Block::Forbidden(at.clone()),
        Block::NotSupported(what) => Block::NotSupported(what),
        Block::Corrupt { location, reason } => {
            Block::Corrupt { location: location.clone(), reason: reason.clone() }
        }
        Block::Io { location, .. } => Block::Io { location: location.clone(), source: cause },
        _ => Block::Body(cause),
    }
}

/// What caused an error that several tasks were given.
#[derive(Debug)]
struct SharedCause(Arc<Error>);

impl fmt::Display for SharedCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The innermost text: what is above it says the error that carries this cause.
        let mut cause: &dyn StdError = &*self.0;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        write!(out, "{cause}")
    }
}

impl StdError for SharedCause {}
