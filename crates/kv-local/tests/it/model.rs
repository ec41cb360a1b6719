//! Any sequence of operations does to the disk what it does to memory.

use bytes::Bytes;
use lakehold_kv::MemStore;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::Write;
use lakehold_kv_local::LocalStore;
use proptest::prelude::*;

use crate::support::open;
use crate::support::read_all;

const PARTITIONS: [&str; 6] = ["a", "ab", "b", "abc", "aa", "\u{7f}"];

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Planned>),
    Scan(&'static str, Bytes, usize),
    Partitions(Bytes, usize),
    Reopen { close: bool },
}

/// A write whose `Unchanged` precondition, if any, is filled in when its turn comes.
#[derive(Clone, Debug)]
struct Planned {
    partition: &'static str,
    key: Bytes,
    value: Option<Bytes>,
    condition: Condition,
}

#[derive(Clone, Debug)]
enum Condition {
    Always,
    Absent,
    Exists,
    AsRead,
    Stale,
}

fn planned() -> impl Strategy<Value = Planned> {
    let condition = prop_oneof![
        3 => Just(Condition::Always),
        1 => Just(Condition::Absent),
        1 => Just(Condition::Exists),
        2 => Just(Condition::AsRead),
        1 => Just(Condition::Stale),
    ];
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..200));
    (prop::sample::select(&PARTITIONS[..]), "[a-d]{1,2}", value, condition).prop_map(
        |(partition, key, value, condition)| Planned {
            partition,
            key: key.into(),
            value: value.map(Into::into),
            condition,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(planned(), 1..6).prop_map(Step::Write),
        4 => (prop::sample::select(&PARTITIONS[..]), "[a-d]{0,2}", 1usize..8)
            .prop_map(|(partition, from, limit)| Step::Scan(partition, from.into(), limit)),
        2 => ("[a-c]{0,4}", 1usize..8)
            .prop_map(|(from, limit)| Step::Partitions(from.into(), limit)),
        1 => any::<bool>().prop_map(|close| Step::Reopen { close }),
    ]
}

async fn fill_in(model: &MemStore, planned: Planned) -> Write {
    let Planned { partition, key, value, condition } = planned;
    let read = model.get(partition.into(), key.clone()).await.expect("get");
    let precondition = match condition {
        Condition::Always => Precondition::Always,
        Condition::Absent => Precondition::Absent,
        Condition::Exists => Precondition::Exists,
        Condition::AsRead => {
            read.map_or(Precondition::Absent, |read| Precondition::Unchanged(read.version))
        }
        Condition::Stale => Precondition::Unchanged(lakehold_kv::Version("never".into())),
    };
    Write { partition: partition.into(), key, value, precondition }
}

async fn take(store: LocalStore, close: bool, directory: &std::path::Path) -> LocalStore {
    if close {
        store.close().await.expect("close");
    }
    drop(store);
    open(directory)
}

async fn run(steps: Vec<Step>) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let model = MemStore::new();
    let mut store = open(dir.path());
    for step in steps {
        match step {
            Step::Write(planned) => {
                let mut writes = Vec::new();
                for planned in planned {
                    writes.push(fill_in(&model, planned).await);
                }
                let expected = model.write(writes.clone()).await.expect("model");
                assert_eq!(store.write(writes).await.expect("write"), expected);
            }
            Step::Scan(partition, from, limit) => {
                let expected = model.scan(partition.into(), from.clone(), limit).await;
                let found = store.scan(partition.into(), from, limit).await;
                assert_eq!(found.expect("scan"), expected.expect("model"));
            }
            Step::Partitions(from, limit) => {
                let expected = model.partitions(from.clone(), limit).await.expect("model");
                assert_eq!(store.partitions(from, limit).await.expect("partitions"), expected);
            }
            Step::Reopen { close } => store = take(store, close, dir.path()).await,
        }
    }
    store = take(store, false, dir.path()).await;
    let expected = read_all(&model, &PARTITIONS).await.expect("model");
    assert_eq!(read_all(&store, &PARTITIONS).await.expect("read"), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_disk_does_what_memory_does(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(run(steps));
    }
}
