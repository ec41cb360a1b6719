//! What lies in the key-value store, field for field (docs/formats/kv-records.md).
//!
//! Records that are read, changed and written back travel as [`Record`], which keeps fields we do not
//! know. In a branch record such a field may be more than decoration: another server may note there a
//! tree it has compacted staged data into. It is kept as it is through every rewrite.
//!
//! Texts that serve as partitions (staging tokens) are taken as bytes; on the wire it is the same.
//! Maps are sorted, so that one content has one encoding.

use std::collections::BTreeMap;

use bytes::Bytes;
use lakehold_kv::Record;
use lakehold_kv::TimestampMessage;
use prost::Message;

use crate::error::EngineError;
use crate::error::Result;

/// Value of [`RepositoryData::state`] while a repository is being deleted; 0 is active.
pub(crate) const IN_DELETION: i32 = 1;

/// A repository.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RepositoryData {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) storage_namespace: String,
    #[prost(string, tag = "3")]
    pub(crate) default_branch_id: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) creation_date: Option<TimestampMessage>,
    #[prost(int32, tag = "5")]
    pub(crate) state: i32,
    #[prost(string, tag = "6")]
    pub(crate) instance_uid: String,
    #[prost(bool, tag = "7")]
    pub(crate) read_only: bool,
    #[prost(string, tag = "8")]
    pub(crate) storage_id: String,
}

/// A branch. Sealed tokens stand newest first.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BranchData {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) commit_id: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) staging_token: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub(crate) sealed_tokens: Vec<Bytes>,
    #[prost(bool, tag = "5")]
    pub(crate) hidden: bool,
}

/// A tag.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TagData {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) commit_id: String,
}

/// A commit.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CommitData {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) committer: String,
    #[prost(string, tag = "3")]
    pub(crate) message: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) creation_date: Option<TimestampMessage>,
    #[prost(string, tag = "5")]
    pub(crate) meta_range_id: String,
    #[prost(btree_map = "string, string", tag = "6")]
    pub(crate) metadata: BTreeMap<String, String>,
    #[prost(string, repeated, tag = "7")]
    pub(crate) parents: Vec<String>,
    #[prost(int32, tag = "8")]
    pub(crate) version: i32,
    #[prost(int32, tag = "9")]
    pub(crate) generation: i32,
}

/// A staged value, or with neither identity nor data a tombstone.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StagedEntryData {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) identity: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) data: Bytes,
}

/// A repository's own metadata.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RepoMetadata {
    #[prost(btree_map = "string, string", tag = "1")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Branch protection: pattern to what it forbids.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BranchProtectionRules {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(crate) rules: BTreeMap<String, BlockedActions>,
}

/// What one pattern forbids.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BlockedActions {
    #[prost(int32, repeated, tag = "1")]
    pub(crate) values: Vec<i32>,
}

impl lakehold_kv::Known for RepositoryData {
    const FIELDS: &'static [u32] = &[1, 2, 3, 4, 5, 6, 7, 8];
}

impl lakehold_kv::Known for BranchData {
    const FIELDS: &'static [u32] = &[1, 2, 3, 4, 5];
}

impl lakehold_kv::Known for TagData {
    const FIELDS: &'static [u32] = &[1, 2];
}

impl lakehold_kv::Known for CommitData {
    const FIELDS: &'static [u32] = &[1, 2, 3, 4, 5, 6, 7, 8, 9];
}

impl lakehold_kv::Known for RepoMetadata {
    const FIELDS: &'static [u32] = &[1];
}

impl lakehold_kv::Known for BranchProtectionRules {
    const FIELDS: &'static [u32] = &[1];
}

/// Takes apart the record that stood under `key`; `what` it should be.
pub(crate) fn decode<M>(what: &'static str, key: &[u8], stored: &[u8]) -> Result<Record<M>>
where
    M: Message + Default + lakehold_kv::Known,
{
    Record::decode(stored).map_err(|source| EngineError::Corrupt {
        what,
        location: String::from_utf8_lossy(key).into_owned(),
        source: source.into(),
    })
}

#[cfg(test)]
mod tests;
