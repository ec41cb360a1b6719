//! Carries out plans: fetches what they need, stores the ranges they make, then the metarange.
//!
//! Ranges are stored while the plan goes on, a few at a time, so that memory stays bounded. The
//! metarange is stored when all of them are durable: whoever can name a tree can read all of it. A
//! write that is cut off leaves ranges that no metarange names, which do no harm; the next attempt
//! makes the same ones.
//!
//! Small work is done where it arises. What takes longer than half a millisecond goes to the threads
//! for blocking work, up to the next wait.

use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use lakehold_block::StorageNamespace;
use lakehold_sstable::FinishedTable;

use crate::Change;
use crate::ChangeSource;
use crate::Error;
use crate::MetaRangeId;
use crate::Summary;
use crate::layout::Build;
use crate::layout::Pause;
use crate::limits::RangeLimits;
use crate::meta_range::MetaRange;
use crate::plan::Need;
use crate::plan::Plan;
use crate::plan::Supply;
use crate::store::RangeStore;

/// Ranges being stored at the same time.
const PUTS_AT_A_TIME: usize = 4;

/// Effort ([`Build::run`]) that is spent on a task's thread before the work moves: a quarter of a
/// millisecond or so of hashing and compressing.
const EFFORT_IN_PLACE: usize = 64 << 10;

/// Changes read ahead of the plan.
const CHANGES_AT_A_TIME: usize = 256;

/// Metaranges with more ranges than this are made on the threads for blocking work.
const MANY_RANGES: usize = 512;

/// Stores the ranges of one tree, then its metarange.
pub(crate) struct Writer<'a> {
    store: &'a RangeStore,
    namespace: &'a StorageNamespace,
    puts: FuturesUnordered<BoxFuture<'a, Result<(), Error>>>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(store: &'a RangeStore, namespace: &'a StorageNamespace) -> Self {
        Self { store, namespace, puts: FuturesUnordered::new() }
    }

    /// Carries out `plan` and returns the tree, whose ranges are durable then, and how it differs
    /// from the one that the plan began with.
    pub(crate) async fn write_ranges<P: Plan>(
        &mut self,
        plan: P,
        changes: Option<&mut dyn ChangeSource>,
    ) -> Result<(MetaRange, Summary), Error> {
        let mut changes = changes;
        let limits = RangeLimits::from_settings(self.store.settings());
        let mut build = Build::new(plan, limits);
        loop {
            let (pause, rest) = self.run(build).await?;
            build = rest;
            match pause {
                Pause::Done => break,
                Pause::Tired => {}
                Pause::Finished(table) => self.store_range(table).await?,
                Pause::Need(Need::Range(need)) => {
                    let load = self.store.range(self.namespace, &need.range);
                    let range = self.meanwhile(load.boxed()).await??;
                    build.supply(Supply::Range(need.side, range));
                }
                Pause::Need(Need::Changes) => {
                    // Their source may take its time, and what is being stored must not stand still.
                    let read = read_changes(&mut changes).boxed();
                    let (batch, last) = self.meanwhile(read).await??;
                    build.supply(Supply::Changes(batch, last));
                }
            }
        }
        while let Some(stored) = self.puts.next().await {
            stored?;
        }
        Ok(build.finish())
    }

    /// Stores the metarange of `tree`, whose ranges are durable.
    pub(crate) async fn write_meta_range(self, tree: MetaRange) -> Result<MetaRangeId, Error> {
        let many = tree.ranges().len() > MANY_RANGES;
        let make = move || tree.encode().map(|table| (tree, table));
        let made = self.store.work(many, make).await;
        let (tree, table) =
            made.map_err(|source| Error::corrupt("metarange", "the tree being written", source))?;
        self.store.put_meta_range(self.namespace, tree, table).await
    }

    /// Runs `build` up to its next pause, or far enough that other tasks should have a turn.
    async fn run<P: Plan>(&mut self, mut build: Build<P>) -> Result<(Pause, Build<P>), Error> {
        match build.run(EFFORT_IN_PLACE)? {
            Pause::Tired => {}
            pause => return Ok((pause, build)),
        }
        let work = self.store.runtime().blocking(move || {
            let pause = build.run(usize::MAX);
            pause.map(|pause| (pause, build))
        });
        self.meanwhile(work.boxed()).await?
    }

    /// Begins to store a range, once there is room among those being stored.
    async fn store_range(&mut self, table: FinishedTable) -> Result<(), Error> {
        while self.puts.len() >= PUTS_AT_A_TIME {
            if let Some(stored) = self.puts.next().await {
                stored?;
            }
        }
        self.puts.push(self.store.put_range(self.namespace, table).boxed());
        Ok(())
    }

    /// Awaits `work` while ranges are being stored. Fails as soon as one of them fails.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T> + Unpin) -> Result<T, Error> {
        let mut work = work;
        loop {
            // In a fixed order: which branch is looked at first must not be left to chance.
            tokio::select! {
                biased;
                Some(stored) = self.puts.next() => stored?,
                done = &mut work => return Ok(done),
            }
        }
    }
}

/// Reads some changes, and whether they are the last.
async fn read_changes(
    source: &mut Option<&mut dyn ChangeSource>,
) -> Result<(Vec<Change>, bool), Error> {
    let mut batch = Vec::new();
    let Some(source) = source else { return Ok((batch, true)) };
    while batch.len() < CHANGES_AT_A_TIME {
        match source.next().await.map_err(Error::Changes)? {
            Some(change) => batch.push(change),
            None => return Ok((batch, true)),
        }
    }
    Ok((batch, false))
}
