//! Differences.

use lakehold_engine::DiffKind;
use lakehold_engine::EngineError;
use lakehold_engine::Listed;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::expr;
use crate::lake::query;
use crate::lake::show;

async fn parted() -> Lake {
    let lake = Lake::new().await;
    for key in ["changed", "conflict", "deleted", "dir/1", "dir/2", "same"] {
        lake.put("main", key, "0").await.expect("staged");
    }
    lake.commit("main", "base").await.expect("committed");
    lake.branch("dev", "main").await.expect("created");
    for (on, key) in [("dev", "added"), ("dev", "changed"), ("dev", "conflict"), ("dev", "dir/1")] {
        lake.put(on, key, "dev").await.expect("staged");
    }
    lake.delete("dev", &["deleted"]).await.expect("deleted");
    lake.commit("dev", "dev").await.expect("committed");
    for key in ["conflict", "only-main"] {
        lake.put("main", key, "main").await.expect("staged");
    }
    lake.commit("main", "main").await.expect("committed");
    lake
}

#[tokio::test]
async fn two_dots_compare_and_three_dots_say_what_a_merge_would_do() {
    let lake = parted().await;
    assert_eq!(
        lake.diff("main", "dev", DiffKind::TwoDot).await,
        ["+added", "~changed", "~conflict", "-deleted", "~dir/1", "-only-main"]
    );
    assert_eq!(
        lake.diff("main", "dev", DiffKind::ThreeDot).await,
        ["+added", "~changed", "!conflict", "-deleted", "~dir/1"]
    );
    assert_eq!(lake.diff("dev", "main", DiffKind::ThreeDot).await, ["!conflict", "+only-main"]);
    assert!(lake.diff("main", "main~1", DiffKind::ThreeDot).await.is_empty());
}

#[tokio::test]
async fn the_right_side_of_two_dots_may_be_a_staging_area() {
    let lake = parted().await;
    lake.put("dev", "same", "staged").await.expect("staged");
    lake.put("dev", "changed", "0").await.expect("back to what main has");
    lake.delete("dev", &["added"]).await.expect("deleted");
    lake.put("dev", "zz", "staged").await.expect("staged");
    assert_eq!(
        lake.diff("main", "dev$", DiffKind::TwoDot).await,
        ["~conflict", "-deleted", "~dir/1", "-only-main", "~same", "+zz"]
    );
    let committed = lake.diff("main", "dev", DiffKind::TwoDot).await;
    assert_eq!(committed, lake.diff("main", "dev@", DiffKind::TwoDot).await);

    for (left, right, kind) in
        [("dev$", "main", DiffKind::TwoDot), ("main", "dev$", DiffKind::ThreeDot)]
    {
        let query = query("", "", "", 10);
        let refused =
            lake.engine.diff(&lake.repository, &expr(left), &expr(right), kind, &query).await;
        assert!(matches!(refused, Err(EngineError::NotACommit(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn diffs_are_paged_and_folded_like_lists() {
    let lake = parted().await;
    lake.put("dev", "dir/2", "dev").await.expect("staged");
    lake.put("dev", "dir/3", "dev").await.expect("staged");
    lake.put("dev", "dirx", "dev").await.expect("staged");
    let (main, dev) = (expr("main"), expr("dev$"));
    let page = async |prefix: &str, delimiter: &str, after: &str, amount| {
        let query = query(prefix, delimiter, after, amount);
        let kind = DiffKind::TwoDot;
        let page = lake.engine.diff(&lake.repository, &main, &dev, kind, &query).await;
        let page = page.expect("diff");
        (page.results.iter().map(show).collect::<Vec<_>>().join(" "), page.has_more)
    };
    assert_eq!(page("", "/", "deleted", 2).await, ("dir/ +dirx".to_owned(), true));
    assert_eq!(page("", "/", "dir/", 2).await, ("+dirx -only-main".to_owned(), false));
    assert_eq!(page("dir", "", "dir/1", 10).await, ("~dir/2 +dir/3 +dirx".to_owned(), false));
    assert_eq!(page("dir/", "/", "", 2).await, ("~dir/1 ~dir/2".to_owned(), true));

    let staged = async |delimiter: &str, after: &str| {
        let query = query("", delimiter, after, 10);
        let page = lake.engine.diff_uncommitted(&lake.repository, &branch("dev"), &query).await;
        page.expect("diff").results.iter().map(show).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(staged("/", "").await, "dir/ +dirx");
    assert_eq!(staged("/", "dir/").await, "+dirx");
    assert_eq!(staged("", "dir/2").await, "+dir/3 +dirx");
}

#[tokio::test]
async fn a_removed_row_keeps_the_value_that_was_there() {
    let lake = parted().await;
    lake.delete("dev", &["same"]).await.expect("deleted");
    let all = query("", "", "", 10);
    let page = lake.engine.diff_uncommitted(&lake.repository, &branch("dev"), &all).await;
    let page = page.expect("diff");
    let [Listed::Record(row)] = &page.results[..] else { panic!("{page:?}") };
    assert_eq!(row.difference.left, Some(crate::lake::value("0")));
    assert_eq!(row.difference.right, None);
    let missing = lake.engine.diff_uncommitted(&lake.repository, &branch("nowhere"), &all).await;
    assert!(matches!(missing, Err(EngineError::BranchNotFound(_))), "{missing:?}");
}
