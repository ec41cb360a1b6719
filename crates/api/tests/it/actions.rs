//! What ran, as it is shown. (What is stored is tested where it is read.)

use std::sync::Arc;

use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::StoreExt as _;
use serde_json::json;

use lakehold_testkit::TestServer;

const RUNS: &str = "/repositories/lake/actions/runs";
const RUN: &str = "4ophbe1ksdudatmrt8gg";

/// A server on whose lake one run with two hooks failed; the second hook did not run.
async fn server() -> TestServer {
    let (runtime, _) = Runtime::seeded(1);
    let kv = MemStore::new();
    let blocks = Arc::new(MemBlockStore::with_runtime(runtime.clone()));
    let server = TestServer::set_up_over(Arc::new(kv.clone()), blocks.clone(), runtime).await;
    let lake = json!({"name": "lake", "storage_namespace": "mem://lake"});
    server.post("/repositories", lake).await.is(201);

    let put = async |key: String, value: Vec<u8>| {
        kv.set("actions".into(), key.into(), value.into()).await.expect("stored");
    };
    let moment = b"\x08\x80\xe2\xcf\xaa\x06\x10\x80\xad\xe2\x04"; // 1700000000.01
    let never = b"\x08\x80\x92\xb8\xc3\x98\xfe\xff\xff\xff\x01";
    let run = [&b"\x0a\x14"[..], RUN.as_bytes(), b"\x12\x04main\x2a\x0apre-commit\x32\x0b", moment];
    put(format!("repos/lake/runs/{RUN}"), [&run.concat()[..], b"\x3a\x0b", moment].concat()).await;
    let index = [&b"\x0a\x24repos/lake/runs/"[..], RUN.as_bytes()].concat();
    put(format!("repos/lake/branches/main/{RUN}"), index.clone()).await;
    put(format!("repos/lake/branches/main-2/{RUN}x"), index).await;
    let tasks = format!("repos/lake/tasks/{RUN}");
    let first = [&b"\x12\x090000_0000\x1a\x05first\x22\x01a\x2a\x0b"[..], moment, b"\x32\x0b"];
    put(format!("{tasks}/0000_0000"), [&first.concat()[..], moment].concat()).await;
    let second = [&b"\x12\x090000_0001\x1a\x06second\x22\x01a\x2a\x0b"[..], never].concat();
    put(format!("{tasks}/0000_0001"), second).await;
    let log = Address::relative(
        &StorageNamespace::from_stored("mem://lake"),
        format!("_lakefs/actions/log/{RUN}/0000_0000.log"),
    );
    blocks.put(&log, bytes::Bytes::from_static(b"no\n").into()).await.expect("stored");
    server
}

#[tokio::test]
async fn a_run_is_shown_listed_and_found_by_its_branch() {
    let server = server().await;
    let run = json!({
        "run_id": RUN, "branch": "main", "start_time": "2023-11-14T22:13:20.01Z",
        "end_time": "2023-11-14T22:13:20.01Z", "event_type": "pre-commit", "status": "failed",
        "commit_id": "",
    });
    assert_eq!(server.get(&format!("{RUNS}/{RUN}")).await.is(200).json(), run);
    for query in ["", "?branch=main", "?branch=&commit="] {
        let listed = server.get(&format!("{RUNS}{query}")).await.is(200).json();
        assert_eq!(listed["results"], json!([run]), "{query}");
        assert_eq!(listed["pagination"]["max_per_page"], 1000);
    }
    for query in
        ["?branch=mai", "?branch=other", "?commit=x", "?amount=1&after=4ophbe1ksdudatmrt8gg"]
    {
        let listed = server.get(&format!("{RUNS}{query}")).await.is(200).json();
        assert_eq!(listed["results"], json!([]), "{query}");
    }
    server
        .get(&format!("{RUNS}?branch=main&commit=x"))
        .await
        .fails(400, "can't use both branchID and MergedCommitID: parameters conflict");
}

#[tokio::test]
async fn hooks_are_listed_in_pages_and_one_that_did_not_run_has_no_end() {
    let server = server().await;
    let hooks = format!("{RUNS}/{RUN}/hooks");
    let first = server.get(&format!("{hooks}?amount=1")).await.is(200).json();
    assert_eq!(first["pagination"]["next_offset"], "0000_0000");
    let expected = json!([{
        "hook_run_id": "0000_0000", "action": "a", "hook_id": "first", "status": "failed",
        "start_time": "2023-11-14T22:13:20.01Z", "end_time": "2023-11-14T22:13:20.01Z",
    }]);
    assert_eq!(first["results"], expected);
    let rest = server.get(&format!("{hooks}?after=0000_0000")).await.is(200).json();
    let expected = json!([{
        "hook_run_id": "0000_0001", "action": "a", "hook_id": "second", "status": "skipped",
        "start_time": "0001-01-01T00:00:00Z",
    }]);
    assert_eq!(rest["results"], expected);
    let none = server.get(&format!("{RUNS}/gcg1f9o1081g01o00050/hooks")).await.is(200).json();
    assert_eq!(none["results"], json!([]));
}

#[tokio::test]
async fn an_output_is_a_download() {
    let server = server().await;
    let output = server.get(&format!("{RUNS}/{RUN}/hooks/0000_0000/output")).await.is(200);
    assert_eq!(output.text(), "no\n");
    assert_eq!(output.header("content-type"), "application/octet-stream");
    assert_eq!(output.header("content-disposition"), "attachment; filename=0000_0000.log");
    assert_eq!(output.header("content-length"), "3");
    let empty = server.get(&format!("{RUNS}/{RUN}/hooks/0000_0001/output")).await.is(200);
    assert_eq!(empty.text(), "");
}

#[tokio::test]
async fn what_is_not_there_is_404_and_nobody_is_401() {
    let server = server().await;
    let long = "x".repeat(5_000);
    for path in [
        format!("{RUNS}/gcg1f9o1081g01o00050"),
        format!("{RUNS}/{long}"),
        format!("{RUNS}/{RUN}/hooks/0009_0000/output"),
        format!("{RUNS}/{RUN}/hooks/{long}/output"),
        format!("{RUNS}/{RUN}/hooks/..%2F0000_0000/output"),
    ] {
        server.get(&path).await.fails(404, "not found");
    }
    for path in ["runs", "runs/x", "runs/x/hooks", "runs/x/hooks/y/output"] {
        let path = format!("/actions/{path}");
        let nowhere = server.get(&format!("/repositories/nosuch{path}")).await;
        nowhere.fails(404, "repository not found");
        let stranger = server.anonymous().get(&format!("/repositories/lake{path}")).await;
        stranger.fails(401, "error authenticating request");
    }
}
