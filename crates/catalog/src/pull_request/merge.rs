//! Merging a pull request: a merge, and then a record that says so.
//!
//! The two are not one write. What a crash between them would leave, a branch that has the change and a
//! request that waits for it, is prevented by a third record, the *intent*, in a partition of our own:
//!
//! ```text
//! write intent: where both branches are ── merge ── record: merged by that commit ── remove intent
//! ```
//!
//! Whoever finds an intent, because the merge is asked for again or a server starts, looks in the
//! history of the destination since then for a commit whose second parent is the source as it was
//! (`settle.rs`). If there is one, the request is merged by it; if not, it never was.

use lakehold_clock::Timestamp;
use lakehold_engine::CommitId;
use lakehold_engine::EngineError;
use lakehold_engine::ErrorKind;
use lakehold_engine::MergeRequest;
use lakehold_engine::Merged;
use lakehold_engine::RefExpr;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_engine::Summary;

use super::PullRequest;
use super::PullRequestId;
use super::PullRequestStatus;
use super::intent;
use super::intent::MergeIntent;
use super::records;
use crate::Catalog;
use crate::CatalogError;
use crate::Result;

/// What was done when a merge succeeded and its record could not be written.
const MERGED: &str = "the branch was merged, and the pull request does not say so yet";

/// A pull request that was merged.
#[derive(Clone, Debug)]
pub struct MergedPullRequest {
    /// The commit that merged it.
    pub commit_id: CommitId,
    /// How it changed the destination; `None` where an earlier attempt had merged it.
    pub summary: Option<Summary>,
}

impl Catalog {
    /// Merges a pull request that is open, and says so in its record. Runs to its end even if the
    /// caller goes away.
    ///
    /// Fails with [`CatalogError::PullRequestNotOpen`], otherwise as [`Catalog::merge`]. After an error
    /// that leaves the outcome open it may be called again: what was merged is not merged twice.
    pub async fn merge_pull_request(
        &self,
        repository: &RepositoryId,
        id: &PullRequestId,
        committer: &str,
    ) -> Result<MergedPullRequest> {
        let (catalog, repository) = (self.clone(), repository.clone());
        let (id, committer) = (id.clone(), committer.to_owned());
        let work = async move { catalog.merge_request_now(&repository, &id, committer).await };
        self.engine().to_the_end("merge-pull-request", work).await
    }

    async fn merge_request_now(
        &self,
        repository: &RepositoryId,
        id: &PullRequestId,
        committer: String,
    ) -> Result<MergedPullRequest> {
        let repository = &*self.repository(repository).await?;
        let (record, _) = self.read_pull_request(repository, id).await?;
        let request = records::shown(record.message);
        if request.status != PullRequestStatus::Open {
            return Err(CatalogError::PullRequestNotOpen(id.clone()));
        }
        repository.check_writable(false)?;
        let before = self.read_intent(&intent::key(repository, id)).await?.map(|(it, _)| it);
        let intent = self.write_intent(repository, &request, before.as_ref()).await?;
        // Of what the source has become since, an earlier attempt knows nothing.
        if before.is_some_and(|before| before.source_head == intent.source_head)
            && let Some(commit) = self.find_merge(repository, &request, &intent).await?
        {
            self.conclude(repository, &intent, id, &commit.id, commit.creation_date).await?;
            return Ok(MergedPullRequest { commit_id: commit.id, summary: None });
        }
        let merge = MergeRequest { committer, ..MergeRequest::default() };
        let source = RefExpr::from(&request.source);
        match self.engine().merge(repository, &source, &request.destination, merge).await {
            Ok(Merged { commit, summary }) => {
                let now = self.runtime().now();
                let concluded = self.conclude(repository, &intent, id, &commit.id, now).await;
                concluded.map_err(|error| error.after(MERGED))?;
                Ok(MergedPullRequest { commit_id: commit.id, summary: Some(summary) })
            }
            // The intent stays: the next attempt finds out.
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => Err(error.into()),
            Err(error) => Err(self.settle_failure(repository, &request, &intent, error).await?),
        }
    }

    /// What to answer after a merge failed: somebody else may have merged the request meanwhile.
    async fn settle_failure(
        &self,
        repository: &Repository,
        request: &PullRequest,
        intent: &MergeIntent,
        error: EngineError,
    ) -> Result<CatalogError> {
        let id = &request.id;
        let Some(commit) = self.find_merge(repository, request, intent).await? else {
            self.forget_intent(repository, id, intent).await;
            return Ok(error.into());
        };
        self.conclude(repository, intent, id, &commit.id, commit.creation_date).await?;
        Ok(CatalogError::PullRequestNotOpen(id.clone()))
    }

    /// Says that the request was merged; nothing is left to be done then.
    async fn conclude(
        &self,
        repository: &Repository,
        intent: &MergeIntent,
        id: &PullRequestId,
        commit: &CommitId,
        at: Timestamp,
    ) -> Result<()> {
        self.finish_merge(repository, id, commit, at).await?;
        self.forget_intent(repository, id, intent).await;
        Ok(())
    }

    /// Says in its record that the request was merged.
    pub(super) async fn finish_merge(
        &self,
        repository: &Repository,
        id: &PullRequestId,
        commit: &CommitId,
        at: Timestamp,
    ) -> Result<()> {
        self.change_pull_request(repository, id, |data| records::set_merged(data, commit, at)).await
    }
}
