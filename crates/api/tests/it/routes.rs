//! Where requests go, and what is answered where they go nowhere.

use http::Method;
use lakehold_api::UNIMPLEMENTED;
use serde_json::json;

use lakehold_testkit::TestServer;

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_the_same_404() {
    let server = TestServer::new().await.anonymous();
    for path in ["/nosuch", "/", "/repositories/", "/repositories/lake/", "/user/"] {
        server.get(path).await.fails(404, "invalid API endpoint");
    }
    for (method, path) in [
        (Method::PATCH, "/repositories"),
        (Method::PUT, "/user"),
        (Method::DELETE, "/config"),
        (Method::POST, "/healthcheck"),
        (Method::OPTIONS, "/repositories"),
        (Method::GET, "/repositories/lake/branches/main/objects"),
    ] {
        server.raw(method, path, &[], "").await.fails(404, "invalid API endpoint");
    }
}

#[tokio::test]
async fn head_works_only_where_the_contract_has_it() {
    let server = TestServer::new().await;
    for path in ["/repositories", "/healthcheck", "/config", "/repositories/lake/branches/main"] {
        server.head(path, &[]).await.is(404);
    }
    server.head("/repositories/lake/refs/main/objects?path=a", &[]).await.is(404);
}

#[tokio::test]
async fn an_empty_name_in_the_middle_of_a_path_is_a_missing_parameter() {
    let server = TestServer::new().await;
    server
        .get("/repositories//branches")
        .await
        .fails(400, "parameter \"repository\" in path has an error: value is required but missing");
}

#[tokio::test]
async fn segments_are_decoded_once() {
    let server = TestServer::new().await;
    server.get("/repositories/lake/branches/%6Dain").await.is(200);
    server.get("/repositories/lake/branches/ma%69n?unknown=1&other=").await.is(200);
    server.get("/repositories/lake/branches/%256Dain").await.is(400);
    server.get("/repositories/lake/branches/a%2Fb").await.is(400);
    server.get("/repositories/lake/branches/%FF").await.is(400);
    for reference in ["main@", "main%40", "main$", "main~0", "main%5E0"] {
        server.get(&format!("/repositories/lake/refs/{reference}/objects/ls")).await.is(200);
    }
}

#[tokio::test]
async fn operations_without_a_handler_name_themselves_after_authentication() {
    let server = TestServer::new().await;
    for operation in UNIMPLEMENTED {
        let path = operation.path.replace('{', "x").replace('}', "");
        let method = Method::from_bytes(operation.method.as_bytes()).expect("a method");
        let named = server.raw(method.clone(), &path, &[], "").await;
        named.fails(501, &operation.message());
        let stranger = server.anonymous().raw(method, &path, &[], "").await;
        assert_eq!(stranger.status.as_u16(), if operation.is_open { 501 } else { 401 }, "{path}");
    }
}

#[tokio::test]
async fn the_server_says_what_it_is() {
    let server = TestServer::new().await;
    server.anonymous().get("/healthcheck").await.is(204);
    let config = server.get("/config").await.is(200);
    assert_eq!(config.header("content-type"), "application/json");
    assert_eq!(config.header("x-content-type-options"), "nosniff");
    assert!(config.text().ends_with("}\n"));
    let config = config.json();
    assert_eq!(config["version_config"]["version"], "1.84.0");
    assert_eq!(config["version_config"]["version_context"], "lakeFS");
    assert!(config["version_config"]["lakehold_version"].is_string());
    assert_eq!(config["storage_config"]["blockstore_type"], "mem");
    assert_eq!(config["storage_config_list"], json!([]));
    assert_eq!(config["ui_config"], json!({}));
    assert_eq!(config["capabilities_config"], json!({}));
    assert_eq!(server.get("/config/version").await.is(200).json(), config["version_config"]);
    assert_eq!(server.get("/config/storage").await.is(200).json(), config["storage_config"]);
    let collection = server.get("/config/garbage-collection").await.is(200);
    assert_eq!(collection.json(), json!({"grace_period": 86400}));
    let capabilities = server.anonymous().get("/auth/capabilities").await.is(200);
    assert_eq!(capabilities.json(), json!({"invite_user": false}));
}

#[tokio::test]
async fn statistics_are_checked_and_dropped() {
    let server = TestServer::new().await;
    let event = |name: &str| json!({"events": [{"class": "sdk", "name": name, "count": 3}]});
    server.post("/statistics", event("upload")).await.is(204);
    server.post("/statistics", event("")).await.fails(400, "invalid value: name is required");
    server.anonymous().post("/statistics", event("upload")).await.is(401);
}
