//! Repositories and their settings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Pagination;

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repository {
    /// Its name.
    pub id: String,
    /// Unix Epoch in seconds
    pub creation_date: i64,
    /// Name of the branch that work starts from.
    pub default_branch: String,
    /// Unique identifier of the underlying data store. *EXPERIMENTAL*
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub storage_id: Option<String>,
    /// Filesystem URI to store the underlying data in (e.g. "s3://my-bucket/some/path/")
    pub storage_namespace: String,
    /// Whether the repository is a read-only repository- not relevant for bare repositories
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub read_only: Option<bool>,
}

/// A page of repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepositoryList {
    /// Where this page lies.
    pub pagination: Pagination,
    /// What is on this page.
    pub results: Vec<Repository>,
}

/// What a repository is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepositoryCreation {
    /// Its name.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{2,62}$")]
    pub name: String,
    /// Unique identifier of the underlying data store. *EXPERIMENTAL*
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub storage_id: Option<String>,
    /// Filesystem URI to store the underlying data in (e.g. "s3://my-bucket/some/path/")
    #[schema(
        pattern = "^(s3|gs|https?|mem|local|transient)://.*$",
        example = "s3://example-bucket/"
    )]
    pub storage_namespace: String,
    /// Name of the branch that work starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "main")]
    pub default_branch: Option<String>,
    /// Whether to begin with a few files to try things with.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub sample_data: bool,
    /// Whether to refuse writes that do not say `force`.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub read_only: bool,
}

/// Keys and values that users attach to a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct RepositoryMetadata(pub BTreeMap<String, String>);

/// Keys to set and their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepositoryMetadataSet {
    /// Keys and values attached to it.
    pub metadata: BTreeMap<String, String>,
}

/// Keys to remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepositoryMetadataKeys {
    /// The keys.
    pub keys: Vec<String>,
}

/// A pattern; branches that match it take no direct changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BranchProtectionRule {
    /// fnmatch pattern for the branch name, supporting * and ? wildcards
    #[schema(min_length = 1, example = "stable_*")]
    pub pattern: String,
}
