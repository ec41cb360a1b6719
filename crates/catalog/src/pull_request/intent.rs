//! Notes of merges that are being made (docs/formats/pull-requests.md).

use bytes::Bytes;
use prost::Message;
use tracing::warn;

use lakehold_engine::BranchId;
use lakehold_engine::EngineError;
use lakehold_engine::Repository;
use lakehold_kv::Known;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::TimestampMessage;
use lakehold_kv::Versioned;
use lakehold_kv::Write;

use super::PullRequest;
use super::PullRequestId;
use super::records;
use crate::Catalog;
use crate::Result;

/// Their partition: ours, other servers do not look at it.
pub(super) const PARTITION: Bytes = Bytes::from_static(b"lakehold-pull-merges");

/// What a merge was about to do.
#[derive(Clone, PartialEq, Message)]
pub(super) struct MergeIntent {
    #[prost(string, tag = "1")]
    pub(super) repository: String,
    #[prost(string, tag = "2")]
    pub(super) pull_request: String,
    /// Where the destination was when this was first tried.
    #[prost(string, tag = "3")]
    pub(super) destination_head: String,
    /// Where the source was.
    #[prost(string, tag = "4")]
    pub(super) source_head: String,
    /// Tells attempts from each other.
    #[prost(string, tag = "5")]
    attempt: String,
    #[prost(message, optional, tag = "6")]
    pub(super) begun: Option<TimestampMessage>,
}

impl Known for MergeIntent {
    const FIELDS: &'static [u32] = &[1, 2, 3, 4, 5, 6];
}

/// The key of the intent to merge a pull request.
pub(super) fn key(repository: &Repository, id: &PullRequestId) -> Bytes {
    [&repository.partition[..], b"/", id.as_str().as_bytes()].concat().into()
}

impl Catalog {
    /// Notes what is about to be done. Where the last attempt is noted, its destination is kept: what
    /// that attempt did came after it.
    pub(super) async fn write_intent(
        &self,
        repository: &Repository,
        request: &PullRequest,
        before: Option<&MergeIntent>,
    ) -> Result<MergeIntent> {
        let destination = self.head_of(repository, &request.destination).await?;
        let intent = MergeIntent {
            repository: repository.id.as_str().to_owned(),
            pull_request: request.id.as_str().to_owned(),
            destination_head: before.map_or(destination, |it| it.destination_head.clone()),
            source_head: self.head_of(repository, &request.source).await?,
            attempt: self.fresh_descending_id(records::END_OF_TIME).to_string(),
            begun: Some(self.runtime().now().into()),
        };
        let write = Write {
            partition: PARTITION,
            key: key(repository, &request.id),
            value: Some(Record::new(intent.clone()).encode()),
            precondition: Precondition::Always,
        };
        self.engine().write_always(vec![write]).await?;
        Ok(intent)
    }

    async fn head_of(&self, repository: &Repository, branch: &BranchId) -> Result<String> {
        let branch = self.engine().branch(repository, branch).await?;
        Ok(branch.commit_id.as_str().to_owned())
    }

    /// The intent under `key`.
    pub(super) async fn read_intent(
        &self,
        key: &Bytes,
    ) -> Result<Option<(MergeIntent, Versioned)>> {
        let found = self.engine().store().get(PARTITION, key.clone()).await;
        let Some(stored) = found.map_err(EngineError::from)? else { return Ok(None) };
        let record = Record::decode(&stored.value).map_err(|source| EngineError::Corrupt {
            what: "merge intent",
            location: String::from_utf8_lossy(key).into_owned(),
            source: source.into(),
        })?;
        Ok(Some((record.message, stored)))
    }

    /// Removes the intent of an attempt that is over. If that fails, the next start does it.
    pub(super) async fn forget_intent(
        &self,
        repository: &Repository,
        id: &PullRequestId,
        own: &MergeIntent,
    ) {
        let key = key(repository, id);
        let forgotten = async {
            match self.read_intent(&key).await? {
                Some((found, stored)) if found.attempt == own.attempt => {
                    self.remove_intent(key.clone(), stored).await
                }
                _ => Ok(()),
            }
        };
        if let Err(error) = forgotten.await {
            warn!(%error, "the note of a finished merge stays until the next start: {error}");
        }
    }

    /// Removes an intent, if it is still the one that was read.
    pub(super) async fn remove_intent(&self, key: Bytes, stored: Versioned) -> Result<()> {
        let precondition = Precondition::Unchanged(stored.version);
        let write = Write { partition: PARTITION, key, value: None, precondition };
        // Where it was changed, another attempt is being made, which sees to it.
        self.engine().write_if(write).await.map(drop)?;
        Ok(())
    }
}
