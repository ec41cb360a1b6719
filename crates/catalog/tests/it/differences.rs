//! Differences, as objects.

use lakehold_catalog::Change;
use lakehold_catalog::DiffKind;
use lakehold_catalog::Listed;
use lakehold_catalog::ObjectDiff;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::query;
use crate::lake::reference;
use crate::lake::upload;

type Row = (Change, String, u64);

/// What is to be looked at of each row: change, path, size.
fn rows(results: Vec<Listed<ObjectDiff>>) -> Vec<Row> {
    results
        .into_iter()
        .filter_map(|row| match row {
            Listed::Record(row) => Some((row.change, row.object.path, row.object.size)),
            Listed::CommonPrefix(_) => None,
        })
        .collect()
}

fn row(change: Change, path: &str, size: u64) -> Row {
    (change, path.to_owned(), size)
}

/// `main` has all three committed; then one is changed, one removed, one added.
async fn changed_lake() -> Lake {
    let lake = Lake::new().await;
    for path in ["changed", "removed", "same"] {
        lake.upload(path, "old").await;
    }
    lake.commit("first").await;
    lake.upload("added", "added").await;
    lake.upload("changed", "changed").await;
    lake.upload("same", "old").await;
    let removed = ["removed".to_owned()];
    lake.catalog.delete(&lake.id, &lake.main, &removed, false, false).await.expect("deleted");
    lake
}

fn expected() -> Vec<Row> {
    vec![
        row(Change::Added, "added", 5),
        row(Change::Changed, "changed", 7),
        row(Change::Removed, "removed", 3),
    ]
}

#[tokio::test]
async fn what_is_staged_is_told_from_what_is_committed() {
    let lake = changed_lake().await;
    let page = lake.catalog.diff_uncommitted(&lake.id, &lake.main, &query("")).await;
    assert_eq!(rows(page.expect("compared").results), expected());
}

#[tokio::test]
async fn two_commits_are_compared() {
    let lake = changed_lake().await;
    lake.commit("second").await;
    let (left, right) = (reference("main~1"), reference("main"));
    let page = lake.catalog.diff(&lake.id, &left, &right, DiffKind::TwoDot, &query("")).await;
    assert_eq!(rows(page.expect("compared").results), expected());
}

#[tokio::test]
async fn a_path_changed_on_both_sides_is_a_conflict() {
    let lake = Lake::new().await;
    lake.upload("a", "old").await;
    lake.upload("gone", "old").await;
    lake.commit("first").await;
    let dev = branch("dev");
    lake.catalog
        .create_branch(&lake.id, &dev, &reference("main"), false, false)
        .await
        .expect("created");
    for path in ["a", "gone"] {
        lake.upload(path, "on main").await;
    }
    lake.commit("on main").await;
    lake.catalog.upload(&lake.id, &dev, upload("a", "dev")).await.expect("uploaded");
    let gone = ["gone".to_owned()];
    lake.catalog.delete(&lake.id, &dev, &gone, false, false).await.expect("deleted");
    let request = lakehold_catalog::CommitRequest {
        committer: "tester".to_owned(),
        message: "on dev".to_owned(),
        ..Default::default()
    };
    lake.catalog.commit(&lake.id, &dev, request).await.expect("committed");

    let (left, right) = (reference("main"), reference("dev"));
    let page = lake.catalog.diff(&lake.id, &left, &right, DiffKind::ThreeDot, &query("")).await;

    let expected = vec![row(Change::Conflict, "a", 3), row(Change::Conflict, "gone", 7)];
    assert_eq!(rows(page.expect("compared").results), expected);
}

/// Storing the same content again is no change, though its bytes lie elsewhere now.
#[tokio::test]
async fn the_same_content_again_is_no_change() {
    let lake = Lake::new().await;
    let first = lake.upload("a", "abc").await;
    lake.commit("first").await;
    let again = lake.upload("a", "abc").await;
    assert_ne!(first.address, again.address);
    let page = lake.catalog.diff_uncommitted(&lake.id, &lake.main, &query("")).await;
    assert_eq!(rows(page.expect("compared").results), []);
}
