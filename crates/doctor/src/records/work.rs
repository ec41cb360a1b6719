//! What operations note of themselves: imports, tasks, pull requests, hook runs, uploads.

use std::collections::BTreeMap;

use bytes::Bytes;
use lakehold_kv::TimestampMessage;
use prost::Message;

use crate::records::CommitData;

known! {
    ImportStatus: 1 2 3 4 5 6 7;
    DumpStatus: 1 2;
    AsyncStatus: 1 2;
    PullRequestData: 1 2 3 4 5 6 7 8 9 10;
    SecondaryIndex: 1;
    RunResult: 1 2 3 4 5 6 7 8;
    TaskResult: 1 2 3 4 5 6 9;
    UploadData: 1 2 3 4 5 6;
    InstanceHeartbeat: 1;
    LinkAddressData: 1;
    MostlyCorrectOwnership: 1 2 3;
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ImportStatus {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(bool, tag = "2")]
    pub(crate) completed: bool,
    #[prost(message, optional, tag = "3")]
    pub(crate) updated_at: Option<TimestampMessage>,
    #[prost(int64, tag = "4")]
    pub(crate) progress: i64,
    #[prost(string, tag = "5")]
    pub(crate) meta_range_id: String,
    #[prost(message, optional, tag = "6")]
    pub(crate) commit: Option<CommitData>,
    #[prost(string, tag = "7")]
    pub(crate) error: String,
}

/// What every task says of itself.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Task {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(bool, tag = "2")]
    pub(crate) done: bool,
    #[prost(message, optional, tag = "3")]
    pub(crate) updated_at: Option<TimestampMessage>,
    #[prost(int64, tag = "4")]
    pub(crate) progress: i64,
    #[prost(string, tag = "5")]
    pub(crate) error: String,
    #[prost(int32, tag = "6")]
    pub(crate) status_code: i32,
    #[prost(string, tag = "7")]
    pub(crate) operation: String,
    #[prost(string, tag = "8")]
    pub(crate) owner_instance_id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DumpStatus {
    #[prost(message, optional, tag = "1")]
    pub(crate) task: Option<Task>,
    #[prost(message, optional, tag = "2")]
    pub(crate) dump: Option<Dump>,
}

/// The three tables of a dump of references.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Dump {
    #[prost(string, tag = "1")]
    pub(crate) commits: String,
    #[prost(string, tag = "2")]
    pub(crate) tags: String,
    #[prost(string, tag = "3")]
    pub(crate) branches: String,
}

/// Any other task: its outcome, field 2, has a message of its own per kind.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AsyncStatus {
    #[prost(message, optional, tag = "1")]
    pub(crate) task: Option<Task>,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) outcome: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PullRequestData {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(int32, tag = "2")]
    pub(crate) status: i32,
    #[prost(message, optional, tag = "3")]
    pub(crate) created_at: Option<TimestampMessage>,
    #[prost(string, tag = "4")]
    pub(crate) title: String,
    #[prost(string, tag = "5")]
    pub(crate) author: String,
    #[prost(string, tag = "6")]
    pub(crate) description: String,
    #[prost(string, tag = "7")]
    pub(crate) source_branch: String,
    #[prost(string, tag = "8")]
    pub(crate) destination_branch: String,
    #[prost(string, optional, tag = "9")]
    pub(crate) commit_id: Option<String>,
    #[prost(message, optional, tag = "10")]
    pub(crate) closed_at: Option<TimestampMessage>,
}

/// Leads to another record.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SecondaryIndex {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) primary_key: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RunResult {
    #[prost(string, tag = "1")]
    pub(crate) run_id: String,
    #[prost(string, tag = "2")]
    pub(crate) branch_id: String,
    #[prost(string, tag = "3")]
    pub(crate) commit_id: String,
    #[prost(string, tag = "4")]
    pub(crate) source_ref: String,
    #[prost(string, tag = "5")]
    pub(crate) event_type: String,
    #[prost(message, optional, tag = "6")]
    pub(crate) start_time: Option<TimestampMessage>,
    #[prost(message, optional, tag = "7")]
    pub(crate) end_time: Option<TimestampMessage>,
    #[prost(bool, tag = "8")]
    pub(crate) passed: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TaskResult {
    #[prost(string, tag = "1")]
    pub(crate) run_id: String,
    #[prost(string, tag = "2")]
    pub(crate) hook_run_id: String,
    #[prost(string, tag = "3")]
    pub(crate) hook_id: String,
    #[prost(string, tag = "4")]
    pub(crate) action_name: String,
    #[prost(message, optional, tag = "5")]
    pub(crate) start_time: Option<TimestampMessage>,
    #[prost(message, optional, tag = "6")]
    pub(crate) end_time: Option<TimestampMessage>,
    #[prost(bool, tag = "9")]
    pub(crate) passed: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct UploadData {
    #[prost(string, tag = "1")]
    pub(crate) upload_id: String,
    #[prost(string, tag = "2")]
    pub(crate) path: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) creation_date: Option<TimestampMessage>,
    #[prost(string, tag = "4")]
    pub(crate) physical_address: String,
    #[prost(btree_map = "string, string", tag = "5")]
    pub(crate) metadata: BTreeMap<String, String>,
    #[prost(string, tag = "6")]
    pub(crate) content_type: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InstanceHeartbeat {
    #[prost(message, optional, tag = "1")]
    pub(crate) updated_at: Option<TimestampMessage>,
}

/// No longer written.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct LinkAddressData {
    #[prost(string, tag = "1")]
    pub(crate) address: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct MostlyCorrectOwnership {
    #[prost(string, tag = "1")]
    pub(crate) owner: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) expires: Option<TimestampMessage>,
    #[prost(string, tag = "3")]
    pub(crate) comment: String,
}
