//! Differences between two trees.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ObjectUserMetadata;
use crate::Pagination;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diff {
    /// How it differs.
    #[serde(rename = "type")]
    #[schema(inline)]
    pub difference: DiffType,
    /// Path of the object.
    pub path: String,
    /// Whether this is one object or a prefix of several.
    #[schema(inline)]
    pub path_type: PathType,
    /// represents the size of the added/changed/deleted entry
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub size_bytes: Option<i64>,
    /// ObjectStats of the right side of the diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub right: Option<DiffObjectStat>,
}

/// A page of differences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffList {
    /// Where this page lies.
    pub pagination: Pagination,
    /// What is on this page.
    pub results: Vec<Diff>,
}

/// An object on the right side of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffObjectStat {
    /// Hash of the bytes, as hexadecimal digits.
    pub checksum: String,
    /// Unix Epoch in seconds
    pub mtime: i64,
    /// Object media type
    pub content_type: String,
    /// Keys and values attached to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub metadata: Option<ObjectUserMetadata>,
}

/// How something differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiffType {
    /// Only on the right.
    Added,
    /// Only on the left.
    Removed,
    /// Different on the two sides.
    Changed,
    /// Changed on both sides since their merge base.
    Conflict,
    /// Something below this prefix differs.
    PrefixChanged,
}

/// What a row of a listing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathType {
    /// A prefix that several objects share.
    CommonPrefix,
    /// An object.
    Object,
}
