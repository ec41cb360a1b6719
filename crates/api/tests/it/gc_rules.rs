//! How long data is kept.

use http::Method;
use serde_json::json;

use lakehold_testkit::TestServer;

const RULES: &str = "/repositories/lake/settings/gc_rules";
const OLD_RULES: &str = "/repositories/lake/gc/rules";

#[tokio::test]
async fn rules_are_set_read_replaced_and_deleted_by_both_families_of_operations() {
    let server = TestServer::new().await;
    for path in [RULES, OLD_RULES] {
        server.get(path).await.fails(404, "not found");
        server.delete(path).await.is(204);
    }
    let first = json!({
        "default_retention_days": 21,
        "branches": [
            {"branch_id": "main", "retention_days": 28}, {"branch_id": "nosuch", "retention_days": 0},
        ],
    });
    server.put(RULES, first.clone()).await.is(204);
    for path in [RULES, OLD_RULES] {
        assert_eq!(server.get(path).await.is(200).json(), first);
    }
    let second = json!({"default_retention_days": 7, "branches": []});
    server.post(OLD_RULES, second.clone()).await.is(204);
    assert_eq!(server.get(RULES).await.is(200).json(), second);
    server.delete(OLD_RULES).await.is(204);
    server.get(RULES).await.fails(404, "not found");
}

#[tokio::test]
async fn rules_that_say_nothing_are_none() {
    let server = TestServer::new().await;
    server.put(RULES, json!({"default_retention_days": 3, "branches": []})).await.is(204);
    server.put(RULES, json!({"default_retention_days": 0, "branches": []})).await.is(204);
    server.get(RULES).await.fails(404, "not found");
}

#[tokio::test]
async fn numbers_that_are_no_days_are_refused() {
    let server = TestServer::new().await;
    for days in [-1_i64, 1 << 31] {
        let message = format!("{days} days: invalid value: validation error");
        let rules = json!({"default_retention_days": days, "branches": []});
        server.put(RULES, rules).await.fails(400, &message);
        let branch = json!({"branch_id": "main", "retention_days": days});
        let rules = json!({"default_retention_days": 1, "branches": [branch]});
        server.put(RULES, rules).await.fails(400, &message);
    }
    let missing = server.put(RULES, json!({"default_retention_days": 5})).await;
    missing.says(400, "property \"branches\" is missing");
    server.get(RULES).await.is(404);
}

#[tokio::test]
async fn the_repository_must_be_there_and_writable_and_the_caller_known() {
    let server = TestServer::new().await;
    let rules = json!({"default_retention_days": 1, "branches": []});
    let elsewhere = "/repositories/nosuch/settings/gc_rules";
    server.get(elsewhere).await.fails(404, "repository not found");
    server.put(elsewhere, rules.clone()).await.fails(404, "repository not found");
    server.delete(elsewhere).await.fails(404, "repository not found");
    let frozen = json!({
        "name": "frozen", "storage_namespace": "mem://frozen", "read_only": true,
    });
    server.post("/repositories", frozen).await.is(201);
    let frozen = "/repositories/frozen/settings/gc_rules";
    server.put(frozen, rules).await.fails(403, "read-only repository");
    server.delete(frozen).await.fails(403, "read-only repository");
    let stranger = server.anonymous();
    stranger.get(RULES).await.fails(401, "error authenticating request");
    for repository in ["lake", "nosuch"] {
        let preflight = format!("/repositories/{repository}/gc/rules/set_allowed");
        server.raw(Method::GET, &preflight, &[], "").await.is(204);
        stranger.get(&preflight).await.is(401);
    }
}
