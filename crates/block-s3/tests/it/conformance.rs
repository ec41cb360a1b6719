//! The suite of all drivers.

use std::sync::Arc;

use lakehold_block::BlockStore as _;
use lakehold_block::CacheSettings;
use lakehold_block::CachedBlockStore;
use lakehold_block::conformance;
use lakehold_block_s3::S3BlockStore;
use lakehold_block_s3::S3Settings;
use lakehold_block_s3::Tuning;
use lakehold_clock::Runtime;

use crate::support::Lake;
use crate::support::server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_conforms() {
    let lake = Lake::new().await;
    conformance::all(&lake.store, &lake.namespace()).await;
}

/// Nearly everything is streamed, or sent and copied in parts; no body is signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_conforms_when_little_is_held_in_memory() {
    let tuning = Tuning {
        whole_bytes: 4_096,
        longest_put: 2 << 20,
        part_bytes: 5 << 20,
        longest_copy: 5 << 20,
        sign_bodies: false,
    };
    let lake = Lake::with(S3Settings { tuning, ..server().settings(None) }).await;
    conformance::all(&lake.store, &lake.namespace()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_conforms_below_a_cache() {
    let lake = Lake::new().await;
    let namespace = lake.namespace();
    let home = tempfile::tempdir().expect("a folder");
    let settings = CacheSettings { folder: home.path().join("cache"), capacity_bytes: 1 << 30 };
    let store = CachedBlockStore::open(Arc::new(lake.store), settings, |_| true, Runtime::real());
    conformance::all(&store.await.expect("open"), &namespace).await;
}

#[tokio::test]
async fn the_driver_says_what_it_can() {
    let store = |settings| S3BlockStore::new(settings, Runtime::real()).expect("settings");
    let told = store(S3Settings::default()).description();
    assert_eq!((told.kind, told.can_import), ("s3", true));
    assert_eq!(told.namespace_example, "s3://example-bucket/");
    assert_eq!(told.namespace_validity, "^s3://");
    assert_eq!(told.import_validity, "^s3://");
    assert_eq!(told.default_namespace_prefix, "");
    let can = |settings| {
        let told = store(settings).description();
        (told.can_presign, told.can_presign_ui, told.can_presign_multipart)
    };
    let settings = S3Settings::default;
    assert_eq!(can(settings()), (true, false, true));
    let ui = S3Settings { disable_pre_signed_ui: false, ..settings() };
    assert_eq!(can(ui), (true, true, true));
    let whole = S3Settings { disable_pre_signed_multipart: true, ..settings() };
    assert_eq!(can(whole), (true, false, false));
    let none = S3Settings { disable_pre_signed: true, disable_pre_signed_ui: false, ..settings() };
    assert_eq!(can(none), (false, false, false));
}
