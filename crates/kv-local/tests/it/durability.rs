//! What was acknowledged is there again, however the store ended.

use bytes::Bytes;
use lakehold_kv::Error;
use lakehold_kv::Precondition;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv::Write;
use lakehold_kv::conformance;
use lakehold_kv_local::LocalSettings;
use lakehold_kv_local::LocalStore;

use crate::support::copy_directory;
use crate::support::files;
use crate::support::open;
use crate::support::read_all;

#[tokio::test]
async fn the_store_keeps_the_contract() {
    let dir = tempfile::tempdir().expect("temporary directory");
    conformance::all(&open(dir.path())).await;
}

#[tokio::test]
async fn the_contract_holds_on_a_store_that_was_opened_again() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = open(dir.path());
    store.set("p".into(), "k".into(), "v".into()).await.expect("set");
    store.close().await.expect("close");
    drop(store);
    conformance::all(&open(dir.path())).await;
}

#[tokio::test]
async fn records_survive_a_clean_stop_and_leave_no_journal() {
    let dir = tempfile::tempdir().expect("temporary directory");
    for round in 0..3 {
        let store = open(dir.path());
        for earlier in 0..round {
            let found = store.get("p".into(), format!("{earlier}").into()).await.expect("get");
            assert_eq!(found.expect("survived").value, format!("value {earlier}"));
        }
        let value = format!("value {round}").into();
        store.set("p".into(), format!("{round}").into(), value).await.expect("set");
        store.close().await.expect("close");
        drop(store);
        let is_journal = |file: &std::path::PathBuf| file.extension().is_some_and(|e| e == "jnl");
        for journal in files(dir.path()).into_iter().filter(is_journal) {
            assert_eq!(journal.metadata().expect("metadata").len(), 0, "{}", journal.display());
        }
    }
}

#[tokio::test]
async fn records_survive_an_end_without_closing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    for round in 0..5 {
        let store = open(dir.path());
        let found = read_all(&store, &["p"]).await.expect("read");
        assert_eq!(found.len(), round * 100);
        for number in 0..100 {
            let key = format!("{round}-{number}").into();
            store.set("p".into(), key, vec![b'v'; 300].into()).await.expect("set");
        }
    }
}

#[tokio::test]
async fn a_copy_of_the_files_taken_after_a_write_holds_it() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = open(&dir.path().join("original"));
    for round in 0..4u32 {
        for number in 0..100u32 {
            let key = format!("{round}-{number}").into();
            store.set("p".into(), key, vec![b'v'; 300].into()).await.expect("set");
        }
        let copy = dir.path().join(format!("copy {round}"));
        copy_directory(&dir.path().join("original"), &copy);
        let found = read_all(&open(&copy), &["p"]).await.expect("read");
        assert_eq!(found.len(), (round as usize + 1) * 100);
    }
}

#[tokio::test]
async fn a_deleted_record_stays_deleted() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = open(dir.path());
    store.set("p".into(), "k".into(), "v".into()).await.expect("set");
    store.close().await.expect("close");
    drop(store);
    let store = open(dir.path());
    store.delete("p".into(), "k".into()).await.expect("delete");
    drop(store);
    assert!(read_all(&open(dir.path()), &["p"]).await.expect("read").is_empty());
}

#[tokio::test]
async fn a_closed_store_refuses_writes_and_still_answers_reads() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = open(dir.path());
    store.set("p".into(), "k".into(), "v".into()).await.expect("set");
    store.close().await.expect("close");
    store.close().await.expect("closing twice is no error");

    let refused = store.set("p".into(), "k".into(), "w".into()).await;
    let Err(Error::Unavailable(reason)) = refused else { panic!("{refused:?}") };
    assert!(reason.to_string().contains("closed"), "{reason}");
    let found = store.get("p".into(), "k".into()).await.expect("get").expect("is there");
    assert_eq!(found.value, "v");
}

#[tokio::test]
async fn a_call_larger_than_a_batch_and_a_value_larger_than_a_buffer_survive() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalSettings { batch_writes: 2, batch_bytes: 10, ..LocalSettings::default() };
    let store = LocalStore::open(dir.path(), settings).expect("open");
    let writes = (0..600u32).map(|number| Write {
        partition: "p".into(),
        key: format!("{number:04}").into(),
        value: Some(vec![7; number as usize * 100].into()),
        precondition: Precondition::Absent,
    });
    drop(store.write(writes.collect()).await.expect("write"));
    drop(store);
    let found = read_all(&open(dir.path()), &["p"]).await.expect("read");
    let sizes: Vec<usize> = found.values().map(Bytes::len).collect();
    assert_eq!(sizes, (0..600).map(|number| number * 100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_key_too_long_is_refused_and_a_scan_from_one_is_not() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = open(dir.path());
    let longest = Bytes::from(vec![b'k'; 65_532]);
    store.set("p".into(), longest.clone(), "v".into()).await.expect("the longest key");
    let longer = Bytes::from(vec![b'k'; 65_533]);
    let refused = store.set("p".into(), longer.clone(), "v".into()).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");

    let page = store.scan("p".into(), longest, 10).await.expect("scan");
    assert_eq!(page.entries.len(), 1);
    let page = store.scan("p".into(), longer, 10).await.expect("scan");
    assert!(page.entries.is_empty() && !page.more);
}

#[tokio::test]
async fn a_second_opening_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let _store = open(dir.path());
    let Err(Error::Unavailable(reason)) = LocalStore::open(dir.path(), LocalSettings::default())
    else {
        panic!("two at once");
    };
    assert!(reason.to_string().contains("another process"), "{reason}");
}

#[test]
fn a_creation_that_was_cut_off_is_begun_again() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lsm = dir.path().join("lsm");
    std::fs::create_dir_all(lsm.join("keyspaces")).expect("create directory");
    std::fs::write(lsm.join("lock"), b"").expect("write");
    std::fs::write(lsm.join("0.jnl"), vec![0; 1_000]).expect("write");
    drop(open(dir.path()));

    // The same a little later: complete but for our own file.
    std::fs::remove_file(dir.path().join("acknowledged")).expect("remove");
    drop(open(dir.path()));
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("file").join("store");
    std::fs::write(dir.path().join("file"), b"").expect("write");
    let Err(Error::Unavailable(reason)) = LocalStore::open(&path, LocalSettings::default()) else {
        panic!("a directory in a file");
    };
    assert!(reason.to_string().contains(&*path.to_string_lossy()), "{reason}");
}
