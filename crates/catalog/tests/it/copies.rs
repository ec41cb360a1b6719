//! Copies within a repository.

use std::time::Duration;

use lakehold_block::BlockStore as _;
use lakehold_catalog::CatalogError;
use lakehold_catalog::CopyRequest;
use lakehold_catalog::EngineError;
use lakehold_catalog::Object;
use lakehold_catalog::Timestamp;
use lakehold_catalog::Upload;

use crate::lake::Lake;
use crate::lake::NOW;
use crate::lake::branch;
use crate::lake::is_absent;
use crate::lake::metadata;
use crate::lake::reference;
use crate::lake::upload;

fn request(source_ref: &str, source: &str, destination: &str) -> CopyRequest {
    CopyRequest {
        source_ref: reference(source_ref),
        source_path: source.to_owned(),
        destination_path: destination.to_owned(),
        force: false,
    }
}

async fn copy(lake: &Lake, request: CopyRequest) -> Result<Object, CatalogError> {
    lake.catalog.copy(&lake.id, &lake.main, request).await
}

#[tokio::test]
async fn a_copy_has_bytes_of_its_own_and_a_time_of_its_own() {
    let lake = Lake::new().await;
    let sent = Upload { metadata: metadata(&[("k", "v")]), ..upload("a", "abc") };
    let source = lake.try_upload(sent).await.expect("uploaded");
    lake.clock.advance(Duration::from_secs(5));

    let made = copy(&lake, request("main", "a", "b")).await.expect("copied");

    assert_ne!(made.address, source.address);
    assert_eq!(made.modified, Timestamp::from_seconds(NOW + 5));
    let as_source = Object {
        path: source.path.clone(),
        address: source.address.clone(),
        physical_address: source.physical_address.clone(),
        modified: source.modified,
        ..made
    };
    assert_eq!(as_source, source);
    lake.blocks.delete(&source.address).await.expect("removed");
    assert_eq!(lake.read("b").await, "abc");
}

#[tokio::test]
async fn the_source_may_be_a_commit() {
    let lake = Lake::new().await;
    lake.upload("a", "old").await;
    lake.commit("old").await;
    lake.upload("a", "new").await;
    copy(&lake, request("main@", "a", "b")).await.expect("copied");
    assert_eq!(lake.read("b").await, "old");
}

/// Seen upstream: answered as a failure of the server, with a path of its disk.
#[tokio::test]
async fn a_source_whose_bytes_are_gone_is_told_as_such() {
    let lake = Lake::new().await;
    let source = lake.upload("a", "abc").await;
    lake.blocks.delete(&source.address).await.expect("removed");
    let refused = copy(&lake, request("main", "a", "b")).await;
    assert!(matches!(refused, Err(CatalogError::DataMissing(_))), "{refused:?}");
    assert!(is_absent(&lake.object("b").await));
}

#[tokio::test]
async fn a_missing_source_and_a_missing_branch_are_told_apart() {
    let lake = Lake::new().await;
    assert!(is_absent(&copy(&lake, request("main", "missing", "b")).await));
    let refused =
        lake.catalog.copy(&lake.id, &branch("nowhere"), request("main", "missing", "b")).await;
    assert!(
        matches!(refused, Err(CatalogError::Engine(EngineError::BranchNotFound(_)))),
        "{refused:?}"
    );
    let refused = copy(&lake, request("main", "a", "")).await;
    assert!(matches!(refused, Err(CatalogError::InvalidPath(0))), "{refused:?}");
}
