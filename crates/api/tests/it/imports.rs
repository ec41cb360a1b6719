//! Imports: what is refused at once, what the status says, and what can be cancelled.

use std::sync::Arc;
use std::time::Duration;

use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use serde_json::Value;
use serde_json::json;

use lakehold_testkit::TestServer;

const IMPORT: &str = "/repositories/lake/branches/main/import";
const ID: &str = "dc0och1ksdudatmrt6u0";

#[tokio::test]
async fn an_import_shows_its_commit_or_why_there_is_none() {
    let (runtime, _) = Runtime::seeded(1);
    let kv = MemStore::new();
    let blocks = Arc::new(MemBlockStore::with_runtime(runtime.clone()));
    let server = TestServer::set_up_over(Arc::new(kv.clone()), blocks, runtime).await;
    let lake = json!({"name": "lake", "storage_namespace": "mem://lake"});
    server.post("/repositories", lake).await.is(201);
    let lake = kv.get("graveler".into(), "repos/lake".into()).await.expect("read").expect("there");
    // The last 20 letters of the record are its instance.
    let instance = &lake.value[lake.value.len() - 20..];
    let partition = [&b"lake-"[..], instance].concat();
    let put = async |value: Vec<u8>| {
        let key = format!("imports/{ID}");
        kv.set(partition.clone().into(), key.into(), value.into()).await.expect("stored");
    };
    let moment = b"\x1a\x06\x08\x80\xe2\xcf\xaa\x06"; // field 3: 1700000000

    let commit = b"\x0a\x02id\x12\x01c\x1a\x01m\x22\x02\x08\x05\x2a\x04tree\x40\x01\x48\x07";
    let done = [&b"\x10\x01"[..], moment, b"\x20\x20\x2a\x04tree\x32\x18", commit].concat();
    put(done).await;
    let shown = server.get(&format!("{IMPORT}?id={ID}")).await.is(200).json();
    let commit = json!({
        "id": "id", "parents": [], "committer": "c", "message": "m", "creation_date": 5,
        "meta_range_id": "tree", "metadata": {}, "generation": 7, "version": 1,
    });
    let expected = json!({
        "completed": true, "update_time": "2023-11-14T22:13:20Z", "ingested_objects": 32,
        "metarange_id": "tree", "commit": commit,
    });
    assert_eq!(shown, expected);

    put([&moment[..], b"\x3a\x03why"].concat()).await;
    let shown = server.get(&format!("{IMPORT}?id={ID}")).await.is(200).json();
    let expected = json!({
        "completed": false, "update_time": "2023-11-14T22:13:20Z", "ingested_objects": 0,
        "error": {"message": "import error: why"},
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn an_import_that_is_not_there_is_404() {
    let server = TestServer::new().await;
    for id in [ID, "nosuch"] {
        server.get(&format!("{IMPORT}?id={id}")).await.fails(404, "not found");
    }
    server.get(IMPORT).await.says(400, "parameter \"id\" in query has an error");
    let elsewhere = format!("/repositories/nosuch/branches/main/import?id={ID}");
    server.get(&elsewhere).await.fails(404, "repository not found");
    let stranger = server.anonymous().get(&format!("{IMPORT}?id={ID}")).await;
    stranger.fails(401, "error authenticating request");
}

/// A server from whose store can be imported: `mem://source/a` and `mem://source/b`.
async fn importing() -> TestServer {
    let (runtime, _) = Runtime::seeded(1);
    let blocks = MemBlockStore::with_runtime(runtime.clone()).allowing_imports();
    for name in ["a", "b"] {
        let address = Address::Full(format!("mem://source/{name}").into());
        blocks.put(&address, bytes::Bytes::from("alpha").into()).await.expect("stored");
    }
    let kv = Arc::new(MemStore::new());
    let server = TestServer::set_up_over(kv, Arc::new(blocks), runtime).await;
    let lake = json!({"name": "lake", "storage_namespace": "mem://lake"});
    server.post("/repositories", lake).await.is(201);
    server
}

fn paths(paths: &[(&str, &str, &str)]) -> Value {
    let path = |(kind, path, destination): &(&str, &str, &str)| json!({"type": kind, "path": path, "destination": destination});
    let paths: Vec<Value> = paths.iter().map(path).collect();
    json!({"paths": paths, "commit": {"message": "", "metadata": {"k": "v"}}})
}

async fn ended(server: &TestServer, id: &str) -> Value {
    let is_over = |status: &Value| status["completed"] == true || status.get("error").is_some();
    let mut status = Value::Null;
    for _ in 0..10_000 {
        status = server.get(&format!("{IMPORT}?id={id}")).await.is(200).json();
        if is_over(&status) {
            break;
        }
        Runtime::real().sleep(Duration::from_millis(1)).await;
    }
    assert!(is_over(&status), "import {id} does not end: {status}");
    status
}

#[tokio::test]
async fn an_import_is_begun_watched_and_listed() {
    let server = importing().await;
    let body =
        paths(&[("common_prefix", "mem://source/", "in/"), ("object", "mem://source/a", "single")]);
    let begun = server.post(IMPORT, body).await.is(202).json();
    let id = begun["id"].as_str().expect("an id");
    assert_eq!(id.len(), 20);
    let status = ended(&server, id).await;
    assert_eq!((&status["completed"], &status["ingested_objects"]), (&json!(true), &json!(3)));
    assert_eq!(status["metarange_id"], status["commit"]["meta_range_id"]);
    assert_eq!(status["commit"]["message"], "Import objects");
    let metadata = json!({".lakefs.merge.strategy": "source-wins", "k": "v"});
    assert_eq!(status["commit"]["metadata"], metadata);
    let listed = server.get("/repositories/lake/refs/main/objects/ls").await.is(200).json();
    let listed = listed["results"].as_array().expect("rows");
    let listed: Vec<_> =
        listed.iter().map(|row| (&row["path"], &row["physical_address"])).collect();
    assert_eq!(
        listed,
        [
            (&json!("in/a"), &json!("mem://source/a")),
            (&json!("in/b"), &json!("mem://source/b")),
            (&json!("single"), &json!("mem://source/a")),
        ]
    );
    let cancel = format!("{IMPORT}?id={id}");
    server.delete(&cancel).await.fails(409, "conflict found");
}

#[tokio::test]
async fn a_failed_import_can_be_cancelled_over_and_over() {
    let server = importing().await;
    let body = paths(&[("object", "mem://source/none", "x")]);
    let begun = server.post(IMPORT, body).await.is(202).json();
    let id = begun["id"].as_str().expect("an id");
    let failed = ended(&server, id).await;
    let said = "import error: error on ingest: no object at mem://source/none";
    assert_eq!(failed["error"]["message"], said);
    let one = format!("{IMPORT}?id={id}");
    for _ in 0..2 {
        server.delete(&one).await.is(204);
    }
    let cancelled = ended(&server, id).await;
    assert_eq!(cancelled["error"]["message"], "import error: Canceled");
    assert_eq!(cancelled["completed"], false);
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_in_the_words_that_clients_know() {
    let server = importing().await;
    let one = |kind, path| paths(&[(kind, path, "x")]);
    let refused = server.post(IMPORT, one("common_prefix", "mem://lake/data/")).await;
    refused.fails(
        400,
        "import path (mem://lake/data/) in repository namespace (mem://lake) is prohibited: invalid \
         import source",
    );
    let refused = server.post(IMPORT, one("common_prefix", "mem://la")).await;
    refused.fails(
        400,
        "prefix (mem://la) contains repository namespace: (mem://lake), invalid import source",
    );
    let nowhere = "/repositories/lake/branches/nowhere/import";
    let fine = || one("object", "mem://source/a");
    server.post(nowhere, fine()).await.fails(404, "branch not found");
    let nowhere = "/repositories/nowhere/branches/main/import";
    server.post(nowhere, fine()).await.fails(404, "repository not found");
    server
        .post(IMPORT, one("folder", "mem://source/"))
        .await
        .says(400, "request body has an error");
    server.post(IMPORT, json!({"paths": []})).await.says(400, "request body has an error");
    server.post(IMPORT, paths(&[])).await.says(400, "argument paths");
    server.post(IMPORT, paths(&[("object", "mem://source/a", "")])).await.says(400, "missing path");
    server.delete(IMPORT).await.says(400, "parameter \"id\" in query has an error");
    for id in [ID, "nosuch"] {
        server.delete(&format!("{IMPORT}?id={id}")).await.fails(404, "not found");
    }
    let stranger = server.anonymous();
    stranger.post(IMPORT, fine()).await.fails(401, "error authenticating request");
    stranger.delete(&format!("{IMPORT}?id={ID}")).await.fails(401, "error authenticating request");

    let frozen = json!({"name": "frozen", "storage_namespace": "mem://frozen", "read_only": true});
    server.post("/repositories", frozen).await.is(201);
    let frozen = "/repositories/frozen/branches/main/import";
    server.post(frozen, fine()).await.fails(403, "read-only repository");
    let mut forced = fine();
    forced["force"] = json!(true);
    server.post(frozen, forced).await.is(202);

    let unable = TestServer::new().await;
    let refused = unable.post(IMPORT, fine()).await;
    refused.fails(403, "import is not supported for this storage");
}
