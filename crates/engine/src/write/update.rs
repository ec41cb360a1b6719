//! Changing the value at a key by what it is.

use bytes::Bytes;
use lakehold_kv::Precondition;

use crate::BranchId;
use crate::Engine;
use crate::Repository;
use crate::Value;
use crate::branch::BranchState;
use crate::error::Result;
use crate::read::key_not_found;
use crate::staging::encode_entry;
use crate::staging::layers::Below;
use crate::write::Applied;
use crate::write::Edit;
use crate::write::put_if;

/// Makes a new value of the present one.
type Change<'a> = &'a (dyn Fn(Value) -> Result<Value> + Send + Sync);

impl Engine {
    /// Stages what `change` makes of the present value; nothing is lost between reading and writing.
    ///
    /// Returns the new value. `change` may be called again where somebody else wrote meanwhile, on
    /// what they wrote. Fails with [`crate::EngineError::KeyNotFound`], and as `stage` does.
    pub async fn update(
        &self,
        repository: &Repository,
        branch: &BranchId,
        key: Bytes,
        change: Change<'_>,
        force: bool,
    ) -> Result<Value> {
        self.check_may_stage(repository, branch, force).await?;
        let mut edit = Update { key, change, written: None, made_of: None };
        self.edit(repository, branch, &mut edit).await?;
        let Update { key, written, .. } = edit;
        written.ok_or_else(|| key_not_found(&key))
    }
}

struct Update<'a> {
    key: Bytes,
    change: Change<'a>,
    /// What an earlier application has written.
    written: Option<Value>,
    /// What it was made of, if that was in a commit or under a sealed token.
    made_of: Option<Value>,
}

impl Update<'_> {
    /// Looks again at what lies under what was written: the branch may have been moved to a commit in
    /// which it is another value. Returns that.
    async fn find_other_origin(
        &self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Option<Value>> {
        let Some(made_of) = &self.made_of else { return Ok(None) };
        let below = engine.below(repository, state, &self.key).await?.value().cloned();
        Ok(below.filter(|below| below != made_of && Some(below) != self.written.as_ref()))
    }
}

impl Edit for Update<'_> {
    const IS_REPEATABLE: bool = false;

    fn rests_on_head(&self) -> bool {
        true
    }

    async fn apply(
        &mut self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Applied> {
        let present = engine.present(repository, state, &self.key).await?;
        let Some((entry, below)) = present else { return Ok(Applied::Overtaken) };
        let (value, precondition) = match &entry {
            Some(entry) => (entry.value.as_ref(), Precondition::Unchanged(entry.version.clone())),
            None => (below.value(), Precondition::Absent),
        };
        let mut value = value.ok_or_else(|| key_not_found(&self.key))?.clone();
        let mut is_ours = self.written.as_ref() == Some(&value);
        if is_ours && entry.is_some() {
            let Some(other) = self.find_other_origin(engine, repository, state).await? else {
                return Ok(Applied::Written);
            };
            (value, is_ours) = (other, false);
        }
        if is_ours && matches!(below, Below::Committed(_)) {
            return Ok(Applied::Nothing);
        }
        // Ours and sealed: to be written again, but not to be changed again.
        let changed = if is_ours { value.clone() } else { (self.change)(value.clone())? };
        let staged = encode_entry(&self.key, Some(&changed));
        let applied = put_if(engine, state, &self.key, staged, precondition).await?;
        if applied == Applied::Written {
            let is_from_below = entry.is_none() || self.made_of.is_some();
            self.made_of = (is_from_below && !is_ours).then_some(value);
            self.written = Some(changed);
        }
        Ok(applied)
    }
}
