//! Staging a value where there is none.
//!
//! What was written is the writer's own, and found again is no conflict. It is taken back where the
//! branch was moved meanwhile to a commit that has the key; where it was sealed before anybody could
//! look, it cannot be, and nobody can say that the key was free.

use bytes::Bytes;
use lakehold_kv::Error as KvError;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Version;
use lakehold_kv::Write;

use crate::CommitId;
use crate::Engine;
use crate::EngineError;
use crate::Repository;
use crate::Value;
use crate::branch::BranchState;
use crate::branch::UPDATE_ATTEMPTS;
use crate::error::Result;
use crate::staging::StagingToken;
use crate::staging::encode_entry;
use crate::staging::layers::Below;
use crate::staging::layers::Entry;
use crate::write::Applied;
use crate::write::Edit;
use crate::write::put_if;

/// Stages a value where there is none.
pub(super) struct Create {
    key: Bytes,
    value: Value,
    /// Tokens that earlier applications have written it to.
    written: Vec<StagingToken>,
    /// The commit on top of which there was none.
    head: Option<CommitId>,
    /// The token in which it took the place of a tombstone, which had hidden whatever is committed. To
    /// take it back would be to undo that deletion.
    over_tombstone: Option<StagingToken>,
}

impl Create {
    pub(super) fn new(key: Bytes, value: Value) -> Self {
        Self { key, value, written: Vec::new(), head: None, over_tombstone: None }
    }

    fn is_ours(&self, value: Option<&Value>) -> bool {
        !self.written.is_empty() && value == Some(&self.value)
    }

    /// The value is in the staging token. Takes it back if the branch was moved to a commit that has
    /// the key.
    async fn confirm(
        &mut self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
        version: Version,
    ) -> Result<Applied> {
        let hides_commit = self.over_tombstone.as_ref() == Some(&state.token());
        if hides_commit || self.head.as_ref() == Some(&state.commit_id) {
            return Ok(Applied::Written);
        }
        let below = engine.below(repository, state, &self.key).await?;
        if !engine.is_unmoved(repository, state).await? {
            return Ok(Applied::Overtaken);
        }
        if below.value().is_none() || self.is_ours(below.value()) {
            self.head = Some(state.commit_id.clone());
            return Ok(Applied::Written);
        }
        let removal = Write {
            partition: state.token().into_bytes(),
            key: self.key.clone(),
            value: None,
            precondition: Precondition::Unchanged(version),
        };
        let outcome = engine.write_if(removal).await?;
        let is_only_here = self.written.iter().all(|token| *token == state.token());
        Ok(match outcome {
            Outcome::Applied if is_only_here => Applied::TakenBack,
            Outcome::Applied | Outcome::PreconditionFailed => Applied::Overtaken,
        })
    }

    /// The value was sealed, committed even, before we could look whether the branch had been moved to a
    /// commit that has the key. It cannot be taken back any more.
    ///
    /// Fails with [`EngineError::OutcomeUnknown`] where it was: the value is there, and should not be.
    async fn check_hides_nothing(
        &self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<()> {
        if self.over_tombstone.is_some() {
            return Ok(());
        }
        let mut head = Some(state.commit_id.clone());
        for _ in 0..UPDATE_ATTEMPTS {
            let known = |id: &CommitId| self.head.as_ref() == Some(id) || id.as_str().is_empty();
            let Some(id) = head.filter(|id| !known(id)) else { return Ok(()) };
            let commit = engine.get_commit(repository, &id).await?;
            let (namespace, tree) = (&repository.storage_namespace, &commit.meta_range_id);
            match engine.parts.trees.get(namespace, tree, &self.key).await? {
                None => return Ok(()),
                Some(value) if self.is_ours(Some(&value)) => head = commit.main_parent().cloned(),
                Some(_) => {
                    let reason = "another value was committed at the same moment".into();
                    return Err(EngineError::OutcomeUnknown(
                        "the key was created twice",
                        KvError::Unknown(reason),
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Edit for Create {
    const IS_REPEATABLE: bool = false;

    fn rests_on_head(&self) -> bool {
        self.over_tombstone.is_none()
    }

    async fn apply(
        &mut self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Applied> {
        let present = engine.present(repository, state, &self.key).await?;
        let Some((entry, below)) = present else { return Ok(Applied::Overtaken) };
        let is_over_tombstone = entry.is_some();
        let precondition = match (entry, &below) {
            (Some(entry), _) if self.is_ours(entry.value.as_ref()) => {
                return self.confirm(engine, repository, state, entry.version).await;
            }
            (Some(Entry { value: Some(_), .. }), _) => return Err(refused(&self.key)),
            (Some(tombstone), _) => Precondition::Unchanged(tombstone.version),
            (None, Below::Committed(value)) if self.is_ours(Some(value)) => {
                self.check_hides_nothing(engine, repository, state).await?;
                return Ok(Applied::Nothing);
            }
            (None, Below::Sealed(Some(value))) if self.is_ours(Some(value)) => {
                self.check_hides_nothing(engine, repository, state).await?;
                Precondition::Absent
            }
            (None, below) if below.value().is_some() => return Err(refused(&self.key)),
            (None, _) => Precondition::Absent,
        };
        let entry = encode_entry(&self.key, Some(&self.value));
        let applied = put_if(engine, state, &self.key, entry, precondition).await?;
        if applied == Applied::Written {
            self.written.push(state.token());
            self.head = Some(state.commit_id.clone());
            self.over_tombstone = is_over_tombstone.then(|| state.token());
        }
        Ok(applied)
    }
}

/// What is said where the key is there already.
fn refused(key: &Bytes) -> EngineError {
    EngineError::PreconditionFailed(String::from_utf8_lossy(key).into_owned())
}

/// Asks whether [`Create`] would be refused.
pub(super) struct CheckAbsent {
    pub(super) key: Bytes,
}

impl Edit for CheckAbsent {
    const WRITES: bool = false;

    async fn apply(
        &mut self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Applied> {
        let present = engine.present(repository, state, &self.key).await?;
        let Some((entry, below)) = present else { return Ok(Applied::Overtaken) };
        let value = match &entry {
            Some(entry) => entry.value.as_ref(),
            None => below.value(),
        };
        match value {
            Some(_) => Err(refused(&self.key)),
            None => Ok(Applied::Written),
        }
    }
}
