//! Ranges and metaranges in the block store, and those of them in memory.
//!
//! Files never change, so what was read stays right. A file is read whole, once however many ask for
//! it at the same time, and kept, taken apart, in one of two caches: ranges in nine tenths of the
//! memory, metaranges, which every access needs, in the rest (docs/design/0006-range-store.md). Copies
//! of a remote store's files on the local disk are the business of the block store
//! ([`lakehold_block::CachedBlockStore`]).
//!
//! A name is not compared with the hash of the content at each load: every block carries a checksum,
//! which is tested when the block is first touched.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use lakehold_block::Address;
use lakehold_block::BlockStore;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_sstable::FinishedTable;
use lakehold_sstable::Table;
use moka::future::Cache;
use tokio::sync::Semaphore;
use tracing::debug;

use crate::Error;
use crate::MetaRangeId;
use crate::TreeSettings;
use crate::meta_range::MetaRange;
use crate::meta_range::RangeRef;
use crate::range::Range;

/// Longest table that is read, in bytes: a range is some 20 MiB, and a damaged file may be anything.
const LONGEST_TABLE: usize = 1 << 30;

/// Files being read at the same time: what comes in is not in the caches' account yet.
const LOADS_AT_A_TIME: usize = 8;

/// From so many bytes on, taking a table apart is no work for a task's thread.
const LARGE_RANGE: usize = 1 << 20;
/// The same for a metarange, all of whose records are decoded.
const LARGE_META_RANGE: usize = 64 << 10;

/// Ranges and metaranges. Cheap to clone; clones share the caches.
#[derive(Clone)]
pub(crate) struct RangeStore(Arc<Parts>);

struct Parts {
    store: Arc<dyn BlockStore>,
    runtime: Runtime,
    settings: TreeSettings,
    ranges: Cache<Place, Range, RandomState>,
    meta_ranges: Cache<Place, Arc<MetaRange>, RandomState>,
    loads: Semaphore,
}

/// Where a table lies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    namespace: StorageNamespace,
    name: Arc<str>,
}

/// A table fresh from the block store.
struct Loaded {
    table: Table,
    location: Arc<str>,
    bytes: usize,
}

impl fmt::Debug for RangeStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RangeStore").field("store", &self.0.store).finish_non_exhaustive()
    }
}

impl RangeStore {
    pub(crate) fn new(
        store: Arc<dyn BlockStore>,
        runtime: Runtime,
        settings: TreeSettings,
    ) -> Self {
        let for_meta_ranges = settings.cache_bytes / 10;
        let for_ranges = settings.cache_bytes - for_meta_ranges;
        Self(Arc::new(Parts {
            ranges: weighted(for_ranges, Range::memory),
            meta_ranges: weighted(for_meta_ranges, |tree: &Arc<MetaRange>| tree.memory()),
            loads: Semaphore::new(LOADS_AT_A_TIME),
            store,
            runtime,
            settings,
        }))
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    pub(crate) fn settings(&self) -> &TreeSettings {
        &self.0.settings
    }

    /// Returns the tree `id`. Fails with [`Error::MetaRangeNotFound`] where there is none.
    pub(crate) async fn meta_range(
        &self,
        namespace: &StorageNamespace,
        id: &MetaRangeId,
    ) -> Result<Arc<MetaRange>, Error> {
        if id.is_none() {
            return Ok(Arc::new(MetaRange::default()));
        }
        // What a client sent must not become part of an address unless it is a table's name.
        if !id.is_file_name() {
            return Err(Error::MetaRangeNotFound(id.clone()));
        }
        let place = Place::new(namespace, id.name());
        let load = async {
            match self.load_meta_range(&place).await? {
                Some(tree) => Ok(Arc::new(tree)),
                None => Err(Error::MetaRangeNotFound(id.clone())),
            }
        };
        cached(&self.0.meta_ranges, &place, load).await
    }

    /// Returns the records of `range`, which a metarange in `namespace` lists.
    pub(crate) async fn range(
        &self,
        namespace: &StorageNamespace,
        range: &RangeRef,
    ) -> Result<Range, Error> {
        let place = Place::new(namespace, range.id.name());
        cached(&self.0.ranges, &place, self.load_range(&place)).await
    }

    /// Stores a range; durable once this returns.
    pub(crate) async fn put_range(
        &self,
        namespace: &StorageNamespace,
        table: FinishedTable,
    ) -> Result<(), Error> {
        let place = Place::new(namespace, hex::encode(table.id).into());
        if self.0.ranges.contains_key(&place) {
            return Ok(());
        }
        self.put(&place, &table).await?;
        let location = self.location(&self.address(&place));
        let opened = self.open("range", table.bytes, &location).await?;
        self.0.ranges.insert(place, Range::new(opened.table, opened.location)).await;
        self.0.ranges.run_pending_tasks().await;
        Ok(())
    }

    /// Stores a tree, all of whose ranges are durable; durable once this returns.
    pub(crate) async fn put_meta_range(
        &self,
        namespace: &StorageNamespace,
        tree: MetaRange,
        table: FinishedTable,
    ) -> Result<MetaRangeId, Error> {
        let id = MetaRangeId::from(&table);
        let place = Place::new(namespace, id.name());
        if !self.0.meta_ranges.contains_key(&place) {
            self.put(&place, &table).await?;
            self.0.meta_ranges.insert(place, Arc::new(tree)).await;
        }
        Ok(id)
    }

    /// Writes the file, unless it is there: then it has the same records.
    async fn put(&self, place: &Place, table: &FinishedTable) -> Result<(), Error> {
        let address = self.address(place);
        if self.0.store.head(&address).await?.is_none() {
            self.0.store.put(&address, table.bytes.clone().into()).await?;
            debug!(block.address = %address, size_bytes = table.bytes.len(), "wrote {address}");
        }
        Ok(())
    }

    async fn load_range(&self, place: &Place) -> Result<Range, Error> {
        let loaded = self.load("range", place).await?;
        if loaded.is_of_another_type("ranges") {
            let location = &*loaded.location;
            return Err(Error::corrupt("range", location, "this is no range but another table"));
        }
        Ok(Range::new(loaded.table, loaded.location))
    }

    /// Reads the metarange; `None` where there is no such file, or it is none of a metarange.
    async fn load_meta_range(&self, place: &Place) -> Result<Option<MetaRange>, Error> {
        let loaded = match self.load("metarange", place).await {
            Err(Error::Block(lakehold_block::Error::NotFound(_))) => return Ok(None),
            loaded => loaded?,
        };
        if loaded.is_of_another_type("metaranges") {
            return Ok(None);
        }
        let Loaded { table, location, bytes } = loaded;
        let decode = move || MetaRange::decode(&Arc::new(table), &location);
        let tree = self.work(bytes >= LARGE_META_RANGE, decode).await?;
        Ok(Some(tree))
    }

    async fn load(&self, what: &'static str, place: &Place) -> Result<Loaded, Error> {
        let permit = self.0.loads.acquire().await;
        let address = self.address(place);
        let location = self.location(&address);
        let bytes = self.fetch(what, &address, &location).await?;
        debug!(block.address = %address, size_bytes = bytes.len(), "read {address}");
        let opened = self.open(what, bytes, &location).await;
        drop(permit);
        opened
    }

    async fn fetch(
        &self,
        what: &'static str,
        address: &Address,
        location: &Arc<str>,
    ) -> Result<Bytes, Error> {
        let body = self.0.store.get(address, None).await?;
        let length = body.length();
        if length.is_some_and(|length| length > LONGEST_TABLE as u64) {
            return Err(Error::corrupt(
                what,
                location,
                format!("longer than {LONGEST_TABLE} bytes"),
            ));
        }
        let bytes = body.collect(LONGEST_TABLE).await.map_err(|source| {
            lakehold_block::Error::Io { location: location.to_string(), source }
        })?;
        match length {
            Some(length) if length != bytes.len() as u64 => {
                let found = format!("{} bytes where there should be {length}", bytes.len());
                Err(Error::corrupt(what, location, found))
            }
            _ => Ok(bytes),
        }
    }

    async fn open(
        &self,
        what: &'static str,
        bytes: Bytes,
        location: &Arc<str>,
    ) -> Result<Loaded, Error> {
        let length = bytes.len();
        let table = self.work(length >= LARGE_RANGE, move || Table::open(bytes)).await;
        let table = table.map_err(|source| Error::corrupt(what, location, source))?;
        Ok(Loaded { table, location: location.clone(), bytes: length })
    }

    /// Does `work`, off the tasks' threads if it is `long`.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        long: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if long { self.0.runtime.blocking(work).await } else { work() }
    }

    fn address(&self, place: &Place) -> Address {
        let name = format!("{}/{}", self.0.settings.prefix, place.name);
        Address::relative(&place.namespace, name)
    }

    fn location(&self, address: &Address) -> Arc<str> {
        self.0.store.physical_address(address).into()
    }
}

impl Place {
    fn new(namespace: &StorageNamespace, name: Arc<str>) -> Self {
        Self { namespace: namespace.clone(), name }
    }
}

impl Loaded {
    /// Whether the table says that it is something else. Tables without a type exist.
    fn is_of_another_type(&self, expected: &str) -> bool {
        self.table.property("type").is_some_and(|found| found != expected.as_bytes())
    }
}

/// A cache of about `bytes` bytes of values, each of which has `memory` bytes.
fn weighted<V: Clone + Send + Sync + 'static>(
    bytes: u64,
    memory: impl Fn(&V) -> usize + Send + Sync + 'static,
) -> Cache<Place, V, RandomState> {
    // What is larger than the cache may still have it for itself: better than reading it each time.
    let heaviest = u32::try_from(bytes).unwrap_or(u32::MAX);
    let weigh =
        move |_: &Place, value: &V| u32::try_from(memory(value)).unwrap_or(u32::MAX).min(heaviest);
    Cache::builder().max_capacity(bytes).weigher(weigh).build_with_hasher(RandomState::default())
}

/// Returns what is cached for `place`, or waits for the one `load` of it and caches that.
async fn cached<V: Clone + Send + Sync + 'static>(
    cache: &Cache<Place, V, RandomState>,
    place: &Place,
    load: impl Future<Output = Result<V, Error>>,
) -> Result<V, Error> {
    if let Some(value) = cache.get(place).await {
        return Ok(value);
    }
    let load = std::pin::pin!(load);
    let entry = cache.entry_by_ref(place).or_try_insert_with(load).await;
    let entry = entry.map_err(Error::from_shared)?;
    if entry.is_fresh() {
        // Evict now: the cache does it by itself only every so many writes, and ranges are large.
        cache.run_pending_tasks().await;
    }
    Ok(entry.into_value())
}

#[cfg(test)]
mod tests;
