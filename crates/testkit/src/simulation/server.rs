//! One life of one server: an engine and a catalog over the stores that all servers share.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt as _;
use lakehold_block::BlockStore;
use lakehold_block::MemBlockStore;
use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogSettings;
use lakehold_catalog::Engine;
use lakehold_engine::NoHooks;
use lakehold_kv::MemStore;
use lakehold_kv::Store;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

use super::executor::Executor;
use super::executor::Tag;
use super::ledger::Book;
use super::sabotage::Saboteur;
use super::store::FarStore;
use super::weather::Weather;
use crate::fates::Access;
use crate::fates::Fate;
use crate::fates::FatedBlocks;
use crate::fates::Fates;

/// What outlives every server.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) kv: Arc<MemStore>,
    pub(crate) blocks: Arc<MemBlockStore>,
    pub(crate) executor: Executor,
    pub(crate) weather: Weather,
    pub(crate) book: Book,
    pub(crate) saboteur: Saboteur,
}

/// A server from its start to its crash.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) group: u32,
    pub(crate) catalog: Catalog,
    /// The block store without weather.
    pub(crate) blocks: Arc<MemBlockStore>,
}

impl Server {
    /// Starts a server whose tasks belong to `group`.
    pub(crate) fn start(stores: &Stores, group: u32, seed: u64) -> Self {
        let Stores { kv, blocks, executor, weather, book, saboteur } = stores.clone();
        let runtime = executor.runtime(group, seed);
        let fates =
            BlockFates { weather: weather.clone(), executor: executor.clone(), book: book.clone() };
        let far_blocks: Arc<dyn BlockStore> =
            Arc::new(FatedBlocks::new(blocks.clone(), Arc::new(fates)));
        let far_kv = FarStore { inner: kv, executor: executor.clone(), weather, book, saboteur };
        let far_kv: Arc<dyn Store> = Arc::new(far_kv);
        let trees = Trees::new(far_blocks.clone(), runtime.clone(), small_ranges());
        let engine = Engine::new(far_kv, trees, Arc::new(NoHooks), runtime.clone());
        let settings = CatalogSettings {
            signing_key: Bytes::from_static(b"signing key").to_vec(),
            ensure_readable_root: true,
        };
        let catalog = Catalog::new(engine.clone(), far_blocks, runtime, settings);
        let sweep = async move { drop(engine.sweep_dropped_tokens().await) };
        executor.spawn(Tag { group, operation: None }, sweep.boxed());
        Self { group, catalog, blocks }
    }
}

/// Settings under which a handful of objects makes several ranges.
pub(crate) fn small_ranges() -> TreeSettings {
    TreeSettings { max_range_bytes: 400, raggedness: 3, ..TreeSettings::default() }
}

/// The weather, as the block store has it.
#[derive(Debug)]
struct BlockFates {
    weather: Weather,
    executor: Executor,
    book: Book,
}

#[async_trait]
impl Fates for BlockFates {
    async fn decide(&self, access: Access) -> Fate {
        self.weather.travel().await;
        let operation = self.executor.current().operation;
        if self.weather.refuses() {
            self.book.lock().refused(self.executor.now(), operation);
            return Fate::Refused;
        }
        if access == Access::Write && self.weather.loses() {
            self.book.lock().lost_answer(self.executor.now(), operation);
            return Fate::Lost;
        }
        Fate::CarriedOut
    }

    async fn answer(&self) {
        self.weather.travel().await;
    }
}
