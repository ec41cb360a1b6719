//! Many threads at once.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use lakehold_clock::Runtime;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Store;
use lakehold_kv::StoreExt as _;
use tokio::sync::oneshot;

use crate::support::open;
use crate::support::read_all;

/// Runs `task` for each of `0..count` on the worker threads and returns what they return.
async fn on_threads<F, T>(count: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let runtime = Runtime::real();
    let waits = (0..count).map(|number| {
        let (answer, wait) = oneshot::channel();
        let work = task(number);
        runtime.spawn("test", async move { drop(answer.send(work.await)) });
        wait
    });
    let waits: Vec<_> = waits.collect();
    join_all(waits).await.into_iter().map(|done| done.expect("no panic")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_counter_kept_by_conditional_writes_loses_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store: Arc<dyn Store> = Arc::new(open(dir.path()));
    store.set("p".into(), "counter".into(), "0".into()).await.expect("set");

    let applied: Vec<u64> = on_threads(16, |_| {
        let store = Arc::clone(&store);
        async move {
            let mut applied = 0;
            for _ in 0..100 {
                let read = store.get("p".into(), "counter".into()).await.expect("get");
                let read = read.expect("it has a value");
                let now: u64 = String::from_utf8_lossy(&read.value).parse().expect("a number");
                let next = Bytes::from((now + 1).to_string());
                let unchanged = Precondition::Unchanged(read.version);
                let set = store.set_if("p".into(), "counter".into(), next, unchanged).await;
                applied += u64::from(set.expect("set") == Outcome::Applied);
            }
            applied
        }
    })
    .await;

    let counter = store.get("p".into(), "counter".into()).await.expect("get").expect("is there");
    assert_eq!(counter.value, applied.iter().sum::<u64>().to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_beside_each_other_lose_nothing_while_tables_are_written() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = Arc::new(open(dir.path()));
    on_threads(32, |writer| {
        let store = Arc::clone(&store);
        async move {
            for number in 0..200 {
                let key = Bytes::from(format!("{writer:02}-{number:03}"));
                store.set("p".into(), key.clone(), vec![b'v'; 150].into()).await.expect("set");
                let read = store.get("p".into(), key).await.expect("get");
                assert!(read.is_some(), "read back as soon as written");
            }
        }
    })
    .await;
    assert_eq!(read_all(&*store, &["p"]).await.expect("read").len(), 32 * 200);
    drop(store);
    let again = open(dir.path());
    assert_eq!(read_all(&again, &["p"]).await.expect("read").len(), 32 * 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_stops_waiting_harms_nobody() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = open(dir.path());
    for number in 0..50 {
        let key = Bytes::from(format!("{number:02}"));
        let given_up = store.set("p".into(), key, "v".into());
        // Polled once, which hands the write over, and dropped.
        drop(futures::future::select(given_up, futures::future::ready(())).await);
    }
    store.set("p".into(), "last".into(), "v".into()).await.expect("set");
    assert_eq!(read_all(&store, &["p"]).await.expect("read").len(), 51);
}
