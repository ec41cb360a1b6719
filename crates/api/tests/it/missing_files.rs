//! Files that are gone from the block store.

use std::sync::Arc;

use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use serde_json::json;

use lakehold_testkit::ACCESS_KEY;
use lakehold_testkit::SECRET_KEY;
use lakehold_testkit::TestServer;
use lakehold_testkit::basic;

/// A server with a commit, and another one over the same stores with nothing in memory, after the files
/// below `prefix` were removed.
async fn without_files(prefix: &str) -> TestServer {
    let (kv, runtime) = (Arc::new(MemStore::new()), Runtime::seeded(1).0);
    let blocks = Arc::new(MemBlockStore::with_runtime(runtime.clone()));
    let server = TestServer::set_up_over(kv.clone(), blocks.clone(), runtime.clone()).await;
    let lake = json!({"name": "lake", "storage_namespace": "mem://lake"});
    server.post("/repositories", lake).await.is(201);
    server.upload("main", "a", "1").await.is(201);
    server.commit("main", "one").await;

    let namespace = StorageNamespace::from_stored("mem://lake");
    let files = blocks.list(&namespace, prefix, "", 100).await.expect("listed");
    assert!(!files.is_empty());
    for file in files {
        let address = Address::relative(&namespace, file.name);
        blocks.delete(&address).await.expect("deleted");
    }
    let (other, _) = TestServer::over(kv, blocks, runtime);
    other.presenting(&basic(ACCESS_KEY, SECRET_KEY))
}

#[tokio::test]
async fn a_file_of_a_tree_that_is_gone_is_the_operator_s_to_see_to() {
    let server = without_files("_lakefs/").await;
    let listing = "/repositories/lake/refs/main/objects/ls";
    let failed = server.get(listing).await.says(500, "metarange _lakefs/");
    assert!(failed.message().contains("lakehold doctor"), "{}", failed.message());
    let object = "/repositories/lake/refs/main/objects?path=a";
    server.get(object).await.says(500, "metarange _lakefs/");
    // What a caller names may be wrong; this is no file that anything of ours leads to.
    let commit = "/repositories/lake/branches/main/commits?source_metarange=f00d";
    server.post(commit, json!({"message": "x"})).await.is(404);
}

#[tokio::test]
async fn bytes_that_are_gone_are_410() {
    let server = without_files("data/").await;
    let object = "/repositories/lake/refs/main/objects?path=a";
    server.get(object).await.fails(410, "No data");
}
