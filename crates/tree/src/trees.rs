//! The way in: everything that can be done with the trees of a block store.

use std::sync::Arc;

use lakehold_block::BlockStore;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use tracing::debug;
use tracing::instrument;

use crate::ChangeSource;
use crate::DiffCursor;
use crate::Error;
use crate::KeySet;
use crate::MetaRangeId;
use crate::Strategy;
use crate::Summary;
use crate::TreeCursor;
use crate::TreeSettings;
use crate::Value;
use crate::Written;
use crate::apply::Apply;
use crate::count::Count;
use crate::cursor::STEPS_PER_TURN;
use crate::merge::Merge;
use crate::plan::Need;
use crate::plan::Step;
use crate::replace::Replace;
use crate::store::RangeStore;
use crate::writer::Writer;

/// All trees of a block store. Cheap to clone; clones share the cache.
#[derive(Clone, Debug)]
pub struct Trees {
    store: RangeStore,
}

impl Trees {
    /// The trees in `store`.
    pub fn new(store: Arc<dyn BlockStore>, runtime: Runtime, settings: TreeSettings) -> Self {
        Self { store: RangeStore::new(store, runtime, settings) }
    }

    /// Returns the value of `key` in the tree `id`.
    pub async fn get(
        &self,
        namespace: &StorageNamespace,
        id: &MetaRangeId,
        key: &[u8],
    ) -> Result<Option<Value>, Error> {
        let tree = self.store.meta_range(namespace, id).await?;
        let Some((_, range)) = tree.find(key) else { return Ok(None) };
        self.store.range(namespace, range).await?.get(key)
    }

    /// Whether the metarange is there (true for the tree without content).
    pub async fn contains(
        &self,
        namespace: &StorageNamespace,
        id: &MetaRangeId,
    ) -> Result<bool, Error> {
        match self.store.meta_range(namespace, id).await {
            Ok(_) => Ok(true),
            Err(Error::MetaRangeNotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A cursor before the first record of the tree `id`. Nothing is read before the first call.
    pub fn cursor(&self, namespace: &StorageNamespace, id: &MetaRangeId) -> TreeCursor {
        TreeCursor::new(self.store.clone(), namespace.clone(), id.clone())
    }

    /// A cursor over the keys whose values differ (another identity, or only on one side) from the
    /// tree `left` to the tree `right`. Ranges with equal ids are not read.
    pub fn diff(
        &self,
        namespace: &StorageNamespace,
        left: &MetaRangeId,
        right: &MetaRangeId,
    ) -> DiffCursor {
        DiffCursor::new(self.store.clone(), namespace.clone(), left.clone(), right.clone())
    }

    /// Writes the tree `base` with `changes` applied (docs/formats/trees.md) and returns it once all
    /// its files are durable.
    ///
    /// A change to an equal identity keeps the base's record and does not count. Fails with
    /// [`Error::NoChanges`] where nothing changed, unless `allow_empty` (the result is then `base`, or,
    /// where that is the tree without content, which has no file, the written tree without records),
    /// and with [`Error::Changes`] where the changes fail or do not ascend.
    #[instrument(skip_all, fields(namespace = %namespace, meta_range.base = %base))]
    pub async fn apply(
        &self,
        namespace: &StorageNamespace,
        base: &MetaRangeId,
        changes: &mut dyn ChangeSource,
        allow_empty: bool,
    ) -> Result<Written, Error> {
        let plan = Apply::new(self.store.meta_range(namespace, base).await?);
        let mut writer = Writer::new(&self.store, namespace);
        let (tree, summary) = writer.write_ranges(plan, Some(changes)).await?;
        if summary != Summary::default() || (allow_empty && base.is_none()) {
            let meta_range = writer.write_meta_range(tree).await?;
            debug!(meta_range.id = %meta_range, ?summary, "wrote tree {meta_range}");
            return Ok(Written { meta_range, summary });
        }
        if allow_empty { Ok(unchanged(base)) } else { Err(Error::NoChanges) }
    }

    /// Writes the three-way merge of `source` into `destination`, which both come from `base`
    /// (docs/formats/trees.md), and returns it once all its files are durable.
    ///
    /// Where the destination is the base, the result is the source's tree and nothing is written;
    /// where the source is, the destination's. Never fails for lack of changes: the caller compares
    /// ids. Fails with [`Error::Conflict`] at the first conflict, with [`Strategy::Fail`].
    #[instrument(skip_all, fields(
        namespace = %namespace,
        meta_range.source = %source,
        meta_range.destination = %destination,
        meta_range.base = %base,
    ))]
    pub async fn merge(
        &self,
        namespace: &StorageNamespace,
        source: &MetaRangeId,
        destination: &MetaRangeId,
        base: &MetaRangeId,
        strategy: Strategy,
    ) -> Result<Written, Error> {
        if source == base {
            return Ok(unchanged(destination));
        }
        if destination == base {
            let summary = self.count(namespace, destination, source).await?;
            return Ok(Written { meta_range: source.clone(), summary });
        }
        let plan = Merge::new(
            self.store.meta_range(namespace, source).await?,
            self.store.meta_range(namespace, destination).await?,
            self.store.meta_range(namespace, base).await?,
            strategy,
        );
        let mut writer = Writer::new(&self.store, namespace);
        let (tree, summary) = writer.write_ranges(plan, None).await?;
        let meta_range = writer.write_meta_range(tree).await?;
        debug!(meta_range.id = %meta_range, ?summary, "wrote tree {meta_range}");
        Ok(Written { meta_range, summary })
    }

    /// Writes the tree `destination` with all of the tree `source` in the place of the keys `replaced`,
    /// which all keys of `source` should be among, and returns it once all its files are durable.
    ///
    /// Ranges whose keys are all replaced, or none of them, are not read, and neither are those of the
    /// source that lie apart from the destination's. A key that is replaced counts as removed and as
    /// added. Never fails for lack of changes.
    #[instrument(skip_all, fields(
        namespace = %namespace,
        meta_range.source = %source,
        meta_range.destination = %destination,
    ))]
    pub async fn replace(
        &self,
        namespace: &StorageNamespace,
        source: &MetaRangeId,
        destination: &MetaRangeId,
        replaced: &Arc<KeySet>,
    ) -> Result<Written, Error> {
        let plan = Replace::new(
            self.store.meta_range(namespace, source).await?,
            self.store.meta_range(namespace, destination).await?,
            replaced.clone(),
        );
        let mut writer = Writer::new(&self.store, namespace);
        let (tree, summary) = writer.write_ranges(plan, None).await?;
        let meta_range = writer.write_meta_range(tree).await?;
        debug!(meta_range.id = %meta_range, ?summary, "wrote tree {meta_range}");
        Ok(Written { meta_range, summary })
    }

    /// Counts what turns the tree `left` into the tree `right`.
    async fn count(
        &self,
        namespace: &StorageNamespace,
        left: &MetaRangeId,
        right: &MetaRangeId,
    ) -> Result<Summary, Error> {
        let mut count = Count::new(
            self.store.meta_range(namespace, left).await?,
            self.store.meta_range(namespace, right).await?,
        );
        let mut steps: u32 = 0;
        loop {
            match count.step()? {
                Step::End => return Ok(count.summary()),
                Step::Need(Need::Range(need)) => {
                    let range = self.store.range(namespace, &need.range).await?;
                    count.supply(need.side, &range);
                }
                Step::Item(()) | Step::Nothing | Step::Need(Need::Changes) => {}
            }
            steps += 1;
            if steps.is_multiple_of(STEPS_PER_TURN) {
                tokio::task::yield_now().await;
            }
        }
    }
}

fn unchanged(tree: &MetaRangeId) -> Written {
    Written { meta_range: tree.clone(), summary: Summary::default() }
}
