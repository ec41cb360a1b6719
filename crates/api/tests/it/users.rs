//! The one user and their one key pair.

use http::Method;
use serde_json::json;

use lakehold_testkit::ACCESS_KEY;
use lakehold_testkit::TestServer;

const USERS: &str = "/auth/users";

#[tokio::test]
async fn there_is_one_user_whatever_page_is_asked_for() {
    let server = TestServer::new().await;
    let admin = json!({
        "id": "admin", "creation_date": 1_700_000_000, "friendly_name": "", "email": "",
    });
    for query in ["", "?prefix=nobody&amount=1", "?after=zzz"] {
        let listed = server.get(&format!("{USERS}{query}")).await.is(200).json();
        let pagination =
            json!({"has_more": false, "next_offset": "", "results": 1, "max_per_page": 0});
        assert_eq!(listed, json!({"pagination": pagination, "results": [admin]}));
    }
    assert_eq!(server.get("/auth/users/admin").await.is(200).json(), admin);
    server.get("/auth/users/nobody").await.fails(404, "user not found");
    server.get("/auth/users?amount=1001").await.is(400);
    server.anonymous().get(USERS).await.fails(401, "error authenticating request");
}

#[tokio::test]
async fn no_second_user_can_be_made() {
    let server = TestServer::new().await;
    for (body, status, message) in [
        (json!({"id": "second"}), 409, "Already exists"),
        (json!({"id": "per%cent"}), 400, "User name cannot contain '%'"),
        (json!({"id": "a/b"}), 400, "name contains delimiter /: validation error"),
        (json!({"id": ""}), 400, "empty name: validation error"),
        (json!({"id": "a@b.example.com", "invite_user": true}), 501, "Not Implemented"),
        (json!({"id": "nobody", "invite_user": true}), 400, "Invalid email format"),
    ] {
        server.post(USERS, body).await.fails(status, message);
    }
    let empty = server.raw(Method::POST, USERS, &[], "").await;
    empty.fails(400, "empty name: validation error");
    let stranger = server.anonymous();
    stranger.post(USERS, json!({"id": "second"})).await.is(401);
    // Invalid requests are told whoever sends them.
    stranger.post(USERS, json!({"id": "%"})).await.is(400);
}

#[tokio::test]
async fn a_key_pair_is_shown_without_its_secret_and_there_is_no_second() {
    let server = TestServer::new().await;
    let credentials = "/auth/users/admin/credentials";
    let found = server.get(&format!("{credentials}/{ACCESS_KEY}")).await.is(200);
    let creation_date = 1_700_000_000;
    let expected = json!({"access_key_id": ACCESS_KEY, "creation_date": creation_date});
    assert_eq!(found.json(), expected);
    for path in [
        format!("{credentials}/AKIAJNOSUCHKEYAAAAAQ"),
        format!("{credentials}/{}", "x".repeat(5_000)),
        format!("/auth/users/nobody/credentials/{ACCESS_KEY}"),
    ] {
        server.get(&path).await.fails(404, "credentials not found");
    }
    let post = async |path: &str| server.raw(Method::POST, path, &[], "").await;
    let refused = "exceeded number of allowed credentials: invalid request";
    post(credentials).await.fails(400, refused);
    post("/auth/users/nobody/credentials").await.fails(404, "not found");
    for (method, path) in
        [(Method::GET, credentials.to_owned()), (Method::DELETE, format!("{credentials}/x"))]
    {
        server.raw(method, &path, &[], "").await.fails(501, "Not Implemented");
    }
}

#[tokio::test]
async fn whoever_deletes_the_last_user_cannot_come_back() {
    let server = TestServer::new().await;
    server.delete("/auth/users/nobody").await.fails(404, "user not found");
    server.delete("/auth/users/admin").await.is(204);
    server.get(USERS).await.fails(401, "error authenticating request");
}

#[tokio::test]
async fn a_sign_on_provider_that_calls_back_finds_an_empty_page() {
    let answer = TestServer::new().await.anonymous().get("/oidc/callback").await.is(200);
    assert_eq!(answer.text(), "");
}
