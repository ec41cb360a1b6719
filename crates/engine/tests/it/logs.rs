//! Histories.

use lakehold_clock::Timestamp;
use lakehold_engine::CommitRequest;
use lakehold_engine::LogRequest;
use lakehold_engine::Strategy;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::commit_request;
use crate::lake::expr;

/// ```text
/// root ── 1 ── 2 ── 4 ── merge   main
///          └── 3 ────────┘       dev
/// ```
/// Each commit touches `dir/<name>`; dates ascend with the names, far in the past.
async fn history() -> Lake {
    let lake = Lake::new().await;
    let commit = async |on: &str, name: i64| {
        lake.put(on, &format!("dir/{name}"), "0").await.expect("staged");
        let date = Some(1_000 + name);
        let request = CommitRequest { date, ..commit_request(&name.to_string()) };
        lake.engine.commit(&lake.repository, &branch(on), request).await.expect("committed");
    };
    commit("main", 1).await;
    lake.branch("dev", "main").await.expect("created");
    commit("main", 2).await;
    commit("dev", 3).await;
    commit("main", 4).await;
    lake.merge_with("dev", "main", Strategy::Fail).await.expect("merged");
    lake
}

async fn log(lake: &Lake, reference: &str, request: LogRequest) -> (String, bool) {
    let page = lake.engine.log(&lake.repository, &expr(reference), &request).await.expect("log");
    let short = |message: &str| match message {
        "Repository created" => "root".to_owned(),
        merge if merge.starts_with("Merge") => "merge".to_owned(),
        other => other.to_owned(),
    };
    let messages: Vec<_> = page.results.iter().map(|commit| short(&commit.message)).collect();
    (messages.join(" "), page.has_more)
}

fn request() -> LogRequest {
    LogRequest::default()
}

#[tokio::test]
async fn the_newest_comes_first_but_never_before_its_children() {
    let lake = history().await;
    // The first commit is the youngest by date, yet reached last.
    let expected = ("merge 4 3 2 1 root".to_owned(), false);
    assert_eq!(log(&lake, "main", request()).await, expected);
    assert_eq!(log(&lake, "dev", request()).await, ("3 1 root".to_owned(), false));
}

#[tokio::test]
async fn pages_go_on_after_a_commit() {
    let lake = history().await;
    let page = LogRequest { amount: 2, ..request() };
    assert_eq!(log(&lake, "main", page.clone()).await, ("merge 4".to_owned(), true));
    let after = LogRequest { after: Some(expr("main~1")), ..page.clone() };
    assert_eq!(log(&lake, "main", after).await, ("3 2".to_owned(), true));
    let last = LogRequest { after: Some(expr("main~2")), ..page.clone() };
    assert_eq!(log(&lake, "main", last).await, ("1 root".to_owned(), false));
    let limited = LogRequest { limit: true, ..page };
    assert_eq!(log(&lake, "main", limited).await, ("merge 4".to_owned(), false));
}

#[tokio::test]
async fn a_log_may_follow_main_parents_only_and_stop_early() {
    let lake = history().await;
    let first_parent = LogRequest { first_parent: true, ..request() };
    assert_eq!(log(&lake, "main", first_parent).await, ("merge 4 2 1 root".to_owned(), false));
    let stopped = LogRequest { stop_at: Some(expr("dev")), ..request() };
    assert_eq!(log(&lake, "main", stopped).await, ("merge 4 3".to_owned(), false));
    let since = LogRequest { since: Some(Timestamp::from_seconds(1_003)), ..request() };
    assert_eq!(log(&lake, "main", since).await, ("merge 4 3".to_owned(), false));
}

#[tokio::test]
async fn a_log_of_paths_has_the_commits_with_one_parent_that_changed_them() {
    let lake = history().await;
    let objects = |paths: &[&str]| LogRequest {
        objects: paths.iter().map(|path| (*path).to_owned()).collect(),
        ..request()
    };
    assert_eq!(log(&lake, "main", objects(&["dir/3", "dir/1", ""])).await.0, "3 1");
    assert_eq!(log(&lake, "main", objects(&["dir"])).await.0, "");
    assert_eq!(log(&lake, "main", objects(&[""])).await.0, "merge 4 3 2 1 root");
    let below = LogRequest { prefixes: vec!["dir/".to_owned()], amount: 3, ..request() };
    assert_eq!(log(&lake, "main", below.clone()).await, ("4 3 2".to_owned(), true));
    let rest = LogRequest { after: Some(expr("main~2")), ..below };
    assert_eq!(log(&lake, "main", rest).await, ("1".to_owned(), false));
    let elsewhere = LogRequest { prefixes: vec!["dir/2x".to_owned()], ..request() };
    assert_eq!(log(&lake, "main", elsewhere).await.0, "");
}
