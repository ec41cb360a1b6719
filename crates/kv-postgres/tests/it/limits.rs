//! Limits, and what is said when one is met.

use std::time::Duration;

use lakehold_clock::Runtime;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv_postgres::PostgresSettings;
use lakehold_kv_postgres::PostgresStore;
use tokio_postgres::Client;

use crate::server::Database;
use crate::support::open_with;
use crate::support::refusal;
use crate::support::set;
use crate::support::text;
use crate::support::until;
use crate::support::value;

async fn sessions(client: &Client) -> i64 {
    let text = "SELECT count(*) FROM pg_stat_activity \
                WHERE datname = current_database() AND application_name = 'lakehold'";
    client.query_one(text, &[]).await.expect("sessions").get(0)
}

/// Takes the lock of a record until the transaction ends.
async fn lock(client: &Client) {
    let text = "BEGIN; SELECT value FROM kv WHERE partition_key = 'p' AND key = 'k' FOR UPDATE";
    client.batch_execute(text).await.expect("lock");
}

async fn open(database: &Database, change: impl FnOnce(&mut PostgresSettings)) -> PostgresStore {
    let mut settings = PostgresSettings::new(database.url.clone());
    change(&mut settings);
    let store = open_with(settings).await.expect("open");
    set(&store, "p", "k", "v").await;
    store
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped_and_nothing_is_written() {
    let database = Database::new().await;
    let client = database.client().await;
    let limit = Duration::from_millis(150);
    let store = open(&database, |settings| settings.statement_timeout = limit).await;
    lock(&client).await;
    let write = |key: &'static str| lakehold_kv::Write {
        partition: "p".into(),
        key: key.into(),
        value: Some("late".into()),
        precondition: Precondition::Always,
    };
    for writes in [vec![write("k")], vec![write("a"), write("k"), write("z")]] {
        let stopped = store.write(writes).await.expect_err("the record is locked");
        assert!(matches!(stopped, Error::Unavailable(_)), "nothing was written: {stopped:?}");
        assert!(text(&stopped).contains("statement_timeout"), "{}", text(&stopped));
    }
    client.batch_execute("ROLLBACK").await.expect("unlock");
    assert_eq!(value(&store, "p", "k").await, Some("v".into()));
    assert_eq!(value(&store, "p", "a").await, None);
    set(&store, "p", "k", "in time").await;
}

#[tokio::test]
async fn a_pool_that_is_exhausted_says_which_setting_to_raise() {
    let database = Database::new().await;
    let client = database.client().await;
    let store = open(&database, |settings| {
        settings.max_open_connections = 2;
        settings.connection_wait = Duration::from_millis(100);
    })
    .await;
    lock(&client).await;
    let holding = store.set("p".into(), "k".into(), "held".into());
    let waiting = async {
        // The other one has the only connection once it waits for the lock.
        let beside = database.client().await;
        let text = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                    AND datname = current_database()";
        let waits =
            || async { beside.query_one(text, &[]).await.expect("sessions").get::<_, i64>(0) > 0 };
        until("nobody waits for the lock", waits).await;
        let refused = store.set("p".into(), "other".into(), "v".into()).await;
        // Reads of single records have connections of their own.
        assert_eq!(value(&store, "p", "k").await, Some("v".into()));
        client.batch_execute("ROLLBACK").await.expect("unlock");
        refused.expect_err("no connection is free")
    };
    let (held, refused) = futures::join!(holding, waiting);
    held.expect("the lock was given up");
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    assert!(
        text(&refused).contains("database.postgres.max_open_connections"),
        "{}",
        text(&refused)
    );
    set(&store, "p", "other", "v").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_connections_are_opened_than_allowed_and_idle_ones_are_closed() {
    let database = Database::new().await;
    let client = database.client().await;
    let store = open(&database, |settings| {
        settings.max_open_connections = 6;
        settings.max_idle_connections = 3;
    })
    .await;
    let calls = (0..400).map(|number| {
        let store = &store;
        async move {
            let key = number.to_string();
            set(store, "many", &key, "v").await;
            assert!(value(store, "many", &key).await.is_some());
        }
    });
    let counting = async {
        let mut most = 0;
        for _ in 0..20 {
            most = most.max(sessions(&client).await);
        }
        most
    };
    let (_, most) = futures::join!(futures::future::join_all(calls), counting);
    assert!((2..=6).contains(&most), "{most}");
    let closed = || async { sessions(&client).await <= 3 };
    until("connections stay open", closed).await;
}

#[tokio::test]
async fn a_connection_that_is_too_old_is_replaced() {
    let database = Database::new().await;
    let client = database.client().await;
    let store = open(&database, |settings| {
        settings.connection_max_lifetime = Duration::from_millis(1);
    })
    .await;
    let text = "SELECT max(pid), min(backend_start)::text FROM pg_stat_activity \
                WHERE datname = current_database() AND application_name = 'lakehold'";
    let mut starts = std::collections::BTreeSet::new();
    for round in 0..5 {
        set(&store, "p", "k", round.to_string()).await;
        assert_eq!(value(&store, "p", "k").await, Some(round.to_string().into()));
        let row = client.query_one(text, &[]).await.expect("sessions");
        starts.insert(row.get::<_, Option<String>>(1));
        Runtime::real().sleep(Duration::from_millis(5)).await;
    }
    assert!(starts.len() > 1, "{starts:?}");
}

/// A database may be set to an isolation under which a conditional write fails instead of deciding.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_isolates_strictly_is_used_all_the_same() {
    for prepared in [true, false] {
        let database = Database::new().await;
        let name = &database.name;
        let strict =
            format!("ALTER DATABASE {name} SET default_transaction_isolation = serializable");
        database.client().await.batch_execute(&strict).await.expect("alter");
        let store = open(&database, |settings| settings.prepared_statements = prepared).await;
        for round in 0..5 {
            let read = store.get("p".into(), "k".into()).await.expect("get").expect("is there");
            let unchanged = Precondition::Unchanged(read.version);
            let racing = (0..4).map(|writer| {
                let next = format!("{round} {writer}");
                store.set_if("p".into(), "k".into(), next.into(), unchanged.clone())
            });
            let outcomes = futures::future::join_all(racing).await;
            let won = outcomes
                .into_iter()
                .filter(|outcome| *outcome.as_ref().expect("decided") == Outcome::Applied);
            assert_eq!(won.count(), 1);
        }
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_with_their_names() {
    let database = Database::new().await;
    let mut few = PostgresSettings::new(database.url.clone());
    few.max_open_connections = 1;
    assert!(refusal(few).await.contains("database.postgres.max_open_connections"));

    let unclear = refusal(PostgresSettings::new("mysql://hush@host")).await;
    assert!(unclear.contains("database.postgres.connection_string"), "{unclear}");
    assert!(!unclear.contains("hush"), "{unclear}");

    let nobody = refusal(PostgresSettings::new(database.url_with("dbname=no_such_database"))).await;
    assert!(nobody.contains("no such database"), "{nobody}");

    let stranger = refusal(PostgresSettings::new(database.url_with("user=no_such_user"))).await;
    assert!(stranger.contains("login"), "{stranger}");

    let parameter = refusal(PostgresSettings::new(database.url_with("no_such_parameter=1"))).await;
    assert!(parameter.contains("no_such_parameter"), "{parameter}");
}

#[tokio::test]
async fn parameters_of_the_session_reach_it_and_have_the_last_word() {
    let database = Database::new().await;
    let client = database.client().await;
    client.batch_execute("CREATE SCHEMA apart").await.expect("a schema");
    let url = database.url_with("search_path=apart&statement_timeout=150");
    let store = open_with(PostgresSettings::new(url)).await.expect("open");
    set(&store, "p", "k", "v").await;
    let row = client.query_one("SELECT count(*) FROM apart.kv", &[]).await.expect("count");
    assert_eq!(row.get::<_, i64>(0), 1);
    client.batch_execute("BEGIN; LOCK TABLE apart.kv").await.expect("lock");
    let stopped = store.set("p".into(), "k".into(), "late".into()).await.expect_err("locked");
    assert!(text(&stopped).contains("stopped"), "{}", text(&stopped));
}
