//! The table of an existing installation, and ours beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv_postgres::PostgresSettings;
use tokio_postgres::Client;

use crate::server::Database;
use crate::support::entries;
use crate::support::on_threads;
use crate::support::open;
use crate::support::refusal;
use crate::support::set;
use crate::support::value;

/// A record as the installation's dump has it.
struct Record {
    partition: String,
    key: String,
    value: Vec<u8>,
}

fn golden(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/real-install");
    std::fs::read_to_string(PathBuf::from(path).join(name)).expect("golden file")
}

fn records() -> Vec<Record> {
    let parse = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).expect("a record");
        let text = |name: &str| record[name].as_str().expect("text").to_owned();
        let value = hex::decode(text("value")).expect("hex");
        Record { partition: text("partition"), key: text("key"), value }
    };
    golden("kv.jsonl").lines().map(parse).collect()
}

/// The table of a real installation, filled.
async fn installation(database: &Database) -> Client {
    let client = database.client().await;
    client.batch_execute(&golden("schema.sql")).await.expect("schema");
    let insert = client.prepare("INSERT INTO kv VALUES ($1, $2, $3)").await.expect("prepare");
    for record in records() {
        let (partition, key) = (record.partition.as_bytes(), record.key.as_bytes());
        client.execute(&insert, &[&partition, &key, &record.value]).await.expect("insert");
    }
    client
}

/// Everything the catalogue says of the tables, indexes and views.
async fn catalogue(client: &Client) -> Vec<String> {
    let text = "
        SELECT concat_ws(' ', 'relation', c.relname, c.relkind, c.relpersistence,
            pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), c.reloptions::text)
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT concat_ws(' ', 'column', attrelid::regclass, attnum, attname, atttypid::regtype,
            attnotnull, attstorage)
        FROM pg_attribute WHERE attnum > 0 AND attrelid IN
            (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
        UNION ALL
        SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT concat_ws(' ', 'view', pg_get_viewdef('kv_v'::regclass))
        ORDER BY 1";
    let rows = client.query(text, &[]).await.expect("catalogue");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn all_records(client: &Client) -> Vec<Vec<Vec<u8>>> {
    let text = "SELECT partition_key, key, value FROM kv ORDER BY 1, 2";
    let rows = client.query(text, &[]).await.expect("records");
    rows.iter().map(|row| vec![row.get(0), row.get(1), row.get(2)]).collect()
}

#[tokio::test]
async fn a_new_table_is_the_one_that_an_installation_has() {
    let (theirs, ours) = (Database::new().await, Database::new().await);
    let theirs = installation(&theirs).await;
    drop(open(&ours.url).await);
    let ours = ours.client().await;
    let catalogue_of_ours = catalogue(&ours).await;
    assert!(catalogue_of_ours.len() > 700, "{}", catalogue_of_ours.len());
    assert_eq!(catalogue_of_ours, catalogue(&theirs).await);
}

#[tokio::test]
async fn all_records_of_an_installation_are_read_in_order() {
    let database = Database::new().await;
    let client = installation(&database).await;
    let (before, filled) = (catalogue(&client).await, all_records(&client).await);
    let store = open(&database.url).await;

    let mut partitions: BTreeMap<String, Vec<(Bytes, Bytes)>> = BTreeMap::new();
    for record in records() {
        let partition = partitions.entry(record.partition.clone()).or_default();
        partition.push((record.key.clone().into(), record.value.clone().into()));
        let found = value(&store, &record.partition, &record.key).await;
        assert_eq!(found, Some(record.value.into()), "{} {}", record.partition, record.key);
    }
    let mut count = 0;
    for (partition, expected) in partitions {
        let found = entries(&store, &partition).await;
        let found: Vec<_> = found.into_iter().map(|entry| (entry.key, entry.value)).collect();
        count += found.len();
        assert_eq!(found, expected, "{partition}");
    }
    assert_eq!(count, 360);

    store.close().await.expect("close");
    assert_eq!(catalogue(&client).await, before);
    assert_eq!(all_records(&client).await, filled, "reading changes nothing");
}

#[tokio::test]
async fn a_record_that_another_program_changed_is_not_overwritten() {
    let database = Database::new().await;
    let client = installation(&database).await;
    let store = open(&database.url).await;
    let (partition, key) = ("kv-internal-metadata", "kv/schema/version");
    let read = store.get(partition.into(), key.into()).await.expect("get").expect("is there");

    let update = "UPDATE kv SET value = '5' WHERE partition_key = $1 AND key = $2 AND value = $3";
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
        [&partition.as_bytes(), &key.as_bytes(), &&read.value[..]];
    assert_eq!(client.execute(update, &parameters).await.expect("update"), 1);

    let unchanged = Precondition::Unchanged(read.version);
    let refused = store.set_if(partition.into(), key.into(), "6".into(), unchanged).await;
    assert_eq!(refused.expect("set"), Outcome::PreconditionFailed);
    assert_eq!(value(&store, partition, key).await, Some("5".into()));
    set(&store, partition, key, "4").await;
    assert_eq!(
        client
            .execute(update, &[&partition.as_bytes(), &key.as_bytes(), &&b"4"[..]])
            .await
            .expect("update"),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_together_make_one_table() {
    let database = Database::new().await;
    let url = database.url.clone();
    let stores = on_threads(6, move |_| {
        let url = url.clone();
        async move { open(&url).await }
    })
    .await;
    set(&stores[0], "p", "k", "v").await;
    for store in &stores {
        assert_eq!(value(store, "p", "k").await, Some("v".into()));
    }
}

#[tokio::test]
async fn a_table_of_another_name_is_apart() {
    let database = Database::new().await;
    let store = open(&database.url).await;
    let other = open(&database.url_with("lakefskv_table=other_kv")).await;
    set(&store, "p", "k", "kv").await;
    set(&other, "p", "k", "other").await;
    assert_eq!(value(&store, "p", "k").await, Some("kv".into()));
    assert_eq!(value(&other, "p", "k").await, Some("other".into()));
    let client = database.client().await;
    let row = client.query_one("SELECT count(*) FROM other_kv_v", &[]).await.expect("the view");
    assert_eq!(row.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_view_that_is_missing_is_made_again_and_a_missing_partition_too() {
    let database = Database::new().await;
    let client = installation(&database).await;
    let before = catalogue(&client).await;
    client.batch_execute("DROP VIEW kv_v").await.expect("drop");
    drop(open(&database.url).await);
    assert_eq!(catalogue(&client).await, before);

    client.batch_execute("TRUNCATE kv; DROP TABLE kv_17, kv_99").await.expect("drop");
    drop(open(&database.url).await);
    assert_eq!(catalogue(&client).await, before);
}

/// A user without the right to create tables: enough where the table is there, and otherwise told so.
#[tokio::test]
async fn a_user_who_may_create_nothing_uses_what_is_there() {
    let database = Database::new().await;
    let client = database.client().await;
    let user = format!("user_of_{}", std::process::id());
    let create = format!(
        "DROP ROLE IF EXISTS {user}; CREATE ROLE {user} LOGIN;
         REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    );
    client.batch_execute(&create).await.expect("create the user");
    let url = database.url_with(&format!("user={user}"));
    let refused = refusal(PostgresSettings::new(url.clone())).await;
    assert!(refused.contains("grant") && refused.contains("permission denied"), "{refused}");

    let client = installation(&database).await;
    let refused = refusal(PostgresSettings::new(url.clone())).await;
    assert!(refused.contains("rights") && refused.contains("permission denied"), "{refused}");

    let grant = format!("GRANT SELECT, INSERT, UPDATE, DELETE ON kv TO {user}; DROP VIEW kv_v");
    client.batch_execute(&grant).await.expect("grant");
    let store = open(&url).await;
    set(&store, "p", "k", "v").await;
    assert_eq!(
        value(&store, "graveler", "repos/tables").await.map(|found| found.is_empty()),
        Some(false)
    );
    store.close().await.expect("close");
    drop(store);
    database.terminate(&client).await;
    client.batch_execute(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).await.expect("drop");
}

#[tokio::test]
async fn a_table_that_is_something_else_is_refused_by_name() {
    for other in [
        "CREATE TABLE kv (id INT)",
        "CREATE TABLE kv (partition_key BYTEA, key BYTEA, value BYTEA)",
        "CREATE TABLE kv (partition_key TEXT, key TEXT, value TEXT, PRIMARY KEY (partition_key, key))",
    ] {
        let database = Database::new().await;
        database.client().await.batch_execute(other).await.expect("another table");
        let refused = refusal(PostgresSettings::new(database.url.clone())).await;
        assert!(refused.contains("\"kv\"") && refused.contains("bytea"), "{refused}");
    }
}

#[tokio::test]
async fn a_plain_table_with_the_right_columns_will_do() {
    let database = Database::new().await;
    let text = "CREATE TABLE kv (partition_key BYTEA, key BYTEA, value BYTEA NOT NULL,
                PRIMARY KEY (partition_key, key))";
    database.client().await.batch_execute(text).await.expect("a plain table");
    let store = open(&database.url).await;
    lakehold_kv::conformance::all(&store).await;
}
