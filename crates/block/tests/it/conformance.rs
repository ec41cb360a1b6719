//! Each driver passes the suite.

use lakehold_block::BlockStore as _;
use lakehold_block::CacheSettings;
use lakehold_block::CachedBlockStore;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_block::Tuning;
use lakehold_block::conformance;
use lakehold_clock::Runtime;

use std::sync::Arc;
use std::time::Duration;

fn namespace(text: &str) -> StorageNamespace {
    StorageNamespace::parse(text).expect("a namespace")
}

async fn check_local(tuning: Tuning) {
    let home = tempfile::tempdir().expect("a folder");
    let settings = LocalSettings { tuning, ..LocalSettings::in_data_dir(home.path()) };
    let store = LocalBlockStore::open(settings, Runtime::real()).await.expect("open");
    conformance::all(&store, &namespace("local://lakes/one")).await;
}

#[tokio::test]
async fn memory_conforms() {
    conformance::all(&MemBlockStore::new(), &namespace("mem://lake")).await;
}

/// A cache that keeps everything and has hardly any room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_conforms() {
    let home = tempfile::tempdir().expect("a folder");
    for capacity_bytes in [0, 100 << 10, 1 << 30] {
        let folder = home.path().join(capacity_bytes.to_string());
        let settings = CacheSettings { folder, capacity_bytes };
        let inner = Arc::new(MemBlockStore::new());
        let store = CachedBlockStore::open(inner, settings, |_| true, Runtime::real()).await;
        conformance::all(&store.expect("open"), &namespace("mem://lake")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_conforms() {
    check_local(Tuning::default()).await;
}

/// Everything is read out of the journal's memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_whose_journal_keeps_everything_conforms() {
    let never = Duration::from_secs(1_000_000);
    check_local(Tuning { segment_age: never, segment_bytes: 1 << 40, ..Tuning::default() }).await;
}

/// Everything is written out at once, while the next body comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_whose_segments_hold_one_body_conforms() {
    check_local(Tuning { segment_entries: 1, segments: 1, ..Tuning::default() }).await;
}

#[tokio::test]
async fn the_directory_driver_says_what_it_can() {
    let home = tempfile::tempdir().expect("a folder");
    let settings =
        LocalSettings { import_enabled: true, ..LocalSettings::in_data_dir(home.path()) };
    let store = LocalBlockStore::open(settings, Runtime::real()).await.expect("open");
    let told = store.description();
    assert_eq!((told.kind, told.can_presign, told.can_import), ("local", false, true));
    assert_eq!(told.namespace_example, "local://example-bucket/");
    assert_eq!(told.namespace_validity, "^local://");
    assert_eq!(told.import_validity, "^local://");
    assert_eq!(told.default_namespace_prefix, "local://");
    assert!(store.check_namespace(&namespace("s3://bucket")).is_err());
}
