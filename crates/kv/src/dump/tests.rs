//! Whole dumps, from one store to another.

use std::io::Cursor;

use lakehold_clock::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::MemStore;
use crate::Scan;
use crate::StoreExt as _;
use crate::faults::FailingStore;
use crate::faults::LossyStore;

const NOON: Timestamp = Timestamp::from_seconds(1_769_860_800);

type Contents = Vec<(Bytes, Bytes, Bytes)>;

async fn filled(records: &[(&'static str, &'static str, &'static str)]) -> MemStore {
    let store = MemStore::new();
    for &(partition, key, value) in records {
        store.set(partition.into(), key.into(), value.into()).await.expect("set");
    }
    store
}

async fn contents(store: &dyn Store) -> Contents {
    let mut contents = Vec::new();
    for partition in Chosen::All.names(store).await.expect("partitions") {
        let mut scan = Scan::new(store, partition.clone(), Bytes::new());
        while let Some(entry) = scan.next().await.expect("scan") {
            contents.push((partition.clone(), entry.key, entry.value));
        }
    }
    contents
}

async fn dump_text(store: &dyn Store, chosen: &Chosen) -> String {
    let mut out = Vec::new();
    dump(store, chosen, NOON, &mut out, &mut drop).await.expect("dump");
    String::from_utf8(out).expect("text")
}

async fn load_text(
    store: &dyn Store,
    text: &str,
    chosen: &Chosen,
    existing: Existing,
) -> Result<Loaded, LoadError> {
    load(store, Cursor::new(text), chosen, existing, &mut drop).await
}

#[tokio::test]
async fn a_dump_looks_like_this() {
    let store = filled(&[("auth", "b", "2"), ("auth", "a", ""), ("pulls", "c", "3")]).await;
    let expected = r#"{"version":"1.0","timestamp":"2026-01-31T12:00:00Z","entries":[
{"partition":"auth","key":"a","value":""},
{"partition":"auth","key":"b","value":"Mg=="},
{"partition":"pulls","key":"c","value":"Mw=="}
]}
"#;
    assert_eq!(dump_text(&store, &Chosen::All).await, expected);
    let nothing = dump_text(&MemStore::new(), &Chosen::All).await;
    assert_eq!(nothing, "{\"version\":\"1.0\",\"timestamp\":\"2026-01-31T12:00:00Z\"}\n");
    serde_json::from_str::<serde_json::Value>(&nothing).expect("valid JSON");
}

#[tokio::test]
async fn sections_are_the_partitions_that_lakefs_dumps_under_these_names() {
    let store = filled(&[
        ("actions", "k", "v"),
        ("aclauth", "k", "v"),
        ("auth", "k", "v"),
        ("basicAuth", "k", "v"),
        ("kv-internal-metadata", "kv/schema/version", "4"),
        ("pulls", "k", "v"),
    ])
    .await;
    let target = MemStore::new();
    let text = dump_text(&store, &Chosen::sections(&Section::ALL)).await;
    let loaded = load_text(&target, &text, &Chosen::All, Existing::Refuse).await.expect("load");
    assert_eq!(loaded, Loaded { written: 5, kept: 0, left_out: 0 });

    let auth = Section::parse("auth").map(|section| Chosen::sections(&[section])).expect("known");
    let target = MemStore::new();
    let loaded = load_text(&target, &text, &auth, Existing::Refuse).await.expect("load");
    assert_eq!(loaded, Loaded { written: 3, kept: 0, left_out: 2 });
    assert_eq!(Section::parse("everything"), None);
}

#[tokio::test]
async fn what_becomes_of_existing_records_is_as_chosen() {
    let text = dump_text(&filled(&[("p", "a", "1"), ("p", "b", "2")]).await, &Chosen::All).await;
    let all = &Chosen::All;

    let same = filled(&[("p", "b", "2")]).await;
    let loaded =
        load_text(&same, &text, all, Existing::Refuse).await.expect("equal is no conflict");
    assert_eq!((loaded.written, loaded.kept), (1, 1));

    let other = filled(&[("p", "b", "other")]).await;
    let refused = load_text(&other, &text, all, Existing::Refuse).await;
    assert!(matches!(&refused, Err(LoadError::Exists { key, .. }) if key == "b"), "{refused:?}");
    assert_eq!(contents(&other).await.len(), 1, "nothing was written");

    let kept = load_text(&other, &text, all, Existing::Keep).await.expect("load");
    assert_eq!((kept.written, kept.kept), (1, 1));
    assert_eq!(contents(&other).await[1].2, "other");

    let replaced = load_text(&other, &text, all, Existing::Replace).await.expect("load");
    assert_eq!((replaced.written, replaced.kept), (2, 0));
    assert_eq!(contents(&other).await[1].2, "2");
}

#[tokio::test]
async fn a_dump_that_is_cut_off_changes_nothing() {
    let store = MemStore::new();
    for number in 0..1_200 {
        store.set("p".into(), format!("{number:04}").into(), "v".into()).await.expect("set");
    }
    let text = dump_text(&store, &Chosen::All).await;
    let target = MemStore::new();
    let cut = &text[..text.len() - 3];
    let refused = load_text(&target, cut, &Chosen::All, Existing::Replace).await;
    assert!(matches!(refused, Err(LoadError::Malformed { after: 1_200, .. })), "{refused:?}");
    assert_eq!(contents(&target).await, []);
}

#[tokio::test]
async fn progress_is_reported_up_to_the_total() {
    let store = MemStore::new();
    for number in 0..1_200 {
        store.set("p".into(), format!("{number:04}").into(), "v".into()).await.expect("set");
    }
    let (mut out, mut seen) = (Vec::new(), Vec::new());
    let done =
        dump(&store, &Chosen::All, NOON, &mut out, &mut |progress| seen.push(progress)).await;
    assert_eq!(done.expect("dump"), Progress { records: 1_200, bytes: 7_200, total: Some(1_200) });
    assert_eq!(seen.iter().map(|seen| seen.records).collect::<Vec<_>>(), [1_000, 1_200]);

    let mut seen = Vec::new();
    let mut note = |progress: Progress| seen.push((progress.records, progress.total));
    let target = MemStore::new();
    load(&target, Cursor::new(out), &Chosen::All, Existing::Refuse, &mut note).await.expect("load");
    assert_eq!(seen, [(500, Some(1_200)), (1_000, Some(1_200)), (1_200, Some(1_200))]);
}

#[tokio::test]
async fn an_interrupted_load_is_completed_by_loading_again() {
    let source = MemStore::new();
    for number in 0..1_200 {
        source.set("p".into(), format!("{number:04}").into(), "v".into()).await.expect("set");
    }
    let text = dump_text(&source, &Chosen::All).await;
    let target = MemStore::new();
    let lossy = LossyStore::lose_nth_write(std::sync::Arc::new(target.clone()), 2);
    let failed = load_text(&lossy, &text, &Chosen::All, Existing::Refuse).await;
    assert!(matches!(failed, Err(LoadError::Store(Error::Unknown(_)))), "{failed:?}");
    assert_eq!(lossy.faults(), 1);

    let again = load_text(&target, &text, &Chosen::All, Existing::Refuse).await.expect("load");
    assert_eq!((again.written, again.kept), (200, 1_000));
    assert_eq!(contents(&target).await, contents(&source).await);
}

#[tokio::test]
async fn a_failing_store_is_no_end_of_the_dump() {
    let store = filled(&[("a", "k", "v"), ("b", "k", "v")]).await;
    let mut failures = 0;
    for nth in 1..=10 {
        let failing = FailingStore::fail_nth(std::sync::Arc::new(store.clone()), nth);
        let mut out = Vec::new();
        let dumped = dump(&failing, &Chosen::All, NOON, &mut out, &mut drop).await;
        assert_eq!(dumped.is_err(), failing.faults() == 1, "call {nth}");
        failures += failing.faults();
    }
    assert_eq!(failures, 3, "the list of partitions and a page of each");
}

proptest! {
    #[test]
    fn any_store_is_moved_whole(
        records in prop::collection::btree_map(
            (prop::collection::vec(any::<u8>(), 1..4), prop::collection::vec(any::<u8>(), 1..6)),
            prop::collection::vec(any::<u8>(), 0..30),
            0..20,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(async {
            let store = MemStore::new();
            for ((partition, key), value) in records {
                store.set(partition.into(), key.into(), value.into()).await.expect("set");
            }
            let text = dump_text(&store, &Chosen::All).await;
            let target = MemStore::new();
            load_text(&target, &text, &Chosen::All, Existing::Refuse).await.expect("load");
            assert_eq!(contents(&target).await, contents(&store).await);
        });
    }
}
