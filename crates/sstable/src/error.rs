//! What can be wrong with a table.

/// Why bytes are no table, or a record cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes at `offset` are not what the format says.
    #[error("corrupt table at byte {offset}: {reason}")]
    Corrupt {
        /// Offset in the file, in bytes.
        offset: u64,
        /// What was expected.
        reason: String,
    },
    /// Keys must ascend.
    #[error("key {key:?} is not after the key before it")]
    OutOfOrder {
        /// The key, lossily as text.
        key: String,
    },
}

impl Error {
    /// An error at `offset` of the file. Kept out of line: it is never the common case.
    #[cold]
    pub(crate) fn corrupt(offset: u64, reason: impl Into<String>) -> Self {
        Self::Corrupt { offset, reason: reason.into() }
    }
}
