//! Imports of objects that are in a store already.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Commit;
use crate::ErrorBody;

/// How far an import has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportStatus {
    /// Whether all of it is done.
    pub completed: bool,
    /// When this was last written.
    #[schema(format = DateTime)]
    pub update_time: String,
    /// Number of objects processed so far
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ingested_objects: Option<i64>,
    /// Id of the tree of what was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub metarange_id: Option<String>,
    /// The commit of the import.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub commit: Option<Commit>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<ErrorBody>,
}
