//! How far an examination is.

use serde::Deserialize;
use serde::Serialize;

use crate::Counts;

/// What is being examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Users, hook runs and the installation's own records.
    Installation,
    /// The records of a repository.
    Records,
    /// Branches, tags and what is staged.
    References,
    /// Metaranges, ranges and the objects in them.
    Trees,
    /// Files that nothing refers to.
    Files,
    /// Partitions that nothing refers to.
    Partitions,
}

impl Stage {
    /// Returns what is being examined, for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Installation => "users and installation",
            Self::Records => "records",
            Self::References => "branches and staged changes",
            Self::Trees => "trees",
            Self::Files => "files",
            Self::Partitions => "partitions",
        }
    }
}

/// How far an examination is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Progress {
    /// What is being examined.
    pub stage: Stage,
    /// The repository, where it is one's.
    pub repository: Option<String>,
    /// How much of this stage and repository is done.
    pub done: u64,
    /// How much there is to do in this stage and repository; `None` while that is not known.
    pub total: Option<u64>,
    /// How much was examined so far in all.
    pub counts: Counts,
}
