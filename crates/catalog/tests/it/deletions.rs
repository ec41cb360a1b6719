//! Deleting objects.

use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;

use crate::lake::Lake;
use crate::lake::branch;

async fn delete(lake: &Lake, paths: &[&str]) -> Result<(), CatalogError> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    lake.catalog.delete(&lake.id, &lake.main, &paths, false, false).await
}

#[tokio::test]
async fn deleted_objects_are_gone_and_missing_ones_are_no_error() {
    let lake = Lake::new().await;
    lake.upload("committed", "x").await;
    lake.commit("first").await;
    lake.upload("staged", "x").await;
    lake.upload("stays", "x").await;
    delete(&lake, &["committed", "missing", "staged"]).await.expect("deleted");
    assert_eq!(lake.paths().await, ["stays"]);
}

/// Seen upstream: one empty path made the whole call delete nothing.
#[tokio::test]
async fn an_empty_path_does_not_keep_the_others_from_being_deleted() {
    let lake = Lake::new().await;
    lake.upload("a", "x").await;
    delete(&lake, &["", "a"]).await.expect("deleted");
    assert!(lake.paths().await.is_empty());
    delete(&lake, &[""]).await.expect("nothing to do");
}

#[tokio::test]
async fn a_thousand_paths_and_not_one_more() {
    let lake = Lake::new().await;
    lake.upload("7", "x").await;
    let names: Vec<String> = (0..1001).map(|number| number.to_string()).collect();
    let refused = lake.catalog.delete(&lake.id, &lake.main, &names, false, false).await;
    assert!(matches!(refused, Err(CatalogError::TooManyPaths(1001))), "{refused:?}");
    assert_eq!(lake.paths().await, ["7"]);
    lake.catalog.delete(&lake.id, &lake.main, &names[..1000], false, false).await.expect("deleted");
    assert!(lake.paths().await.is_empty());
}

#[tokio::test]
async fn nothing_is_deleted_from_a_missing_branch() {
    let lake = Lake::new().await;
    let paths = ["a".to_owned()];
    let refused = lake.catalog.delete(&lake.id, &branch("nowhere"), &paths, false, false).await;
    assert!(
        matches!(refused, Err(CatalogError::Engine(EngineError::BranchNotFound(_)))),
        "{refused:?}"
    );
}
