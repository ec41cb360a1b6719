//! Deleting keys.
//!
//! A key that is staged gets a tombstone in the place of its entry; one that is committed or sealed
//! gets one beside it; one that is nowhere is left alone. Where `no_tombstone` is asked for, an entry
//! with nothing below it is removed instead, so that keys that come and go leave nothing behind.

use bytes::Bytes;
use lakehold_kv::Write;

use crate::BranchId;
use crate::Engine;
use crate::Repository;
use crate::branch::BranchState;
use crate::error::Result;
use crate::staging::StagingToken;
use crate::staging::encode_entry;
use crate::staging::layers::Below;
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
        let mut edit = Delete { keys, no_tombstone, touched: Vec::new() };
        self.edit(repository, branch, &mut edit).await
    }
}

struct Delete<'a> {
    keys: &'a [Bytes],
    no_tombstone: bool,
    /// Tokens that earlier applications wrote to.
    touched: Vec<StagingToken>,
}

impl Edit for Delete<'_> {
    async fn apply(
        &mut self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Applied> {
        // A commit may be reading what we have just removed from a token that is sealed now.
        let must_say_so = state.sealed().any(|sealed| self.touched.contains(&sealed));
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
        self.touched.push(state.token());
        engine.write_always(writes).await?;
        Ok(Applied::Written)
    }
}

impl Delete<'_> {
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
        let below = engine.below(repository, state, key).await?;
        // Under a sealed tombstone the commit may still have the key: that is hidden already.
        let is_below = match &below {
            Below::Sealed(Some(_)) | Below::Committed(_) => true,
            Below::Sealed(None) => entry.is_some(),
            Below::Nothing => false,
        };
        Ok(match entry {
            _ if is_below => Some(tombstone(state, key)),
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
