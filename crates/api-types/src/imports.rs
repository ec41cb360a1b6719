//! Imports of objects that are in a store already.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Commit;
use crate::CommitCreation;
use crate::ErrorBody;

/// What a source of an import names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportLocationType {
    /// All objects whose addresses begin with it.
    CommonPrefix,
    /// A single object.
    Object,
}

/// A source of an import, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportLocation {
    /// Path type, can either be 'common_prefix' or 'object'
    #[serde(rename = "type")]
    #[schema(inline)]
    pub location_type: ImportLocationType,
    /// A source location to a 'common_prefix' or to a single object. Must match the lakeFS installation
    /// blockstore type.
    pub path: String,
    /// Destination for the imported objects on the branch. Must be a relative path to the branch. If
    /// the type is an 'object', the destination is the exact object name under the branch. If the type
    /// is a 'common_prefix', the destination is the prefix under the branch.
    pub destination: String,
}

/// What to import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportCreation {
    /// From where to where.
    pub paths: Vec<ImportLocation>,
    /// What the commit says.
    pub commit: CommitCreation,
    /// Do it even in a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
}

/// An import that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportCreationResponse {
    /// The id of the import process
    pub id: String,
}

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
