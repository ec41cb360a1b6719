//! Why an operation of the catalog did not happen.

use lakehold_block::BoxError;
use lakehold_block::Error as BlockError;
use lakehold_block::PartProblem;
use lakehold_engine::BranchId;
use lakehold_engine::EngineError;
use lakehold_engine::ErrorKind;
use lakehold_kv::Error as KvError;

use crate::PullRequestId;

/// Why an operation of the catalog did not happen.
///
/// Wraps the engine's errors, so that protocols see one type; [`CatalogError::kind`] says which way
/// out a caller has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),

    /// The storage namespace is not one of this block store.
    #[error("invalid storage namespace {namespace:?}: must match {expected}")]
    InvalidNamespace {
        /// The namespace as given.
        namespace: String,
        /// The regular expression that namespaces of this store match.
        expected: String,
    },
    /// Another repository lives, or lived, in the storage namespace.
    #[error("storage namespace {namespace} is in use: found {place}")]
    NamespaceInUse {
        /// The namespace.
        namespace: String,
        /// The marker that was found in it.
        place: String,
    },
    /// The storage namespace cannot be written or read back.
    #[error("cannot access storage at {namespace}")]
    StorageAccess {
        /// The namespace.
        namespace: String,
        /// What the block store said.
        #[source]
        source: BlockError,
    },
    /// No block store of that id.
    #[error("unknown storage id {0:?}")]
    UnknownStorageId(String),

    /// No pull request of that id.
    #[error("pull request {} not found", .0.as_str())]
    PullRequestNotFound(PullRequestId),
    /// A branch cannot be merged into itself.
    #[error("source and destination are the same branch {0}")]
    SameBranch(BranchId),
    /// Only an open pull request can be merged.
    #[error("pull request {} is not open", .0.as_str())]
    PullRequestNotOpen(PullRequestId),
    /// No import of that id.
    #[error("import {0:?} not found")]
    ImportNotFound(String),
    /// Nothing can be imported from this block store, or its operator does not want it.
    #[error("this block store does not support imports")]
    ImportNotSupported,
    /// What is in the repository's own namespace cannot be imported into it.
    #[error("import path {path:?} is in, or above, the repository's namespace {namespace}")]
    InvalidImportSource {
        /// The source as given.
        path: String,
        /// The repository's namespace.
        namespace: String,
        /// Whether the source contains the namespace, rather than lies in it.
        above: bool,
    },
    /// As many imports wait in this process as may.
    #[error("too many imports are waiting")]
    TooManyImports,
    /// It is too late to cancel the import: its commit was made, or may have been.
    #[error("import {0:?} has made its commit")]
    ImportCommitted(String),
    /// An object was changed while it was imported.
    #[error("{0} was changed while it was being imported")]
    ImportChanged(String),

    /// A path of 1 to 1024 bytes is needed.
    #[error("path of {0} bytes: 1 to 1024 are allowed")]
    InvalidPath(usize),
    /// Too many paths in one call.
    #[error("{0} paths in one call, at most 1000 are allowed")]
    TooManyPaths(usize),

    /// The object is recorded but its bytes are gone.
    #[error("no data at {0}")]
    DataMissing(String),
    /// The address cannot be one of the store's.
    #[error("invalid physical address {address:?}: {reason}")]
    InvalidAddress {
        /// The address as given.
        address: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// Something is at the address already, where nothing should be.
    #[error("there is data at {0} already")]
    AddressTaken(String),
    /// The address lies where it may not.
    #[error("forbidden physical address {0:?}")]
    ForbiddenAddress(String),
    /// The link address has no valid signature for this repository, branch and path.
    #[error("link address {address:?} is invalid: {reason:?}")]
    InvalidLink {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        reason: LinkProblem,
    },
    /// The link address is more than 24 hours old.
    #[error("link address {0:?} has expired")]
    LinkExpired(String),
    /// Only an address that was given out, below the namespace's `data/`, will do.
    #[error("physical address {0:?} is not below the namespace's data")]
    AddressOutsideData(String),
    /// No upload in parts of that id is in progress at its address.
    #[error("no upload {0:?} in progress")]
    UploadNotFound(String),
    /// A part cannot be stored, or an upload not be completed with it.
    #[error("part {number}: {problem}")]
    InvalidPart {
        /// Number of the part; 0 where none was given.
        number: u32,
        /// What is wrong with it.
        problem: PartProblem,
    },

    /// What the caller sent as the object's bytes broke off or had another length than announced.
    #[error("upload broke off: {0}")]
    BrokenUpload(String),
    /// This store or this version cannot do that.
    #[error("not supported: {0}")]
    NotSupported(&'static str),
    /// The disk is full.
    #[error("{0}")]
    StorageFull(String),

    /// The record of an object cannot be read.
    #[error("corrupt entry at {location}")]
    CorruptEntry {
        /// Repository and path.
        location: String,
        /// What was wrong with it.
        #[source]
        source: BoxError,
    },
    /// The block store failed.
    #[error("block store")]
    Block(#[source] BlockError),
}

/// What is wrong with a link address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkProblem {
    /// It lies where only signed addresses are accepted and carries no signature.
    NotSigned,
    /// What should be its signature, or its name, cannot be one.
    Malformed,
    /// It was signed for something else, or by somebody else.
    WrongSignature,
}

impl CatalogError {
    /// Returns what a caller can do about this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Engine(error) => error.kind(),
            Self::StorageAccess { source: BlockError::Throttled(_), .. } => ErrorKind::Throttled,
            Self::InvalidNamespace { .. }
            | Self::NamespaceInUse { .. }
            | Self::StorageAccess { .. }
            | Self::UnknownStorageId(_)
            | Self::SameBranch(_)
            | Self::PullRequestNotOpen(_)
            | Self::InvalidPath(_)
            | Self::TooManyPaths(_)
            | Self::InvalidAddress { .. }
            | Self::InvalidLink { .. }
            | Self::LinkExpired(_)
            | Self::AddressOutsideData(_)
            | Self::InvalidPart { .. }
            | Self::BrokenUpload(_)
            | Self::InvalidImportSource { .. }
            | Self::NotSupported(_) => ErrorKind::Invalid,
            Self::PullRequestNotFound(_) | Self::ImportNotFound(_) | Self::UploadNotFound(_) => {
                ErrorKind::NotFound
            }
            Self::ForbiddenAddress(_) | Self::ImportNotSupported => ErrorKind::Forbidden,
            Self::AddressTaken(_) | Self::ImportCommitted(_) | Self::ImportChanged(_) => {
                ErrorKind::Conflict
            }
            Self::TooManyImports => ErrorKind::Busy,
            Self::DataMissing(_) => ErrorKind::Gone,
            Self::Block(BlockError::OutcomeUnknown { .. }) => ErrorKind::OutcomeUnknown,
            Self::Block(BlockError::Throttled(_)) => ErrorKind::Throttled,
            Self::StorageFull(_) | Self::CorruptEntry { .. } | Self::Block(_) => {
                ErrorKind::Internal
            }
        }
    }
}

impl CatalogError {
    /// This error as it is to be told after `done` was: most errors say that nothing was.
    pub(crate) fn after(self, done: &'static str) -> Self {
        match self.kind() {
            ErrorKind::OutcomeUnknown => self,
            _ => EngineError::OutcomeUnknown(done, KvError::Unknown(self.into())).into(),
        }
    }

    /// This error as it is to be told where nobody can ever see what became of a write: bytes that no
    /// record names, records of a repository that is not there yet. Nothing was done.
    pub(crate) fn into_not_done(self) -> Self {
        match self {
            Self::Block(BlockError::OutcomeUnknown { location, source }) => {
                Self::Block(BlockError::Io { location, source })
            }
            Self::Engine(EngineError::OutcomeUnknown(_, KvError::Throttled)) => {
                EngineError::from(KvError::Throttled).into()
            }
            unknown if unknown.kind() == ErrorKind::OutcomeUnknown => {
                EngineError::from(KvError::Unavailable(unknown.into())).into()
            }
            other => other,
        }
    }
}

impl From<BlockError> for CatalogError {
    fn from(error: BlockError) -> Self {
        use BlockError as Block;
        match error {
            Block::NotFound(address) => Self::DataMissing(address),
            Block::Exists(address) => Self::AddressTaken(address),
            Block::InvalidAddress { address, reason } => Self::InvalidAddress { address, reason },
            Block::Forbidden(address) => Self::ForbiddenAddress(address),
            Block::NotSupported(operation) => Self::NotSupported(operation),
            Block::Body(source) => Self::BrokenUpload(source.to_string()),
            Block::Length { .. } => Self::BrokenUpload(error.to_string()),
            Block::Full(_) => Self::StorageFull(error.to_string()),
            Block::UploadNotFound(id) => Self::UploadNotFound(id),
            Block::InvalidPart { number, problem } => Self::InvalidPart { number, problem },
            other => Self::Block(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_upload() {
        let full = CatalogError::from(BlockError::Full("/data".to_owned()));
        assert!(matches!(&full, CatalogError::StorageFull(text) if text.contains("/data")));
        let short = BlockError::Length { announced: 3, actual: 2 };
        assert!(matches!(CatalogError::from(short), CatalogError::BrokenUpload(_)));
    }

    #[test]
    fn bytes_that_are_gone_are_gone_and_not_a_failure() {
        let missing = CatalogError::from(BlockError::NotFound("mem://a/b".to_owned()));
        assert_eq!(missing.kind(), ErrorKind::Gone);
    }

    fn unknown() -> BlockError {
        BlockError::OutcomeUnknown { location: "mem://a/b".to_owned(), source: "cut off".into() }
    }

    #[test]
    fn what_a_block_store_says_of_itself_is_handed_on() {
        let throttled = || BlockError::Throttled("mem://a/b".to_owned());
        let namespace = "mem://a".to_owned();
        for (error, kind) in [
            (CatalogError::from(unknown()), ErrorKind::OutcomeUnknown),
            (CatalogError::from(throttled()), ErrorKind::Throttled),
            (CatalogError::StorageAccess { namespace, source: throttled() }, ErrorKind::Throttled),
            (CatalogError::from(BlockError::Exists("mem://a/b".to_owned())), ErrorKind::Conflict),
        ] {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }

    #[test]
    fn what_nobody_can_see_is_not_done_and_what_was_done_is_not_denied() {
        let lost = || CatalogError::from(EngineError::from(KvError::Unknown("cut off".into())));
        for error in [CatalogError::from(unknown()), lost()] {
            let told = error.into_not_done();
            assert_eq!(told.kind(), ErrorKind::Internal, "{told:?}");
        }
        let failed = CatalogError::from(BlockError::Throttled("mem://a/b".to_owned()));
        assert_eq!(failed.after("the branch was merged").kind(), ErrorKind::OutcomeUnknown);
        let told = lost().after("the branch was merged").to_string();
        assert!(!told.contains("merged"), "it says by itself what is unknown: {told}");
    }
}
