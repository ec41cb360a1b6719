//! Repositories and what is in them.

use std::collections::BTreeMap;

use bytes::Bytes;
use lakehold_kv::TimestampMessage;
use prost::Message;

known! {
    RepositoryData: 1 2 3 4 5 6 7 8;
    BranchData: 1 2 3 4 5;
    TagData: 1 2;
    CommitData: 1 2 3 4 5 6 7 8 9;
    RepoMetadata: 1;
    BranchProtectionRules: 1;
    StagedEntryData: 1 2 3;
    EntryData: 1 2 3 4 5 6 7;
    RangeData: 1 2 3 4;
    GarbageCollectionRules: 1 2;
}

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
    /// 0 active, 1 in deletion.
    #[prost(int32, tag = "5")]
    pub(crate) state: i32,
    #[prost(string, tag = "6")]
    pub(crate) instance_uid: String,
    #[prost(bool, tag = "7")]
    pub(crate) read_only: bool,
    #[prost(string, tag = "8")]
    pub(crate) storage_id: String,
}

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

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TagData {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) commit_id: String,
}

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

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RepoMetadata {
    #[prost(btree_map = "string, string", tag = "1")]
    pub(crate) metadata: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BranchProtectionRules {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(crate) rules: BTreeMap<String, BlockedActions>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BlockedActions {
    #[prost(int32, repeated, tag = "1")]
    pub(crate) values: Vec<i32>,
}

/// Without identity and data a removal.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StagedEntryData {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) identity: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EntryData {
    #[prost(string, tag = "1")]
    pub(crate) address: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) last_modified: Option<TimestampMessage>,
    #[prost(int64, tag = "3")]
    pub(crate) size: i64,
    #[prost(string, tag = "4")]
    pub(crate) e_tag: String,
    #[prost(btree_map = "string, string", tag = "5")]
    pub(crate) metadata: BTreeMap<String, String>,
    /// 0 by its look, 1 relative, 2 full.
    #[prost(int32, tag = "6")]
    pub(crate) address_type: i32,
    #[prost(string, tag = "7")]
    pub(crate) content_type: String,
}

/// What a metarange says of a range.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RangeData {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) min_key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) max_key: Bytes,
    #[prost(uint64, tag = "3")]
    pub(crate) estimated_size: u64,
    #[prost(int64, tag = "4")]
    pub(crate) count: i64,
}

/// Lies in the block store.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GarbageCollectionRules {
    #[prost(int32, tag = "1")]
    pub(crate) default_retention_days: i32,
    #[prost(btree_map = "string, int32", tag = "2")]
    pub(crate) branch_retention_days: BTreeMap<String, i32>,
}
