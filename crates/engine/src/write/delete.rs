//! Deleting keys.
//!
//! A key that is staged gets a tombstone in the place of its entry; one that is committed or sealed
//! gets one beside it; one that is nowhere is left alone. Where `no_tombstone` is asked for, an entry
//! with nothing below it is removed instead, so that keys that come and go leave nothing behind.
//!
//! What was removed is looked at again if the branch was moved meanwhile, to a commit that has the key:
//! a merge does not see what is staged while it is at work.
//!
//! All that holds only while nothing is sealed. What is missing under a sealed token may have been
//! removed from it just now, by us or by somebody else, after a commit has read it: it will be there
//! again once the commit is installed. So while anything is sealed each key gets a tombstone, whatever
//! is found.

use bytes::Bytes;
use lakehold_kv::Write;

use crate::BranchId;
use crate::Engine;
use crate::Repository;
use crate::branch::BranchState;
use crate::error::Result;
use crate::staging::encode_entry;
use crate::staging::tidy::set_entry;
use crate::write::Applied;
use crate::write::Edit;

impl Engine {
    /// Deletes keys from a branch; missing ones are no error.
    ///
    /// All are deleted or an error is returned; then any of them may have been. `no_tombstone`
    /// removes entries that hide nothing, instead of marking them deleted.
    pub async fn delete(
        &self,
        repository: &Repository,
        branch: &BranchId,
        keys: &[Bytes],
        no_tombstone: bool,
        force: bool,
    ) -> Result<()> {
        self.check_may_stage(repository, branch, force).await?;
        let mut edit = Delete { keys, no_tombstone, has_removed: false };
        self.edit(repository, branch, &mut edit).await
    }
}

struct Delete<'a> {
    keys: &'a [Bytes],
    no_tombstone: bool,
    /// Whether it has removed an entry because nothing was committed below it.
    has_removed: bool,
}

impl Edit for Delete<'_> {
    fn rests_on_head(&self) -> bool {
        self.has_removed
    }

    async fn apply(
        &mut self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Applied> {
        let must_say_so = state.sealed_count() > 0;
        let mut writes = Vec::new();
        for key in self.keys {
            let write = if must_say_so {
                Some(tombstone(state, key))
            } else {
                self.plan(engine, repository, state, key).await?
            };
            writes.extend(write);
        }
        if writes.is_empty() {
            return Ok(Applied::Nothing);
        }
        if !engine.branch_state(repository, &state.id).await?.is_same(state) {
            // What was read may have been wiped; nothing has been written yet.
            return Ok(Applied::Overtaken);
        }
        self.has_removed = writes.iter().any(|write| write.value.is_none());
        engine.write_always(writes).await?;
        Ok(Applied::Written)
    }
}

impl Delete<'_> {
    /// What deletes `key` from a branch on which nothing is sealed.
    async fn plan(
        &self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
        key: &Bytes,
    ) -> Result<Option<Write>> {
        let entry = engine.entry(&state.token(), key).await?;
        if entry.is_some() && !self.no_tombstone {
            return Ok(Some(tombstone(state, key)));
        }
        let committed = engine.committed(repository, state, key).await?;
        Ok(match entry {
            _ if committed.is_some() => Some(tombstone(state, key)),
            Some(_) => Some(removal(state, key)),
            None => None,
        })
    }
}

fn tombstone(state: &BranchState, key: &Bytes) -> Write {
    set_entry(&state.token(), key.clone(), encode_entry(key, None))
}

fn removal(state: &BranchState, key: &Bytes) -> Write {
    Write { value: None, ..tombstone(state, key) }
}
