//! Deleting a branch, and with it what is staged on it.

use bytes::Bytes;
use lakehold_kv::Outcome;

use crate::BranchId;
use crate::Engine;
use crate::EngineError;
use crate::HookEvent;
use crate::Repository;
use crate::branch::BranchState;
use crate::branch::UPDATE_ATTEMPTS;
use crate::error::Result;
use crate::staging::StagingToken;

impl Engine {
    /// Deletes a branch and drops what is staged on it, protected or not.
    ///
    /// Fails with [`EngineError::DefaultBranch`] for the default branch.
    pub async fn delete_branch(
        &self,
        repository: &Repository,
        id: &BranchId,
        force: bool,
    ) -> Result<()> {
        repository.check_writable(force)?;
        if *id == repository.default_branch {
            return Err(EngineError::DefaultBranch(id.clone()));
        }
        let _turn = self.parts.queues.enter(repository, id).await;
        let mut approved = false;
        for attempt in 1..=UPDATE_ATTEMPTS {
            let state = self.branch_state(repository, id).await?;
            let event = |name| HookEvent::new(name, repository, state.commit_id.as_str());
            if !approved {
                let before = || event("pre-delete-branch").on_branch(id);
                self.ask_hooks(repository, before).await?;
                approved = true;
            }
            match self.remove_branch(repository, &state).await? {
                Outcome::Applied => {
                    self.tell_hooks(repository, || event("post-delete-branch").on_branch(id));
                    return Ok(());
                }
                Outcome::PreconditionFailed => self.back_off(attempt).await,
            }
        }
        Err(EngineError::BranchBusy { branch: id.clone(), attempts: UPDATE_ATTEMPTS })
    }

    /// Removes the record `state` if it is still the record, and lets go of its tokens; goes on if the
    /// caller goes away.
    async fn remove_branch(&self, repository: &Repository, state: &BranchState) -> Result<Outcome> {
        let removed = state.removed(repository);
        let tokens: Vec<Bytes> = state.tokens().map(StagingToken::into_bytes).collect();
        let turn = self.parts.queues.prolong(repository, &state.id);
        let engine = self.clone();
        self.to_the_end("remove-branch", async move {
            let _turn = turn;
            let outcome = engine.write_if(removed).await?;
            if outcome == Outcome::Applied {
                engine.drop_partitions(tokens);
            }
            Ok(outcome)
        })
        .await
    }
}
