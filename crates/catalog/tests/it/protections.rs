//! Which branches are protected.

use lakehold_catalog::ErrorKind;

use crate::lake::Lake;
use crate::lake::upload;

#[tokio::test]
async fn patterns_are_replaced_and_come_back_sorted() {
    let lake = Lake::new().await;
    assert_eq!(lake.catalog.protected_patterns(&lake.id).await.expect("read"), (vec![], None));
    let patterns = ["stable*".to_owned(), "main".to_owned()];
    lake.catalog.set_protected_patterns(&lake.id, &patterns, None).await.expect("set");
    let (found, stored) = lake.catalog.protected_patterns(&lake.id).await.expect("read");
    assert_eq!(found, ["main", "stable*"]);
    assert!(stored.is_some());
    lake.catalog.set_protected_patterns(&lake.id, &[], None).await.expect("set");
    assert!(lake.catalog.protected_patterns(&lake.id).await.expect("read").0.is_empty());
    lake.upload("a", "x").await;
}

#[tokio::test]
async fn a_protected_branch_takes_neither_uploads_nor_commits() {
    let lake = Lake::new().await;
    lake.upload("a", "x").await;
    let patterns = ["m*".to_owned()];
    lake.catalog.set_protected_patterns(&lake.id, &patterns, None).await.expect("set");
    let refused = lake.try_upload(upload("b", "x")).await.expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    let request = lakehold_catalog::CommitRequest::default();
    let refused = lake.catalog.commit(&lake.id, &lake.main, request).await.expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn rules_that_changed_meanwhile_are_not_overwritten() {
    let lake = Lake::new().await;
    let set = |pattern: &str, unchanged| {
        let (lake, patterns) = (&lake, [pattern.to_owned()]);
        async move { lake.catalog.set_protected_patterns(&lake.id, &patterns, unchanged).await }
    };
    set("one", Some(None)).await.expect("nothing was stored");
    let (_, stored) = lake.catalog.protected_patterns(&lake.id).await.expect("read");
    set("two", Some(stored.clone())).await.expect("unchanged");
    let refused = set("three", Some(stored)).await.expect_err("changed");
    assert_eq!(refused.kind(), ErrorKind::Precondition);
    let refused = set("four", Some(None)).await.expect_err("something is stored");
    assert_eq!(refused.kind(), ErrorKind::Precondition);
}

/// Seen upstream: such a pattern was stored, and every write of the repository failed from then on.
#[tokio::test]
async fn a_pattern_that_cannot_be_read_is_refused_and_nothing_changes() {
    let lake = Lake::new().await;
    let bad = ["main".to_owned(), "[".to_owned()];
    let refused = lake.catalog.set_protected_patterns(&lake.id, &bad, None).await;
    assert_eq!(refused.expect_err("refused").kind(), ErrorKind::Invalid);
    lake.upload("a", "x").await;
}
