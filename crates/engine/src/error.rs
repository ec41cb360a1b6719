//! Why an operation on a repository did not happen.

use lakehold_kv::BoxError;

use crate::BranchId;
use crate::InvalidId;
use crate::MetaRangeId;
use crate::RefExpr;
use crate::RepositoryId;
use crate::TagId;

/// What engine functions return.
pub(crate) type Result<T, E = EngineError> = std::result::Result<T, E>;

/// Why an operation on a repository did not happen.
///
/// Each variant is one thing a caller may want to treat differently; the text is for people and may
/// change. [`EngineError::kind`] says which way out a caller has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// No repository of that name.
    #[error("repository {0} not found")]
    RepositoryNotFound(RepositoryId),
    /// A repository of that name is already there, or its record is.
    #[error("repository {0} already exists")]
    RepositoryExists(RepositoryId),
    /// The repository is being deleted.
    #[error("repository {0} is being deleted")]
    RepositoryInDeletion(RepositoryId),
    /// The repository refuses writes that do not say `force`.
    #[error("repository {0} is read-only")]
    ReadOnlyRepository(RepositoryId),

    /// No branch of that name.
    #[error("branch {0} not found")]
    BranchNotFound(BranchId),
    /// A branch of that name is already there.
    #[error("branch {0} already exists")]
    BranchExists(BranchId),
    /// The default branch cannot be deleted.
    #[error("branch {0} is the default branch")]
    DefaultBranch(BranchId),
    /// The branch has changes that are not committed.
    #[error("branch {0} has uncommitted changes")]
    DirtyBranch(BranchId),
    /// A protection rule forbids this on the branch.
    #[error("branch {branch} is protected against {action:?}")]
    ProtectedBranch {
        /// The branch.
        branch: BranchId,
        /// What is forbidden.
        action: crate::BlockedAction,
    },
    /// The branch moved each time we tried to move it.
    #[error("branch {branch} is too busy: gave up after {attempts} attempts")]
    BranchBusy {
        /// The branch.
        branch: BranchId,
        /// How many times we tried.
        attempts: u32,
    },

    /// No tag of that name.
    #[error("tag {0} not found")]
    TagNotFound(TagId),
    /// A tag of that name is already there.
    #[error("tag {0} already exists")]
    TagExists(TagId),
    /// The name is taken by a thing of another kind: `branch`, `tag` or `commit`.
    #[error("{kind} {name} has that name")]
    NameTaken {
        /// What has the name.
        kind: &'static str,
        /// The name.
        name: String,
    },

    /// The expression names nothing.
    #[error("reference {0} not found")]
    RefNotFound(RefExpr),
    /// The expression breaks the grammar, or a modifier does not fit what it names.
    #[error("invalid reference {reference:?}: {reason}")]
    InvalidRef {
        /// The expression.
        reference: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// The expression names a staging area where a commit is needed.
    #[error("reference {0} names a staging area, not a commit")]
    NotACommit(RefExpr),
    /// A commit that another record names is missing.
    #[error("commit {0} not found")]
    CommitNotFound(String),
    /// No metarange of that id in the repository.
    #[error("metarange {0} not found")]
    MetaRangeNotFound(MetaRangeId),

    /// Nothing under that key.
    #[error("{0:?} not found")]
    KeyNotFound(String),
    /// The condition of a write did not hold.
    #[error("precondition failed for {0:?}")]
    PreconditionFailed(String),

    /// Nothing to do, and an empty commit was not asked for.
    #[error("no changes")]
    NoChanges,
    /// Both sides changed a key; a strategy was not given.
    #[error("conflict at {key:?}")]
    Conflict {
        /// The first such key.
        key: String,
    },
    /// The two have no common ancestor.
    #[error("no merge base of {left} and {right}")]
    NoMergeBase {
        /// One commit.
        left: String,
        /// The other.
        right: String,
    },
    /// A merge commit was to be reverted without saying relative to which parent.
    #[error("commit {0} is a merge: say relative to which parent")]
    RevertMergeWithoutParent(String),
    /// A merge commit was to be cherry-picked without saying relative to which parent.
    #[error("commit {0} is a merge: say relative to which parent")]
    CherryPickMergeWithoutParent(String),
    /// The commit has no such parent.
    #[error("commit has no parent {0}")]
    ParentOutOfRange(i64),
    /// A given metarange can only be committed to a branch without uncommitted changes.
    #[error("branch {0} has uncommitted changes, so a given metarange cannot be committed")]
    SourceMetaRangeOnDirtyBranch(BranchId),

    /// A name that cannot be.
    #[error(transparent)]
    InvalidId(#[from] InvalidId),
    /// An argument that cannot be.
    #[error("invalid {name}: {value:?}")]
    InvalidArgument {
        /// Name of the argument.
        name: &'static str,
        /// Its value.
        value: String,
    },

    /// A hook refused.
    #[error("{0}")]
    HookRefused(String),

    /// What we read from the store is not what we could have written.
    #[error("corrupt {what} at {location}")]
    Corrupt {
        /// The kind of record, such as `branch`.
        what: &'static str,
        /// Where it was read.
        location: String,
        /// What was wrong with it.
        #[source]
        source: BoxError,
    },
    /// A file of a tree is missing from the block store, although a commit leads to it.
    #[error(
        "{what} {file} is missing from the block store, although a commit leads to it: restore the \
         file; `lakehold doctor` finds out what else is missing"
    )]
    TableMissing {
        /// `range` or `metarange`.
        what: &'static str,
        /// The file: of a metarange below the repository's namespace, of a range its address.
        file: String,
    },
    /// The write may or may not have happened: the store's answer was lost and could not be found out.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(&'static str, #[source] lakehold_kv::Error),
    /// The key-value store failed.
    #[error("key-value store")]
    Kv(#[from] lakehold_kv::Error),
    /// A tree could not be read or written.
    #[error("tree")]
    Tree(#[source] lakehold_tree::Error),
}

/// What a caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Ask for something that exists.
    NotFound,
    /// Correct the request.
    Invalid,
    /// Look at the present state, then decide again.
    Conflict,
    /// The state forbids it; nobody may.
    Forbidden,
    /// It is going away.
    Gone,
    /// A condition of the request, or a hook, did not hold.
    Precondition,
    /// Wait, then send the same request again: whatever of it was done, that does no harm.
    Busy,
    /// The store asks for patience.
    Throttled,
    /// It may have happened: look before sending it again.
    OutcomeUnknown,
    /// Call the operator: the request was right and we failed.
    Internal,
}

impl EngineError {
    /// Returns what a caller can do about this error.
    pub fn kind(&self) -> ErrorKind {
        use lakehold_kv::Error as Kv;
        match self {
            Self::RepositoryNotFound(_)
            | Self::BranchNotFound(_)
            | Self::TagNotFound(_)
            | Self::RefNotFound(_)
            | Self::CommitNotFound(_)
            | Self::MetaRangeNotFound(_)
            | Self::KeyNotFound(_) => ErrorKind::NotFound,
            Self::RepositoryExists(_)
            | Self::BranchExists(_)
            | Self::TagExists(_)
            | Self::NameTaken { .. }
            | Self::RevertMergeWithoutParent(_)
            | Self::Conflict { .. } => ErrorKind::Conflict,
            Self::ReadOnlyRepository(_) | Self::DefaultBranch(_) | Self::ProtectedBranch { .. } => {
                ErrorKind::Forbidden
            }
            Self::RepositoryInDeletion(_) => ErrorKind::Gone,
            Self::PreconditionFailed(_) | Self::HookRefused(_) => ErrorKind::Precondition,
            Self::BranchBusy { .. } => ErrorKind::Busy,
            Self::Kv(Kv::Throttled) => ErrorKind::Throttled,
            Self::Tree(error) if error.is_throttled() => ErrorKind::Throttled,
            Self::OutcomeUnknown(..) | Self::Kv(Kv::Unknown(_)) => ErrorKind::OutcomeUnknown,
            Self::DirtyBranch(_)
            | Self::InvalidRef { .. }
            | Self::NotACommit(_)
            | Self::NoChanges
            | Self::NoMergeBase { .. }
            | Self::CherryPickMergeWithoutParent(_)
            | Self::ParentOutOfRange(_)
            | Self::SourceMetaRangeOnDirtyBranch(_)
            | Self::InvalidId(_)
            | Self::InvalidArgument { .. } => ErrorKind::Invalid,
            Self::Corrupt { .. } | Self::TableMissing { .. } | Self::Kv(_) | Self::Tree(_) => {
                ErrorKind::Internal
            }
        }
    }
}

impl EngineError {
    /// This error as it is to be told by whoever has written something that may count by now. Most
    /// errors say that nothing was done.
    pub(crate) fn after_writing(self) -> Self {
        const WHAT: &str = "it was written, and what became of it could not be seen";
        match self {
            // What was staged there is gone with the branch.
            Self::BranchNotFound(_) | Self::OutcomeUnknown(..) => self,
            Self::Kv(error) => Self::OutcomeUnknown(WHAT, error),
            other => Self::OutcomeUnknown(WHAT, lakehold_kv::Error::Unknown(other.into())),
        }
    }
}

impl From<lakehold_tree::Error> for EngineError {
    fn from(error: lakehold_tree::Error) -> Self {
        match error {
            lakehold_tree::Error::NoChanges => Self::NoChanges,
            lakehold_tree::Error::Conflict { key } => Self::Conflict { key },
            // Asked for by a commit: what a caller names is looked for before it is used.
            lakehold_tree::Error::MetaRangeNotFound(id) => {
                Self::TableMissing { what: "metarange", file: format!("_lakefs/{id}") }
            }
            // Changes come from staging: the error is one of ours on its way through the tree.
            lakehold_tree::Error::Changes(source) => match source.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(source) => Self::Tree(lakehold_tree::Error::Changes(source)),
            },
            other => match other.missing_range() {
                Some(address) => Self::TableMissing { what: "range", file: address.to_owned() },
                None => Self::Tree(other),
            },
        }
    }
}
