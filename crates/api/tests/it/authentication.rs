//! Setting up, logging in, and being somebody.

use http::Method;
use serde_json::json;

use lakehold_testkit::ACCESS_KEY;
use lakehold_testkit::SECRET_KEY;
use lakehold_testkit::TestServer;
use lakehold_testkit::basic;

const REFUSED: &str = "error authenticating request";

#[tokio::test]
async fn without_credentials_only_open_operations_answer() {
    let server = TestServer::new().await.anonymous();
    for path in [
        "/repositories",
        "/repositories/lake",
        "/repositories/lake/refs/main/objects?path=a",
        "/config",
        "/config/version",
    ] {
        server.get(path).await.fails(401, REFUSED);
    }
    server.head("/repositories/lake/refs/main/objects?path=a", &[]).await.is(401);
    server.upload("main", "a", "data").await.fails(401, REFUSED);
    let nobody = server.get("/user").await.is(200);
    assert_eq!(nobody.json(), json!({"user": {"id": "", "creation_date": 0}}));
}

#[tokio::test]
async fn wrong_credentials_are_refused_wherever_they_are_looked_at() {
    let server = TestServer::new().await;
    for wrong in [
        basic(ACCESS_KEY, "wrong"),
        basic("AKIAJNOSUCHKEYAAAAAQ", SECRET_KEY),
        basic(ACCESS_KEY, ""),
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl".to_owned(),
    ] {
        let stranger = server.presenting(&wrong);
        stranger.get("/repositories").await.fails(401, REFUSED);
        stranger.get("/user").await.fails(401, REFUSED);
        stranger.get("/healthcheck").await.is(204);
        stranger.get("/setup_lakefs").await.is(200);
    }
}

#[tokio::test]
async fn a_login_gives_a_token_and_a_cookie_that_work() {
    let server = TestServer::new().await.anonymous();
    let keys = json!({"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY});
    let login = server.post("/auth/login", keys).await.is(200);
    let cookie = login.header("set-cookie").to_owned();
    let (session, flags) = cookie.split_once("; ").expect("flags");
    assert_eq!(flags, "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax");

    let token = login.json()["token"].as_str().expect("a token").to_owned();
    let bearer = server.presenting(&format!("Bearer {token}"));
    let user = bearer.get("/user").await.is(200).json();
    assert_eq!(user["user"]["id"], "admin");
    assert_eq!(user["user"]["email"], "");
    server.get_with("/repositories", &[("cookie", session)]).await.is(200);
    let others = format!("other=1; {session}; last=2");
    server.get_with("/repositories", &[("cookie", &others)]).await.is(200);

    let wrong = json!({"access_key_id": ACCESS_KEY, "secret_access_key": "wrong"});
    server.post("/auth/login", wrong).await.fails(401, REFUSED);
}

#[tokio::test]
async fn an_installation_is_set_up_once() {
    let (server, _) = TestServer::fresh();
    let state = server.get("/setup_lakefs").await.is(200).json();
    assert_eq!(state["state"], "not_initialized");
    assert_eq!(state["login_config"]["RBAC"], "none");

    let prefs =
        json!({"email": "a@corp.example.com", "featureUpdates": false, "securityUpdates": false});
    server.post("/setup_comm_prefs", prefs.clone()).await.fails(412, "lakeFS is not initialized");
    server.raw(Method::POST, "/setup_lakefs", &[], "").await.is(400);
    for (request, message) in [
        (json!({"username": ""}), "empty user display name"),
        (json!({"username": "admin", "email": "no address"}), "invalid email address"),
        (
            json!({"username": "admin", "email": "a@gmail.com"}),
            "please use a business email address",
        ),
    ] {
        server.post("/setup_lakefs", request).await.fails(400, message);
    }
    let half = json!({"username": "admin", "key": {"access_key_id": "half"}});
    server.post("/setup_lakefs", half).await.says(400, "property \"secret_access_key\" is missing");

    let key = json!({"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY});
    let made = server.post("/setup_lakefs", json!({"username": "admin", "key": key})).await.is(200);
    assert_eq!(made.json()["access_key_id"], ACCESS_KEY);
    assert_eq!(made.json()["secret_access_key"], SECRET_KEY);
    server
        .post("/setup_lakefs", json!({"username": "b"}))
        .await
        .fails(409, "lakeFS already initialized");
    server
        .post("/setup_lakefs", json!({"username": ""}))
        .await
        .fails(400, "empty user display name");
    assert_eq!(server.get("/setup_lakefs").await.json()["state"], "initialized");
    server.presenting(&basic(ACCESS_KEY, SECRET_KEY)).get("/repositories").await.is(200);

    server.post("/setup_comm_prefs", prefs.clone()).await.is(200);
    server
        .post("/setup_comm_prefs", prefs)
        .await
        .fails(409, "communication preferences already set");
    assert_eq!(server.get("/setup_lakefs").await.json()["comm_prefs_missing"], false);
}
