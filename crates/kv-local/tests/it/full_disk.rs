//! A disk without space.

use lakehold_kv::Error;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv_local::LocalSettings;
use lakehold_kv_local::LocalStore;

use crate::support::open;

/// The store cannot have a full disk here; but to one that wants more reserved than there is, any
/// disk is full.
#[tokio::test]
async fn a_full_disk_refuses_writes_keeps_reading_and_goes_on_afterwards() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = open(dir.path());
    store.set("p".into(), "k".into(), "v".into()).await.expect("set");
    drop(store);

    let settings = LocalSettings { reserved_bytes: u64::MAX, ..LocalSettings::default() };
    let full = LocalStore::open(dir.path(), settings).expect("a full disk can be opened");
    let refused = full.set("p".into(), "k".into(), "w".into()).await;
    let Err(Error::Unavailable(reason)) = refused else { panic!("{refused:?}") };
    let text = reason.to_string();
    assert!(text.contains("disk is full") && text.contains("make space"), "{text}");
    assert!(text.contains(&*dir.path().to_string_lossy()), "{text}");
    let found = full.get("p".into(), "k".into()).await.expect("reads go on");
    assert_eq!(found.expect("is there").value, "v");
    full.close().await.expect("close");
    drop(full);

    let store = open(dir.path());
    store.set("p".into(), "k".into(), "w".into()).await.expect("there is space again");
}
