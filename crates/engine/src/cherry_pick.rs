//! Cherry-picking: doing on a branch what a commit did elsewhere.
//!
//! It is a merge in which the commit is the source and its parent the base. The new commit says what
//! the picked one said, and in its metadata where it comes from. The picked commit itself is read
//! from a cache and shared: its metadata is copied, never added to.

use std::sync::Arc;

use async_trait::async_trait;

use crate::BranchId;
use crate::Commit;
use crate::Engine;
use crate::EngineError;
use crate::Metadata;
use crate::RefExpr;
use crate::Repository;
use crate::Strategy;
use crate::branch::BranchState;
use crate::branch::advance::Draft;
use crate::branch::advance::Step;
use crate::commit::Says;
use crate::error::Result;
use crate::revert::parent_numbered;

/// Metadata key for the id of the picked commit.
const ORIGIN_KEY: &str = "cherry-pick-origin";
/// Metadata key for who made the picked commit.
const COMMITTER_KEY: &str = "cherry-pick-committer";

/// What makes a cherry-pick.
#[derive(Clone, Debug)]
pub struct CherryPickRequest {
    /// Who picks.
    pub committer: String,
    /// The commit to pick.
    pub reference: RefExpr,
    /// 1-based.
    pub parent_number: Option<i64>,
    /// Why, instead of the picked commit's message; empty counts as none.
    pub message: Option<String>,
    /// Instead of the picked commit's metadata.
    pub metadata: Option<Metadata>,
    /// Pick on a read-only repository.
    pub force: bool,
}

impl Engine {
    /// Does on `branch`, which must be clean, what a commit did.
    ///
    /// Fails with [`EngineError::CherryPickMergeWithoutParent`], [`EngineError::ParentOutOfRange`]
    /// (a first commit has no parent to compare with), [`EngineError::Conflict`],
    /// [`EngineError::NoChanges`] where the picked commit changed nothing,
    /// [`EngineError::DirtyBranch`].
    pub async fn cherry_pick(
        &self,
        repository: &Repository,
        branch: &BranchId,
        request: CherryPickRequest,
    ) -> Result<Arc<Commit>> {
        repository.check_writable(request.force)?;
        self.branch_state(repository, branch).await?;
        let commit = self.commit_at(repository, &request.reference).await?;
        parent_of(&commit, request.parent_number)?;
        let draft = self.advance(repository, branch, &CherryPick(&request)).await?;
        Ok(Arc::new(draft.commit))
    }
}

/// Index of the parent relative to which `commit` is picked.
fn parent_of(commit: &Commit, number: Option<i64>) -> Result<usize> {
    match number {
        Some(number) if number < 1 => {
            let value = number.to_string();
            Err(EngineError::InvalidArgument { name: "parent_number", value })
        }
        None if commit.parents.len() > 1 => {
            Err(EngineError::CherryPickMergeWithoutParent(commit.id.as_str().to_owned()))
        }
        number => parent_numbered(commit, number.unwrap_or(1)),
    }
}

/// The step of a cherry-pick.
struct CherryPick<'a>(&'a CherryPickRequest);

#[async_trait]
impl Step for CherryPick<'_> {
    const EVENTS: (&'static str, &'static str) = ("pre-cherry-pick", "post-cherry-pick");

    async fn draft(
        &self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Draft> {
        let Self(request) = self;
        let head = engine.head_needed(repository, state).await?;
        let picked = engine.commit_at(repository, &request.reference).await?;
        let parent = parent_of(&picked, request.parent_number)?;
        let before = engine.tree_before(repository, &picked, Some(parent)).await?;
        if before == picked.meta_range_id {
            return Err(EngineError::NoChanges);
        }
        let (tree, summary) = engine
            .merge_trees(
                repository,
                &picked.meta_range_id,
                &head.meta_range_id,
                &before,
                Strategy::Fail,
            )
            .await?;
        let says = says(engine, request, &picked);
        let commit = Commit::following(says, tree, &[&head]);
        Ok(Draft { commit, summary, hooks_from: state.id.as_str().to_owned() })
    }
}

fn says(engine: &Engine, request: &CherryPickRequest, picked: &Commit) -> Says {
    let mut metadata = request.metadata.clone().unwrap_or_else(|| picked.metadata.clone());
    metadata.insert(ORIGIN_KEY.to_owned(), picked.id.as_str().to_owned());
    metadata.insert(COMMITTER_KEY.to_owned(), picked.committer.clone());
    let message = request.message.clone().filter(|message| !message.is_empty());
    Says {
        committer: request.committer.clone(),
        message: message.unwrap_or_else(|| picked.message.clone()),
        metadata,
        date: engine.parts.runtime.now(),
    }
}
