//! Commits and merges.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Pagination;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commit {
    /// Id of the commit.
    pub id: String,
    /// Ids of the commits it is based on, the main line first.
    pub parents: Vec<String>,
    /// Who committed it.
    pub committer: String,
    /// Text for people.
    pub message: String,
    /// Unix Epoch in seconds
    pub creation_date: i64,
    /// Id of its tree; empty for the first commit of a repository.
    pub meta_range_id: String,
    /// Keys and values attached to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Its distance from the root commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub generation: Option<i64>,
    /// Version of its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "", minimum = 0, maximum = 1, nullable = false)]
    pub version: Option<i64>,
}

/// A page of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitList {
    /// Where this page lies.
    pub pagination: Pagination,
    /// What is on this page.
    pub results: Vec<Commit>,
}

/// What a commit is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitCreation {
    /// Text for people.
    pub message: String,
    /// Keys and values attached to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub metadata: Option<BTreeMap<String, String>>,
    /// set date to override creation date in the commit (Unix Epoch in seconds)
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub date: Option<i64>,
    /// sets whether a commit can contain no changes
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub allow_empty: bool,
    /// Do it even on a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
}

/// How to merge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Merge {
    /// Text for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<String>,
    /// Keys and values attached to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub metadata: Option<BTreeMap<String, String>>,
    /// In case of a merge conflict, this option will force the merge process to automatically favor
    /// changes from the dest branch ('dest-wins') or from the source branch('source-wins'). In case
    /// no selection is made, the merge process will fail in case of a conflict
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub strategy: Option<String>,
    /// Allow merge into a read-only branch or into a branch with the same content
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
    /// Allow merge when the branches have the same content
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub allow_empty: bool,
    /// If set, set only the destination branch as a parent, which "squashes" the merge to appear as
    /// a single commit on the destination branch. The source commit is no longer a part of the
    /// merge commit; consider adding it to the 'metadata' or 'message' fields. This behaves like a
    /// GitHub or GitLab "squash merge", or in Git terms 'git merge --squash; git commit ...'.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub squash_merge: bool,
}

/// What a merge led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeResult {
    /// Id of the merge commit; empty where there is none because of a conflict.
    pub reference: String,
    /// How the destination changed; not part of the contract, but promised by documentation of older
    /// clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub summary: Option<MergeResultSummary>,
}

/// How many objects a merge changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeResultSummary {
    /// Objects that the destination did not have.
    pub added: i64,
    /// Objects that differ now.
    pub changed: i64,
    /// Objects that both sides had changed.
    pub conflict: i64,
    /// Objects that the destination has no more.
    pub removed: i64,
}

/// The commit that two others last had in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindMergeBaseResult {
    /// The commit ID of the merge source
    pub source_commit_id: String,
    /// The commit ID of the merge destination
    pub destination_commit_id: String,
    /// The commit ID of the merge base
    pub base_commit_id: String,
}
