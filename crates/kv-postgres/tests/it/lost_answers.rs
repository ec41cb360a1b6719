//! Answers that never arrive: what is said then, and what is true.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv::Write;
use lakehold_kv_postgres::PostgresSettings;
use lakehold_kv_postgres::PostgresStore;
use tokio_postgres::Client;

use crate::proxy::Fault;
use crate::proxy::Proxy;
use crate::server::Database;
use crate::support::entries;
use crate::support::open_with;
use crate::support::pause;
use crate::support::set;
use crate::support::text;
use crate::support::until;
use crate::support::value;

/// A store that talks to the server through a proxy.
struct Setup {
    database: Database,
    proxy: Proxy,
    store: PostgresStore,
}

async fn through_a_proxy(change: impl FnOnce(&mut PostgresSettings)) -> Setup {
    let database = Database::new().await;
    let port: u16 = port_of(&database.url);
    let proxy = Proxy::start(port).await;
    let url = database.url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port()));
    let mut settings = PostgresSettings::new(url);
    change(&mut settings);
    let store = open_with(settings).await.expect("open");
    // Everything is prepared, so that what is lost below is the write itself.
    set(&store, "p", "warm", "1").await;
    Setup { database, proxy, store }
}

fn port_of(url: &str) -> u16 {
    let place = url.split("://").nth(1).and_then(|rest| rest.split('/').next());
    let port = place.and_then(|place| place.rsplit(':').next()).and_then(|port| port.parse().ok());
    port.expect("the server's URL names address and port")
}

fn put(key: &str, value: &str, precondition: Precondition) -> Write {
    Write {
        partition: "p".into(),
        key: key.to_owned().into(),
        value: Some(value.to_owned().into()),
        precondition,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_was_made_and_is_called_unknown() {
    let setup = through_a_proxy(|_| ()).await;
    setup.proxy.arm(Fault::LoseAnswer, b"mark-1");
    let lost = setup.store.set("p".into(), "k".into(), "mark-1".into()).await;
    assert!(matches!(lost, Err(Error::Unknown(_))), "{lost:?}");
    assert_eq!(setup.proxy.faults(), 1);
    assert_eq!(value(&setup.store, "p", "k").await, Some("mark-1".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_ends_the_session_says_nothing_of_the_write() {
    let setup = through_a_proxy(|_| ()).await;
    setup.proxy.arm(Fault::EndSession, b"mark-9");
    let lost = setup.store.set("p".into(), "k".into(), "mark-9".into()).await;
    let Err(lost @ Error::Unknown(_)) = lost else { panic!("{lost:?}") };
    assert!(text(&lost).contains("server conn crashed?"), "{}", text(&lost));
    assert_eq!(value(&setup.store, "p", "k").await, Some("mark-9".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conditional_write_whose_answer_is_lost_is_not_made_twice() {
    let setup = through_a_proxy(|_| ()).await;
    let store = &setup.store;
    setup.proxy.arm(Fault::LoseAnswer, b"mark-2");
    let absent = Precondition::Absent;
    let lost = store.set_if("p".into(), "k".into(), "mark-2".into(), absent.clone()).await;
    assert!(matches!(lost, Err(Error::Unknown(_))), "a conflict with itself? {lost:?}");
    assert_eq!(value(store, "p", "k").await, Some("mark-2".into()));
    let again = store.set_if("p".into(), "k".into(), "other".into(), absent).await;
    assert_eq!(again.expect("answered"), Outcome::PreconditionFailed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_never_arrived_is_called_unknown_and_was_not_made() {
    let setup = through_a_proxy(|_| ()).await;
    setup.proxy.arm(Fault::LoseStatement, b"mark-3");
    let lost = setup.store.set("p".into(), "k".into(), "mark-3".into()).await;
    assert!(matches!(lost, Err(Error::Unknown(_))), "{lost:?}");
    assert_eq!(value(&setup.store, "p", "k").await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_was_cut_off_is_made_or_not_and_stays_so() {
    let setup = through_a_proxy(|_| ()).await;
    let client = setup.database.client().await;
    for round in 0..20 {
        let key = format!("k{round}");
        // Opens the connection that is then cut.
        set(&setup.store, "p", "warm", "1").await;
        setup.proxy.arm(Fault::CutBehind, b"mark-4");
        let before = sessions(&client).await;
        let lost = setup.store.set("p".into(), key.clone().into(), "mark-4".into()).await;
        assert!(matches!(lost, Err(Error::Unknown(_))), "{lost:?}");
        until_one_has_ended(&client, &before).await;
        let first = value(&setup.store, "p", &key).await;
        assert!(first.is_none() || first == Some("mark-4".into()));
        assert_eq!(value(&setup.store, "p", &key).await, first);
    }
    assert_eq!(setup.proxy.faults(), 20);
}

async fn sessions(client: &Client) -> BTreeSet<i32> {
    let text = "SELECT pid FROM pg_stat_activity \
                WHERE datname = current_database() AND application_name = 'lakehold'";
    let rows = client.query(text, &[]).await.expect("sessions");
    rows.iter().map(|row| row.get(0)).collect()
}

/// A session whose client is gone carries out what it was given, notices, and ends.
async fn until_one_has_ended(client: &Client, before: &BTreeSet<i32>) {
    let ended = || async { !before.is_subset(&sessions(client).await) };
    until("the session goes on", ended).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_writes_all_or_none_are_made_when_the_answer_is_lost() {
    let call = |mark: &str| {
        (0..5).map(|n| put(&format!("{mark}{n}"), mark, Precondition::Absent)).collect::<Vec<_>>()
    };
    for (fault, made) in [(Fault::LoseAnswer, 5), (Fault::LoseStatement, 0)] {
        let setup = through_a_proxy(|_| ()).await;
        drop(setup.store.write(call("first")).await.expect("everything is prepared by this"));
        setup.proxy.arm(fault, b"COMMIT");
        let lost = setup.store.write(call("mark")).await;
        assert!(matches!(lost, Err(Error::Unknown(_))), "{fault:?}: {lost:?}");
        assert_eq!(setup.proxy.faults(), 1);
        let found = entries(&setup.store, "p").await;
        let found = found.iter().filter(|entry| entry.value == "mark").count();
        // The proxy waits for the first bytes of the answer, which may come before the commit is
        // done; all or none of them are there in any case.
        assert!(found == made || (fault == Fault::LoseAnswer && found == 0), "{fault:?}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_whose_answer_is_lost_is_repeated_on_a_fresh_connection() {
    let setup = through_a_proxy(|_| ()).await;
    let store = &setup.store;
    set(store, "p", "k", "v").await;
    assert_eq!(value(store, "p", "k").await, Some("v".into()), "opens and prepares");
    for fault in [Fault::LoseAnswer, Fault::LoseStatement, Fault::CutBehind] {
        setup.proxy.arm(fault, b"mark-5");
        set(store, "mark", "k", "v").await;
        assert_eq!(value(store, "mark-5", "k").await, None);
        setup.proxy.arm(fault, b"mark-6");
        assert!(entries(store, "mark-6").await.is_empty());
    }
    assert_eq!(setup.proxy.faults(), 6);
}

/// The other side is silent and does not close the connection either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_come_is_not_awaited_for_ever() {
    let setup = through_a_proxy(|settings| {
        settings.statement_timeout = Duration::from_millis(100);
    })
    .await;
    let store = &setup.store;
    setup.proxy.arm(Fault::Swallow, b"mark-7");
    let lost = store.set("p".into(), "k".into(), "mark-7".into()).await;
    let Err(lost @ Error::Unknown(_)) = lost else { panic!("{lost:?}") };
    assert!(text(&lost).contains("database.postgres.statement_timeout"), "{}", text(&lost));
    setup.proxy.arm(Fault::Swallow, b"mark-8");
    let read = store.get("mark-8".into(), "k".into()).await.expect_err("no answer");
    assert!(text(&read).contains("database.postgres.statement_timeout"), "{}", text(&read));
    assert_eq!(setup.proxy.faults(), 2);

    set(store, "p", "other", "the store goes on").await;
    assert!(value(store, "p", "other").await.is_some());
}

/// Whoever stops waiting leaves a connection on which a transaction may be open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_stops_waiting_harms_nobody() {
    let setup = through_a_proxy(|settings| settings.max_open_connections = 2).await;
    for round in 0..20 {
        let writes: Vec<Write> =
            (0..600).map(|n| put(&format!("{round}-{n}"), "v", Precondition::Always)).collect();
        let writing = setup.store.write(writes);
        let a_moment = pause(round % 7);
        drop(futures::future::select(writing, std::pin::pin!(a_moment)).await);
        set(&setup.store, "p", "after", Bytes::from(round.to_string())).await;
    }
    let mut counts = [0usize; 20];
    for entry in entries(&setup.store, "p").await {
        let text = String::from_utf8_lossy(&entry.key).into_owned();
        if let Some((round, _)) = text.split_once('-') {
            counts[round.parse::<usize>().expect("a number")] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count == 0 || *count == 600), "{counts:?}");
}
