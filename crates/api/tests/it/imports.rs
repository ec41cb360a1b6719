//! How far imports have come.

use std::sync::Arc;

use lakehold_block::MemBlockStore;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
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
