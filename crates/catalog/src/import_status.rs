//! How far an import has come: its record, as existing installations keep it.
//!
//! The record of an import (docs/formats/imports-and-tasks.md) is refreshed once a second as long as
//! the import runs. One that says neither "completed" nor why it failed, and was not refreshed for
//! [`LONGEST_SILENCE`], belongs to a server that is gone: it is shown as failed. Its record stays as it
//! is until somebody cancels it or it expires (`expiry.rs`), and keeps nobody from importing again. Who
//! writes it, and what its fields say together, is in `import/record.rs`.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;

use lakehold_clock::Timestamp;
use lakehold_clock::Xid;
use lakehold_engine::Commit;
use lakehold_engine::EngineError;
use lakehold_engine::MetaRangeId;
use lakehold_engine::RepositoryId;
use lakehold_kv::Known;
use lakehold_kv::Record;
use lakehold_kv::RecordError;
use lakehold_kv::TimestampMessage;

use crate::Catalog;
use crate::CatalogError;
use crate::Result;

/// What the keys of imports begin with, in their repository's partition.
pub(crate) const PREFIX: &str = "imports/";

/// A running import is heard of at least so often; thirty times as often, when all goes well.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// What is said of an import whose server is gone, or has stopped.
pub(crate) const INTERRUPTED: &str = "interrupted, start it again";

/// What is said where it was making its commit by then.
const INTERRUPTED_LATE: &str = "interrupted while its commit was being made: look at the log of the branch, then start it again";

/// An import as it is stored.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ImportStatusData {
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
    /// The record of a commit.
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub(crate) commit: Option<Bytes>,
    #[prost(string, tag = "7")]
    pub(crate) error: String,
}

impl Known for ImportStatusData {
    const FIELDS: &'static [u32] = &[1, 2, 3, 4, 5, 6, 7];
}

/// How far an import has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportStatus {
    /// Whether all of it is done. A failed import never is.
    pub completed: bool,
    /// When this was last written.
    pub update_time: Timestamp,
    /// How many objects were found so far.
    pub ingested_objects: i64,
    /// The tree of what was imported, once there is one.
    pub meta_range_id: Option<MetaRangeId>,
    /// The commit, once it is made.
    pub commit: Option<Commit>,
    /// Why it failed, or `Canceled`.
    pub error: Option<String>,
}

impl Catalog {
    /// Returns how far the import `id` has come. Fails with [`CatalogError::ImportNotFound`].
    pub async fn import_status(&self, repository: &RepositoryId, id: &str) -> Result<ImportStatus> {
        let repository = self.repository(repository).await?;
        let not_found = || CatalogError::ImportNotFound(id.to_owned());
        let id = Xid::parse(id).map_err(|_| not_found())?;
        let record = self.read_import(&repository, &id).await?.ok_or_else(not_found)?;
        shown(&format!("{PREFIX}{id}"), record.message, self.runtime().now())
    }
}

/// Where the record of the import `id` is, in its repository's partition.
pub(crate) fn key_of(id: &Xid) -> Bytes {
    format!("{PREFIX}{id}").into()
}

/// Takes the record at `key` apart.
pub(crate) fn decode(key: &Bytes, stored: &[u8]) -> Result<Record<ImportStatusData>> {
    let decoded = Record::decode(stored);
    let corrupt = |source: RecordError| EngineError::Corrupt {
        what: "import",
        location: String::from_utf8_lossy(key).into_owned(),
        source: source.into(),
    };
    Ok(decoded.map_err(corrupt)?)
}

/// A stored import as callers see it `now`.
fn shown(location: &str, data: ImportStatusData, now: Timestamp) -> Result<ImportStatus> {
    let update_time = Timestamp::from(data.updated_at.unwrap_or_default());
    let is_running = !data.completed && data.error.is_empty();
    let is_silent = is_running && update_time.plus(LONGEST_SILENCE) < now;
    let error = match (is_silent, data.meta_range_id.is_empty()) {
        (true, true) => INTERRUPTED.to_owned(),
        (true, false) => INTERRUPTED_LATE.to_owned(),
        (false, _) => data.error,
    };
    let commit = data.commit.map(|stored| Commit::from_stored(location, &stored));
    let meta_range = Some(data.meta_range_id).filter(|id| !id.is_empty());
    Ok(ImportStatus {
        completed: data.completed,
        update_time,
        ingested_objects: data.progress,
        meta_range_id: meta_range.map(|id| MetaRangeId::from_stored(&id)),
        commit: commit.transpose()?,
        error: Some(error).filter(|error| !error.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn error_at(now: i64, data: &ImportStatusData) -> Option<String> {
        shown("imports/x", data.clone(), at(now)).expect("readable").error
    }

    #[test]
    fn an_import_that_is_heard_of_no_more_is_not_running() {
        let running = ImportStatusData { updated_at: Some(at(100).into()), ..Default::default() };
        assert_eq!(error_at(100, &running), None);
        assert_eq!(error_at(130, &running), None);
        assert_eq!(error_at(131, &running).as_deref(), Some(INTERRUPTED));
        let late = ImportStatusData { meta_range_id: "tree".to_owned(), ..running };
        assert_eq!(error_at(130, &late), None);
        assert_eq!(error_at(131, &late).as_deref(), Some(INTERRUPTED_LATE));
    }

    #[test]
    fn what_is_over_stays_as_it_ended() {
        let updated_at = Some(at(100).into());
        let failed = "Canceled";
        let cancelled =
            ImportStatusData { updated_at, error: failed.to_owned(), ..Default::default() };
        assert_eq!(error_at(500, &cancelled).as_deref(), Some(failed));
        let done = ImportStatusData { updated_at, completed: true, ..Default::default() };
        assert_eq!(error_at(500, &done), None);
    }
}
