//! Sessions that are ended and servers that go away, under load.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv_postgres::PostgresStore;

use crate::server::Database;
use crate::server::Server;
use crate::support::entries;
use crate::support::on_threads;
use crate::support::open;
use crate::support::pause;
use crate::support::set;
use crate::support::text;
use crate::support::until;
use crate::support::value;

const WRITERS: usize = 12;
/// No writer makes more attempts than this.
const ATTEMPTS: usize = 100_000;

/// What a writer was told of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Written,
    Unknown,
    Nothing,
}

/// Load until `stop`: each writer creates keys of its own, reads them back, and counts.
async fn load(
    store: Arc<PostgresStore>,
    stop: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
) -> Vec<BTreeMap<String, Told>> {
    on_threads(WRITERS, move |writer| {
        let (store, stop, written) = (Arc::clone(&store), Arc::clone(&stop), Arc::clone(&written));
        async move {
            let mut told = BTreeMap::new();
            for number in 0..ATTEMPTS {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let key = format!("{writer:02}-{number:06}");
                let created = create(&store, &key).await;
                written.fetch_add(usize::from(created == Told::Written), Ordering::Relaxed);
                check_read(&store, &key, created).await;
                told.insert(key, created);
            }
            told
        }
    })
    .await
}

async fn create(store: &PostgresStore, key: &str) -> Told {
    let key = Bytes::from(key.to_owned());
    match store.set_if("p".into(), key.clone(), key, Precondition::Absent).await {
        Ok(Outcome::Applied) => Told::Written,
        Ok(Outcome::PreconditionFailed) => unreachable!("nobody else creates this key"),
        Err(Error::Unknown(_)) => Told::Unknown,
        Err(Error::Unavailable(_)) => Told::Nothing,
        Err(other) => unreachable!("{other:?}"),
    }
}

/// A read answers truly or not at all.
async fn check_read(store: &PostgresStore, key: &str, told: Told) {
    match store.get("p".into(), Bytes::from(key.to_owned())).await {
        Ok(Some(found)) => assert!(told != Told::Nothing && found.value == key, "{key} {told:?}"),
        Ok(None) => assert_ne!(told, Told::Written, "{key}"),
        Err(Error::Unavailable(_)) => {}
        Err(other) => unreachable!("{other:?}"),
    }
}

/// What was acknowledged is there, what was refused is not.
async fn check_all(store: &PostgresStore, told: Vec<BTreeMap<String, Told>>) {
    let found = entries(store, "p").await;
    let found: BTreeMap<String, Bytes> = found
        .into_iter()
        .map(|entry| (String::from_utf8_lossy(&entry.key).into_owned(), entry.value))
        .collect();
    let told: BTreeMap<String, Told> = told.into_iter().flatten().collect();
    for (key, told) in &told {
        match told {
            Told::Written => {
                assert!(found.get(key).is_some_and(|value| value == key), "{key} is lost");
            }
            Told::Nothing => assert!(!found.contains_key(key), "{key} was refused and is there"),
            Told::Unknown => {}
        }
    }
    assert!(found.keys().all(|key| told.contains_key(key)), "something from nowhere");
}

/// Waits until `count` more writes were acknowledged.
async fn until_written(written: &AtomicUsize, count: usize) {
    let goal = written.load(Ordering::Relaxed) + count;
    let recovered = || async { written.load(Ordering::Relaxed) >= goal };
    until("the store does not recover", recovered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_made_up_while_sessions_are_ended() {
    let database = Database::new().await;
    let client = database.client().await;
    let store = Arc::new(open(&database.url).await);
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let working = load(Arc::clone(&store), Arc::clone(&stop), Arc::clone(&written));
    let ending = async {
        let mut ended = 0;
        for _ in 0..30 {
            until_written(&written, 40).await;
            ended += database.terminate(&client).await;
        }
        until_written(&written, 40).await;
        stop.store(true, Ordering::Relaxed);
        ended
    };
    let (told, ended) = futures::join!(working, ending);
    assert!(ended > 30, "{ended}");
    check_all(&store, told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_right_while_sessions_are_ended() {
    let database = Database::new().await;
    let client = database.client().await;
    let store = Arc::new(open(&database.url).await);
    for number in 0..300 {
        set(&*store, "p", &format!("{number:03}"), "v").await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let reading = on_threads(8, |_| {
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        async move {
            for number in 0..ATTEMPTS {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let key = format!("{:03}", number % 300);
                match store.get("p".into(), key.into()).await {
                    Ok(found) => assert!(found.is_some()),
                    Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
                }
                match store.scan("p".into(), Bytes::new(), 1_000).await {
                    Ok(page) => assert_eq!(page.entries.len(), 300),
                    Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
                }
            }
        }
    });
    let ending = async {
        for _ in 0..30 {
            database.terminate(&client).await;
            pause(20).await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    futures::join!(reading, ending);
}

#[tokio::test]
async fn reads_bridge_sessions_that_were_ended() {
    let database = Database::new().await;
    let client = database.client().await;
    let store = open(&database.url).await;
    for round in 0..5 {
        set(&store, "p", "k", round.to_string()).await;
        assert!(database.terminate(&client).await > 0);
        assert_eq!(value(&store, "p", "k").await, Some(round.to_string().into()));
        assert_eq!(entries(&store, "p").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_stopped_killed_and_started_again_loses_nothing() {
    let server = Server::start(&[]).await;
    let database = Database::on(&server.url("postgres")).await;
    let store = Arc::new(open(&database.url).await);
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let working = load(Arc::clone(&store), Arc::clone(&stop), Arc::clone(&written));
    let disturbing = async {
        for round in 0..4 {
            until_written(&written, 100).await;
            if round % 2 == 0 {
                server.stop().await;
            } else {
                server.kill().await;
            }
            let refused = store.get("p".into(), "k".into()).await.expect_err("it is gone");
            assert!(text(&refused).contains("127.0.0.1"), "{}", text(&refused));
            server.start_again().await;
        }
        until_written(&written, 100).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (told, ()) = futures::join!(working, disturbing);
    check_all(&store, told).await;
}

/// A server that was demoted, or whose disk is full, takes reads and no writes.
#[tokio::test]
async fn a_server_that_takes_no_writes_is_told_apart_and_used_again_later() {
    let database = Database::new().await;
    let client = database.client().await;
    let store = open(&database.url).await;
    let reader = open(&database.url_with("target_session_attrs=any")).await;
    set(&store, "p", "k", "v").await;

    let name = &database.name;
    let refuse = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    client.batch_execute(&refuse).await.expect("alter");
    database.terminate(&client).await;
    for store in [&store, &reader] {
        // Meets the connection that was ended, so that the writes below do not.
        drop(store.scan("p".into(), Bytes::new(), 1).await);
    }
    for writes in 1..=2 {
        let call = |key: &str| lakehold_kv::Write {
            partition: "p".into(),
            key: key.to_owned().into(),
            value: Some("x".into()),
            precondition: Precondition::Always,
        };
        let call: Vec<_> = ["k", "l"].into_iter().take(writes).map(call).collect();
        for store in [&store, &reader] {
            let refused = store.write(call.clone()).await.expect_err("takes no writes");
            assert!(matches!(refused, Error::Unavailable(_)), "nothing was written: {refused:?}");
            assert!(text(&refused).contains("writes"), "{}", text(&refused));
        }
    }
    assert_eq!(value(&reader, "p", "k").await, Some("v".into()));

    let allow = format!("SET default_transaction_read_only = off; ALTER DATABASE {name} RESET ALL");
    client.batch_execute(&allow).await.expect("alter");
    for store in [&store, &reader] {
        set(store, "p", "k", "again").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_hosts_the_one_that_takes_writes_is_used() {
    let standby = Server::start(&["-c", "default_transaction_read_only=on"]).await;
    let primary = Server::start(&[]).await;
    // Nobody listens on the first.
    let hosts = [1, standby.port(), primary.port()].map(|port| format!("127.0.0.1:{port}"));
    let store = open(&format!("postgres://postgres@{}/postgres", hosts.join(","))).await;
    set(&store, "p", "k", "v").await;
    assert_eq!(value(&open(&primary.url("postgres")).await, "p", "k").await, Some("v".into()));
}
