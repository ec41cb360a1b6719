//! Finding out what became of a merge of a pull request that was cut off.

use bytes::Bytes;
use tracing::info;
use tracing::warn;

use lakehold_clock::Timestamp;
use lakehold_engine::Commit;
use lakehold_engine::EngineError;
use lakehold_engine::ErrorKind;
use lakehold_engine::LogRequest;
use lakehold_engine::RefExpr;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_kv::Ownership;
use lakehold_kv::Scan;

use super::PullRequest;
use super::PullRequestId;
use super::PullRequestStatus;
use super::intent;
use super::intent::MergeIntent;
use super::records;
use crate::Catalog;
use crate::CatalogError;
use crate::Result;

/// How far back in the history of a destination a merge is looked for: pages of so many commits.
const HISTORY_PAGE: usize = 1_000;
const HISTORY_PAGES: usize = 10;

/// After how long, in seconds, nobody can be at a merge any more.
const LONGEST_MERGE: i64 = 60 * 60;

impl Catalog {
    /// Finishes or gives up merges of pull requests that a crash cut off. For the start of a server.
    pub async fn settle_pull_requests(&self) -> Result<()> {
        let started = self.runtime().now();
        let store = self.engine().store().clone();
        let mut scan = Scan::new(&*store, intent::PARTITION, Bytes::new());
        while let Some(entry) = scan.next().await.map_err(EngineError::from)? {
            if let Err(error) = self.settle_intent(&entry.key, started).await {
                let key = String::from_utf8_lossy(&entry.key);
                warn!(kv.key = %key, %error, "the merge noted at {key} cannot be settled: {error}");
            }
        }
        Ok(())
    }

    async fn settle_intent(&self, key: &Bytes, started: Timestamp) -> Result<()> {
        let Some((intent, stored)) = self.read_intent(key).await? else { return Ok(()) };
        if self.is_settled(key, &intent).await? || self.is_abandoned(&intent, started) {
            self.remove_intent(key.clone(), stored).await?;
        }
        Ok(())
    }

    /// Whether nothing is left to be done about an intent, after doing what there was.
    async fn is_settled(&self, key: &Bytes, intent: &MergeIntent) -> Result<bool> {
        let name = RepositoryId::from_stored(&intent.repository);
        let Ok(id) = PullRequestId::parse(&intent.pull_request) else { return Ok(true) };
        let repository = match self.repository(&name).await {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Gone) => {
                return Ok(true);
            }
            found => found?,
        };
        if intent::key(&repository, &id) != *key {
            // Of a repository of that name that was deleted.
            return Ok(true);
        }
        let request = match self.read_pull_request(&repository, &id).await {
            Err(CatalogError::PullRequestNotFound(_)) => return Ok(true),
            found => records::shown(found?.0.message),
        };
        if request.status != PullRequestStatus::Open {
            return Ok(true);
        }
        if let Some(commit) = self.find_merge(&repository, &request, intent).await? {
            self.finish_merge(&repository, &id, &commit.id, commit.creation_date).await?;
            info!(repository.id = %name, "pull request {} was merged before a crash", id.as_str());
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether nobody can be at that merge any more, as this server had `started` by then.
    fn is_abandoned(&self, intent: &MergeIntent, started: Timestamp) -> bool {
        let begun = Timestamp::from(intent.begun.unwrap_or_default());
        match self.engine().store().ownership() {
            Ownership::Exclusive => begun < started,
            Ownership::Shared => started.seconds.saturating_sub(begun.seconds) > LONGEST_MERGE,
        }
    }

    /// The commit that merged the source into the destination since the intent was written.
    pub(super) async fn find_merge(
        &self,
        repository: &Repository,
        request: &PullRequest,
        intent: &MergeIntent,
    ) -> Result<Option<Commit>> {
        let head = RefExpr::from(&request.destination);
        let mut log = LogRequest {
            amount: HISTORY_PAGE,
            first_parent: true,
            stop_at: Some(RefExpr::from_stored(&intent.destination_head)),
            ..LogRequest::default()
        };
        for _ in 0..HISTORY_PAGES {
            let page = match self.engine().log(repository, &head, &log).await {
                // A branch is gone, and its commits with it: nobody can say.
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                page => page?,
            };
            let since = page.results.iter().filter(|c| c.id.as_str() != intent.destination_head);
            for commit in since {
                if commit.parents.get(1).is_some_and(|p| p.as_str() == intent.source_head) {
                    return Ok(Some(Commit::clone(commit)));
                }
            }
            match page.results.last() {
                Some(last) if page.has_more => {
                    log.after = Some(RefExpr::from_stored(last.id.as_str()));
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}
