//! Cursors over a tree and over the difference of two, reading as they go.
//!
//! Both are drivers of a synchronous position ([`Walk`], [`Diff`]): whatever it needs is loaded,
//! then it is asked again. Dropping a `next` that has not returned loses nothing: the position moves
//! only between waits. An error does not end a cursor silently: the next call meets it again.

use std::sync::Arc;

use bytes::Bytes;
use lakehold_block::StorageNamespace;

use crate::Difference;
use crate::Error;
use crate::MetaRangeId;
use crate::Record;
use crate::diff::Diff;
use crate::meta_range::MetaRange;
use crate::plan::Need;
use crate::plan::Step;
use crate::store::RangeStore;
use crate::walk::At;
use crate::walk::Walk;

/// Decisions of a diff after which other tasks get a turn: some tenths of a millisecond.
pub(crate) const STEPS_PER_TURN: u32 = 512;

/// A position in a tree.
#[derive(Debug)]
pub struct TreeCursor {
    store: RangeStore,
    namespace: StorageNamespace,
    id: MetaRangeId,
    from: Option<Bytes>,
    walk: Option<Walk>,
}

impl TreeCursor {
    pub(crate) fn new(store: RangeStore, namespace: StorageNamespace, id: MetaRangeId) -> Self {
        Self { store, namespace, id, from: None, walk: None }
    }

    /// Moves so that [`TreeCursor::next`] returns the first record whose key is `key` or greater.
    /// Reads nothing; moving back is allowed.
    pub fn seek(&mut self, key: &[u8]) {
        match &mut self.walk {
            Some(walk) => walk.seek(key),
            None => self.from = Some(Bytes::copy_from_slice(key)),
        }
    }

    /// Returns the next record, or `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Record>, Error> {
        if self.walk.is_none() {
            self.walk = Some(self.begin().await?);
        }
        let Some(walk) = &mut self.walk else { return Ok(None) };
        loop {
            if let Some(range) = walk.settle()? {
                walk.supply(&self.store.range(&self.namespace, &range).await?);
                continue;
            }
            match walk.at() {
                At::Head(_) => walk.enter(),
                At::Record(_) => return Ok(walk.take()),
                At::End => return Ok(None),
            }
        }
    }

    async fn begin(&mut self) -> Result<Walk, Error> {
        let tree = self.store.meta_range(&self.namespace, &self.id).await?;
        let mut walk = Walk::new(tree);
        if let Some(key) = &self.from {
            walk.seek(key);
        }
        Ok(walk)
    }
}

/// A position in the difference of two trees.
#[derive(Debug)]
pub struct DiffCursor {
    store: RangeStore,
    namespace: StorageNamespace,
    left: MetaRangeId,
    right: MetaRangeId,
    from: Option<Bytes>,
    diff: Option<Diff>,
}

impl DiffCursor {
    pub(crate) fn new(
        store: RangeStore,
        namespace: StorageNamespace,
        left: MetaRangeId,
        right: MetaRangeId,
    ) -> Self {
        Self { store, namespace, left, right, from: None, diff: None }
    }

    /// Moves so that [`DiffCursor::next`] returns the first difference whose key is `key` or greater.
    /// Reads nothing; moving back is allowed.
    pub fn seek(&mut self, key: &[u8]) {
        match &mut self.diff {
            Some(diff) => diff.seek(key),
            None => self.from = Some(Bytes::copy_from_slice(key)),
        }
    }

    /// Returns the next difference, or `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Difference>, Error> {
        if self.diff.is_none() {
            self.diff = Some(self.begin().await?);
        }
        let Some(diff) = &mut self.diff else { return Ok(None) };
        let mut steps: u32 = 0;
        loop {
            match diff.step()? {
                Step::Item(difference) => return Ok(Some(difference)),
                Step::End => return Ok(None),
                Step::Need(Need::Range(need)) => {
                    let range = self.store.range(&self.namespace, &need.range).await?;
                    diff.supply(need.side, &range);
                }
                Step::Nothing | Step::Need(Need::Changes) => {}
            }
            steps += 1;
            if steps.is_multiple_of(STEPS_PER_TURN) {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn begin(&mut self) -> Result<Diff, Error> {
        let (left, right) = if self.left == self.right {
            // Nothing differs, whatever is in them.
            (Arc::new(MetaRange::default()), Arc::new(MetaRange::default()))
        } else {
            (
                self.store.meta_range(&self.namespace, &self.left).await?,
                self.store.meta_range(&self.namespace, &self.right).await?,
            )
        };
        let mut diff = Diff::new(left, right);
        if let Some(key) = &self.from {
            diff.seek(key);
        }
        Ok(diff)
    }
}
