//! Rules of garbage collection.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// How long the commits of a repository keep their data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GarbageCollectionRules {
    /// Days, on branches that are not named.
    #[schema(format = "")]
    pub default_retention_days: i64,
    /// Branches with a number of days of their own.
    pub branches: Vec<GarbageCollectionRule>,
}

/// How long the commits of a branch keep their data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GarbageCollectionRule {
    /// Name of the branch.
    pub branch_id: String,
    /// Days.
    #[schema(format = "")]
    pub retention_days: i64,
}
