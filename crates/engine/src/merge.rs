//! Merging: bringing what happened on one side since the histories parted to a branch.
//!
//! There is always a merge commit; a branch is never just moved along. What both sides changed
//! differently is a conflict, unless a strategy says who wins. Protection rules do not forbid a
//! merge: it is the way into a protected branch, and who may merge is decided above.

use std::sync::Arc;

use async_trait::async_trait;

use crate::BranchId;
use crate::Commit;
use crate::Engine;
use crate::EngineError;
use crate::MetaRangeId;
use crate::Metadata;
use crate::RefExpr;
use crate::Repository;
use crate::Strategy;
use crate::Summary;
use crate::branch::BranchState;
use crate::branch::advance::Draft;
use crate::branch::advance::Step;
use crate::commit::Says;
use crate::error::Result;

/// Metadata key under which a merge commit, and that of an import, says how conflicts were resolved.
pub(crate) const STRATEGY_KEY: &str = ".lakefs.merge.strategy";

/// What it says where the source wins.
pub(crate) const SOURCE_WINS: &str = "source-wins";

/// What makes a merge.
#[derive(Clone, Debug, Default)]
pub struct MergeRequest {
    /// Who merges.
    pub committer: String,
    /// Why; empty: the default message.
    pub message: String,
    /// What else the committer has to say.
    pub metadata: Metadata,
    /// Who wins where both sides changed a key.
    pub strategy: Strategy,
    /// Merge even if the source has changed nothing.
    pub allow_empty: bool,
    /// Merge on a read-only repository, and as `allow_empty`.
    pub force: bool,
    /// Leave the source out of the merge commit's parents.
    pub squash: bool,
}

/// What came of a merge.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The merge commit.
    pub commit: Commit,
    /// How the destination's tree changed.
    pub summary: Summary,
}

impl Engine {
    /// Merges `source` into `destination`, which must be clean; what is staged on the source's branch
    /// does not matter.
    ///
    /// Fails with [`EngineError::Conflict`], [`EngineError::NoChanges`] where the source has changed
    /// nothing since the merge base, [`EngineError::DirtyBranch`], [`EngineError::NoMergeBase`].
    pub async fn merge(
        &self,
        repository: &Repository,
        source: &RefExpr,
        destination: &BranchId,
        request: MergeRequest,
    ) -> Result<Merged> {
        repository.check_writable(request.force)?;
        self.branch_state(repository, destination).await?;
        self.resolve_commit(repository, source).await?;
        let step = Merge { source, request: &request };
        let draft = self.advance(repository, destination, &step).await?;
        Ok(Merged { commit: draft.commit, summary: draft.summary })
    }

    /// The commit that a step starts from; every step but a first commit needs one.
    pub(crate) async fn head_needed(
        &self,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Arc<Commit>> {
        let head = self.head(repository, state).await?;
        head.ok_or_else(|| EngineError::RefNotFound(RefExpr::from(&state.id)))
    }

    /// Writes a three-way merge of trees.
    pub(crate) async fn merge_trees(
        &self,
        repository: &Repository,
        source: &MetaRangeId,
        destination: &MetaRangeId,
        base: &MetaRangeId,
        strategy: Strategy,
    ) -> Result<(MetaRangeId, Summary)> {
        let namespace = &repository.storage_namespace;
        let trees = &self.parts.trees;
        let written = trees.merge(namespace, source, destination, base, strategy).await?;
        Ok((written.meta_range, written.summary))
    }
}

/// The step of a merge.
struct Merge<'a> {
    source: &'a RefExpr,
    request: &'a MergeRequest,
}

#[async_trait]
impl Step for Merge<'_> {
    const EVENTS: (&'static str, &'static str) = ("pre-merge", "post-merge");

    async fn draft(
        &self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Draft> {
        let request = self.request;
        let head = engine.head_needed(repository, state).await?;
        let source = engine.commit_at(repository, self.source).await?;
        let base = engine.merge_base_of(repository, &source, &head).await?;
        let is_empty = source.meta_range_id == base.meta_range_id;
        if is_empty && !request.allow_empty && !request.force {
            return Err(EngineError::NoChanges);
        }
        let (tree, summary) = engine
            .merge_trees(
                repository,
                &source.meta_range_id,
                &head.meta_range_id,
                &base.meta_range_id,
                request.strategy,
            )
            .await?;
        let merged = Commit::following(self.says(engine, state), tree, &[&*head, &*source]);
        let commit = if request.squash { merged.without_second_parent() } else { merged };
        Ok(Draft { commit, summary, hooks_from: source.id.as_str().to_owned() })
    }

    fn merge_source(&self) -> Option<&RefExpr> {
        Some(self.source)
    }
}

impl Merge<'_> {
    fn says(&self, engine: &Engine, state: &BranchState) -> Says {
        let request = self.request;
        let mut metadata = request.metadata.clone();
        metadata.insert(STRATEGY_KEY.to_owned(), strategy_name(request.strategy).to_owned());
        let message = if request.message.is_empty() {
            format!("Merge '{}' into '{}'", self.source, state.id)
        } else {
            request.message.clone()
        };
        let date = engine.parts.runtime.now();
        Says { committer: request.committer.clone(), message, metadata, date }
    }
}

fn strategy_name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Fail => "default",
        Strategy::DestinationWins => "dest-wins",
        Strategy::SourceWins => SOURCE_WINS,
    }
}
