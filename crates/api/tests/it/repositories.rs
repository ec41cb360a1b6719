//! Repositories.

use serde_json::json;

use lakehold_testkit::TestServer;

#[tokio::test]
async fn a_repository_is_made_found_and_deleted() {
    let server = TestServer::without_repository().await;
    server.get("/repositories/lake").await.fails(404, "repository not found");
    let new = json!({"name": "lake", "storage_namespace": "mem://lake"});
    let made = server.post("/repositories", new.clone()).await.is(201).json();
    assert_eq!(made["default_branch"], "main");
    assert_eq!(made["storage_id"], "");
    assert_eq!(made["read_only"], false);
    assert_eq!(server.get("/repositories/lake").await.is(200).json(), made);
    server.post("/repositories", new).await.fails(409, "error creating repository: not unique");

    server.delete("/repositories/lake").await.is(204);
    server.get("/repositories/lake").await.fails(404, "repository not found");
    server.delete("/repositories/lake").await.fails(404, "repository not found");
    let again = json!({"name": "lake", "storage_namespace": "mem://lake"});
    server.post("/repositories", again).await.fails(
        400,
        "failed to create repository: found lakeFS objects in the storage (:mem://lake) \
         key(_lakefs/dummy): storage namespace already in use",
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let server = TestServer::without_repository().await;
    let unknown = json!({"name": "lake", "storage_namespace": "mem://x", "storage_id": "other"});
    server
        .post("/repositories", unknown)
        .await
        .fails(400, "storage id: invalid value: validation error");
    for branch in ["a/b", "-x", " ", "~"] {
        let body =
            json!({"name": "lake", "storage_namespace": "mem://x", "default_branch": branch});
        server.post("/repositories", body).await.is(400);
    }
    server.get("/repositories/lake").await.is(404);
}

#[tokio::test]
async fn a_bare_repository_has_no_branch_and_its_answer_says_less() {
    let server = TestServer::without_repository().await;
    let new = json!({"name": "bare", "storage_namespace": "mem://bare"});
    let made = server.post("/repositories?bare=true", new).await.is(201).json();
    assert!(made.get("read_only").is_none());
    server.get("/repositories/bare/branches/main").await.fails(404, "branch not found");
    server.get("/repositories/bare/refs/main/objects/ls").await.fails(404, "not found");
    server.get("/repositories/bare/refs/main/commits").await.fails(404, "ref: not found");
    server
        .post("/repositories/bare/branches", json!({"name": "dev", "source": "main"}))
        .await
        .fails(404, "source reference 'main': not found");
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let server = TestServer::without_repository().await;
    for name in ["bbb", "aaa", "aab"] {
        let new = json!({"name": name, "storage_namespace": format!("mem://{name}")});
        server.post("/repositories", new).await.is(201);
    }
    let page = server.get("/repositories?amount=2").await.is(200);
    assert_eq!(page.field("results", "id"), ["aaa", "aab"]);
    assert_eq!(
        page.json()["pagination"],
        json!({"has_more": true, "next_offset": "aab", "results": 2, "max_per_page": 1000})
    );
    let rest = server.get("/repositories?amount=2&after=aab").await.is(200);
    assert_eq!(rest.field("results", "id"), ["bbb"]);
    assert_eq!(
        rest.json()["pagination"],
        json!({"has_more": false, "next_offset": "", "results": 1, "max_per_page": 1000})
    );
    assert_eq!(server.get("/repositories?prefix=aa").await.field("results", "id"), ["aaa", "aab"]);
    assert_eq!(server.get("/repositories?search=ab").await.field("results", "id"), ["aab"]);
}

#[tokio::test]
async fn metadata_is_merged_and_removed() {
    let server = TestServer::new().await;
    let metadata = "/repositories/lake/metadata";
    assert_eq!(server.get(metadata).await.is(200).json(), json!({}));
    let set = json!({"metadata": {"owner": "data team", "tier": "gold"}});
    server.post(metadata, set).await.is(204);
    server.post(metadata, json!({"metadata": {"tier": "silver"}})).await.is(204);
    assert_eq!(server.get(metadata).await.json(), json!({"owner": "data team", "tier": "silver"}));
    server.delete_with(metadata, json!({"keys": ["owner", "unknown"]})).await.is(204);
    assert_eq!(server.get(metadata).await.json(), json!({"tier": "silver"}));
    server.get("/repositories/none/metadata").await.fails(404, "repository not found");
}

#[tokio::test]
async fn a_read_only_repository_refuses_what_is_not_forced() {
    let server = TestServer::without_repository().await;
    let new = json!({"name": "lake", "storage_namespace": "mem://lake", "read_only": true});
    server.post("/repositories", new).await.is(201);
    let refused = "read-only repository";
    server.upload("main", "a", "data").await.fails(403, refused);
    let repository = "/repositories/lake";
    server.delete(&format!("{repository}/branches/main/objects?path=a")).await.fails(403, refused);
    let some = json!({"paths": ["a", "b"]});
    let errors = server.post(&format!("{repository}/branches/main/objects/delete"), some).await;
    assert_eq!(
        errors.is(200).json(),
        json!({"errors": [
            {"status_code": 403, "message": refused, "path": "a"},
            {"status_code": 403, "message": refused, "path": "b"},
        ]})
    );
    for (path, body) in [
        ("branches/main/commits", json!({"message": "m", "allow_empty": true})),
        ("branches", json!({"name": "dev", "source": "main"})),
        ("tags", json!({"id": "v1", "ref": "main"})),
        ("branches/main/revert", json!({"ref": "main", "parent_number": 0})),
        ("branches/main/cherry-pick", json!({"ref": "main"})),
        ("refs/main/merge/main", json!({})),
    ] {
        server.post(&format!("{repository}/{path}"), body).await.fails(403, refused);
    }
    server.put(&format!("{repository}/branches/main"), json!({"type": "reset"})).await.is(403);
    server.put(&format!("{repository}/branches/main/hard_reset?ref=main"), json!({})).await.is(403);
    server.delete(repository).await.fails(403, refused);
    server.delete(&format!("{repository}?force=true")).await.is(204);
}
