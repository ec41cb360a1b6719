//! Branches, tags, commits, logs, differences and merges.

use http::Method;
use serde_json::json;

use lakehold_testkit::TestServer;

const LAKE: &str = "/repositories/lake";

#[tokio::test]
async fn a_created_branch_is_where_its_source_is() {
    let server = TestServer::new().await;
    let branches = format!("{LAKE}/branches");
    let new = json!({"name": "dev", "source": "main"});
    let made = server.post(&branches, new.clone()).await.is(201);
    assert_eq!(made.header("content-type"), "text/plain; charset=utf-8");
    let id = made.text();
    assert_eq!(id.len(), 64);
    let found = server.get(&format!("{branches}/dev")).await.is(200);
    assert_eq!(found.json(), json!({"id": "dev", "commit_id": id}));
    assert_eq!(found.text(), format!("{{\"id\":\"dev\",\"commit_id\":\"{id}\"}}\n"));

    server.post(&branches, new).await.fails(409, "branch already exists: not unique");
    for (name, source, status, message) in [
        ("x", "nosuch", 404, "source reference 'nosuch': not found"),
        ("x", "main~9", 404, "source reference 'main~9': not found"),
        ("", "main", 400, "argument branch: required value: validation error"),
        ("x", "", 400, "argument ref: required value: validation error"),
        ("a/b", "main", 400, "argument branch: branch id: invalid value: validation error"),
    ] {
        let bad = json!({"name": name, "source": source});
        server.post(&branches, bad).await.fails(status, message);
    }
    server.post(&branches, json!({"name": "x", "source": "main$"})).await.is(400);
    server.delete(&format!("{branches}/dev")).await.is(204);
    server.delete(&format!("{branches}/dev")).await.fails(404, "branch not found");
    let refused = "cannot delete repository default branch";
    server.delete(&format!("{branches}/main")).await.fails(403, refused);
}

#[tokio::test]
async fn names_are_shared_by_branches_tags_and_commits() {
    let server = TestServer::new().await;
    server.upload("main", "a", "1").await.is(201);
    let commit = server.commit("main", "first").await;
    server.post(&format!("{LAKE}/tags"), json!({"id": "v1", "ref": &commit})).await.is(201);
    for (kind, name, message) in [
        ("branches", "v1", "tag ID v1: conflict found".to_owned()),
        ("branches", commit.as_str(), format!("commit ID {commit}: conflict found")),
        ("tags", "main", "branch name main: conflict found".to_owned()),
        ("tags", commit.as_str(), format!("commit ID {commit}: conflict found")),
        ("tags", "v1", "tag already exists: not unique".to_owned()),
    ] {
        let new = json!({"name": name, "source": "main", "id": name, "ref": "main"});
        server.post(&format!("{LAKE}/{kind}"), new).await.fails(409, &message);
    }
}

#[tokio::test]
async fn a_tag_names_a_commit() {
    let server = TestServer::new().await;
    let tags = format!("{LAKE}/tags");
    let root = server.get(&format!("{LAKE}/branches/main")).await.json()["commit_id"].clone();
    let made = server.post(&tags, json!({"id": "v1", "ref": "main"})).await.is(201);
    assert_eq!(made.json(), json!({"id": "v1", "commit_id": root}));
    assert_eq!(server.get(&format!("{tags}/v1")).await.is(200).json(), made.json());
    assert_eq!(server.get(&tags).await.is(200).field("results", "id"), ["v1"]);
    for (reference, status, message) in [
        ("nosuch", 404, "not found"),
        ("main$", 400, "ref: invalid value: validation error: should point to a commit"),
    ] {
        server.post(&tags, json!({"id": "v2", "ref": reference})).await.fails(status, message);
    }
    server.delete(&format!("{tags}/v1")).await.is(204);
    server.get(&format!("{tags}/v1")).await.fails(404, "tag not found");
    server.delete(&format!("{tags}/v1")).await.fails(404, "tag not found");
}

#[tokio::test]
async fn a_commit_is_made_of_what_is_staged() {
    let server = TestServer::new().await;
    let commits = format!("{LAKE}/branches/main/commits");
    server.post(&commits, json!({"message": "m"})).await.fails(400, "commit: no changes");
    server.upload("main", "a", "1").await.is(201);
    let new = json!({"message": "first", "metadata": {"k": "v"}, "date": 1_600_000_000});
    let made = server.post(&commits, new).await.is(201).json();
    assert_eq!(made["committer"], "admin");
    assert_eq!(made["creation_date"], 1_600_000_000);
    assert_eq!(made["generation"], 2);
    assert_eq!(made["version"], 1);
    assert_eq!(made["metadata"], json!({"k": "v"}));
    let id = made["id"].as_str().expect("an id");
    for reference in [id, &id[..12], "main", "main@"] {
        let found = server.get(&format!("{LAKE}/commits/{reference}")).await.is(200);
        assert_eq!(found.json(), made, "{reference}");
    }
    let empty = json!({"message": "again", "allow_empty": true});
    server.post(&commits, empty).await.is(201);
    for (reference, status, message) in [
        ("nosuch", 404, "commit not found"),
        ("main~9", 404, "commit not found"),
        ("main$", 400, "ref: invalid value: validation error: should point to a commit"),
    ] {
        server.get(&format!("{LAKE}/commits/{reference}")).await.fails(status, message);
    }
    server.post(&format!("{LAKE}/branches/nosuch/commits"), json!({"message": "m"})).await.is(404);
    server
        .post("/repositories/none/branches/main/commits", json!({"message": "m"}))
        .await
        .fails(404, "repository not found");
}

#[tokio::test]
async fn the_log_says_which_of_its_references_is_wrong() {
    let server = TestServer::new().await;
    server.upload("main", "a", "1").await.is(201);
    let first = server.commit("main", "first").await;
    server.upload("main", "b", "1").await.is(201);
    let second = server.commit("main", "second").await;
    let log = |query: &str| format!("{LAKE}/refs/main/commits?{query}");
    let page = server.get(&log("amount=1")).await.is(200);
    assert_eq!(page.field("results", "id"), [second.as_str()]);
    assert_eq!(page.json()["pagination"]["next_offset"], second);
    let rest = server.get(&log(&format!("amount=1&after={second}"))).await.is(200);
    assert_eq!(rest.field("results", "id"), [first.as_str()]);
    assert_eq!(server.get(&log("objects=b")).await.field("results", "id"), [second.as_str()]);
    assert_eq!(
        server.get(&log(&format!("stop_at={first}"))).await.field("results", "message"),
        ["second", "first"]
    );
    server.get(&format!("{LAKE}/refs/nosuch/commits")).await.fails(404, "ref: not found");
    server.get(&log("stop_at=nosuch")).await.fails(404, "stop_at: not found");
    server.get(&log("after=nosuch")).await.fails(404, "from ref: not found");
}

#[tokio::test]
async fn a_merge_brings_changes_over_and_counts_them() {
    let server = TestServer::new().await;
    server.upload("main", "a", "1").await.is(201);
    server.upload("main", "b", "1").await.is(201);
    server.commit("main", "base").await;
    server.branch("dev", "main").await;
    server.upload("dev", "a", "2").await.is(201);
    server.upload("dev", "c", "1").await.is(201);
    server.delete(&format!("{LAKE}/branches/dev/objects?path=b")).await.is(204);
    server.commit("dev", "changes").await;

    let diff = server.get(&format!("{LAKE}/refs/main/diff/dev")).await.is(200);
    assert_eq!(diff.field("results", "path"), ["a", "b", "c"]);
    assert_eq!(diff.field("results", "type"), ["changed", "removed", "added"]);
    let merge = format!("{LAKE}/refs/dev/merge/main");
    let merged = server.raw(Method::POST, &merge, &[], "").await.is(200).json();
    assert_eq!(merged["summary"], json!({"added": 1, "changed": 1, "conflict": 0, "removed": 1}));
    assert_eq!(
        server.get(&format!("{LAKE}/branches/main")).await.json()["commit_id"],
        merged["reference"]
    );
    assert_eq!(server.paths("main").await, ["a", "c"]);
    server.post(&merge, json!({})).await.fails(400, "update branch main: no changes");
    server.post(&merge, json!({"allow_empty": true})).await.is(200);

    for (path, body, status, message) in [
        (
            "refs/nosuch/merge/main",
            json!({}),
            404,
            "update branch main: get commit by ref nosuch: not found",
        ),
        ("refs/dev/merge/nosuch", json!({}), 404, "branch not found"),
        (
            "refs/dev/merge/main~1",
            json!({}),
            400,
            "argument destination: branch id: invalid value: validation error",
        ),
        (
            "refs/dev/merge/main",
            json!({"strategy": "theirs"}),
            400,
            "argument strategy: invalid value: validation error",
        ),
        (
            "refs/dev$/merge/main",
            json!({}),
            400,
            "update branch main: get commit by ref dev$: reference 'dev$': reference to staging area with $ is not a commit",
        ),
    ] {
        server.post(&format!("{LAKE}/{path}"), body).await.fails(status, message);
    }
    server.upload("main", "z", "1").await.is(201);
    server.post(&merge, json!({})).await.fails(400, "uncommitted changes (dirty branch)");
}

#[tokio::test]
async fn a_conflict_is_a_result_without_a_commit() {
    let server = TestServer::new().await;
    server.branch("dev", "main").await;
    server.upload("main", "a", "main").await.is(201);
    let left = server.commit("main", "on main").await;
    server.upload("dev", "a", "dev").await.is(201);
    let right = server.commit("dev", "on dev").await;
    let merge = format!("{LAKE}/refs/dev/merge/main");
    let refused = server.post(&merge, json!({})).await.is(409);
    assert_eq!(refused.json(), json!({"reference": ""}));
    let base = server.get(&merge).await.is(200).json();
    // The wrong way round, as clients have always got them.
    assert_eq!(base["source_commit_id"], left);
    assert_eq!(base["destination_commit_id"], right);
    assert_ne!(base["base_commit_id"], left);
    let diff = server.get(&format!("{LAKE}/refs/main/diff/dev")).await.is(200);
    assert_eq!(diff.field("results", "type"), ["conflict"]);
    server.post(&merge, json!({"strategy": "source-wins"})).await.is(200);
    let read = server.get(&format!("{LAKE}/refs/main/objects?path=a")).await.is(200);
    assert_eq!(read.text(), "dev");
}

#[tokio::test]
async fn differences_say_which_side_was_not_found() {
    let server = TestServer::new().await;
    server.upload("main", "a", "12345").await.is(201);
    for (path, status, message) in [
        ("refs/nosuch/diff/main", 404, "get commit by branch nosuch: not found"),
        ("refs/main/diff/nosuch", 404, "get commit by ref nosuch: not found"),
        ("branches/nosuch/diff", 404, "branch not found"),
        (
            "refs/main$/diff/main?type=two_dot",
            400,
            "reference 'main$': reference to staging area with $ is not a commit",
        ),
    ] {
        server.get(&format!("{LAKE}/{path}")).await.fails(status, message);
    }
    let staged = format!("{LAKE}/refs/main/diff/main$?type=two_dot&include_right_stats=true");
    let staged = server.get(&staged).await.is(200).json();
    assert_eq!(staged["results"][0]["size_bytes"], 5);
    assert_eq!(staged["results"][0]["right"]["content_type"], "application/octet-stream");
    assert_eq!(staged["results"][0]["right"]["metadata"], json!({}));
    let uncommitted = server.get(&format!("{LAKE}/branches/main/diff")).await.is(200).json();
    assert_eq!(
        uncommitted["results"],
        json!([{"type": "added", "path": "a", "path_type": "object", "size_bytes": 5}])
    );
}

#[tokio::test]
async fn changes_are_taken_back() {
    let server = TestServer::new().await;
    let branch = format!("{LAKE}/branches/main");
    for path in ["a", "d/1", "d/2"] {
        server.upload("main", path, "1").await.is(201);
    }
    server.put(&branch, json!({"type": "object", "path": "a"})).await.is(204);
    assert_eq!(server.paths("main").await, ["d/1", "d/2"]);
    server.put(&branch, json!({"type": "common_prefix", "path": "d/1"})).await.is(204);
    assert_eq!(server.paths("main").await, ["d/2"]);
    server
        .put(&branch, json!({"type": "object"}))
        .await
        .fails(400, "argument path: missing path: required value: validation error");
    server.put(&branch, json!({"type": "everything"})).await.says(400, "/type");
    server.put(&branch, json!({"type": "reset"})).await.is(204);
    assert!(server.paths("main").await.is_empty());

    server.upload("main", "a", "1").await.is(201);
    let first = server.commit("main", "first").await;
    server.upload("main", "a", "2").await.is(201);
    let dirty = server.put(&format!("{branch}/hard_reset?ref={first}"), json!({})).await;
    dirty.fails(400, "main: uncommitted changes (dirty branch)");
    let second = server.commit("main", "second").await;
    let revert = format!("{branch}/revert");
    server.post(&revert, json!({"ref": &second, "parent_number": 0})).await.is(204);
    for (body, status, message) in [
        (json!({"ref": &second, "parent_number": 0}), 400, "update branch: no changes"),
        (
            json!({"ref": "nosuch", "parent_number": 0}),
            404,
            "get commit from ref nosuch: not found",
        ),
        (
            json!({"ref": &second, "parent_number": 2}),
            400,
            "given commit does not have the given parent number: parent 2",
        ),
        (
            json!({"ref": "main$", "parent_number": 0}),
            400,
            "get commit from ref main$: reference 'main$': reference to staging area with $ is not a commit",
        ),
    ] {
        server.post(&revert, body).await.fails(status, message);
    }
    let pick = format!("{branch}/cherry-pick");
    let picked = server.post(&pick, json!({"ref": &second})).await.is(201).json();
    assert_eq!(picked["message"], "second");
    assert_eq!(picked["metadata"]["cherry-pick-origin"], second);
    server.post(&pick, json!({"ref": &second, "parent_number": 0})).await.fails(
        400,
        "argument parentNumber: value should be greater than 0: invalid value: validation error",
    );
    server.put(&format!("{branch}/hard_reset?ref={first}"), json!({})).await.is(204);
    assert_eq!(server.get(&branch).await.json()["commit_id"], first);
    server
        .put(&format!("{branch}/hard_reset?ref=nosuch"), json!({}))
        .await
        .fails(404, "hard-reset main to nosuch: not found");
}

#[tokio::test]
async fn protected_branches_say_what_they_refuse() {
    let server = TestServer::new().await;
    server.upload("main", "a", "1").await.is(201);
    server.commit("main", "first").await;
    let rules = format!("{LAKE}/settings/branch_protection");
    let none = server.get(&rules).await.is(200);
    assert_eq!((none.header("etag"), none.json()), ("", json!([])));
    server.put(&rules, json!([{"pattern": "release-*"}, {"pattern": "main"}])).await.is(204);
    let set = server.get(&rules).await.is(200);
    assert_eq!(set.json(), json!([{"pattern": "main"}, {"pattern": "release-*"}]));
    assert_eq!(set.header("etag").len(), 64);

    let write = "cannot write to protected branch";
    server.upload("main", "b", "1").await.fails(403, write);
    server.delete(&format!("{LAKE}/branches/main/objects?path=x")).await.fails(403, write);
    server.put(&format!("{LAKE}/branches/main"), json!({"type": "reset"})).await.fails(403, write);
    let copy = json!({"src_path": "a"});
    server
        .post(&format!("{LAKE}/branches/main/objects/copy?dest_path=b"), copy)
        .await
        .fails(403, write);
    server
        .post(
            &format!("{LAKE}/branches/main/commits"),
            json!({"message": "m", "allow_empty": true}),
        )
        .await
        .fails(403, "cannot commit to protected branch");
    server
        .put(&format!("{LAKE}/branches/main/hard_reset?ref=main"), json!({}))
        .await
        .fails(403, "protected branch");
}

#[tokio::test]
async fn rules_are_set_only_if_they_are_still_what_the_caller_saw() {
    let server = TestServer::new().await;
    let rules = format!("{LAKE}/settings/branch_protection");
    let send = async |tag: &str, pattern: &str| {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        let body = json!([{"pattern": pattern}]).to_string();
        server.raw(Method::PUT, &rules, &headers, body).await
    };
    send("0123456789abcdef", "main").await.fails(412, "Precondition failed");
    server.put(&rules, json!([{"pattern": "main"}])).await.is(204);
    let seen = server.get(&rules).await.header("etag").to_owned();
    send(&seen, "dev").await.is(204);
    send(&seen, "other").await.fails(412, "Precondition failed");
    send("", "other").await.is(400);
    assert_eq!(server.get(&rules).await.json(), json!([{"pattern": "dev"}]));

    let single = format!("{LAKE}/branch_protection");
    server.post(&single, json!({"pattern": "feature-?"})).await.is(204);
    server.post(&single, json!({"pattern": "feature-?"})).await.is(204);
    server.delete_with(&single, json!({"pattern": "dev"})).await.is(204);
    let gone = server.delete_with(&single, json!({"pattern": "dev"})).await.is(404);
    assert!(gone.body.is_empty());
    assert_eq!(server.get(&single).await.json(), json!([{"pattern": "feature-?"}]));
    server.get("/repositories/none/branch_protection/set_allowed").await.is(204);
}

#[tokio::test]
async fn trees_are_told_by_their_place() {
    let server = TestServer::new().await;
    for kind in ["meta_range", "range"] {
        let found = server.get(&format!("{LAKE}/metadata/{kind}/abc")).await.is(200);
        assert_eq!(found.header("location"), "_lakefs/abc");
        assert_eq!(found.json(), json!({"location": "_lakefs/abc"}));
    }
    server.get("/repositories/none/metadata/range/abc").await.fails(404, "repository not found");
    server.get(&format!("{LAKE}/metadata/range/a%0Ab")).await.is(400);
}
