//! Several stores on one database.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use lakehold_kv::Outcome;
use lakehold_kv::Partitions;
use lakehold_kv::Precondition;
use lakehold_kv::Store;
use lakehold_kv::StoreExt as _;
use lakehold_kv::Write;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::server::Database;
use crate::support::entries;
use crate::support::on_threads;
use crate::support::open;
use crate::support::set;
use crate::support::value;

#[tokio::test]
async fn what_one_store_wrote_the_other_reads_at_once() {
    let database = Database::new().await;
    let (one, other) = (open(&database.url).await, open(&database.url).await);
    for round in 0..200 {
        let text = round.to_string();
        set(&one, "p", "k", text.clone()).await;
        assert_eq!(value(&other, "p", "k").await, Some(text.clone().into()));
        other.delete("p".into(), "k".into()).await.expect("delete");
        assert_eq!(value(&one, "p", "k").await, None);
        assert!(entries(&one, "p").await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_stores_one_wins_and_none_is_lost() {
    let database = Database::new().await;
    let stores: Arc<Vec<_>> = Arc::new(vec![open(&database.url).await, open(&database.url).await]);
    set(&stores[0], "p", "counter", "0").await;
    let applied = on_threads(16, |number| {
        let stores = Arc::clone(&stores);
        async move {
            let store = &stores[number % 2];
            let mut applied = 0u64;
            for _ in 0..40 {
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
    let total: u64 = applied.iter().sum();
    assert!(total > 0);
    assert_eq!(value(&stores[1], "p", "counter").await, Some(total.to_string().into()));
}

/// Calls that write the same keys in opposite orders would wait for each other in a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_over_the_same_keys_do_not_get_into_each_others_way() {
    let database = Database::new().await;
    let stores: Arc<Vec<_>> = Arc::new(vec![open(&database.url).await, open(&database.url).await]);
    on_threads(8, |number| {
        let stores = Arc::clone(&stores);
        async move {
            for round in 0..25 {
                let mut keys: Vec<usize> = (0..20).collect();
                if number % 2 == 1 {
                    keys.reverse();
                }
                keys.rotate_left(round % 20);
                let writes = keys.into_iter().map(|key| Write {
                    partition: "circle".into(),
                    key: key.to_string().into(),
                    value: (key % 3 != 0 || round % 2 == 0).then(|| round.to_string().into()),
                    precondition: Precondition::Always,
                });
                drop(stores[number % 2].write(writes.collect()).await.expect("write"));
            }
        }
    })
    .await;
    let client = database.client().await;
    let text = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let row = client.query_one(text, &[]).await.expect("statistics");
    assert_eq!(row.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_meets_every_key_that_stays_while_others_write() {
    let database = Database::new().await;
    let (reader, writer) = (open(&database.url).await, Arc::new(open(&database.url).await));
    let staying: BTreeSet<Bytes> = (0..500).map(|n| format!("{:03}", n * 2).into()).collect();
    let puts = staying.iter().map(|key| Write {
        partition: "p".into(),
        key: key.clone(),
        value: Some("stays".into()),
        precondition: Precondition::Always,
    });
    drop(writer.write(puts.collect()).await.expect("write"));

    let done = Arc::new(AtomicBool::new(false));
    let writing = on_threads(4, |number| {
        let (writer, done) = (Arc::clone(&writer), Arc::clone(&done));
        async move {
            for round in 0..10_000usize {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let key = Bytes::from(format!("{:03}+", (round * 7 + number) % 1_000));
                writer.set("p".into(), key.clone(), "comes".into()).await.expect("set");
                writer.delete("p".into(), key).await.expect("delete");
            }
        }
    });
    let reading = async {
        for _ in 0..15 {
            let found = entries(&reader, "p").await;
            assert!(found.is_sorted_by(|one, next| one.key < next.key));
            let stayed = found.into_iter().filter(|entry| entry.value == "stays");
            assert_eq!(stayed.map(|entry| entry.key).collect::<BTreeSet<_>>(), staying);
        }
        done.store(true, Ordering::Relaxed);
    };
    futures::join!(writing, reading);
}

/// Any bytes as partition, key and value come back as they were, in byte order.
#[test]
fn any_bytes_are_kept() {
    let tokio = tokio::runtime::Runtime::new().expect("a runtime");
    let (_database, store) = tokio.block_on(async {
        let database = Database::new().await;
        let store = open(&database.url).await;
        (database, store)
    });
    let name = prop::collection::vec(any::<u8>(), 1..40);
    let value = prop::collection::vec(any::<u8>(), 0..40);
    let records = prop::collection::btree_map((name.clone(), name), value, 1..30);
    let mut cases = TestRunner::new(ProptestConfig::with_cases(40));
    let kept = cases.run(&records, |records| {
        prop_assert_eq!(&tokio.block_on(written_and_removed(&store, &records)), &records);
        Ok(())
    });
    kept.expect("all bytes are kept");
}

/// Partition and key.
type Place = (Vec<u8>, Vec<u8>);
type Records = BTreeMap<Place, Vec<u8>>;

async fn written_and_removed(store: &dyn Store, records: &Records) -> Records {
    let write = |((partition, key), value): (&Place, Option<Vec<u8>>)| Write {
        partition: partition.clone().into(),
        key: key.clone().into(),
        precondition: if value.is_some() { Precondition::Absent } else { Precondition::Exists },
        value: value.map(Bytes::from),
    };
    let create = records.iter().map(|(place, value)| write((place, Some(value.clone()))));
    let outcomes = store.write(create.collect()).await.expect("write");
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Applied));
    let mut found = Records::new();
    let mut partitions = Partitions::new(store);
    while let Some(partition) = partitions.next().await.expect("partitions") {
        let page = store.scan(partition.clone(), Bytes::new(), 100).await.expect("scan");
        assert!(page.entries.is_sorted_by(|one, next| one.key < next.key));
        for entry in page.entries {
            found.insert((partition.to_vec(), entry.key.to_vec()), entry.value.to_vec());
        }
    }
    let remove = records.keys().map(|place| write((place, None)));
    let outcomes = store.write(remove.collect()).await.expect("write");
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Applied));
    found
}
