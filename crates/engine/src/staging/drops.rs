//! Dropping partitions that nothing leads to any more, and noticing that it happened.
//!
//! What is dropped is first noted under `cleanup-tokens`, then wiped in batches beside everything
//! else, then the note goes. Notes left by a crash or a stop are worked off when a server starts. A
//! crash before the note leaves a partition that nobody will ever wipe: some bytes, and no harm.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use lakehold_kv::Precondition;
use lakehold_kv::Write;

use crate::Engine;
use crate::Repository;
use crate::branch::BranchState;
use crate::error::Result;
use crate::keys;

/// How many notes are read at once.
const NOTES: usize = 500;

/// Counts drops, so that readers can tell that none happened while they read.
#[derive(Debug, Default)]
pub(crate) struct TokenDrops {
    begun: AtomicU64,
}

/// The drops that had begun at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

/// The note that `partition` is to be wiped.
pub(crate) fn cleanup_note(partition: Bytes) -> Write {
    Write {
        partition: keys::CLEANUP,
        key: partition,
        value: Some(keys::CLEANUP_VALUE),
        precondition: Precondition::Always,
    }
}

impl TokenDrops {
    /// To be taken before the branch record is read.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.begun.load(Ordering::SeqCst))
    }

    /// To be called after the record that dropped the partition was written and before it is wiped.
    fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }
}

impl Engine {
    /// Whether what was read by way of `state`, read after `mark` was taken, was all there: none of
    /// its tokens was wiped meanwhile.
    ///
    /// On an exclusive store that is known without asking as long as no token of any branch was
    /// wiped; otherwise the branch record tells.
    pub(crate) async fn was_whole(
        &self,
        repository: &Repository,
        mark: Mark,
        state: &BranchState,
    ) -> Result<bool> {
        if self.is_exclusive() && self.parts.drops.mark() == mark {
            return Ok(true);
        }
        self.is_unmoved(repository, state).await
    }

    /// Wipes partitions that no record names any more, beside the caller.
    pub(crate) fn drop_partitions(&self, partitions: Vec<Bytes>) {
        let partitions: Vec<_> = partitions.into_iter().filter(|p| !p.is_empty()).collect();
        if partitions.is_empty() {
            return;
        }
        let engine = self.clone();
        self.parts.runtime.spawn("drop-tokens", async move {
            let notes = partitions.iter().cloned().map(cleanup_note).collect();
            if let Err(error) = engine.note_and_wipe(notes, partitions).await {
                // The notes are there, or nothing is: either way no harm is done.
                tracing::warn!(%error, "dropped tokens are not wiped yet: {error}");
            }
        });
    }

    async fn note_and_wipe(&self, notes: Vec<Write>, partitions: Vec<Bytes>) -> Result<()> {
        self.write_always(notes).await?;
        for partition in partitions {
            self.wipe(partition).await?;
        }
        Ok(())
    }

    /// Work left by a crash or a stop: wipes what is noted to be wiped. Run once in the background at
    /// start.
    pub async fn sweep_dropped_tokens(&self) -> Result<()> {
        let mut from = Bytes::new();
        loop {
            let page = self.parts.kv.scan(keys::CLEANUP, from, NOTES).await?;
            let Some(last) = page.entries.last() else { return Ok(()) };
            from = last.key.clone();
            for note in page.entries {
                self.wipe(note.key).await?;
            }
        }
    }

    /// Like [`Engine::sweep_dropped_tokens`], beside the caller.
    pub(crate) fn sweep_soon(&self) {
        let engine = self.clone();
        self.parts.runtime.spawn("sweep-dropped-tokens", async move {
            if let Err(error) = engine.sweep_dropped_tokens().await {
                tracing::warn!(%error, "dropped partitions are not wiped yet: {error}");
            }
        });
    }

    async fn wipe(&self, partition: Bytes) -> Result<()> {
        self.parts.drops.begin();
        self.remove_records(&partition, Bytes::new()).await?;
        let note = Write { value: None, ..cleanup_note(partition) };
        self.write_always(vec![note]).await
    }
}
