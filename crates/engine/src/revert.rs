//! Reverting: a new commit that undoes an old one.
//!
//! It is a merge in which the commit is the base and its parent the source: what the commit did is
//! taken back, what happened since stays, and where both touch the same key there is a conflict.

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

/// What makes a revert.
#[derive(Clone, Debug)]
pub struct RevertRequest {
    /// Who reverts.
    pub committer: String,
    /// The commit to undo.
    pub reference: RefExpr,
    /// 1-based; 0: the only parent.
    pub parent_number: i64,
    /// Why, instead of the default message; empty counts as none.
    pub message: Option<String>,
    /// What else the committer has to say.
    pub metadata: Option<Metadata>,
    /// Commit even if nothing changes.
    pub allow_empty: bool,
    /// Revert on a read-only repository.
    pub force: bool,
}

impl Engine {
    /// Undoes a commit on `branch`, which must be clean.
    ///
    /// Fails with [`EngineError::RevertMergeWithoutParent`], [`EngineError::ParentOutOfRange`],
    /// [`EngineError::Conflict`], [`EngineError::NoChanges`], [`EngineError::DirtyBranch`].
    pub async fn revert(
        &self,
        repository: &Repository,
        branch: &BranchId,
        request: RevertRequest,
    ) -> Result<Arc<Commit>> {
        repository.check_writable(request.force)?;
        self.branch_state(repository, branch).await?;
        let commit = self.commit_at(repository, &request.reference).await?;
        parent_of(&commit, request.parent_number)?;
        let draft = self.advance(repository, branch, &Revert(&request)).await?;
        Ok(Arc::new(draft.commit))
    }

    /// The tree of a commit's parent; the tree without content for none.
    pub(crate) async fn tree_before(
        &self,
        repository: &Repository,
        commit: &Commit,
        parent: Option<usize>,
    ) -> Result<MetaRangeId> {
        let Some(parent) = parent.and_then(|index| commit.parents.get(index)) else {
            return Ok(MetaRangeId::default());
        };
        Ok(self.get_commit(repository, parent).await?.meta_range_id.clone())
    }
}

/// Index of the parent relative to which `commit` is undone; none for a first commit.
fn parent_of(commit: &Commit, number: i64) -> Result<Option<usize>> {
    if number > 0 {
        return parent_numbered(commit, number).map(Some);
    }
    match commit.parents.len() {
        0 => Ok(None),
        1 => Ok(Some(0)),
        _ => Err(EngineError::RevertMergeWithoutParent(commit.id.as_str().to_owned())),
    }
}

/// Index of the parent with this number, counted from 1.
pub(crate) fn parent_numbered(commit: &Commit, number: i64) -> Result<usize> {
    let index = usize::try_from(number - 1).ok();
    let index = index.filter(|index| *index < commit.parents.len());
    index.ok_or(EngineError::ParentOutOfRange(number))
}

/// The step of a revert.
struct Revert<'a>(&'a RevertRequest);

#[async_trait]
impl Step for Revert<'_> {
    const EVENTS: (&'static str, &'static str) = ("pre-revert", "post-revert");

    async fn draft(
        &self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Draft> {
        let Self(request) = self;
        let head = engine.head_needed(repository, state).await?;
        let undone = engine.commit_at(repository, &request.reference).await?;
        let parent = parent_of(&undone, request.parent_number)?;
        let before = engine.tree_before(repository, &undone, parent).await?;
        let (tree, summary) = engine
            .merge_trees(
                repository,
                &before,
                &head.meta_range_id,
                &undone.meta_range_id,
                Strategy::Fail,
            )
            .await?;
        if summary == Summary::default() && !request.allow_empty {
            return Err(EngineError::NoChanges);
        }
        let message = request.message.clone().filter(|message| !message.is_empty());
        let says = Says {
            committer: request.committer.clone(),
            message: message.unwrap_or_else(|| format!("Revert {}", request.reference)),
            metadata: request.metadata.clone().unwrap_or_default(),
            date: engine.parts.runtime.now(),
        };
        let commit = Commit::following(says, tree, &[&head]);
        Ok(Draft { commit, summary, hooks_from: state.id.as_str().to_owned() })
    }
}
