//! What every driver must pass: each sentence of the [`Store`] contract as a check.
//!
//! [`all`] runs them on an empty store and panics at the first sentence that does not hold. Each
//! check uses partitions of its own, so that a driver's test may also run it on a store that has
//! other data (that is not being changed meanwhile). That data survives a crash is the driver's own test; a store cannot see it from
//! within.

mod partitions;
mod races;
mod scans;
mod values;

use bytes::Bytes;

use crate::Entry;
use crate::Outcome;
use crate::Precondition;
use crate::ScanPage;
use crate::Store;
use crate::StoreExt as _;
use crate::Write;

/// Checks every sentence of the contract on `store`, which must be empty.
///
/// # Panics
///
/// Panics at the first sentence that does not hold.
pub async fn all(store: &dyn Store) {
    values::a_value_is_read_back_as_soon_as_it_is_written(store).await;
    values::a_value_may_be_empty_and_bytes_may_be_odd(store).await;
    values::a_deleted_key_is_gone_and_deleting_it_again_is_no_error(store).await;
    values::preconditions_hold_or_change_nothing(store).await;
    values::a_deletion_obeys_its_precondition(store).await;
    values::writes_of_one_call_are_in_order_each_with_its_own_precondition(store).await;
    values::an_empty_call_does_nothing(store).await;
    values::a_large_call_is_carried_out_whole(store).await;
    values::empty_names_are_refused_and_nothing_is_written(store).await;
    values::partitions_are_apart(store).await;
    scans::a_scan_returns_keys_in_byte_order(store).await;
    scans::pages_say_whether_there_is_more(store).await;
    scans::a_cursor_returns_each_key_once(store).await;
    scans::a_key_that_stays_is_seen_while_others_come_and_go(store).await;
    partitions::a_partition_is_listed_while_it_has_a_key(store).await;
    partitions::partitions_are_listed_in_byte_order(store).await;
    partitions::pages_of_partitions_say_whether_there_is_more(store).await;
    partitions::a_list_of_no_partitions_is_refused(store).await;
    races::of_racing_creations_one_wins(store).await;
    races::of_racing_changes_of_one_version_one_wins(store).await;
    races::counting_by_conditional_writes_loses_nothing(store).await;
}

/// Keys and partitions that a driver might get wrong: separators, zeros, the highest byte, bytes that
/// are not text, prefixes of each other, long ones.
fn odd_bytes() -> Vec<Bytes> {
    let short: [&[u8]; 15] = [
        b"\0",
        b"\0\0",
        b"\x01",
        b"/",
        b"//",
        b"a",
        b"a\0",
        b"a\0b",
        b"a/b",
        b"a/",
        b"\xff",
        b"\xff\xff",
        b"\xff\0",
        b"\xc3\x28",
        b"' OR 1=1 --%_\\",
    ];
    let mut all: Vec<Bytes> = short.into_iter().map(Bytes::from_static).collect();
    all.push("ключ \u{1f600}".into());
    all.push(vec![b'x'; 1_024].into());
    all.push(vec![0xff; 255].into());
    all.push(vec![0xff; 256].into());
    all
}

fn write_of(partition: Bytes, key: Bytes) -> Write {
    let value = Some([b"value of ", &key[..]].concat().into());
    Write { partition, key, value, precondition: Precondition::Always }
}

async fn set(
    store: &dyn Store,
    partition: impl Into<Bytes>,
    key: impl Into<Bytes>,
    value: impl Into<Bytes>,
) {
    store.set(partition.into(), key.into(), value.into()).await.expect("set");
}

async fn set_if(
    store: &dyn Store,
    (partition, key): (&'static str, &'static str),
    value: impl Into<Bytes>,
    precondition: Precondition,
) -> bool {
    let outcome = store.set_if(partition.into(), key.into(), value.into(), precondition).await;
    outcome.expect("a conditional write") == Outcome::Applied
}

async fn delete_if(
    store: &dyn Store,
    (partition, key): (&'static str, &'static str),
    precondition: Precondition,
) -> Outcome {
    let delete = Write { partition: partition.into(), key: key.into(), value: None, precondition };
    let outcomes = store.write(vec![delete]).await.expect("a conditional deletion");
    assert_eq!(outcomes.len(), 1);
    outcomes[0]
}

async fn read(store: &dyn Store, at: (&'static str, &'static str)) -> crate::Versioned {
    let found = store.get(at.0.into(), at.1.into()).await.expect("get");
    found.expect("it has a value")
}

async fn version(store: &dyn Store, at: (&'static str, &'static str)) -> Precondition {
    Precondition::Unchanged(read(store, at).await.version)
}

async fn value(
    store: &dyn Store,
    partition: impl Into<Bytes>,
    key: impl Into<Bytes>,
) -> Option<Bytes> {
    let found = store.get(partition.into(), key.into()).await.expect("get");
    found.map(|found| found.value)
}

async fn page(store: &dyn Store, partition: &'static str, from: Bytes, limit: usize) -> ScanPage {
    let page = store.scan(partition.into(), from, limit).await.expect("scan");
    assert!(page.entries.len() <= limit);
    assert!(!page.more || !page.entries.is_empty(), "an empty page cannot be followed by more");
    page
}

async fn entries(store: &dyn Store, partition: Bytes) -> Vec<Entry> {
    let mut cursor = crate::Scan::new(store, partition, Bytes::new());
    let mut entries = Vec::new();
    while let Some(entry) = cursor.next().await.expect("scan") {
        entries.push(entry);
    }
    entries
}

async fn keys(store: &dyn Store, partition: impl Into<Bytes>) -> Vec<Bytes> {
    entries(store, partition.into()).await.into_iter().map(|entry| entry.key).collect()
}
