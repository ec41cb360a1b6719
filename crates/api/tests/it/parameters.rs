//! Parameters are checked before anything else.

use lakehold_testkit::TestServer;

#[tokio::test]
async fn a_broken_rule_of_the_query_is_named() {
    let server = TestServer::new().await;
    for (path, message) in [
        (
            "/repositories?amount=abc",
            "parameter \"amount\" in query has an error: value abc: an invalid integer: invalid syntax",
        ),
        (
            "/repositories?amount=1.5",
            "parameter \"amount\" in query has an error: value 1.5: an invalid integer: invalid syntax",
        ),
        (
            "/repositories?amount=",
            "parameter \"amount\" in query has an error: empty value is not allowed",
        ),
        (
            "/repositories/lake/refs/main/objects",
            "parameter \"path\" in query has an error: value is required but missing",
        ),
        (
            "/repositories/lake/refs/main/objects?path=",
            "parameter \"path\" in query has an error: empty value is not allowed",
        ),
        (
            "/repositories/lake/refs/main/objects/stat?path=a&user_metadata=maybe",
            "parameter \"user_metadata\" in query has an error: value maybe: an invalid boolean: invalid syntax",
        ),
        (
            "/repositories/lake/refs/main/commits?limit=2",
            "parameter \"limit\" in query has an error: value 2: an invalid boolean: invalid syntax",
        ),
        (
            "/repositories/lake/refs/main/commits?objects=&prefixes=",
            "parameter \"objects\" in query has an error: empty value is not allowed",
        ),
        (
            "/repositories/lake/refs/main/objects?path=a&path=b",
            "parameter \"path\" in query has an error: multiple values for single value parameter",
        ),
        (
            "/repositories/lake/refs/main/objects?path=%ff",
            "parameter \"path\" in query has an error: invalid percent encoding \"%ff\"",
        ),
    ] {
        server.get(path).await.fails(400, message);
    }
}

#[tokio::test]
async fn bounds_and_words_come_with_their_schema() {
    let server = TestServer::new().await;
    server.get("/repositories?amount=1001").await.fails(
        400,
        "parameter \"amount\" in query has an error: number must be at most 1000\nSchema:\n  {\n    \
         \"default\": 100,\n    \"maximum\": 1000,\n    \"minimum\": -1,\n    \"type\": \"integer\"\n  \
         }\n\nValue:\n  1001\n",
    );
    server.get("/repositories?amount=-2").await.says(400, "number must be at least -1");
    server.get("/repositories/lake/refs/main/diff/main?type=four_dot").await.says(
        400,
        "parameter \"type\" in query has an error: value is not one of the allowed values \
         [\"two_dot\",\"three_dot\"]",
    );
    let since = "/repositories/lake/refs/main/commits?since=yesterday";
    server.get(since).await.says(400, "string doesn't match the format \"date-time\"");
    let object = "/repositories/lake/refs/main/objects?path=a";
    for range in ["items=0-1", "bytes"] {
        server.get_with(object, &[("range", range)]).await.says(
            400,
            "parameter \"Range\" in header has an error: string doesn't match the regular expression",
        );
    }
}

#[tokio::test]
async fn what_is_lenient_stays_lenient() {
    let server = TestServer::new().await;
    for path in [
        "/repositories?amount=0",
        "/repositories?amount=-1",
        "/repositories?amount=1000",
        "/repositories/lake/branches?prefix=&after=",
        "/repositories/lake/branches?show_hidden=TRUE",
        "/repositories/lake/refs/main/objects/ls?prefix=&after=&delimiter=&color=blue",
        "/repositories/lake/refs/main/commits?since=&stop_at=&after=",
    ] {
        server.get(path).await.is(200);
    }
}

#[tokio::test]
async fn names_in_the_path_are_checked() {
    let server = TestServer::new().await;
    for (path, message) in [
        (
            "/repositories/UPPER",
            "argument repository: repository id: invalid value: validation error",
        ),
        ("/repositories/ab", "argument repository: repository id: invalid value: validation error"),
        (
            "/repositories/lake/branches/-x",
            "argument branch: branch id: invalid value: validation error",
        ),
        ("/repositories/lake/tags/a..b", "argument tagID: tag id: invalid value: validation error"),
        (
            "/repositories/lake/refs/a%20b/objects/ls",
            "argument ref: ref: invalid value: validation error",
        ),
    ] {
        server.get(path).await.fails(400, message);
    }
}

#[tokio::test]
async fn an_invalid_request_is_a_400_whoever_sends_it() {
    let server = TestServer::new().await.anonymous();
    server.get("/repositories?amount=1001").await.is(400);
    server.post("/repositories", serde_json::json!({})).await.is(400);
    server.get("/repositories?amount=1000").await.fails(401, "error authenticating request");
}
