//! Uploading past the server, and linking what was uploaded.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Where the bytes of an object are to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StagingLocation {
    /// Complete URI of the bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub physical_address: Option<String>,
    /// if presign=true is passed in the request, this field will contain a pre-signed URL to use
    /// when uploading
    #[serde(default)]
    pub presigned_url: Option<String>,
    /// If present and nonzero, physical_address is a pre-signed URL and will expire at this Unix
    /// Epoch time. This will be shorter than the pre-signed URL lifetime if an authentication token
    /// is about to expire.
    ///
    /// This field is *optional*.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub presigned_url_expiry: Option<i64>,
}

/// What was uploaded, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StagingMetadata {
    /// Where the bytes are.
    pub staging: StagingLocation,
    /// unique identifier of object content on backing store (typically ETag)
    pub checksum: String,
    /// Number of bytes.
    pub size_bytes: i64,
    /// Keys and values attached to the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user_metadata: Option<BTreeMap<String, String>>,
    /// Object media type
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub content_type: Option<String>,
    /// Unix Epoch in seconds. May be ignored by server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mtime: Option<i64>,
    /// Do it even on a read-only repository.
    #[serde(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
}
