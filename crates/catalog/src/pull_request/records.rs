//! The records of pull requests (docs/formats/pull-requests.md).

use bytes::Bytes;
use prost::Message;

use lakehold_clock::Timestamp;
use lakehold_engine::BranchId;
use lakehold_engine::CommitId;
use lakehold_engine::EngineError;
use lakehold_engine::Repository;
use lakehold_kv::Known;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::TimestampMessage;
use lakehold_kv::Write;

use super::NewPullRequest;
use super::PullRequest;
use super::PullRequestId;
use super::PullRequestStatus;
use super::PullRequestUpdate;

/// What the time of an id counts down from, in seconds since 1970.
pub(super) const END_OF_TIME: i64 = 32_500_915_200;

/// What the keys of pull requests begin with, in their repository's partition.
pub(super) const PREFIX: &str = "pulls/";

/// Partition of the index by branches.
const INDEX_PARTITION: Bytes = Bytes::from_static(b"pulls");

const OPEN: i32 = 0;
const CLOSED: i32 = 1;
const MERGED: i32 = 2;

/// A pull request.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PullRequestData {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(int32, tag = "2")]
    pub(super) status: i32,
    #[prost(message, optional, tag = "3")]
    pub(super) created_at: Option<TimestampMessage>,
    #[prost(string, tag = "4")]
    pub(super) title: String,
    #[prost(string, tag = "5")]
    pub(super) author: String,
    #[prost(string, tag = "6")]
    pub(super) description: String,
    #[prost(string, tag = "7")]
    pub(super) source_branch: String,
    #[prost(string, tag = "8")]
    pub(super) destination_branch: String,
    #[prost(string, optional, tag = "9")]
    pub(super) commit_id: Option<String>,
    #[prost(message, optional, tag = "10")]
    pub(super) closed_at: Option<TimestampMessage>,
}

impl Known for PullRequestData {
    const FIELDS: &'static [u32] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
}

/// Leads from branches to the id of a pull request.
#[derive(Clone, PartialEq, Message)]
struct SecondaryIndex {
    #[prost(bytes = "bytes", tag = "1")]
    primary_key: Bytes,
}

/// The key of a pull request in its repository's partition.
pub(super) fn key(id: &PullRequestId) -> Bytes {
    [PREFIX, id.as_str()].concat().into()
}

/// Takes apart the record that stood under `key`.
pub(super) fn decode(key: &[u8], stored: &[u8]) -> Result<Record<PullRequestData>, EngineError> {
    Record::decode(stored).map_err(|source| EngineError::Corrupt {
        what: "pull request",
        location: String::from_utf8_lossy(key).into_owned(),
        source: source.into(),
    })
}

/// The write of the index entry of `new`. A later request for the same branches takes it over.
pub(super) fn index(repository: &Repository, id: &PullRequestId, new: &NewPullRequest) -> Write {
    let partition = String::from_utf8_lossy(&repository.partition);
    let key = format!("repos/{partition}/{}/{}", new.source, new.destination);
    let entry = SecondaryIndex { primary_key: id.as_str().to_owned().into() };
    Write {
        partition: INDEX_PARTITION,
        key: key.into(),
        value: Some(entry.encode_to_vec().into()),
        precondition: Precondition::Always,
    }
}

/// The record of a request that is made `now`.
pub(super) fn fresh(id: &PullRequestId, new: NewPullRequest, now: Timestamp) -> PullRequestData {
    PullRequestData {
        id: id.as_str().to_owned(),
        status: OPEN,
        created_at: Some(now.into()),
        title: new.title,
        author: new.author,
        description: new.description,
        source_branch: new.source.as_str().to_owned(),
        destination_branch: new.destination.as_str().to_owned(),
        commit_id: None,
        closed_at: None,
    }
}

/// Changes what `update` says, `now`.
pub(super) fn apply(data: &mut PullRequestData, update: &PullRequestUpdate, now: Timestamp) {
    if let Some(title) = &update.title {
        data.title.clone_from(title);
    }
    if let Some(description) = &update.description {
        data.description.clone_from(description);
    }
    match update.status {
        Some(PullRequestStatus::Open) => data.status = OPEN,
        Some(PullRequestStatus::Closed) => close(data, CLOSED, now),
        Some(PullRequestStatus::Merged) => close(data, MERGED, now),
        None => {}
    }
}

/// Says that `commit` merged the request `at` that moment; once.
pub(super) fn set_merged(data: &mut PullRequestData, commit: &CommitId, at: Timestamp) {
    if data.status != MERGED || data.commit_id.as_deref() != Some(commit.as_str()) {
        data.commit_id = Some(commit.as_str().to_owned());
        close(data, MERGED, at);
    }
}

fn close(data: &mut PullRequestData, status: i32, at: Timestamp) {
    data.status = status;
    data.closed_at = Some(at.into());
}

/// A stored request as callers see it.
pub(super) fn shown(data: PullRequestData) -> PullRequest {
    let status = match data.status {
        OPEN => PullRequestStatus::Open,
        MERGED => PullRequestStatus::Merged,
        // A state of some later version is not one to be merged in.
        _ => PullRequestStatus::Closed,
    };
    let commit = data.commit_id.filter(|id| !id.is_empty());
    PullRequest {
        id: PullRequestId(data.id.into()),
        status,
        creation_date: data.created_at.unwrap_or_default().into(),
        title: data.title,
        author: data.author,
        description: data.description,
        source: BranchId::from_stored(&data.source_branch),
        destination: BranchId::from_stored(&data.destination_branch),
        merged_commit_id: commit.map(|id| CommitId::from_stored(&id)),
        closed_date: data.closed_at.map(Timestamp::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(fields: &[u8]) -> PullRequest {
        shown(decode(b"pulls/x", fields).expect("a record").message)
    }

    #[test]
    fn a_state_that_nobody_knows_is_not_open() {
        assert_eq!(stored(b"").status, PullRequestStatus::Open);
        assert_eq!(stored(b"\x10\x02").status, PullRequestStatus::Merged);
        assert_eq!(stored(b"\x10\x07").status, PullRequestStatus::Closed);
    }

    #[test]
    fn an_empty_commit_is_none() {
        assert_eq!(stored(b"\x4a\x00").merged_commit_id, None);
    }

    #[test]
    fn opening_again_keeps_the_time_of_closing() {
        let mut data = PullRequestData::default();
        let at = Timestamp::from_seconds;
        let to = |status| PullRequestUpdate { status: Some(status), ..Default::default() };
        apply(&mut data, &to(PullRequestStatus::Closed), at(5));
        apply(&mut data, &to(PullRequestStatus::Open), at(9));
        assert_eq!((data.status, data.closed_at), (OPEN, Some(at(5).into())));
    }
}
