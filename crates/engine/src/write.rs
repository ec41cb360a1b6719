//! Writing keys: the loop that follows a branch whose token moves, and what goes through it.
//!
//! An *edit* reads what it needs, decides and writes into the staging token, all by way of one branch
//! record. Then the record is read again: if the token is still the one that was written to, the
//! edit is done; if not, it is applied once more by way of the new record (see `staging` for why).
//! The second application must know what the first one did:
//!
//! - what it wrote may be found again in a sealed token. That is no reason to leave it there: the
//!   commit in progress may have read past it. It is written again;
//! - what it wrote may be found again in the commit. Then it is done;
//! - where it *removed* something, the commit in progress may still have read it. Then it says so
//!   again, with a tombstone.
//!
//! After a few rounds a writer stands in the branch's queue, so that commits cannot overtake it for
//! ever; where other servers commit, too, it waits a little between rounds instead.

mod create;
mod delete;
mod update;

use bytes::Bytes;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Write;

use crate::BlockedAction;
use crate::BranchId;
use crate::Engine;
use crate::EngineError;
use crate::Repository;
use crate::Value;
use crate::branch::BranchState;
use crate::branch::UPDATE_ATTEMPTS;
use crate::error::Result;
use crate::staging::encode_entry;
use crate::staging::layers::Below;
use crate::staging::layers::Entry;
use crate::staging::tidy::set_entry;
use crate::write::create::CheckAbsent;
use crate::write::create::Create;

/// How many rounds a writer makes before it stands in the queue.
const ROUNDS_BEFORE_QUEUE: u32 = 3;

/// What must hold for a value to be staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageCondition {
    /// Nothing.
    Always,
    /// The key is absent on the branch (staged over committed).
    Absent,
}

/// A change of staged entries that may have to be applied more than once.
pub(crate) trait Edit: Send {
    /// Whether it writes, and does not only ask.
    const WRITES: bool = true;
    /// Whether doing it twice is doing it once, so that "busy, try again" needs no more to be said.
    const IS_REPEATABLE: bool = true;

    /// Whether what it has written follows from what is committed, so that it has to be looked at again
    /// if the branch was moved meanwhile, and the token was not: it held nothing to be sealed.
    fn rests_on_head(&self) -> bool {
        false
    }

    /// Applies the edit by way of `state`.
    fn apply(
        &mut self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> impl Future<Output = Result<Applied>> + Send;
}

/// An edit and whether it has left something that may count, so that failing is not "nothing was done".
struct Rounds<'a, E> {
    edit: &'a mut E,
    is_written: bool,
}

impl<E: Edit> Rounds<'_, E> {
    fn settle(&self, done: Result<()>) -> Result<()> {
        match done {
            Err(EngineError::BranchBusy { .. }) if E::IS_REPEATABLE => done,
            Err(error) if self.is_written => Err(error.after_writing()),
            done => done,
        }
    }
}

/// What became of one application of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It is in the staging token: done, if the token is still the one that takes writes.
    Written,
    /// There was nothing to write: done, if the branch is still the same.
    Nothing,
    /// Somebody wrote in between: to be applied again.
    Overtaken,
    /// The only thing it ever wrote, into this token, was removed again: to be applied again.
    TakenBack,
}

impl Engine {
    /// Stages `value` under `key` on `branch`.
    ///
    /// Once this returns the entry can be read on the branch and is part of its next commit. Fails
    /// with [`EngineError::PreconditionFailed`] where the condition does not hold (of several that
    /// create a key at once exactly one succeeds), with [`EngineError::ProtectedBranch`],
    /// [`EngineError::ReadOnlyRepository`], or [`EngineError::BranchBusy`].
    pub async fn stage(
        &self,
        repository: &Repository,
        branch: &BranchId,
        key: Bytes,
        value: Value,
        condition: StageCondition,
        force: bool,
    ) -> Result<()> {
        self.check_may_stage(repository, branch, force).await?;
        if value.identity.is_empty() {
            // It would be taken for a tombstone.
            let key = String::from_utf8_lossy(&key).into_owned();
            return Err(EngineError::InvalidArgument { name: "identity", value: key });
        }
        match condition {
            StageCondition::Always => {
                let entry = encode_entry(&key, Some(&value));
                self.edit(repository, branch, &mut Set { key, entry }).await
            }
            StageCondition::Absent => {
                let mut edit = Create::new(key, value);
                self.edit(repository, branch, &mut edit).await
            }
        }
    }

    /// Fails as `stage` would before anything is written: branch missing, protected, read-only,
    /// condition.
    pub async fn check_stage(
        &self,
        repository: &Repository,
        branch: &BranchId,
        key: &[u8],
        condition: StageCondition,
        force: bool,
    ) -> Result<()> {
        self.check_may_stage(repository, branch, force).await?;
        if condition == StageCondition::Always {
            return self.branch_state(repository, branch).await.map(drop);
        }
        let key = Bytes::copy_from_slice(key);
        let mut check = CheckAbsent { key };
        self.edit(repository, branch, &mut check).await
    }

    pub(crate) async fn check_may_stage(
        &self,
        repository: &Repository,
        branch: &BranchId,
        force: bool,
    ) -> Result<()> {
        self.check_unprotected(repository, branch, BlockedAction::StagingWrite).await?;
        repository.check_writable(force)
    }

    /// Applies `edit` until it is where it counts.
    ///
    /// Fails with [`EngineError::OutcomeUnknown`] where it was written, and what became of it could
    /// not be seen: a commit in progress may have taken it along.
    pub(crate) async fn edit<E: Edit>(
        &self,
        repository: &Repository,
        branch: &BranchId,
        edit: &mut E,
    ) -> Result<()> {
        let mut rounds = Rounds { edit, is_written: false };
        let done = self.edit_in_rounds(repository, branch, &mut rounds).await;
        rounds.settle(done)
    }

    /// Like [`Engine::edit`], pausing between rounds, for those who stand in the branch's queue or
    /// need not.
    pub(crate) async fn edit_patiently<E: Edit>(
        &self,
        repository: &Repository,
        branch: &BranchId,
        edit: &mut E,
    ) -> Result<()> {
        let mut rounds = Rounds { edit, is_written: false };
        let done = self.edit_with_pauses(repository, branch, &mut rounds).await;
        rounds.settle(done)
    }

    async fn edit_in_rounds<E: Edit>(
        &self,
        repository: &Repository,
        branch: &BranchId,
        rounds: &mut Rounds<'_, E>,
    ) -> Result<()> {
        let mut state = self.branch_state(repository, branch).await?;
        for _ in 0..ROUNDS_BEFORE_QUEUE {
            match self.apply_once(repository, &state, rounds).await? {
                None => return Ok(()),
                Some(after) => state = after,
            }
        }
        // Other servers do not stand in our queue; and a hook that writes must not wait there for the
        // very commit that waits for it.
        let _turn = match self.is_exclusive() {
            true => Some(self.parts.queues.enter(repository, branch).await),
            false => None,
        };
        self.edit_with_pauses(repository, branch, rounds).await
    }

    async fn edit_with_pauses<E: Edit>(
        &self,
        repository: &Repository,
        branch: &BranchId,
        rounds: &mut Rounds<'_, E>,
    ) -> Result<()> {
        for attempt in 1..=UPDATE_ATTEMPTS {
            let state = self.branch_state(repository, branch).await?;
            match self.apply_once(repository, &state, rounds).await? {
                None => return Ok(()),
                Some(_) => self.back_off(attempt).await,
            }
        }
        Err(EngineError::BranchBusy { branch: branch.clone(), attempts: UPDATE_ATTEMPTS })
    }

    /// Applies `edit` by way of `state`. Returns the branch as it is afterwards if the edit must be
    /// applied again.
    async fn apply_once<E: Edit>(
        &self,
        repository: &Repository,
        state: &BranchState,
        rounds: &mut Rounds<'_, E>,
    ) -> Result<Option<BranchState>> {
        let applied = rounds.edit.apply(self, repository, state).await?;
        rounds.is_written |= E::WRITES && applied == Applied::Written;
        let after = self.branch_after_edit(repository, state, applied).await?;
        let is_done = match applied {
            Applied::Written => {
                let is_moved = rounds.edit.rests_on_head() && after.commit_id != state.commit_id;
                after.token() == state.token() && !is_moved
            }
            Applied::Nothing => after.is_same(state),
            Applied::Overtaken => false,
            Applied::TakenBack => {
                // Nobody has seen it but readers, unless it was sealed before it was taken back.
                rounds.is_written = after.token() != state.token();
                false
            }
        };
        Ok((!is_done).then_some(after))
    }

    /// Reads the branch after an edit by way of `state`. What was written to a token that the branch
    /// has dropped meanwhile is taken back: nobody would ever look there.
    async fn branch_after_edit(
        &self,
        repository: &Repository,
        state: &BranchState,
        applied: Applied,
    ) -> Result<BranchState> {
        let after = self.find_branch(repository, &state.id).await?;
        let token = state.token();
        let is_named = after.as_ref().is_some_and(|after| after.tokens().any(|t| t == token));
        if applied == Applied::Written && !is_named {
            self.drop_partitions(vec![token.into_bytes()]);
        }
        after.ok_or_else(|| EngineError::BranchNotFound(state.id.clone()))
    }

    /// Reads the staging token's entry at `key` and what lies below it; `None` if tokens were wiped
    /// meanwhile.
    async fn present(
        &self,
        repository: &Repository,
        state: &BranchState,
        key: &Bytes,
    ) -> Result<Option<(Option<Entry>, Below)>> {
        let entry = self.entry(&state.token(), key).await?;
        let below = match &entry {
            Some(_) => Below::Nothing,
            None => self.below(repository, state, key).await?,
        };
        // The state was read before; whether it still is the record settles what lies below.
        let now = self.branch_state(repository, &state.id).await?;
        Ok(now.is_same(state).then_some((entry, below)))
    }
}

/// Stages a value whatever is there.
struct Set {
    key: Bytes,
    entry: Bytes,
}

impl Edit for Set {
    async fn apply(
        &mut self,
        engine: &Engine,
        _repository: &Repository,
        state: &BranchState,
    ) -> Result<Applied> {
        let write = set_entry(&state.token(), self.key.clone(), self.entry.clone());
        let (Outcome::Applied | Outcome::PreconditionFailed) = engine.write_if(write).await?;
        Ok(Applied::Written)
    }
}

/// Writes an entry into the staging token if nobody else has since it was looked at.
async fn put_if(
    engine: &Engine,
    state: &BranchState,
    key: &Bytes,
    entry: Bytes,
    precondition: Precondition,
) -> Result<Applied> {
    let write = Write {
        partition: state.token().into_bytes(),
        key: key.clone(),
        value: Some(entry),
        precondition,
    };
    Ok(match engine.write_if(write).await? {
        Outcome::Applied => Applied::Written,
        Outcome::PreconditionFailed => Applied::Overtaken,
    })
}
