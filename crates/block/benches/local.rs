//! Small bodies in a local block store: durable puts, alone and from 64 tasks, and reads.
//!
//! Beside criterion's times it prints, for a longer run of each, the rate and the CPU time of the
//! process per operation, the later making of the files included.

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use futures::future;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_clock::XidGenerator;
use tempfile::TempDir;

/// The kernel counts CPU time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

const WORKS: &str = "it works, or there is nothing to measure";

struct Lake {
    tasks: tokio::runtime::Runtime,
    runtime: Runtime,
    namespace: StorageNamespace,
    ids: Arc<XidGenerator>,
    store: Arc<LocalBlockStore>,
    _home: TempDir,
}

impl Lake {
    fn open() -> Self {
        let tasks = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect(WORKS);
        // Where the build lies, since a temporary folder may be memory.
        let home = tempfile::tempdir_in(target_folder()).expect(WORKS);
        let runtime = Runtime::real();
        let settings = LocalSettings::in_data_dir(home.path());
        let store = tasks.block_on(LocalBlockStore::open(settings, runtime.clone())).expect(WORKS);
        Self {
            tasks,
            namespace: StorageNamespace::parse("local://bench").expect(WORKS),
            ids: Arc::new(XidGenerator::new(&runtime)),
            runtime,
            store: Arc::new(store),
            _home: home,
        }
    }

    /// Puts `count` bodies from `writers` tasks at once, and returns how long that took.
    fn put(&self, writers: u64, count: u64, body: &Bytes) -> Duration {
        let start = self.runtime.monotonic();
        let partition = self.ids.next_id();
        let (all_done, mut wait) = tokio::sync::mpsc::channel::<()>(1);
        self.tasks.block_on(async {
            for writer in 0..writers {
                let share = count / writers + u64::from(writer < count % writers);
                let (store, ids, body) = (self.store.clone(), self.ids.clone(), body.clone());
                let (namespace, done) = (self.namespace.clone(), all_done.clone());
                self.runtime.spawn("writer", async move {
                    for _ in 0..share {
                        let name = format!("data/{partition}/{}", ids.next_id());
                        let address = Address::relative(&namespace, name);
                        store.put(&address, body.clone().into()).await.expect(WORKS);
                    }
                    drop(done);
                });
            }
            drop(all_done);
            wait.recv().await;
        });
        self.runtime.monotonic() - start
    }

    fn get(&self, address: &Address, count: u64) -> Duration {
        let start = self.runtime.monotonic();
        self.tasks.block_on(async {
            for _ in 0..count {
                black_box(self.store.get(address, None).await.expect(WORKS));
            }
        });
        self.runtime.monotonic() - start
    }

    fn close(&self) {
        self.tasks.block_on(self.store.close()).expect(WORKS);
    }

    /// Prints rate and CPU time per operation.
    fn report(&self, what: &str, count: u64, work: impl FnOnce() -> Duration) {
        let before = cpu_time();
        let took = work();
        self.close();
        let cpu = (cpu_time() - before).as_micros() as f64 / count as f64;
        let rate = count as f64 / took.as_secs_f64();
        eprintln!("{what}: {rate:.0} per second, {cpu:.1} us of CPU each");
    }
}

fn target_folder() -> PathBuf {
    let program = std::env::current_exe().expect(WORKS);
    program.parent().expect(WORKS).to_owned()
}

/// CPU time of this process, in user and kernel mode.
fn cpu_time() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").expect(WORKS);
    let after_name = text.rsplit_once(')').expect(WORKS).1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: u32 = fields[11..13].iter().map(|field| field.parse::<u32>().expect(WORKS)).sum();
    TICK * ticks
}

fn puts(criterion: &mut Criterion) {
    let lake = Lake::open();
    for size in [10, 1_024] {
        let body = Bytes::from(vec![7; size]);
        for writers in [1, 64] {
            let name = format!("put/{size} B, {writers} writers");
            criterion.bench_function(&name, |bencher| {
                bencher.iter_custom(|count| lake.put(writers, count, &body));
            });
            let count = if writers == 1 { 10_000 } else { 100_000 };
            lake.report(&name, count, || lake.put(writers, count, &body));
        }
    }
}

fn gets(criterion: &mut Criterion) {
    let lake = Lake::open();
    let address = Address::relative(&lake.namespace, "data/x/y");
    let puts = [lake.store.put(&address, Bytes::from(vec![7; 1_024]).into())];
    lake.tasks.block_on(future::join_all(puts));
    for place in ["in the journal", "in its place"] {
        let name = format!("get/1 KiB {place}");
        criterion.bench_function(&name, |bencher| {
            bencher.iter_custom(|count| lake.get(&address, count));
        });
        lake.report(&name, 200_000, || lake.get(&address, 200_000));
    }
}

criterion_group!(benches, puts, gets);
criterion_main!(benches);
