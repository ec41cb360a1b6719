//! How two servers' work is interleaved: every order in which each stands still once.

use crate::lake::Lake;
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use lakehold_engine::EngineError;
use lakehold_engine::ResetScope;
use lakehold_kv::Error;
use lakehold_kv::MemStore;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::PartitionPage;
use lakehold_kv::Precondition;
use lakehold_kv::ScanPage;
use lakehold_kv::Store;
use lakehold_kv::Versioned;
use lakehold_kv::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tokio::sync::Notify;

/// A store whose n-th call, counted from one, waits before it is carried out until it is released.
#[derive(Debug)]
pub(super) struct PausingStore {
    inner: MemStore,
    pub(super) pause_at: usize,
    pub(super) calls: AtomicUsize,
    pub(super) reached: Notify,
    pub(super) released: Notify,
}

impl PausingStore {
    pub(super) fn new(inner: MemStore, pause_at: usize) -> Self {
        let (reached, released) = (Notify::new(), Notify::new());
        Self { inner, pause_at, calls: AtomicUsize::new(0), reached, released }
    }

    async fn pass(&self) {
        if self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.pause_at {
            self.reached.notify_one();
            self.released.notified().await;
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for PausingStore {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.pass().await;
        self.inner.get(partition, key).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        self.pass().await;
        self.inner.write(writes).await
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        self.pass().await;
        self.inner.scan(partition, from, limit).await
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        self.pass().await;
        self.inner.partitions(from, limit).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

type Work = fn(Lake) -> BoxFuture<'static, Result<(), EngineError>>;

/// What another server does meanwhile.
const OTHERS: &[(&str, Work)] = &[
    ("commit", |lake| Box::pin(async move { lake.commit("main", "theirs").await.map(drop) })),
    ("merge", |lake| Box::pin(async move { lake.merge("dev", "main").await.map(drop) })),
    ("reset a prefix", |lake| {
        Box::pin(async move { lake.reset("main", ResetScope::Prefix("x/".to_owned())).await })
    }),
    ("write", |lake| Box::pin(async move { lake.put("main", "theirs", "1").await })),
];

/// A store that notes what is written to it.
#[derive(Debug)]
struct NotingStore {
    inner: MemStore,
    noted: Mutex<Vec<Write>>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for NotingStore {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.inner.get(partition, key).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        self.noted.lock().expect("notes").extend(writes.clone());
        self.inner.write(writes).await
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        self.inner.scan(partition, from, limit).await
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        self.inner.partitions(from, limit).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

/// A branch `main` with `old` committed, `new` staged, and `gone` committed and staged as deleted;
/// a branch `dev` with something to merge. With `clean`, nothing is staged. Made once, and written
/// down to be had again and again.
pub(super) struct Beginning {
    lake: Lake,
    writes: Vec<Write>,
}

impl Beginning {
    pub(super) async fn new(clean: bool) -> Self {
        let noting = NotingStore { inner: MemStore::shared(), noted: Mutex::default() };
        let noting = Arc::new(noting);
        let lake = Lake::over(noting.clone()).await;
        lake.put("main", "old", "1").await.expect("staged");
        lake.put("main", "gone", "1").await.expect("staged");
        lake.commit("main", "base").await.expect("committed");
        lake.branch("dev", "main").await.expect("created");
        lake.put("dev", "from-dev", "1").await.expect("staged");
        lake.commit("dev", "on dev").await.expect("committed");
        if !clean {
            lake.put("main", "new", "1").await.expect("staged");
            lake.put("main", "old", "2").await.expect("staged");
            lake.put("main", "x/1", "1").await.expect("staged");
            lake.delete("main", &["gone"]).await.expect("deleted");
        }
        // What was left to be done beside us.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        let writes = std::mem::take(&mut *noting.noted.lock().expect("notes"));
        let always = |write| Write { precondition: Precondition::Always, ..write };
        Self { lake, writes: writes.into_iter().map(always).collect() }
    }

    pub(super) async fn again(&self) -> (Lake, MemStore) {
        let kv = MemStore::shared();
        drop(kv.write(self.writes.clone()).await.expect("written"));
        (self.lake.through(Arc::new(kv.clone())), kv)
    }
}

/// What is known of a race when it is over.
pub(super) struct Race<'a> {
    pub(super) lake: &'a Lake,
    /// For messages.
    pub(super) at: &'a str,
    /// What the others did.
    pub(super) others: &'a str,
    /// Whether the others had moved the branch by the time we were told that we were done.
    pub(super) moved: bool,
    pub(super) result: Result<(), EngineError>,
}

/// Who begins. Each goes on to the call at which it stands still, then the other begins; then the
/// one that was told last to stand still waits until the other has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    /// We stand still, they stand still, we end, they end.
    We,
    /// They stand still, we stand still, they end, we end.
    They,
}

/// One server's part in a race.
struct Side {
    store: Arc<PausingStore>,
    begin: Notify,
    is_over: AtomicBool,
}

impl Side {
    fn new(kv: &MemStore, pause_at: usize) -> Self {
        let store = Arc::new(PausingStore::new(kv.clone(), pause_at));
        Self { store, begin: Notify::new(), is_over: AtomicBool::new(false) }
    }

    async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.begin.notified().await;
        let done = work.await;
        self.is_over.store(true, Ordering::SeqCst);
        done
    }

    /// Lets it begin and waits until it stands still or has come to its end.
    async fn begin(&self) {
        self.begin.notify_one();
        self.until(|| self.has_paused()).await;
    }

    /// Lets it go on and waits until it has come to its end.
    async fn end(&self) {
        self.store.released.notify_one();
        self.until(|| false).await;
    }

    fn has_paused(&self) -> bool {
        self.store.calls.load(Ordering::SeqCst) >= self.store.pause_at
    }

    async fn until(&self, holds: impl Fn() -> bool) {
        for _ in 0..100_000 {
            if holds() || self.is_over.load(Ordering::SeqCst) {
                break;
            }
            tokio::task::yield_now().await;
        }
        // What it has left to be done beside it.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

/// Plays every interleaving of the forms of [`First`]. After each, `check` sees what came of it.
pub(super) async fn race(
    ours: impl AsyncFn(&Lake) -> Result<(), EngineError>,
    check: impl AsyncFn(Race<'_>),
) {
    for first in [First::We, First::They] {
        for (others, theirs) in OTHERS {
            let beginning = Beginning::new(*others == "merge").await;
            for we_pause_at in 1.. {
                assert!(we_pause_at < 100, "{others}: an end");
                let mut we_paused = false;
                for they_pause_at in 1.. {
                    assert!(they_pause_at < 200, "{others}: an end");
                    let at = format!("{first:?} at {we_pause_at}, {others} at {they_pause_at}");
                    let (lake, kv) = beginning.again().await;
                    let head = lake.head("main").await;
                    let (we, they) = (Side::new(&kv, we_pause_at), Side::new(&kv, they_pause_at));
                    let our_lake = lake.through(we.store.clone());
                    let their_work = theirs(lake.through(they.store.clone()));
                    let our_work = async {
                        let result = ours(&our_lake).await;
                        (result, lake.head("main").await != head)
                    };
                    let order = async {
                        let (first, second) = match first {
                            First::We => (&we, &they),
                            First::They => (&they, &we),
                        };
                        first.begin().await;
                        second.begin().await;
                        first.end().await;
                        second.end().await;
                    };
                    let ((result, moved), theirs, ()) =
                        tokio::join!(we.run(our_work), they.run(their_work), order);
                    match theirs {
                        Ok(()) | Err(EngineError::NoChanges | EngineError::DirtyBranch(_)) => {}
                        Err(other) => panic!("{at}: {other:?}"),
                    }
                    check(Race { lake: &lake, at: &at, others, moved, result }).await;
                    we_paused |= we.has_paused();
                    if !they.has_paused() {
                        break;
                    }
                }
                if !we_paused {
                    break;
                }
            }
        }
    }
}
