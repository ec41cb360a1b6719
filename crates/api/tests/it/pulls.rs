//! Pull requests.

use http::Method;
use serde_json::Value;
use serde_json::json;

use lakehold_testkit::Answer;
use lakehold_testkit::TestServer;

const PULLS: &str = "/repositories/lake/pulls";

/// `dev` is one commit ahead of `main`.
async fn server() -> TestServer {
    let server = TestServer::new().await;
    server.branch("dev", "main").await;
    server.upload("dev", "a", "1").await.is(201);
    server.commit("dev", "change").await;
    server
}

async fn make(server: &TestServer) -> String {
    let new = json!({
        "title": "t", "description": "*d*", "source_branch": "dev", "destination_branch": "main",
    });
    let made = server.post(PULLS, new).await.is(201).json();
    let id = made["id"].as_str().expect("an id").to_owned();
    assert_eq!(made, json!({"id": id}));
    format!("{PULLS}/{id}")
}

async fn patch(server: &TestServer, pull: &str, body: Value) -> Answer {
    let headers = [("content-type", "application/json")];
    server.raw(Method::PATCH, pull, &headers, body.to_string()).await
}

async fn merge(server: &TestServer, pull: &str) -> Answer {
    server.raw(Method::PUT, &format!("{pull}/merge"), &[], "").await
}

#[tokio::test]
async fn a_pull_request_is_made_shown_listed_changed_and_merged() {
    let server = server().await;
    let pull = make(&server).await;
    let id = pull.rsplit('/').next().expect("an id");
    let mut expected = json!({
        "status": "open", "title": "t", "description": "*d*", "id": id,
        "creation_date": "2023-11-14T22:13:20Z", "author": "admin",
        "source_branch": "dev", "destination_branch": "main",
    });
    assert_eq!(server.get(&pull).await.is(200).json(), expected);

    patch(&server, &pull, json!({"title": "other", "status": "closed"})).await.is(204);
    merge(&server, &pull).await.fails(400, "bad pull request status");
    patch(&server, &pull, json!({"status": "open"})).await.is(204);
    expected["title"] = json!("other");
    expected["closed_date"] = json!("2023-11-14T22:13:20Z");
    assert_eq!(server.get(&pull).await.is(200).json(), expected);

    let merged = merge(&server, &pull).await.is(200).json();
    assert_eq!(merged["summary"]["added"], 1);
    assert_eq!(server.paths("main").await, ["a"]);
    expected["status"] = json!("merged");
    expected["merged_commit_id"] = merged["reference"].clone();
    assert_eq!(server.get(&pull).await.is(200).json(), expected);
    merge(&server, &pull).await.fails(400, "bad pull request status");

    let row = expected.as_object_mut().expect("an object");
    row.remove("description");
    row.remove("merged_commit_id");
    let listed = server.get(&format!("{PULLS}?status=closed")).await.is(200).json();
    assert_eq!(listed["results"], json!([row]));
    assert_eq!(listed["pagination"]["max_per_page"], 1000);
    let open = server.get(&format!("{PULLS}?status=open")).await.is(200).json();
    assert_eq!(open["results"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_a_pull_request_is_refused() {
    let server = server().await;
    let new = |source: &str, destination: &str| json!({"title": "t", "source_branch": source, "destination_branch": destination});
    for (source, destination, status, message) in [
        (
            "main",
            "main",
            400,
            "source and destination branches are the same: same branch validation error",
        ),
        ("nosuch", "main", 404, "branch not found"),
        ("dev", "nosuch", 404, "branch not found"),
        ("a/b", "main", 400, "argument src: branch id: invalid value: validation error"),
        ("dev", "", 400, "argument dest: required value: validation error"),
    ] {
        server.post(PULLS, new(source, destination)).await.fails(status, message);
    }
    server.post(PULLS, json!({"title": "t"})).await.says(400, "\"source_branch\" is missing");
    let elsewhere = "/repositories/nosuch/pulls";
    server.post(elsewhere, new("dev", "main")).await.fails(404, "repository not found");
    server.anonymous().post(PULLS, new("dev", "main")).await.is(401);
}

#[tokio::test]
async fn what_is_no_pull_request_is_told_from_what_is_not_there() {
    let server = server().await;
    let missing = format!("{PULLS}/gcg1f9o1081g01o00050");
    let bad = format!("{PULLS}/not-an-id");
    let invalid = "argument pullRequestID: pull request id: invalid value: validation error";
    server.get(&missing).await.fails(404, "pull request not found");
    server.get(&bad).await.fails(400, invalid);
    patch(&server, &missing, json!({"title": "t"})).await.fails(404, "pull request not found");
    patch(&server, &bad, json!({"title": "t"})).await.fails(400, invalid);
    merge(&server, &missing).await.fails(404, "pull request not found");
    merge(&server, &bad).await.fails(400, invalid);
    let pull = make(&server).await;
    let refused = patch(&server, &pull, json!({"status": "MERGED"})).await;
    refused.says(400, "value is not one of the allowed values [\"open\",\"closed\",\"merged\"]");
    server.get(&format!("{PULLS}?status=merged")).await.says(400, "[\"open\",\"closed\",\"all\"]");
    let stranger = server.anonymous();
    for answer in [
        stranger.get(PULLS).await,
        stranger.get(&pull).await,
        patch(&stranger, &pull, json!({})).await,
        merge(&stranger, &pull).await,
        // Whoever is nobody learns nothing of what is there.
        merge(&stranger, &missing).await,
    ] {
        answer.fails(401, "error authenticating request");
    }
}

#[tokio::test]
async fn a_merge_that_cannot_be_says_why_and_leaves_the_request_open() {
    let server = server().await;
    let pull = make(&server).await;
    server.upload("main", "a", "other").await.is(201);
    merge(&server, &pull).await.fails(400, "uncommitted changes (dirty branch)");
    server.commit("main", "in the way").await;
    merge(&server, &pull).await.fails(409, "update branch main: conflict found");
    assert_eq!(server.get(&pull).await.is(200).json()["status"], "open");

    server.branch("same", "main").await;
    let new = json!({"title": "t", "source_branch": "same", "destination_branch": "main"});
    let made = server.post(PULLS, new).await.is(201).json();
    let same = format!("{PULLS}/{}", made["id"].as_str().expect("an id"));
    merge(&server, &same).await.fails(400, "update branch main: no changes");
    server.delete("/repositories/lake/branches/same").await.is(204);
    merge(&server, &same).await.fails(404, "branch not found");
}
