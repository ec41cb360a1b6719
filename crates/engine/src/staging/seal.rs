//! Sealing: setting what is staged apart, so that it stands still while it is read.

use lakehold_kv::Outcome;

use crate::BranchId;
use crate::Engine;
use crate::EngineError;
use crate::Repository;
use crate::branch::BranchState;
use crate::branch::UPDATE_ATTEMPTS;
use crate::error::Result;
use crate::staging::StagingToken;

impl Engine {
    /// Seals what is staged on `branch` and returns the branch as it is then.
    ///
    /// A token without entries is not sealed: whoever writes to it from now on comes after us.
    pub(crate) async fn seal(
        &self,
        repository: &Repository,
        branch: &BranchId,
    ) -> Result<BranchState> {
        for attempt in 1..=UPDATE_ATTEMPTS {
            let state = self.branch_state(repository, branch).await?;
            if self.is_token_empty(&state.token()).await? {
                return Ok(state);
            }
            let next = state.sealing(repository, &self.parts.runtime);
            match self.replace_branch(repository, Vec::new(), &state, next).await? {
                Outcome::Applied => return self.branch_state(repository, branch).await,
                Outcome::PreconditionFailed => self.back_off(attempt).await,
            }
        }
        Err(EngineError::BranchBusy { branch: branch.clone(), attempts: UPDATE_ATTEMPTS })
    }

    /// Like [`Engine::seal`], for a branch that must be clean: fails with
    /// [`EngineError::DirtyBranch`] where what is staged changes anything.
    ///
    /// What is sealed then changes nothing *now*, but might on top of another commit, so whoever
    /// moves the branch drops it. It is looked at again after the seal: something may have been
    /// written just before.
    pub(crate) async fn seal_clean(
        &self,
        repository: &Repository,
        branch: &BranchId,
    ) -> Result<BranchState> {
        for attempt in 1..=UPDATE_ATTEMPTS {
            let before = self.branch_state(repository, branch).await?;
            if self.is_clean(repository, &before, before.tokens()).await? {
                let state = self.seal(repository, branch).await?;
                if self.is_clean(repository, &state, state.sealed()).await? {
                    return Ok(state);
                }
            }
            self.back_off(attempt).await;
        }
        Err(EngineError::BranchBusy { branch: branch.clone(), attempts: UPDATE_ATTEMPTS })
    }

    /// Whether what lies under `tokens` changes nothing; not so either if the branch has moved on, so
    /// that a change may have been seen only because half of the tokens were wiped already.
    ///
    /// Fails with [`EngineError::DirtyBranch`] where it does change something.
    async fn is_clean(
        &self,
        repository: &Repository,
        state: &BranchState,
        tokens: impl Iterator<Item = StagingToken>,
    ) -> Result<bool> {
        let mut changes = self.uncommitted(repository, state, tokens).await?;
        if changes.next_difference().await?.is_none() {
            return Ok(true);
        }
        match self.is_unmoved(repository, state).await? {
            true => Err(EngineError::DirtyBranch(state.id.clone())),
            false => Ok(false),
        }
    }

    /// Whether the record of the branch is still `state`.
    pub(crate) async fn is_unmoved(
        &self,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<bool> {
        let now = self.find_branch(repository, &state.id).await?;
        Ok(now.is_some_and(|now| now.is_same(state)))
    }

    /// Whether nothing at all lies under a token.
    pub(crate) async fn is_token_empty(&self, token: &StagingToken) -> Result<bool> {
        if token.is_empty() {
            return Ok(true);
        }
        let page = self.parts.kv.scan(token.partition(), bytes::Bytes::new(), 1).await?;
        Ok(page.entries.is_empty())
    }
}
