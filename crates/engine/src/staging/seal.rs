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
        let before = self.branch_state(repository, branch).await?;
        self.check_clean(repository, &before, before.tokens()).await?;
        let state = self.seal(repository, branch).await?;
        self.check_clean(repository, &state, state.sealed()).await?;
        Ok(state)
    }

    async fn check_clean(
        &self,
        repository: &Repository,
        state: &BranchState,
        tokens: impl Iterator<Item = StagingToken>,
    ) -> Result<()> {
        let mut changes = self.uncommitted(repository, state, tokens).await?;
        match changes.next_difference().await? {
            Some(_) => Err(EngineError::DirtyBranch(state.id.clone())),
            None => Ok(()),
        }
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
