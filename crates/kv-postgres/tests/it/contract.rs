//! The contract of the trait, and what this driver adds to it.

use bytes::Bytes;
use lakehold_clock::Runtime;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv::Write;
use lakehold_kv::conformance;
use lakehold_kv_postgres::PostgresSettings;

use crate::server::Database;
use crate::support::entries;
use crate::support::open;
use crate::support::open_with;
use crate::support::set;
use crate::support::text;
use crate::support::value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_the_contract() {
    let database = Database::new().await;
    let store = open(&database.url).await;
    assert_eq!(store.ownership(), Ownership::Shared);
    conformance::all(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_the_contract_with_two_connections_small_pages_and_nothing_prepared() {
    let database = Database::new().await;
    let mut settings = PostgresSettings::new(database.url.clone());
    settings.max_open_connections = 2;
    settings.scan_page_size = 3;
    settings.prepared_statements = false;
    conformance::all(&open_with(settings).await.expect("open")).await;
}

#[tokio::test]
async fn what_was_written_is_there_for_the_next_store() {
    let database = Database::new().await;
    let store = open(&database.url).await;
    set(&store, "p", "k", "v").await;
    store.close().await.expect("close");

    assert_eq!(value(&open(&database.url).await, "p", "k").await, Some("v".into()));
    let after = store.get("p".into(), "k".into()).await.expect_err("the store is closed");
    assert!(text(&after).contains("closed"), "{}", text(&after));
}

#[tokio::test]
async fn values_of_many_mebibytes_are_read_back_and_compared() {
    let database = Database::new().await;
    let store = open(&database.url).await;
    for mebibytes in [1, 5, 24] {
        let large = Bytes::from(vec![mebibytes; usize::from(mebibytes) << 20]);
        set(&store, "large", "key", large.clone()).await;
        let read = store.get("large".into(), "key".into()).await.expect("get").expect("is there");
        assert!(read.value == large);
        let unchanged = Precondition::Unchanged(read.version);
        let changed = store.set_if("large".into(), "key".into(), "small".into(), unchanged).await;
        assert_eq!(changed.expect("set"), Outcome::Applied);
    }
    set(&store, "large", "other", vec![7; 3 << 20]).await;
    let sizes: Vec<usize> =
        entries(&store, "large").await.iter().map(|entry| entry.value.len()).collect();
    assert_eq!(sizes, [5, 3 << 20]);
}

/// Rows of an index have a largest size. Bytes that repeat are compressed there, these are not.
#[tokio::test]
async fn a_key_that_the_index_cannot_take_is_refused_and_nothing_else_happens() {
    let database = Database::new().await;
    let store = open(&database.url).await;
    let noise = |length: usize| -> Bytes {
        let mut bytes = vec![0; length];
        Runtime::seeded(1).0.fill_random(&mut bytes);
        bytes.into()
    };
    store.set("p".into(), noise(2_500), "long".into()).await.expect("a long key");
    assert!(store.get("p".into(), noise(2_500)).await.expect("get").is_some());

    let good = |key: Bytes| Write {
        partition: "p".into(),
        key,
        value: Some("v".into()),
        precondition: Precondition::Always,
    };
    for writes in [vec![good(noise(9_000))], vec![good("a".into()), good(noise(9_000))]] {
        let refused = store.write(writes).await.expect_err("too long");
        assert!(matches!(refused, Error::Invalid(_)), "{refused:?}");
    }
    assert_eq!(entries(&store, "p").await.len(), 1);
    set(&store, "p", "b", "goes on").await;
}

/// One transaction: whoever looks sees all of a call or nothing, and a call that fails leaves nothing.
#[tokio::test]
async fn several_writes_become_visible_together() {
    let database = Database::new().await;
    let store = open(&database.url).await;
    let call = |round: usize| -> Vec<Write> {
        (0..700)
            .map(|number| Write {
                partition: "together".into(),
                key: format!("{number:03}").into(),
                value: Some(round.to_string().into()),
                precondition: Precondition::Always,
            })
            .collect()
    };
    drop(store.write(call(0)).await.expect("write"));
    let writing = async {
        for round in 1..10 {
            drop(store.write(call(round)).await.expect("write"));
        }
    };
    let reading = async {
        for _ in 0..20 {
            let page = store.scan("together".into(), Bytes::new(), 1_000).await.expect("scan");
            assert_eq!(page.entries.len(), 700);
            let first = page.entries[0].value.clone();
            assert!(page.entries.iter().all(|entry| entry.value == first));
        }
    };
    futures::join!(writing, reading);
}
