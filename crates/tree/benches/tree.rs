//! How long it takes to read, list, change and merge a tree of a million records in memory.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_tree::BoxError;
use lakehold_tree::Change;
use lakehold_tree::ChangeSource;
use lakehold_tree::MetaRangeId;
use lakehold_tree::Strategy;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;
use lakehold_tree::Value;

const RECORDS: u64 = 1_000_000;

/// Changes of some records, spread over the tree, to values of one version.
struct Numbered {
    numbers: std::iter::StepBy<Range<u64>>,
    version: u8,
}

impl ChangeSource for Numbered {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Change>, BoxError>> {
        let version = self.version;
        let next = self.numbers.next();
        let change = next.map(|n| Change { key: key(n), value: Some(value(n, version)) });
        async move { Ok(change) }.boxed()
    }
}

/// Keys and values of the length that real ones have.
fn key(number: u64) -> Bytes {
    format!("tables/events/day={:03}/part-{number:09}.parquet", number / 3_000).into()
}

fn value(number: u64, version: u8) -> Value {
    let mut identity = [version; 32];
    identity[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let data = format!(
        "data/g3rsqmo1081g01o00010/{:020x} {:032x} application/octet-stream {version}",
        number.wrapping_mul(0x2545_f491_4f6c_dd1d),
        u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
    );
    Value { identity: Bytes::copy_from_slice(&identity), data: data.into() }
}

struct Lake {
    trees: Trees,
    namespace: StorageNamespace,
    base: MetaRangeId,
}

impl Lake {
    async fn new() -> Self {
        let settings = TreeSettings { cache_bytes: 1 << 30, ..TreeSettings::default() };
        let trees = Trees::new(Arc::new(MemBlockStore::new()), Runtime::real(), settings);
        let namespace = StorageNamespace::from_stored("mem://lake");
        let mut lake = Self { trees, namespace, base: MetaRangeId::default() };
        lake.base = lake.with_changes((0..RECORDS).step_by(1), 0).await;
        lake
    }

    async fn with_changes(
        &self,
        numbers: std::iter::StepBy<Range<u64>>,
        version: u8,
    ) -> MetaRangeId {
        let mut changes = Numbered { numbers, version };
        let written = self.trees.apply(&self.namespace, &self.base, &mut changes, false).await;
        written.expect("applied").meta_range
    }
}

fn benches(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let lake = runtime.block_on(Lake::new());
    let lake = &lake;

    let mut number: u64 = 0;
    criterion.bench_function("get one of 100 that were read before", |bench| {
        bench.iter(|| {
            number = (number + 7_919) % (100 * 7_919);
            let key = key(number);
            let found = lake.trees.get(&lake.namespace, &lake.base, &key);
            runtime.block_on(found).expect("read").expect("is there")
        });
    });

    criterion.bench_function("get one of 1M", |bench| {
        bench.iter(|| {
            number = (number + 7_919) % RECORDS;
            let key = key(number);
            let found = lake.trees.get(&lake.namespace, &lake.base, &key);
            runtime.block_on(found).expect("read").expect("is there")
        });
    });

    criterion.bench_function("list 1,000 of 1M", |bench| {
        bench.iter(|| {
            number = (number + 7_919) % (RECORDS - 1_000);
            runtime.block_on(async {
                let mut cursor = lake.trees.cursor(&lake.namespace, &lake.base);
                cursor.seek(&key(number));
                for _ in 0..1_000 {
                    black_box(cursor.next().await.expect("read"));
                }
            });
        });
    });

    let mut version = 0_u8;
    let mut slow = criterion.benchmark_group("write");
    slow.sample_size(10);
    slow.bench_function("apply 1,000 spread changes to 1M", |bench| {
        bench.iter(|| {
            version = version.wrapping_add(1).max(1);
            runtime.block_on(lake.with_changes((0..RECORDS).step_by(1_000), version))
        });
    });
    slow.bench_function("apply 1,000 neighbouring changes to 1M", |bench| {
        bench.iter(|| {
            version = version.wrapping_add(1).max(1);
            runtime.block_on(lake.with_changes((500_000..501_000).step_by(1), version))
        });
    });

    let source = runtime.block_on(lake.with_changes((100_000..101_000).step_by(1), 200));
    let destination = runtime.block_on(lake.with_changes((700_000..701_000).step_by(1), 201));
    slow.bench_function("merge 1,000 changes with 1,000 elsewhere in 1M", |bench| {
        bench.iter(|| {
            let merged = lake.trees.merge(
                &lake.namespace,
                &source,
                &destination,
                &lake.base,
                Strategy::Fail,
            );
            runtime.block_on(merged).expect("merged")
        });
    });
    let destination = runtime.block_on(lake.with_changes((101_000..102_000).step_by(1), 202));
    slow.bench_function("merge 1,000 changes with 1,000 beside them in 1M", |bench| {
        bench.iter(|| {
            let merged = lake.trees.merge(
                &lake.namespace,
                &source,
                &destination,
                &lake.base,
                Strategy::Fail,
            );
            runtime.block_on(merged).expect("merged")
        });
    });
    slow.finish();
}

criterion_group!(tree, benches);
criterion_main!(tree);
