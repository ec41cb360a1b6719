//! Writes of many callers at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::StoreExt as _;

use crate::server::Database;
use crate::support::entries;
use crate::support::on_threads;
use crate::support::open;
use crate::support::set;
use crate::support::value;

const CALLERS: usize = 200;

/// How many transactions left what is in the table.
async fn transactions(database: &Database) -> i64 {
    let client = database.client().await;
    let row = client.query_one("SELECT count(DISTINCT xmin::text) FROM kv", &[]).await;
    row.expect("counted").get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_at_the_same_time_shares_transactions() {
    let database = Database::new().await;
    let store = Arc::new(open(&database.url).await);
    set(&*store, "p", "warm", "1").await;
    on_threads(CALLERS, |number| {
        let store = Arc::clone(&store);
        async move { set(&*store, "p", &number.to_string(), number.to_string()).await }
    })
    .await;
    for number in 0..CALLERS {
        let written = value(&*store, "p", &number.to_string()).await;
        assert_eq!(written, Some(number.to_string().into()));
    }
    let transactions = transactions(&database).await;
    assert!(transactions < CALLERS as i64 / 2, "{transactions} transactions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_that_create_a_record_together_one_is_told_so() {
    let database = Database::new().await;
    let stores = Arc::new([open(&database.url).await, open(&database.url).await]);
    let created = on_threads(CALLERS, |number| {
        let stores = Arc::clone(&stores);
        async move {
            let (key, text) = (format!("{}", number % 7).into(), number.to_string().into());
            let store = &stores[number % 2];
            let set = store.set_if("p".into(), key, text, Precondition::Absent).await;
            (set.expect("set") == Outcome::Applied).then(|| number.to_string())
        }
    })
    .await;
    let told: BTreeSet<Bytes> = created.into_iter().flatten().map(Bytes::from).collect();
    let found = entries(&stores[0], "p").await;
    assert_eq!(found.len(), 7);
    assert_eq!(told, found.into_iter().map(|entry| entry.value).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_the_database_refuses_is_refused_alone() {
    let database = Database::new().await;
    let store = Arc::new(open(&database.url).await);
    let refused = on_threads(CALLERS, |number| {
        let store = Arc::clone(&store);
        async move {
            // Longer than the index takes, and nothing that could be compressed.
            let noise = (0..4_000_u64).map(|at| ((at * at * 2_654_435_761) >> 13) as u8);
            let key = match number % 10 {
                3 => noise.map(|byte| byte ^ number as u8).collect::<Vec<u8>>().into(),
                _ => Bytes::from(number.to_string()),
            };
            let set = store.set("p".into(), key, "v".into()).await;
            set.map_err(|error| (number, error)).err()
        }
    })
    .await;
    let refused: Vec<_> = refused.into_iter().flatten().collect();
    assert_eq!(refused.len(), CALLERS / 10);
    for (number, error) in refused {
        assert_eq!(number % 10, 3, "{error}");
        assert!(matches!(error, Error::Invalid(_)), "{error}");
    }
    assert_eq!(entries(&*store, "p").await.len(), CALLERS - CALLERS / 10);
}
