//! JSON bodies are checked against their schema.

use http::Method;
use serde_json::json;

use lakehold_testkit::TestServer;

const BRANCHES: &str = "/repositories/lake/branches";

async fn post(server: &TestServer, content_type: &str, body: &'static str) -> (u16, String) {
    let headers = [("content-type", content_type)];
    let headers = if content_type.is_empty() { &[][..] } else { &headers[..] };
    let answer = server.raw(Method::POST, BRANCHES, headers, body).await;
    let message = answer.text();
    (answer.status.as_u16(), message)
}

#[tokio::test]
async fn a_body_must_be_there_be_json_and_say_so() {
    let server = TestServer::new().await;
    let json = "application/json";
    for (content_type, body, fragment) in [
        ("", "", "request body has an error: value is required but missing"),
        (json, "", "request body has an error: value is required but missing"),
        (json, "{", "request body has an error: failed to decode request body"),
        (
            json,
            "[]",
            "doesn't match schema #/components/schemas/BranchCreation: value must be an object",
        ),
        (
            json,
            "null",
            "doesn't match schema #/components/schemas/BranchCreation: Value is not nullable",
        ),
        (
            "text/plain",
            r#"{"name":"a","source":"main"}"#,
            r#"header Content-Type has unexpected value \"text/plain\""#,
        ),
        ("", r#"{"name":"a","source":"main"}"#, r#"header Content-Type has unexpected value \"\""#),
    ] {
        let (status, message) = post(&server, content_type, body).await;
        assert_eq!(status, 400, "{body}: {message}");
        assert!(message.contains(fragment), "{body}: {message}");
    }
}

#[tokio::test]
async fn what_does_no_harm_is_ignored() {
    let server = TestServer::new().await;
    let json = "application/json";
    for (content_type, body) in [
        (json, r#"{"name": "one", "source": "main"} trailing"#),
        ("application/json; charset=utf-8", r#"{"name": "two", "source": "main"}"#),
        (json, r#"{"name": "three", "source": "main", "color": "blue", "nested": {"a": [null]}}"#),
        (json, r#"{"name": "four", "source": "main", "hidden": null}"#),
    ] {
        let (status, message) = post(&server, content_type, body).await;
        assert_eq!(status, 201, "{body}: {message}");
    }
}

#[tokio::test]
async fn the_broken_property_is_named() {
    let server = TestServer::new().await;
    for (body, fragment) in [
        (json!({"source": "main"}), "Error at \"/name\": property \"name\" is missing"),
        (json!({"name": "a"}), "Error at \"/source\": property \"source\" is missing"),
        (json!({"name": 7, "source": "main"}), "Error at \"/name\": value must be a string"),
        (json!({"name": null, "source": "main"}), "Error at \"/name\": Value is not nullable"),
        (
            json!({"name": "a", "source": "main", "hidden": "yes"}),
            "Error at \"/hidden\": value must be a boolean",
        ),
    ] {
        server.post(BRANCHES, body).await.says(400, fragment);
    }
    let commits = "/repositories/lake/branches/main/commits";
    for (body, fragment) in [
        (
            json!({"message": "m", "metadata": {"a": 1}}),
            "Error at \"/metadata/a\": value must be a string",
        ),
        (
            json!({"message": "m", "metadata": ["a"]}),
            "Error at \"/metadata\": value must be an object",
        ),
        (json!({"message": "m", "date": "soon"}), "Error at \"/date\": value must be an integer"),
        (json!({"message": "m", "date": 1.5}), "Error at \"/date\": value must be an integer"),
    ] {
        server.post(commits, body).await.says(400, fragment);
    }
    let rules = "/repositories/lake/settings/branch_protection";
    server
        .put(rules, json!({"pattern": "main"}))
        .await
        .says(400, "doesn't match schema: value must be an array");
    server
        .put(rules, json!([{"pattern": ""}]))
        .await
        .says(400, "Error at \"/0/pattern\": minimum string length is 1");
    let bad_name = json!({"name": "ab", "storage_namespace": "mem://x"});
    server.post("/repositories", bad_name).await.says(
        400,
        "Error at \"/name\": string doesn't match the regular expression \"^[a-z0-9][a-z0-9-]{2,62}$\"",
    );
}

#[tokio::test]
async fn an_optional_body_may_be_absent_but_not_wrong() {
    let server = TestServer::new().await;
    server.branch("dev", "main").await;
    let merge = "/repositories/lake/refs/dev/merge/main";
    server.raw(Method::POST, merge, &[], "").await.fails(400, "update branch main: no changes");
    let text = [("content-type", "text/plain")];
    server.raw(Method::POST, merge, &text, "{}").await.says(400, "header Content-Type");
    server.raw(Method::POST, "/auth/login", &[], "").await.is(401);
}

#[tokio::test]
async fn a_json_body_has_a_limit() {
    let server = TestServer::new().await;
    let headers = [("content-type", "application/json")];
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(17 * 1024 * 1024));
    server.raw(Method::POST, BRANCHES, &headers, large).await.is(413);
    let long = json!({"metadata": {"long": "x".repeat(300_000)}});
    server.post("/repositories/lake/metadata", long).await.is(204);
}
