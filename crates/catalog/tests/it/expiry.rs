//! Notes of work that is long over are removed; everything else stays.

use std::time::Duration;

use bytes::Bytes;

use lakehold_catalog::CatalogError;
use lakehold_kv::StoreExt as _;
use lakehold_kv::TimestampMessage;
use prost::Message as _;

use crate::lake::Lake;
use crate::lake::NOW;
use crate::lake::repository;
use crate::lake::repository_id;

const DAY: i64 = 24 * 60 * 60;
const ID: &str = "dc0och1ksdudatmrt6u0";

/// One field that holds other fields.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![number << 3 | 2, u8::try_from(content.len()).expect("short")];
    all.extend_from_slice(content);
    all
}

fn moment(seconds: i64) -> Vec<u8> {
    TimestampMessage { seconds, nanos: 0 }.encode_to_vec()
}

fn import(at: i64) -> Vec<u8> {
    [field(1, ID.as_bytes()), field(3, &moment(at))].concat()
}

fn task(at: i64) -> Vec<u8> {
    field(1, &[field(1, b"DRx"), field(3, &moment(at))].concat())
}

fn instance(at: i64) -> Vec<u8> {
    field(1, &moment(at))
}

async fn put(lake: &Lake, partition: &Bytes, key: &str, value: Vec<u8>) {
    let set = lake.engine.store().set(partition.clone(), key.to_owned().into(), value.into());
    set.await.expect("stored");
}

async fn keys(lake: &Lake, partition: &Bytes) -> Vec<String> {
    let page = lake.engine.store().scan(partition.clone(), Bytes::new(), 100).await;
    let entries = page.expect("scanned").entries.into_iter();
    entries.map(|entry| String::from_utf8_lossy(&entry.key).into_owned()).collect()
}

#[tokio::test]
async fn what_was_written_more_than_a_day_ago_is_removed_and_nothing_else() {
    let lake = Lake::new().await;
    let other = lake.catalog.create_repository(repository("other", "mem://other"));
    let other = other.await.expect("created").partition.clone();
    let own = lake.catalog.repository(&lake.id).await.expect("is there").partition.clone();
    let before = keys(&lake, &own).await;
    let instances = Bytes::from_static(b"catalog");
    for partition in [&own, &other] {
        put(&lake, partition, "imports/old", import(NOW - DAY - 1)).await;
        put(&lake, partition, "imports/new", import(NOW - DAY)).await;
        put(&lake, partition, "imports/none", Vec::new()).await;
        put(&lake, partition, "tasks/DRold", task(NOW - DAY - 1)).await;
        put(&lake, partition, "tasks/DRnew", task(NOW)).await;
        put(&lake, partition, "tasks/DRodd", b"\xff\xff".to_vec()).await;
        put(&lake, partition, "importsx", import(0)).await;
    }
    put(&lake, &instances, "instances/old", instance(NOW - DAY - 1)).await;
    put(&lake, &instances, "instances/new", instance(NOW)).await;
    put(&lake, &instances, "unknown/old", instance(0)).await;

    assert_eq!(lake.catalog.remove_expired().await.expect("removed"), 7);
    let kept = ["imports/new", "importsx", "tasks/DRnew", "tasks/DRodd"];
    let mut expected = [before, kept.map(str::to_owned).to_vec()].concat();
    expected.sort();
    assert_eq!(keys(&lake, &own).await, expected);
    assert_eq!(keys(&lake, &instances).await, ["instances/new", "unknown/old"]);

    lake.clock.advance(Duration::from_secs(1));
    assert_eq!(lake.catalog.remove_expired().await.expect("removed"), 2);
}

#[tokio::test]
async fn an_import_that_a_crash_cut_off_is_shown_as_failed_and_stays_as_it_is() {
    let lake = Lake::new().await;
    let own = lake.catalog.repository(&lake.id).await.expect("is there").partition.clone();
    put(&lake, &own, &format!("imports/{ID}"), import(NOW)).await;
    let status = async || lake.catalog.import_status(&lake.id, ID).await.expect("is there");
    assert_eq!((status().await.completed, status().await.error), (false, None));
    lake.clock.advance(Duration::from_secs(31));
    let found = status().await;
    assert_eq!(found.error.as_deref(), Some("interrupted, start it again"));
    assert!(!found.completed);
    let stored = lake.engine.store().get(own, format!("imports/{ID}").into()).await;
    assert_eq!(stored.expect("read").expect("stored").value, import(NOW));
}

#[tokio::test]
async fn an_import_is_found_by_its_id_only() {
    let lake = Lake::new().await;
    for id in ["nosuch", "", ID, &"x".repeat(5_000)] {
        let found = lake.catalog.import_status(&lake.id, id).await;
        assert!(matches!(found, Err(CatalogError::ImportNotFound(_))), "{id}: {found:?}");
    }
    let elsewhere = lake.catalog.import_status(&repository_id("nosuch"), ID).await;
    assert!(matches!(elsewhere, Err(CatalogError::Engine(_))), "{elsewhere:?}");
}
