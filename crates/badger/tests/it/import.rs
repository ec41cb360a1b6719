//! Copying a directory into a store: whole, once, and again after an interruption.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_badger::ImportError;
use lakehold_badger::Imported;
use lakehold_badger::Phase;
use lakehold_badger::Progress;
use lakehold_badger::import_badger;
use lakehold_badger::unfinished_import;
use lakehold_kv::Error;
use lakehold_kv::MemStore;
use lakehold_kv::Partitions;
use lakehold_kv::Scan;
use lakehold_kv::Store;
use lakehold_kv::StoreExt as _;
use lakehold_kv::faults::FailingStore;
use lakehold_kv::faults::LossyStore;
use lakehold_kv_local::LocalSettings;
use lakehold_kv_local::LocalStore;

use crate::support::Contents;
use crate::support::NOW;
use crate::support::expected_mini;
use crate::support::golden;
use crate::support::golden_copy;
use crate::support::made_by_badger;
use crate::support::read;
use crate::support::real_install;

async fn import(directory: &Path, store: &dyn Store) -> Result<Imported, ImportError> {
    import_badger(directory, store, NOW, &mut drop).await
}

async fn contents(store: &dyn Store) -> Contents {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).expect("text");
    let mut contents = Contents::new();
    let mut partitions = Partitions::new(store);
    while let Some(partition) = partitions.next().await.expect("partitions") {
        let mut scan = Scan::new(store, partition.clone(), Bytes::new());
        while let Some(entry) = scan.next().await.expect("scan") {
            contents.insert((text(partition.clone()), text(entry.key)), hex::encode(entry.value));
        }
    }
    contents
}

fn mini() -> PathBuf {
    golden("mini-install/metadata")
}

#[tokio::test]
async fn the_captured_installation_is_imported_into_the_embedded_store_byte_for_byte() {
    let folder = real_install();
    let directory = folder.path().join("metadata");
    let target = tempfile::tempdir().expect("temporary directory");
    let store = LocalStore::open(target.path(), LocalSettings::default()).expect("open");

    let imported = import(&directory, &store).await.expect("import");

    assert_eq!((imported.records, imported.repeated), (360, false));
    assert_eq!(contents(&store).await, read(&directory).expect("whole"));
    assert_eq!(unfinished_import(&store).await.expect("get"), None);

    store.close().await.expect("close");
    drop(store);
    let store = LocalStore::open(target.path(), LocalSettings::default()).expect("open again");
    assert_eq!(contents(&store).await, read(&directory).expect("whole"));
}

#[tokio::test]
async fn two_forms_of_one_content_have_one_checksum() {
    let (closed, killed) = (made_by_badger("levels"), made_by_badger("killed"));
    let one = import(closed.path(), &MemStore::new()).await.expect("import");
    let other = import(killed.path(), &MemStore::new()).await.expect("import");
    assert_eq!(one, other);
    assert_eq!(one.records, 3_085);
    let mini = import(&mini(), &MemStore::new()).await.expect("import");
    assert_ne!(one.checksum, mini.checksum);
}

#[tokio::test]
async fn a_store_that_is_not_empty_is_refused_and_stays_as_it_is() {
    let store = MemStore::new();
    store.set("auth".into(), "installation_id".into(), "id".into()).await.expect("set");
    let refused = import(&mini(), &store).await.expect_err("not empty");
    assert!(matches!(&refused, ImportError::NotEmpty { partition } if partition == "auth"));
    assert_eq!(contents(&store).await.len(), 1);

    let imported = MemStore::new();
    import(&mini(), &imported).await.expect("import");
    let refused = import(&mini(), &imported).await;
    assert!(matches!(refused, Err(ImportError::NotEmpty { .. })), "a second time: {refused:?}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_leaves_the_store_empty() {
    let directory = golden_copy("mini-install/metadata");
    std::fs::remove_file(directory.path().join("000001.sst")).expect("remove");
    let store = MemStore::new();
    let refused = import(directory.path(), &store).await;
    assert!(matches!(refused, Err(ImportError::Source(_))), "{refused:?}");
    assert_eq!(contents(&store).await, Contents::new());
}

#[tokio::test]
async fn an_import_that_fails_at_any_call_is_told_and_completed_by_repeating_it() {
    let directory = made_by_badger("levels");
    let expected = read(directory.path()).expect("whole");
    let mut failures = 0;
    for nth in 1..100 {
        let store = MemStore::new();
        let failing = FailingStore::fail_nth(Arc::new(store.clone()), nth);
        match import(directory.path(), &failing).await {
            Ok(_) => {
                assert_eq!(failing.faults(), 0, "call {nth}: a failure that was not told");
                break;
            }
            Err(error) => assert!(matches!(error, ImportError::Store(_)), "call {nth}: {error}"),
        }
        failures += failing.faults();
        complete(directory.path(), &store, &expected, nth).await;
    }
    assert!((20..99).contains(&failures), "{failures} calls");
}

#[tokio::test]
async fn an_import_whose_write_loses_its_answer_is_told_and_completed_by_repeating_it() {
    let directory = made_by_badger("levels");
    let expected = read(directory.path()).expect("whole");
    // The marker, seven batches, and the marker's removal.
    for nth in 1..=9 {
        let store = MemStore::new();
        let lossy = LossyStore::lose_nth_write(Arc::new(store.clone()), nth);
        let failed = import(directory.path(), &lossy).await;
        let told = matches!(failed, Err(ImportError::Store(Error::Unknown(_))));
        assert!(told && lossy.faults() == 1, "write {nth}: {failed:?}");
        complete(directory.path(), &store, &expected, nth).await;
    }
}

/// Repeats an import that failed, unless nothing but its last answer was missing.
async fn complete(directory: &Path, store: &MemStore, expected: &Contents, nth: usize) {
    let unfinished = unfinished_import(store).await.expect("get");
    let empty = contents(store).await.is_empty();
    if unfinished.is_some() || empty {
        let again = import(directory, store).await.expect("again");
        assert_eq!(again.repeated, !empty, "call {nth}");
    }
    assert_eq!(contents(store).await, *expected, "call {nth}");
    assert_eq!(unfinished_import(store).await.expect("get"), None, "call {nth}");
}

/// A store into which an import of `directory` was begun.
async fn begun(directory: &Path) -> MemStore {
    let store = MemStore::new();
    let failing = FailingStore::fail_from_nth(Arc::new(store.clone()), 5);
    drop(import(directory, &failing).await.expect_err("interrupted"));
    let begun = unfinished_import(&store).await.expect("get").expect("begun");
    assert!(begun.ends_with(&*directory.file_name().expect("a name").to_string_lossy()));
    store
}

#[tokio::test]
async fn an_interrupted_import_of_another_directory_is_refused() {
    let (one, other) = (made_by_badger("levels"), made_by_badger("killed"));
    let store = begun(one.path()).await;
    let before = contents(&store).await;
    let refused = import(other.path(), &store).await.expect_err("another directory");
    assert!(matches!(&refused, ImportError::OtherImport { .. }), "{refused}");
    assert_eq!(contents(&store).await, before);
}

#[tokio::test]
async fn a_directory_that_changed_since_the_interruption_is_refused() {
    let directory = golden_copy("mini-install/metadata");
    for (key, removed) in [("kv/schema/version", false), ("no-longer-there", true)] {
        let store = begun_with_marker(directory.path()).await;
        store.set("kv-internal-metadata".into(), key.into(), "3".into()).await.expect("set");
        let refused = import(directory.path(), &store).await.expect_err("changed");
        match refused {
            ImportError::Changed { key: named, .. } => assert!(named == key && !removed),
            ImportError::Mismatch { expected: 25, found: 26 } => assert!(removed),
            other => panic!("{other}"),
        }
        assert!(unfinished_import(&store).await.expect("get").is_some(), "still not to be served");
    }
}

async fn begun_with_marker(directory: &Path) -> MemStore {
    let store = MemStore::new();
    let failing = FailingStore::fail_from_nth(Arc::new(store.clone()), 4);
    drop(import(directory, &failing).await.expect_err("interrupted"));
    store
}

#[tokio::test]
async fn progress_is_reported_for_both_phases_up_to_the_total() {
    let directory = made_by_badger("levels");
    let mut seen: Vec<Progress> = Vec::new();
    let mut note = |progress| seen.push(progress);
    import_badger(directory.path(), &MemStore::new(), NOW, &mut note).await.expect("import");

    let of = |phase| seen.iter().filter(move |progress| progress.phase == phase);
    assert_eq!(of(Phase::Copy).count(), 7, "a batch of 500 each");
    assert!(of(Phase::Copy).all(|progress| progress.records <= progress.total));
    let last = of(Phase::Verify).next_back().expect("verified");
    assert_eq!((last.records, last.total), (3_085, 3_085));
    assert!(seen.is_sorted_by_key(|progress| (progress.phase == Phase::Verify, progress.records)));
}

#[tokio::test]
async fn an_import_leaves_nothing_but_the_records() {
    let store = MemStore::new();
    import(&golden("badger-wal"), &store).await.expect("import");
    assert_eq!(contents(&store).await, expected_mini());
}
