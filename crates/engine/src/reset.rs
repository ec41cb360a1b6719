//! Undoing: what is staged (reset), or where a branch is (hard reset).
//!
//! A reset of everything replaces the tokens. A reset of a prefix installs a fresh token that holds
//! the opposite of every change below the prefix, and seals the present one: all of it is written
//! before the branch record, so that it takes effect at once or not at all. A reset of one key is the
//! same where other servers may move the branch: what is committed is stale as soon as they do, and
//! said in the staging token it would be a change. Where nobody else can, it is an edit like any other
//! (see `write`), which seals nothing.

use bytes::Bytes;
use lakehold_kv::Outcome;

use crate::BlockedAction;
use crate::BranchId;
use crate::Engine;
use crate::EngineError;
use crate::RefExpr;
use crate::Repository;
use crate::Value;
use crate::branch::BranchState;
use crate::branch::UPDATE_ATTEMPTS;
use crate::error::Result;
use crate::page::Rows as _;
use crate::staging::StagingToken;
use crate::staging::encode_entry;
use crate::staging::tidy::set_entry;
use crate::write::Applied;
use crate::write::Edit;

/// How many entries are written by one call of the store.
const BATCH: usize = 500;

/// Which staged changes are undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResetScope {
    /// All of them.
    All,
    /// Those to keys that begin with this.
    Prefix(String),
    /// That to this key; none is no error.
    Key(String),
}

impl ResetScope {
    /// The smallest key within it.
    fn first_key(&self) -> &[u8] {
        match self {
            Self::All => b"",
            Self::Prefix(start) | Self::Key(start) => start.as_bytes(),
        }
    }

    fn includes(&self, key: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => key.starts_with(prefix.as_bytes()),
            Self::Key(only) => key == only.as_bytes(),
        }
    }
}

impl Engine {
    /// Undoes staged changes of a branch.
    pub async fn reset_branch(
        &self,
        repository: &Repository,
        id: &BranchId,
        scope: &ResetScope,
        force: bool,
    ) -> Result<()> {
        self.check_may_stage(repository, id, force).await?;
        let turn = self.parts.queues.enter(repository, id).await;
        match scope {
            ResetScope::All => self.reset_all(repository, id).await,
            ResetScope::Prefix(prefix) if prefix.is_empty() => self.reset_all(repository, id).await,
            ResetScope::Prefix(_) => self.reset_part(repository, id, scope).await,
            ResetScope::Key(_) if !self.is_exclusive() => {
                self.reset_part(repository, id, scope).await
            }
            ResetScope::Key(key) => {
                let mut edit = ResetKey { key: key.clone().into(), touched: Vec::new() };
                let (engine, repository, id) = (self.clone(), repository.clone(), id.clone());
                // Once it has gone, what it writes could come after the next commit, and be a change.
                self.to_the_end("reset-key", async move {
                    let _turn = turn;
                    engine.edit_patiently(&repository, &id, &mut edit).await
                })
                .await
            }
        }
    }

    async fn reset_all(&self, repository: &Repository, id: &BranchId) -> Result<()> {
        for attempt in 1..=UPDATE_ATTEMPTS {
            let state = self.branch_state(repository, id).await?;
            if state.sealed_count() == 0 && self.is_token_empty(&state.token()).await? {
                // Empty it may be because somebody has committed meanwhile, and it was wiped.
                if self.is_unmoved(repository, &state).await? {
                    return Ok(());
                }
                self.back_off(attempt).await;
                continue;
            }
            let next = state.emptied(repository, &self.parts.runtime);
            match self.replace_branch(repository, Vec::new(), &state, next).await? {
                Outcome::Applied => return Ok(()),
                Outcome::PreconditionFailed => self.back_off(attempt).await,
            }
        }
        Err(EngineError::BranchBusy { branch: id.clone(), attempts: UPDATE_ATTEMPTS })
    }

    async fn reset_part(
        &self,
        repository: &Repository,
        id: &BranchId,
        scope: &ResetScope,
    ) -> Result<()> {
        for attempt in 1..=UPDATE_ATTEMPTS {
            let state = self.branch_state(repository, id).await?;
            let opposite = StagingToken::fresh(repository, id, &self.parts.runtime);
            if !self.write_opposite(repository, &state, scope, &opposite).await? {
                // Nothing found: true if no token was wiped while looking.
                if self.branch_state(repository, id).await?.is_same(&state) {
                    return Ok(());
                }
                continue;
            }
            let next = state.sealing_under(opposite.clone());
            match self.replace_branch(repository, Vec::new(), &state, next).await? {
                Outcome::Applied => {
                    self.tidy_branch(repository, id).await;
                    return Ok(());
                }
                Outcome::PreconditionFailed => {
                    self.drop_partitions(vec![opposite.into_bytes()]);
                    self.back_off(attempt).await;
                }
            }
        }
        Err(EngineError::BranchBusy { branch: id.clone(), attempts: UPDATE_ATTEMPTS })
    }

    /// Writes under `opposite` what undoes every staged change within `scope`. Returns whether there
    /// was any.
    async fn write_opposite(
        &self,
        repository: &Repository,
        state: &BranchState,
        scope: &ResetScope,
        opposite: &StagingToken,
    ) -> Result<bool> {
        let mut changes = self.uncommitted(repository, state, state.tokens()).await?;
        changes.seek(scope.first_key());
        let mut writes = Vec::new();
        let mut is_any = false;
        while let Some(change) = changes.next_difference().await? {
            if !scope.includes(&change.key) {
                break;
            }
            is_any = true;
            let entry = encode_entry(&change.key, change.left.as_ref());
            writes.push(set_entry(opposite, change.key, entry));
            if writes.len() == BATCH {
                self.write_always(std::mem::take(&mut writes)).await?;
            }
        }
        self.write_always(writes).await?;
        Ok(is_any)
    }

    /// Moves a branch to any commit. `reference` means what it means before: `main~1` is the commit
    /// before the one that is given up.
    ///
    /// Fails with [`EngineError::DirtyBranch`] where anything is staged that changes anything, and
    /// with [`EngineError::ProtectedBranch`] if either writing or committing is forbidden.
    pub async fn hard_reset_branch(
        &self,
        repository: &Repository,
        id: &BranchId,
        reference: &RefExpr,
        force: bool,
    ) -> Result<()> {
        self.check_unprotected(repository, id, BlockedAction::Any).await?;
        repository.check_writable(force)?;
        let _turn = self.parts.queues.enter(repository, id).await;
        for attempt in 1..=UPDATE_ATTEMPTS {
            let state = self.seal_clean(repository, id).await?;
            let target = self.resolve_commit(repository, reference).await?;
            let next = state.moving_to(&target);
            match self.replace_branch(repository, Vec::new(), &state, next).await? {
                Outcome::Applied => return Ok(()),
                Outcome::PreconditionFailed => self.back_off(attempt).await,
            }
        }
        Err(EngineError::BranchBusy { branch: id.clone(), attempts: UPDATE_ATTEMPTS })
    }
}

/// Undoes the staged change of one key.
struct ResetKey {
    key: Bytes,
    /// Tokens that earlier applications wrote to.
    touched: Vec<StagingToken>,
}

impl Edit for ResetKey {
    fn rests_on_head(&self) -> bool {
        true
    }

    async fn apply(
        &mut self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Applied> {
        let must_say_so = state.sealed().any(|sealed| self.touched.contains(&sealed));
        let mut staged = None;
        for token in state.tokens() {
            if let Some(entry) = engine.entry(&token, &self.key).await? {
                staged = Some(entry.value);
                break;
            }
        }
        let committed = engine.committed(repository, state, &self.key).await?;
        if !engine.branch_state(repository, &state.id).await?.is_same(state) {
            return Ok(Applied::Overtaken);
        }
        let is_changed = staged.is_some_and(|staged| identity(&staged) != identity(&committed));
        if !is_changed && !must_say_so {
            return Ok(Applied::Nothing);
        }
        // Said in the staging token, not removed from it: a sealed one below may have the key.
        self.touched.push(state.token());
        let entry = encode_entry(&self.key, committed.as_ref());
        let write = set_entry(&state.token(), self.key.clone(), entry);
        let (Outcome::Applied | Outcome::PreconditionFailed) = engine.write_if(write).await?;
        Ok(Applied::Written)
    }
}

fn identity(value: &Option<Value>) -> Option<&Bytes> {
    value.as_ref().map(|value| &value.identity)
}
