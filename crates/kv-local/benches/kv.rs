//! What one durable write costs, alone and in company, and what reads cost.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use futures::future::join_all;
use lakehold_clock::Runtime;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv::Write;
use lakehold_kv_local::LocalSettings;
use lakehold_kv_local::LocalStore;
use tokio::sync::oneshot;

const RECORDS: u64 = 100_000;

fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("runtime")
}

fn key(number: u64) -> Bytes {
    format!("tables/events/part-{:08}.parquet", number.wrapping_mul(7_919) % 10_000_000).into()
}

fn record(number: u64) -> Write {
    let value = Some(vec![b'v'; 130].into());
    Write {
        partition: "staging".into(),
        key: key(number),
        value,
        precondition: Precondition::Always,
    }
}

/// Has `tasks` tasks put `puts` records together and returns how long that took.
async fn put(store: &Arc<LocalStore>, tasks: u64, puts: u64) -> Duration {
    let runtime = Runtime::real();
    let start = runtime.monotonic();
    let waits = (0..tasks).map(|task| {
        let (done, wait) = oneshot::channel();
        let store = Arc::clone(store);
        runtime.spawn("put", async move {
            for number in (task..puts).step_by(usize::try_from(tasks).expect("few")) {
                drop(store.write(vec![record(number)]).await.expect("write"));
            }
            done.send(()).unwrap_or_default();
        });
        wait
    });
    join_all(waits.collect::<Vec<_>>()).await;
    runtime.monotonic() - start
}

fn puts(criterion: &mut Criterion) {
    let tokio = tokio_runtime();
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = LocalStore::open(dir.path(), LocalSettings::default()).expect("open");
    let store = Arc::new(store);
    let mut group = criterion.benchmark_group("durable put");
    group.throughput(Throughput::Elements(1));
    for tasks in [1, 8, 64] {
        group.bench_function(format!("{tasks} tasks"), |bencher| {
            bencher.iter_custom(|puts| tokio.block_on(put(&store, tasks, puts)));
        });
    }
    group.finish();
}

fn reads(criterion: &mut Criterion) {
    let tokio = tokio_runtime();
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = LocalStore::open(dir.path(), LocalSettings::default()).expect("open");
    tokio.block_on(async {
        for start in (0..RECORDS).step_by(1_000) {
            drop(store.write((start..start + 1_000).map(record).collect()).await.expect("write"));
        }
    });
    let mut number = 0;
    criterion.bench_function("get", |bencher| {
        bencher.to_async(&tokio).iter(|| {
            number = (number + 7_001) % RECORDS;
            store.get("staging".into(), key(number))
        });
    });
    criterion.bench_function("get of nothing", |bencher| {
        bencher.to_async(&tokio).iter(|| store.get("staging".into(), "tables/none".into()));
    });
    criterion.bench_function("scan of 1000", |bencher| {
        bencher.to_async(&tokio).iter(|| store.scan("staging".into(), Bytes::new(), 1_000));
    });
    criterion.bench_function("create once", |bencher| {
        bencher.to_async(&tokio).iter(|| {
            let (partition, key) = ("staging".into(), key(1));
            store.set_if(partition, key, "v".into(), Precondition::Absent)
        });
    });
}

criterion_group!(benches, puts, reads);
criterion_main!(benches);
