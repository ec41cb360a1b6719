//! Objects.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Pagination;
use crate::PathType;

/// An object, or a common prefix of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectStats {
    /// Path of the object.
    pub path: String,
    /// Whether this is one object or a prefix of several.
    #[schema(inline)]
    pub path_type: PathType,
    /// The location of the object on the underlying object store. Formatted as a native URI with
    /// the object store type as scheme ("s3://...", "gs://...", etc.) Or, in the case of
    /// presign=true, will be an HTTP URL to be consumed via regular HTTP GET
    pub physical_address: String,
    /// If present and nonzero, physical_address is a pre-signed URL and will expire at this Unix
    /// Epoch time. This will be shorter than the pre-signed URL lifetime if an authentication token
    /// is about to expire.
    ///
    /// This field is *optional*.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub physical_address_expiry: Option<i64>,
    /// Hash of the bytes, as hexadecimal digits.
    pub checksum: String,
    /// The number of bytes in the object. lakeFS always populates this field when returning
    /// ObjectStats. This field is optional _for the client_ to supply, for instance on upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub size_bytes: Option<i64>,
    /// Unix Epoch in seconds
    pub mtime: i64,
    /// Keys and values attached to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub metadata: Option<ObjectUserMetadata>,
    /// Object media type
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub content_type: Option<String>,
}

/// A page of objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectStatsList {
    /// Where this page lies.
    pub pagination: Pagination,
    /// What is on this page.
    pub results: Vec<ObjectStats>,
}

/// Keys and values that users attach to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ObjectUserMetadata(pub BTreeMap<String, String>);

/// The metadata an object is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateObjectUserMetadata {
    /// Set this object user metadata
    pub set: ObjectUserMetadata,
}

/// What to copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectCopyCreation {
    /// path of the copied object relative to the ref
    pub src_path: String,
    /// a reference, if empty uses the provided branch as ref
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub src_ref: Option<String>,
    /// Do it even on a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
    /// Create a shallow copy of the object (without copying the actual data). At the moment shallow
    /// copy only works for same repository and branch. Please note that shallow copied objects
    /// might be in contention with garbage collection and branch retention policies - use with
    /// caution.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub shallow: bool,
}

/// An object whose bytes are already stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectStageCreation {
    /// Complete URI of the bytes.
    pub physical_address: String,
    /// Hash of the bytes, as hexadecimal digits.
    pub checksum: String,
    /// Number of bytes.
    pub size_bytes: i64,
    /// Unix Epoch in seconds
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mtime: Option<i64>,
    /// Keys and values attached to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub metadata: Option<ObjectUserMetadata>,
    /// Object media type
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub content_type: Option<String>,
    /// Do it even on a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
}

/// What the block store says of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnderlyingObjectProperties {
    /// How the store keeps it, where that is known.
    #[serde(default)]
    pub storage_class: Option<String>,
}

/// Paths of objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PathList {
    /// The paths.
    pub paths: Vec<String>,
}

/// What went wrong with one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectError {
    /// HTTP status code associated for operation on path
    #[schema(format = "")]
    pub status_code: i64,
    /// short message explaining status_code
    pub message: String,
    /// affected path
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub path: Option<String>,
}

/// What went wrong, object by object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectErrorList {
    /// One for each object that something went wrong with.
    pub errors: Vec<ObjectError>,
}
