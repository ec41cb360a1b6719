//! What a client may ask for.

use std::collections::BTreeSet;

use lakehold_catalog::Change;
use lakehold_catalog::DiffKind;
use lakehold_catalog::Strategy;

/// What is stored at a path. Each upload has a value of its own; a copy has that of its source.
pub(crate) type Val = u64;

/// A request to a server: about the one repository, or about one that comes and goes.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Upload {
        branch: String,
        key: String,
        value: Val,
        if_absent: bool,
    },
    Stage {
        branch: String,
        key: String,
        value: Val,
        if_absent: bool,
    },
    Delete {
        branch: String,
        keys: Vec<String>,
        no_tombstone: bool,
    },
    Copy {
        source: String,
        from: String,
        branch: String,
        key: String,
    },
    Get {
        at: String,
        key: String,
    },
    List {
        at: String,
        paging: Paging,
    },
    Log {
        at: String,
    },
    Diff {
        left: String,
        right: String,
        kind: DiffKind,
        paging: Paging,
    },
    /// How what is staged differs from a commit.
    DiffStaged {
        left: String,
        branch: String,
    },
    /// How what is staged differs from the branch's own commit.
    Uncommitted {
        branch: String,
    },
    Commit {
        branch: String,
    },
    Merge {
        source: String,
        branch: String,
        strategy: Strategy,
        squash: bool,
    },
    Revert {
        branch: String,
        reference: String,
    },
    CherryPick {
        branch: String,
        reference: String,
    },
    Reset {
        branch: String,
        scope: Scope,
    },
    HardReset {
        branch: String,
        reference: String,
    },
    CreateBranch {
        branch: String,
        source: String,
    },
    DeleteBranch {
        branch: String,
    },
    CreateTag {
        tag: String,
        source: String,
    },
    DeleteTag {
        tag: String,
    },
    Protect {
        branches: BTreeSet<String>,
    },
    /// Another repository, in a namespace of its own.
    CreatePond {
        pond: String,
        namespace: Val,
    },
    DeletePond {
        pond: String,
    },
    PutInPond {
        pond: String,
        key: String,
        value: Val,
    },
    ReadPond {
        pond: String,
        key: String,
    },
}

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    pub(crate) prefix: String,
    pub(crate) after: String,
    pub(crate) amount: usize,
}

impl Paging {
    /// All of it.
    pub(crate) fn everything() -> Self {
        Self { prefix: String::new(), after: String::new(), amount: 1_000 }
    }

    pub(crate) fn includes(&self, key: &str) -> bool {
        key.starts_with(&self.prefix) && (self.after.is_empty() || key > self.after.as_str())
    }
}

/// What a reset is to undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Prefix(String),
    Key(String),
}

/// What a server answers that did what it was asked for.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Done,
    /// What is at a path.
    Value(Option<Val>),
    /// A page of paths, and whether there are more.
    Listing(Vec<(String, Val)>, bool),
    /// The id of a new commit.
    Moved(String),
    /// A page of differences, and whether there are more.
    Differences(Vec<(String, Change, Val)>, bool),
    /// Ids of a whole history.
    History(Vec<String>),
}

impl Scope {
    pub(crate) fn includes(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => key.starts_with(prefix.as_str()),
            Self::Key(only) => key == only,
        }
    }
}

impl Request {
    /// The name of its kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Upload { .. } => "upload",
            Self::Stage { .. } => "stage",
            Self::Delete { .. } => "delete",
            Self::Copy { .. } => "copy",
            Self::Get { .. } => "get",
            Self::List { .. } => "list",
            Self::Log { .. } => "log",
            Self::Diff { .. } => "diff",
            Self::DiffStaged { .. } => "diff staged",
            Self::Uncommitted { .. } => "uncommitted",
            Self::Commit { .. } => "commit",
            Self::Merge { .. } => "merge",
            Self::Revert { .. } => "revert",
            Self::CherryPick { .. } => "cherry-pick",
            Self::Reset { .. } => "reset",
            Self::HardReset { .. } => "hard reset",
            Self::CreateBranch { .. } => "create branch",
            Self::DeleteBranch { .. } => "delete branch",
            Self::CreateTag { .. } => "create tag",
            Self::DeleteTag { .. } => "delete tag",
            Self::Protect { .. } => "protect",
            Self::CreatePond { .. } => "create repository",
            Self::DeletePond { .. } => "delete repository",
            Self::PutInPond { .. } => "upload to such",
            Self::ReadPond { .. } => "get from such",
        }
    }

    /// The repository that it is about, if that is one that comes and goes.
    pub(crate) fn pond(&self) -> Option<&str> {
        match self {
            Self::CreatePond { pond, .. }
            | Self::DeletePond { pond }
            | Self::PutInPond { pond, .. }
            | Self::ReadPond { pond, .. } => Some(pond),
            _ => None,
        }
    }

    /// The branch it changes, if it changes one.
    pub(crate) fn branch(&self) -> Option<&str> {
        match self {
            Self::Upload { branch, .. }
            | Self::Stage { branch, .. }
            | Self::Delete { branch, .. }
            | Self::Copy { branch, .. }
            | Self::Commit { branch }
            | Self::Merge { branch, .. }
            | Self::Revert { branch, .. }
            | Self::CherryPick { branch, .. }
            | Self::Reset { branch, .. }
            | Self::HardReset { branch, .. }
            | Self::CreateBranch { branch, .. }
            | Self::DeleteBranch { branch } => Some(branch),
            _ => None,
        }
    }

    /// The value that it stages at a key of a branch; `copied` is what a copy found.
    pub(crate) fn stages(&self, on: &str, at: &str, copied: Option<Val>) -> Option<Val> {
        let (branch, key, value) = match self {
            Self::Upload { branch, key, value, .. } | Self::Stage { branch, key, value, .. } => {
                (branch, key, Some(*value))
            }
            Self::Copy { branch, key, .. } => (branch, key, copied),
            _ => return None,
        };
        value.filter(|_| branch == on && key == at)
    }

    /// Whether a rule may forbid it on its branch.
    pub(crate) fn is_subject_to_rules(&self) -> bool {
        matches!(
            self,
            Self::Upload { .. }
                | Self::Stage { .. }
                | Self::Delete { .. }
                | Self::Copy { .. }
                | Self::Commit { .. }
                | Self::Reset { .. }
                | Self::HardReset { .. }
        )
    }

    /// Whether it changes nothing.
    pub(crate) fn is_read(&self) -> bool {
        matches!(
            self,
            Self::Get { .. }
                | Self::List { .. }
                | Self::Log { .. }
                | Self::Diff { .. }
                | Self::DiffStaged { .. }
                | Self::Uncommitted { .. }
                | Self::ReadPond { .. }
        )
    }

    /// Whether doing it twice is doing it once.
    pub(crate) fn is_repeatable(&self) -> bool {
        match self {
            Self::Upload { if_absent, .. } | Self::Stage { if_absent, .. } => !if_absent,
            Self::Delete { .. } | Self::Copy { .. } | Self::Reset { .. } => true,
            Self::PutInPond { .. } => true,
            _ => false,
        }
    }

    /// Whether it makes a commit out of others, not out of what is staged.
    pub(crate) fn is_merge_like(&self) -> bool {
        matches!(
            self,
            Self::Merge { .. }
                | Self::Revert { .. }
                | Self::CherryPick { .. }
                | Self::HardReset { .. }
        )
    }
}
