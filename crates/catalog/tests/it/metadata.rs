//! What a user says of an object, said anew.

use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::Object;
use lakehold_catalog::Upload;

use crate::lake::Lake;
use crate::lake::is_absent;
use crate::lake::metadata;
use crate::lake::query;
use crate::lake::upload;

#[tokio::test]
async fn all_metadata_is_replaced_and_everything_else_stays() {
    let lake = Lake::new().await;
    let sent = Upload { metadata: metadata(&[("old", "1")]), ..upload("a", "abc") };
    let before = lake.try_upload(sent).await.expect("uploaded");
    lake.commit("first").await;

    let new = metadata(&[("b", "2"), ("a", "")]);
    lake.catalog
        .set_user_metadata(&lake.id, &lake.main, "a", new.clone(), false)
        .await
        .expect("set");

    let after = lake.object("a").await.expect("is there");
    assert_eq!(after, Object { metadata: new, ..before });
    assert_eq!(lake.read("a").await, "abc");
}

/// Metadata is part of what identifies an entry, so a new identity must be made.
#[tokio::test]
async fn new_metadata_is_a_change() {
    let lake = Lake::new().await;
    lake.upload("a", "abc").await;
    lake.commit("first").await;
    let set = |value: &'static str| {
        let lake = &lake;
        let new = metadata(&[("k", value)]);
        async move { lake.catalog.set_user_metadata(&lake.id, &lake.main, "a", new, false).await }
    };
    set("v").await.expect("set");
    let page = lake.catalog.diff_uncommitted(&lake.id, &lake.main, &query("")).await;
    assert_eq!(page.expect("compared").results.len(), 1);
    lake.commit("second").await;
    set("v").await.expect("set");
    let page = lake.catalog.diff_uncommitted(&lake.id, &lake.main, &query("")).await;
    assert!(page.expect("compared").results.is_empty());
}

#[tokio::test]
async fn only_an_object_that_is_there_has_metadata() {
    let lake = Lake::new().await;
    let set = lake.catalog.set_user_metadata(&lake.id, &lake.main, "a", metadata(&[]), false).await;
    assert!(is_absent(&set), "{set:?}");
}

#[tokio::test]
async fn metadata_on_a_protected_branch_stays() {
    let lake = Lake::new().await;
    lake.upload("a", "abc").await;
    let protect = ["main".to_owned()];
    lake.catalog.set_protected_patterns(&lake.id, &protect, None).await.expect("protected");
    let set = lake.catalog.set_user_metadata(&lake.id, &lake.main, "a", metadata(&[]), false).await;
    assert!(
        matches!(set, Err(CatalogError::Engine(EngineError::ProtectedBranch { .. }))),
        "{set:?}"
    );
}
