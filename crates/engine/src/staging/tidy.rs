//! What a failed commit leaves: sealed tokens, which every read has to look through.
//!
//! They hold what users wrote, so they cannot be thrown away; but one without entries can, those
//! whose entries change nothing can, and many can be made one. All this is one conditional write of
//! the branch record, and none of it changes what can be read on the branch.

use bytes::Bytes;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Write;

use crate::BranchId;
use crate::Engine;
use crate::EngineError;
use crate::Repository;
use crate::branch::BranchState;
use crate::error::Result;
use crate::staging::StagingToken;
use crate::staging::encode_entry;

/// More sealed tokens than this are made one.
const MAX_SEALED: usize = 4;

/// How many entries are copied by one call of the store.
const BATCH: usize = 500;

impl Engine {
    /// Leaves as few sealed tokens as possible on the branch after its operation failed. The branch
    /// was in `state`; if it has moved on, somebody else sees to it.
    pub(crate) async fn tidy_after_failure(
        &self,
        repository: &Repository,
        state: &BranchState,
        failure: &EngineError,
    ) {
        if !matches!(failure, EngineError::NoChanges) {
            return self.tidy_sealed(repository, state).await;
        }
        // With no changes found, nothing that is sealed says anything the commit does not.
        if state.sealed_count() > 0
            && let Err(error) = self.keep_sealed(repository, state, Vec::new()).await
        {
            log_untidy(&state.id, &error);
        }
    }

    /// Leaves as few sealed tokens as possible on the branch, whatever it is at now.
    pub(crate) async fn tidy_branch(&self, repository: &Repository, branch: &BranchId) {
        match self.find_branch(repository, branch).await {
            Ok(Some(state)) => self.tidy_sealed(repository, &state).await,
            Ok(None) => {}
            Err(error) => log_untidy(branch, &error),
        }
    }

    /// Leaves as few sealed tokens as possible on the branch.
    async fn tidy_sealed(&self, repository: &Repository, state: &BranchState) {
        if state.sealed_count() > 0
            && let Err(error) = self.make_fewer(repository, state).await
        {
            log_untidy(&state.id, &error);
        }
    }

    async fn make_fewer(&self, repository: &Repository, state: &BranchState) -> Result<()> {
        let mut kept = Vec::new();
        for token in state.sealed() {
            if !self.is_token_empty(&token).await? {
                kept.push(token);
            }
        }
        if kept.len() > MAX_SEALED {
            kept = vec![self.copy_into_one(repository, state, kept).await?];
        }
        if kept.len() == state.sealed_count() {
            return Ok(());
        }
        self.keep_sealed(repository, state, kept).await
    }

    async fn keep_sealed(
        &self,
        repository: &Repository,
        state: &BranchState,
        kept: Vec<StagingToken>,
    ) -> Result<()> {
        let added: Vec<Bytes> = kept
            .iter()
            .filter(|token| !state.sealed().any(|sealed| sealed == **token))
            .map(StagingToken::partition)
            .collect();
        let next = state.with_sealed(kept);
        match self.replace_branch(repository, Vec::new(), state, next).await? {
            Outcome::Applied => {}
            Outcome::PreconditionFailed => self.drop_partitions(added),
        }
        Ok(())
    }

    /// Copies what can be read through `tokens` into a fresh one.
    async fn copy_into_one(
        &self,
        repository: &Repository,
        state: &BranchState,
        tokens: Vec<StagingToken>,
    ) -> Result<StagingToken> {
        let one = StagingToken::fresh(repository, &state.id, &self.parts.runtime);
        let mut changes = self.staged(tokens.into_iter());
        let mut writes = Vec::new();
        while let Some(change) = changes.next_change().await? {
            let entry = encode_entry(&change.key, change.value.as_ref());
            writes.push(set_entry(&one, change.key, entry));
            if writes.len() == BATCH {
                self.write_always(std::mem::take(&mut writes)).await?;
            }
        }
        self.write_always(writes).await?;
        Ok(one)
    }
}

fn log_untidy(branch: &BranchId, error: &EngineError) {
    tracing::warn!(branch.id = %branch, %error, "sealed tokens stay on {branch}: {error}");
}

/// The write of an entry, whatever is there.
pub(crate) fn set_entry(token: &StagingToken, key: Bytes, entry: Bytes) -> Write {
    Write {
        partition: token.partition(),
        key,
        value: Some(entry),
        precondition: Precondition::Always,
    }
}
