use async_trait::async_trait;
use futures::future::join_all;
use futures::stream::BoxStream;
use lakehold_block::Body;
use lakehold_block::Error as BlockError;
use lakehold_block::Head;
use lakehold_block::Listed;
use lakehold_block::MemBlockStore;
use lakehold_block::SourceObject;
use lakehold_block::StoreDescription;
use lakehold_block::faults::FailingBlockStore;

use super::*;
use crate::layout::Layout;
use crate::limits::RangeLimits;
use crate::plan::Piece;
use crate::testing::record;

const LIMITS: RangeLimits = RangeLimits { min_bytes: 0, max_bytes: u64::MAX, raggedness: u64::MAX };

fn namespace() -> StorageNamespace {
    StorageNamespace::from_stored("mem://lake")
}

/// A range of `records` records, and the tree of it alone.
fn range_of(records: usize) -> (FinishedTable, RangeRef) {
    let mut layout = Layout::new(LIMITS);
    for number in 0..records {
        let record = record(&format!("{number:06}"), "identity", "data");
        layout.add(Piece::Record(record)).unwrap();
    }
    let table = layout.close().unwrap();
    let range = RangeRef::from(&table);
    (table, range)
}

struct Fixture {
    blocks: Arc<FailingBlockStore>,
    range: RangeRef,
}

impl Fixture {
    async fn with_range_of(records: usize) -> Self {
        let blocks = Arc::new(FailingBlockStore::new(Arc::new(MemBlockStore::new())));
        let (table, range) = range_of(records);
        let fixture = Self { blocks, range };
        fixture.store(1 << 20).put_range(&namespace(), table).await.unwrap();
        fixture
    }

    /// A store that has nothing in memory yet.
    fn store(&self, cache_bytes: u64) -> RangeStore {
        let settings = TreeSettings { cache_bytes, ..TreeSettings::default() };
        RangeStore::new(self.blocks.clone(), Runtime::seeded(1).0, settings)
    }
}

/// A store whose reads wait until the test lets them go, and may lie about lengths.
#[derive(Debug)]
struct GatedStore {
    inner: Arc<FailingBlockStore>,
    gate: Semaphore,
    /// Announced beyond what comes.
    too_long_by: u64,
}

impl GatedStore {
    fn open_to(inner: &Arc<FailingBlockStore>, reads: usize) -> Self {
        Self { inner: inner.clone(), gate: Semaphore::new(reads), too_long_by: 0 }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BlockStore for GatedStore {
    fn description(&self) -> StoreDescription {
        self.inner.description()
    }
    fn check_namespace(&self, namespace: &StorageNamespace) -> Result<(), BlockError> {
        self.inner.check_namespace(namespace)
    }
    fn physical_address(&self, address: &Address) -> String {
        self.inner.physical_address(address)
    }
    fn parse_physical(
        &self,
        namespace: &StorageNamespace,
        physical: &str,
    ) -> Result<Address, BlockError> {
        self.inner.parse_physical(namespace, physical)
    }
    async fn put(&self, address: &Address, body: Body) -> Result<u64, BlockError> {
        self.inner.put(address, body).await
    }
    async fn put_if_absent(&self, address: &Address, body: Body) -> Result<u64, BlockError> {
        self.inner.put_if_absent(address, body).await
    }
    async fn get(
        &self,
        address: &Address,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Body, BlockError> {
        self.gate.acquire().await.unwrap().forget();
        let body = self.inner.get(address, range).await?;
        let length = body.length().map(|length| length + self.too_long_by);
        Ok(Body::stream(length, body.into_pieces()))
    }
    async fn head(&self, address: &Address) -> Result<Option<Head>, BlockError> {
        self.inner.head(address).await
    }
    async fn delete(&self, address: &Address) -> Result<(), BlockError> {
        self.inner.delete(address).await
    }
    async fn copy(&self, from: &Address, to: &Address) -> Result<u64, BlockError> {
        self.inner.copy(from, to).await
    }
    async fn list(
        &self,
        namespace: &StorageNamespace,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, BlockError> {
        self.inner.list(namespace, prefix, after, limit).await
    }
    fn list_source<'a>(
        &'a self,
        source: &'a str,
    ) -> BoxStream<'a, Result<SourceObject, BlockError>> {
        self.inner.list_source(source)
    }
    async fn find_source(&self, uri: &str) -> Result<Option<SourceObject>, BlockError> {
        self.inner.find_source(uri).await
    }
    async fn create_multipart(
        &self,
        address: &Address,
    ) -> Result<lakehold_block::UploadId, BlockError> {
        self.inner.create_multipart(address).await
    }
    async fn put_part(
        &self,
        address: &Address,
        upload: &lakehold_block::UploadId,
        number: u32,
        body: Body,
    ) -> Result<lakehold_block::StoredPart, BlockError> {
        self.inner.put_part(address, upload, number, body).await
    }
    async fn copy_part(
        &self,
        address: &Address,
        upload: &lakehold_block::UploadId,
        number: u32,
        from: &Address,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<lakehold_block::StoredPart, BlockError> {
        self.inner.copy_part(address, upload, number, from, range).await
    }
    async fn list_parts(
        &self,
        address: &Address,
        upload: &lakehold_block::UploadId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<lakehold_block::Part>, BlockError> {
        self.inner.list_parts(address, upload, after, limit).await
    }
    async fn complete_multipart(
        &self,
        address: &Address,
        upload: &lakehold_block::UploadId,
        parts: &[lakehold_block::CompletedPart],
    ) -> Result<lakehold_block::Completed, BlockError> {
        self.inner.complete_multipart(address, upload, parts).await
    }
    async fn abort_multipart(
        &self,
        address: &Address,
        upload: &lakehold_block::UploadId,
    ) -> Result<(), BlockError> {
        self.inner.abort_multipart(address, upload).await
    }
    async fn presign_get(
        &self,
        address: &Address,
        ttl: std::time::Duration,
        file_name: Option<&str>,
    ) -> Result<Option<lakehold_block::PresignedUrl>, BlockError> {
        self.inner.presign_get(address, ttl, file_name).await
    }
    async fn presign_put(
        &self,
        address: &Address,
        ttl: std::time::Duration,
    ) -> Result<Option<lakehold_block::PresignedUrl>, BlockError> {
        self.inner.presign_put(address, ttl).await
    }
    async fn presign_part(
        &self,
        address: &Address,
        upload: &lakehold_block::UploadId,
        number: u32,
        ttl: std::time::Duration,
    ) -> Result<Option<lakehold_block::PresignedUrl>, BlockError> {
        self.inner.presign_part(address, upload, number, ttl).await
    }
    async fn close(&self) -> Result<(), BlockError> {
        self.inner.close().await
    }
}

fn over(blocks: Arc<dyn BlockStore>) -> RangeStore {
    RangeStore::new(blocks, Runtime::seeded(1).0, TreeSettings::default())
}

/// Lets `waiting` go as far as it gets by itself.
async fn poll_once<T>(waiting: &mut (impl Future<Output = T> + Unpin)) {
    assert!(futures::poll!(waiting).is_pending());
}

#[tokio::test]
async fn a_range_is_loaded_once_however_many_ask() {
    let fixture = Fixture::with_range_of(10).await;
    let gated = Arc::new(GatedStore::open_to(&fixture.blocks, 0));
    let store = over(gated.clone());
    let before = fixture.blocks.calls();

    let place = namespace();
    let asking = (0..50).map(|_| store.range(&place, &fixture.range));
    let mut answers = Box::pin(join_all(asking));
    poll_once(&mut answers).await;
    gated.gate.add_permits(50);

    assert!(answers.await.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(fixture.blocks.calls() - before, 1);
}

#[tokio::test]
async fn who_waits_for_a_load_that_fails_learns_of_it_or_loads_itself() {
    let fixture = Fixture::with_range_of(10).await;
    let gated = Arc::new(GatedStore::open_to(&fixture.blocks, 0));
    let store = over(gated.clone());
    let place = namespace();
    fixture.blocks.fail_nth(1);

    let asking = (0..5).map(|_| store.range(&place, &fixture.range));
    let mut answers = Box::pin(join_all(asking));
    poll_once(&mut answers).await;
    gated.gate.add_permits(50);
    let answers = answers.await;

    let failed = answers.iter().filter(|answer| matches!(answer, Err(Error::Block(_)))).count();
    assert!(failed > 0, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(Error::Block(_)))));
    store.range(&place, &fixture.range).await.unwrap();
}

#[tokio::test]
async fn a_load_whose_first_asker_gave_up_goes_on_for_the_others() {
    let fixture = Fixture::with_range_of(10).await;
    let gated = Arc::new(GatedStore::open_to(&fixture.blocks, 0));
    let store = over(gated.clone());
    let place = namespace();

    let mut first = Box::pin(store.range(&place, &fixture.range));
    poll_once(&mut first).await;
    let mut second = Box::pin(store.range(&place, &fixture.range));
    poll_once(&mut second).await;
    drop(first);
    gated.gate.add_permits(50);

    second.await.unwrap();
}

#[tokio::test]
async fn a_file_shorter_than_announced_is_corrupt_and_named() {
    let fixture = Fixture::with_range_of(10).await;
    let gated = GatedStore { too_long_by: 1, ..GatedStore::open_to(&fixture.blocks, 1) };
    let store = over(Arc::new(gated));

    let found = store.range(&namespace(), &fixture.range).await;

    let Err(Error::Corrupt { location, .. }) = found else { panic!("{found:?}") };
    assert!(location.ends_with(&*fixture.range.id.name()), "{location}");
}

#[test]
fn an_error_told_twice_is_the_same_error() {
    let cause = || -> crate::BoxError { "disk on fire".into() };
    let io = BlockError::Io { location: "here".to_owned(), source: cause() };
    let missing = BlockError::NotFound("here".to_owned());
    let id = MetaRangeId::from_stored("f00d");
    for error in [
        Error::Block(io),
        Error::Block(missing),
        Error::corrupt("range", "here", cause()),
        Error::MetaRangeNotFound(id),
    ] {
        let first = Arc::new(error);
        let again = Error::from_shared(first.clone());
        assert_eq!(chain(&again), chain(&*first));
        assert_eq!(std::mem::discriminant(&again), std::mem::discriminant(&*first));
    }
}

fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts
}

#[tokio::test]
async fn memory_stays_within_the_bound() {
    let blocks = Arc::new(MemBlockStore::new());
    let cache_bytes = 200_000;
    let settings = TreeSettings { cache_bytes, ..TreeSettings::default() };
    let store = RangeStore::new(blocks, Runtime::seeded(1).0, settings);
    for records in 500..600 {
        let (table, range) = range_of(records);
        store.put_range(&namespace(), table).await.unwrap();
        store.range(&namespace(), &range).await.unwrap();
        let cached: usize = store.0.ranges.iter().map(|(_, range)| range.memory()).sum();
        assert!(cached as u64 <= cache_bytes, "{cached} bytes after {records}");
    }
    assert!(store.0.ranges.entry_count() > 0);
}

#[tokio::test]
async fn a_range_larger_than_the_cache_is_usable() {
    let fixture = Fixture::with_range_of(1000).await;
    let store = fixture.store(100);
    let range = store.range(&namespace(), &fixture.range).await.unwrap();
    assert!(range.get(b"000999").unwrap().is_some());
}

#[tokio::test]
async fn an_id_that_is_no_file_name_reaches_no_store() {
    let fixture = Fixture::with_range_of(1).await;
    let store = fixture.store(1 << 20);
    let before = fixture.blocks.calls();
    for text in ["../../secret", "deadbeef", &"A".repeat(64), &"é".repeat(32)] {
        let id = MetaRangeId::from_stored(text);
        let found = store.meta_range(&namespace(), &id).await;
        assert!(matches!(&found, Err(Error::MetaRangeNotFound(missing)) if *missing == id));
    }
    assert_eq!(fixture.blocks.calls(), before);
}

#[tokio::test]
async fn a_range_is_no_metarange_and_a_metarange_no_range() {
    let fixture = Fixture::with_range_of(1).await;
    let store = fixture.store(1 << 20);
    let id = MetaRangeId::from_stored(&fixture.range.id.name());
    let found = store.meta_range(&namespace(), &id).await;
    assert!(matches!(found, Err(Error::MetaRangeNotFound(_))), "{found:?}");

    let tree = MetaRange::new(vec![fixture.range.clone()]);
    let table = tree.encode().unwrap();
    let id = store.put_meta_range(&namespace(), tree, table).await.unwrap();
    let mistaken = RangeRef {
        id: crate::meta_range::RangeId::from_stored(id.as_str()),
        ..fixture.range.clone()
    };
    let found = store.range(&namespace(), &mistaken).await;
    assert!(matches!(found, Err(Error::Corrupt { what: "range", .. })), "{found:?}");
}
