//! What lies in the key-value store (docs/formats/action-runs.md).

use bytes::Bytes;
use prost::Message;

use lakehold_clock::Timestamp;
use lakehold_engine::EngineError;
use lakehold_engine::RepositoryId;
use lakehold_kv::TimestampMessage;

/// Partition of everything about runs.
pub(crate) const PARTITION: Bytes = Bytes::from_static(b"actions");

/// In bytes. No run and no hook run has a longer id; stores limit the length of their keys.
pub(crate) const LONGEST_ID: usize = 256;

/// Seconds of a time that was never set: the year 1.
const NEVER: i64 = -62_135_596_800;

/// A run.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RunResultData {
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

/// A hook of a run. (`passed` is field 9.)
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TaskResultData {
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

/// An entry of an index of runs.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SecondaryIndex {
    /// The full key of the run.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) primary_key: Bytes,
}

/// What the keys of the runs of `repository` begin with.
pub(crate) fn runs_prefix(repository: &RepositoryId) -> String {
    format!("repos/{repository}/runs/")
}

/// What the keys of the hooks of a run begin with.
pub(crate) fn hooks_prefix(repository: &RepositoryId, run: &str) -> String {
    format!("repos/{repository}/tasks/{run}/")
}

/// What the keys of the index entries of a branch begin with.
pub(crate) fn branch_prefix(repository: &RepositoryId, branch: &str) -> String {
    format!("repos/{repository}/branches/{branch}/")
}

/// What the keys of the index entries of a commit begin with.
pub(crate) fn commit_prefix(repository: &RepositoryId, commit: &str) -> String {
    format!("repos/{repository}/commits/{commit}/")
}

/// Takes apart the record that stood under `key`; `what` it should be.
pub(crate) fn decode<M: Message + Default>(
    what: &'static str,
    key: &[u8],
    stored: &[u8],
) -> Result<M, EngineError> {
    M::decode(stored).map_err(|source| EngineError::Corrupt {
        what,
        location: format!("actions {}", String::from_utf8_lossy(key)),
        source: source.into(),
    })
}

/// A stored moment; `None` where it was never set.
pub(crate) fn moment(stored: Option<TimestampMessage>) -> Option<Timestamp> {
    stored.filter(|stored| stored.seconds != NEVER).map(Timestamp::from)
}
