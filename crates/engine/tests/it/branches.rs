//! Branches, tags, and what expressions make of them.

use lakehold_engine::BranchId;
use lakehold_engine::EngineError;
use lakehold_engine::ErrorKind;
use lakehold_engine::PageRequest;
use lakehold_engine::TagId;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::expr;

fn tag_id(name: &str) -> TagId {
    TagId::parse(name).expect("valid name")
}

#[tokio::test]
async fn a_branch_begins_where_its_source_is_without_what_is_staged_there() {
    let lake = Lake::new().await;
    lake.put("main", "a", "1").await.expect("staged");
    let commit = lake.commit("main", "one").await.expect("committed");
    lake.put("main", "b", "2").await.expect("staged");
    let dev = lake.branch("dev", "main").await.expect("created");
    assert_eq!(dev.commit_id, commit.id);
    assert_eq!(lake.all("dev").await.len(), 1);
    lake.delete("dev", &["a"]).await.expect("deleted");
    assert_eq!(lake.all("main").await.len(), 2, "branches do not share a staging area");
}

#[tokio::test]
async fn names_are_taken_once() {
    let lake = Lake::new().await;
    let head = lake.head("main").await;
    lake.branch("dev", "main").await.expect("created");
    let again = lake.branch("dev", "main").await;
    assert!(matches!(again, Err(EngineError::BranchExists(_))), "{again:?}");
    let commit = lake.branch(head.id.as_str(), "main").await;
    let taken = matches!(commit, Err(EngineError::NameTaken { kind: "commit", .. }));
    assert!(taken, "{commit:?}");

    let tag = async |name: &str| {
        lake.engine.create_tag(&lake.repository, &tag_id(name), &expr("main"), false).await
    };
    tag("v1").await.expect("created");
    let again = tag("v1").await;
    assert!(matches!(again, Err(EngineError::TagExists(_))), "{again:?}");
    let taken = tag("dev").await;
    assert!(matches!(taken, Err(EngineError::NameTaken { kind: "branch", .. })), "{taken:?}");
    let taken = lake.branch("v1", "main").await;
    assert!(matches!(taken, Err(EngineError::NameTaken { kind: "tag", .. })), "{taken:?}");
}

#[tokio::test]
async fn a_staging_area_is_no_source() {
    let lake = Lake::new().await;
    let refused = lake.branch("dev", "main$").await;
    assert!(matches!(refused, Err(EngineError::NotACommit(_))), "{refused:?}");
    let missing = lake.branch("dev", "nowhere").await;
    assert!(matches!(missing, Err(EngineError::RefNotFound(_))), "{missing:?}");
}

#[tokio::test]
async fn expressions_name_commits() {
    let lake = Lake::new().await;
    let root = lake.head("main").await;
    lake.put("main", "a", "1").await.expect("staged");
    let one = lake.commit("main", "one").await.expect("committed");
    lake.branch("dev", "main").await.expect("created");
    lake.put("dev", "b", "1").await.expect("staged");
    let side = lake.commit("dev", "side").await.expect("committed");
    lake.put("main", "c", "1").await.expect("staged");
    let two = lake.commit("main", "two").await.expect("committed");
    let merge = lake.merge("dev", "main").await.expect("merged").commit;
    let v1 = tag_id("v1");
    lake.engine.create_tag(&lake.repository, &v1, &expr("main~2"), false).await.expect("created");

    for (text, expected) in [
        ("main", &merge.id),
        ("main@", &merge.id),
        ("main~0", &merge.id),
        ("main^0", &merge.id),
        ("main~", &two.id),
        ("main^", &two.id),
        ("main^2", &side.id),
        ("main~2", &one.id),
        ("main^2~", &one.id),
        ("main^2~2", &root.id),
        ("v1", &one.id),
        ("v1~1", &root.id),
        (merge.id.as_str(), &merge.id),
        (&merge.id.as_str()[..20], &merge.id),
        (&format!("{}~", merge.id), &two.id),
    ] {
        let found = lake.engine.commit_at(&lake.repository, &expr(text)).await;
        assert_eq!(found.expect(text).id, *expected, "{text}");
    }
    for (text, kind) in [
        ("main~4", ErrorKind::NotFound),
        ("main~99999999999", ErrorKind::NotFound),
        ("nowhere", ErrorKind::NotFound),
        ("nowhere~1", ErrorKind::NotFound),
        ("abcdef0123", ErrorKind::NotFound),
        ("main^3", ErrorKind::Invalid),
        ("main$", ErrorKind::Invalid),
        ("main~1@", ErrorKind::Invalid),
        ("main~-1", ErrorKind::Invalid),
        ("v1@", ErrorKind::Invalid),
        ("v1$", ErrorKind::Invalid),
        ("~1", ErrorKind::Invalid),
    ] {
        let error = lake.engine.commit_at(&lake.repository, &expr(text)).await.expect_err(text);
        assert_eq!(error.kind(), kind, "{text}: {error}");
    }
}

#[tokio::test]
async fn the_beginning_of_two_ids_names_neither_and_a_branch_comes_before_it() {
    let lake = Lake::new().await;
    let mut ids = vec![lake.head("main").await.id.clone()];
    // Seventeen ids begin with at most sixteen different digits.
    for number in 0..16 {
        lake.put("main", "a", &number.to_string()).await.expect("staged");
        ids.push(lake.commit("main", "more").await.expect("committed").id.clone());
    }
    let first = |id: &lakehold_engine::CommitId| id.as_str()[..1].to_owned();
    let shared =
        ids.iter().map(first).find(|one| ids.iter().filter(|id| first(id) == *one).count() > 1);
    let shared = shared.expect("pigeons");
    let found = lake.engine.commit_at(&lake.repository, &expr(&shared)).await;
    assert!(matches!(found, Err(EngineError::RefNotFound(_))), "{found:?}");
    lake.branch(&shared, "main~1").await.expect("created");
    assert_eq!(lake.head(&shared).await.id, ids[15]);
}

#[tokio::test]
async fn lists_are_pages_in_name_order_without_hidden_branches() {
    let lake = Lake::new().await;
    for name in ["c", "a", "ab", "b"] {
        lake.branch(name, "main").await.expect("created");
    }
    let hidden = BranchId::parse("aa").expect("valid");
    lake.engine
        .create_branch(&lake.repository, &hidden, &expr("main"), true, false)
        .await
        .expect("created");
    let list = async |prefix: &str, after: &str, amount, hidden| {
        let page = PageRequest { prefix: prefix.to_owned(), after: after.to_owned(), amount };
        let page =
            lake.engine.list_branches(&lake.repository, &page, hidden).await.expect("listed");
        let names: Vec<_> = page.results.iter().map(|b| b.id.as_str().to_owned()).collect();
        (names.join(" "), page.has_more)
    };
    assert_eq!(list("", "", 0, false).await, ("a ab b c main".to_owned(), false));
    assert_eq!(list("", "", 0, true).await, ("a aa ab b c main".to_owned(), false));
    assert_eq!(list("", "a", 2, false).await, ("ab b".to_owned(), true));
    assert_eq!(list("a", "", 2, false).await, ("a ab".to_owned(), false));
    assert_eq!(list("a", "ab", 2, false).await, (String::new(), false));
    assert_eq!(list("b", "a", 2, false).await, ("b".to_owned(), false));
    assert!(lake.engine.branch(&lake.repository, &hidden).await.expect("there").hidden);
}

#[tokio::test]
async fn a_deleted_branch_is_gone_with_what_was_staged_on_it() {
    let lake = Lake::new().await;
    lake.branch("dev", "main").await.expect("created");
    lake.put("dev", "a", "1").await.expect("staged");
    let dev = branch("dev");
    lake.engine.delete_branch(&lake.repository, &dev, false).await.expect("deleted");
    let missing = lake.engine.branch(&lake.repository, &dev).await;
    assert!(matches!(missing, Err(EngineError::BranchNotFound(_))), "{missing:?}");
    let again = lake.engine.delete_branch(&lake.repository, &dev, false).await;
    assert!(matches!(again, Err(EngineError::BranchNotFound(_))), "{again:?}");
    lake.branch("dev", "main").await.expect("created again");
    assert!(lake.all("dev").await.is_empty());

    let default = lake.engine.delete_branch(&lake.repository, &branch("main"), false).await;
    assert!(matches!(default, Err(EngineError::DefaultBranch(_))), "{default:?}");
}

#[tokio::test]
async fn tags_are_listed_found_and_deleted() {
    let lake = Lake::new().await;
    for name in ["v2", "v1", "w"] {
        let id = tag_id(name);
        lake.engine.create_tag(&lake.repository, &id, &expr("main"), false).await.expect("created");
    }
    let page = PageRequest { prefix: "v".to_owned(), ..PageRequest::default() };
    let listed = lake.engine.list_tags(&lake.repository, &page).await.expect("listed");
    let names: Vec<_> = listed.results.iter().map(|tag| tag.id.as_str()).collect();
    assert_eq!(names, ["v1", "v2"]);
    let v1 = tag_id("v1");
    assert_eq!(
        lake.engine.tag(&lake.repository, &v1).await.expect("there").commit_id,
        lake.head("main").await.id
    );
    lake.engine.delete_tag(&lake.repository, &v1, false).await.expect("deleted");
    for result in [
        lake.engine.tag(&lake.repository, &v1).await.map(drop),
        lake.engine.delete_tag(&lake.repository, &v1, false).await,
    ] {
        assert!(matches!(result, Err(EngineError::TagNotFound(_))), "{result:?}");
    }
}
