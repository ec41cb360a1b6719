//! Why a store operation failed, sorted by what the caller knows afterwards.

/// An error of a driver's library.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store asks to be called less often. Nothing was written.
    #[error("key-value store is throttling")]
    Throttled,

    /// The write may or may not have been applied: the answer was lost.
    #[error("outcome of the write is unknown")]
    Unknown(#[source] BoxError),

    /// The store could not be reached or refused to answer. Nothing was written.
    #[error("key-value store is unavailable")]
    Unavailable(#[source] BoxError),

    /// What the store holds is not what it wrote.
    #[error("corrupt key-value store at {location}")]
    Corrupt {
        /// Where: a file, or a partition and key.
        location: String,
        /// What was wrong.
        #[source]
        source: BoxError,
    },

    /// The request itself cannot be carried out: an empty partition or key, or a limit of zero.
    /// Nothing was written.
    #[error("invalid key-value request: {0}")]
    Invalid(&'static str),
}
