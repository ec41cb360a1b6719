//! Branches and tags, and what is done to a branch.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Pagination;

/// A branch or a tag, and the commit it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ref {
    /// Its name.
    pub id: String,
    /// Id of the commit it names.
    pub commit_id: String,
}

/// A page of branches or tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefList {
    /// Where this page lies.
    pub pagination: Pagination,
    /// What is on this page.
    pub results: Vec<Ref>,
}

/// What a branch is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BranchCreation {
    /// Its name.
    pub name: String,
    /// The reference to start from.
    pub source: String,
    /// Do it even on a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
    /// When set, branch will not show up when listing branches by default. *EXPERIMENTAL*
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub hidden: bool,
}

/// What a tag is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TagCreation {
    /// ID of tag to create
    pub id: String,
    /// the commit to tag
    #[serde(rename = "ref")]
    pub reference: String,
    /// Do it even on a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
}

/// Which uncommitted changes to drop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResetCreation {
    /// What to reset according to path.
    #[serde(rename = "type")]
    #[schema(inline)]
    pub scope: ResetType,
    /// The path or prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub path: Option<String>,
    /// Do it even on a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
}

/// Which commit to undo, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevertCreation {
    /// the commit to revert, given by a ref
    #[serde(rename = "ref")]
    pub reference: String,
    /// Message and metadata instead of the original ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub commit_overrides: Option<CommitOverrides>,
    /// when reverting a merge commit, the parent number (starting from 1) relative to which to
    /// perform the revert.
    #[schema(format = "")]
    pub parent_number: i64,
    /// Do it even on a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
    /// allow empty commit (revert without changes)
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub allow_empty: bool,
}

/// Which commit to apply again, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CherryPickCreation {
    /// the commit to cherry-pick, given by a ref
    #[serde(rename = "ref")]
    pub reference: String,
    /// When cherry-picking a merge commit, the parent number (starting from 1) with which to
    /// perform the diff. The default branch is parent 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "", nullable = false)]
    pub parent_number: Option<i64>,
    /// Message and metadata instead of the original ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub commit_overrides: Option<CommitOverrides>,
    /// Do it even on a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
}

/// What replaces message and metadata of the original commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitOverrides {
    /// replace the commit message
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<String>,
    /// replace the metadata of the commit
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// Which uncommitted changes to drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetType {
    /// Those of one path.
    Object,
    /// Those below a prefix.
    CommonPrefix,
    /// All of them.
    Reset,
}
