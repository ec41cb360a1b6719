//! What the tests share: opening stores, and tasks on the worker threads.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use lakehold_clock::Runtime;
use lakehold_kv::Entry;
use lakehold_kv::Error;
use lakehold_kv::Scan;
use lakehold_kv::Store;
use lakehold_kv::StoreExt as _;
use lakehold_kv_postgres::PostgresSettings;
use lakehold_kv_postgres::PostgresStore;
use tokio::sync::oneshot;

/// Opens a store with the settings that a server has by itself.
pub(crate) async fn open(url: &str) -> PostgresStore {
    open_with(PostgresSettings::new(url)).await.expect("open")
}

pub(crate) async fn open_with(settings: PostgresSettings) -> Result<PostgresStore, Error> {
    PostgresStore::open(settings, &Runtime::real()).await
}

/// Why no store can be opened, with all causes.
pub(crate) async fn refusal(settings: PostgresSettings) -> String {
    text(&open_with(settings).await.expect_err("must be refused"))
}

/// An error with all its causes.
pub(crate) fn text(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

pub(crate) async fn value(store: &dyn Store, partition: &str, key: &str) -> Option<Bytes> {
    let found = store.get(partition.to_owned().into(), key.to_owned().into()).await;
    found.expect("get").map(|found| found.value)
}

pub(crate) async fn set(store: &dyn Store, partition: &str, key: &str, value: impl Into<Bytes>) {
    let set = store.set(partition.to_owned().into(), key.to_owned().into(), value.into()).await;
    set.expect("set");
}

/// Everything in a partition, by scan.
pub(crate) async fn entries(store: &dyn Store, partition: &str) -> Vec<Entry> {
    let mut cursor = Scan::new(store, partition.to_owned().into(), Bytes::new());
    let mut entries = Vec::new();
    while let Some(entry) = cursor.next().await.expect("scan") {
        entries.push(entry);
    }
    entries
}

/// Runs `task` for each of `0..count` on the worker threads and returns what they return.
pub(crate) async fn on_threads<F, T>(count: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let waits = (0..count).map(|number| {
        let (answer, wait) = oneshot::channel();
        let work = task(number);
        Runtime::real().spawn("test", async move { drop(answer.send(work.await)) });
        wait
    });
    let waits: Vec<_> = waits.collect();
    join_all(waits).await.into_iter().map(|done| done.expect("no panic")).collect()
}

/// Waits until `holds` says so; fails with `what` after a minute.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    for _ in 0..12_000 {
        if holds().await {
            return;
        }
        pause(5).await;
    }
    unreachable!("{what}");
}

pub(crate) async fn pause(milliseconds: u64) {
    Runtime::real().sleep(Duration::from_millis(milliseconds)).await;
}
