//! The records of a real installation (tests/golden/real-install), and its server's answers.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use lakehold_actions::Actions;
use lakehold_actions::ActionsError;
use lakehold_actions::HookStatus;
use lakehold_actions::RunFilter;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_catalog::CatalogError;
use lakehold_clock::Runtime;
use lakehold_engine::Engine;
use lakehold_engine::NoHooks;
use lakehold_engine::PageRequest;
use lakehold_engine::RepositoryId;
use lakehold_kv::MemStore;
use lakehold_kv::StoreExt as _;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

#[derive(Deserialize)]
struct StoredRecord {
    partition: String,
    key: String,
    value: String,
}

fn golden(name: &str) -> String {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/real-install"));
    std::fs::read_to_string(folder.join(name)).expect("golden")
}

async fn records() -> MemStore {
    let store = MemStore::new();
    for line in golden("kv.jsonl").lines() {
        let record: StoredRecord = serde_json::from_str(line).expect("a record");
        let value = hex::decode(record.value).expect("hex");
        let set = store.set(record.partition.into(), record.key.into(), value.into());
        set.await.expect("stored");
    }
    store
}

fn over(kv: &MemStore, blocks: &Arc<MemBlockStore>) -> (Actions, Engine) {
    let runtime = Runtime::real();
    let trees = Trees::new(blocks.clone(), runtime.clone(), TreeSettings::default());
    let engine = Engine::new(Arc::new(kv.clone()), trees, Arc::new(NoHooks), runtime);
    (Actions::new(engine.clone(), blocks.clone()), engine)
}

async fn installation() -> (Actions, Engine, Arc<MemBlockStore>) {
    let blocks = Arc::new(MemBlockStore::new());
    let (actions, engine) = over(&records().await, &blocks);
    (actions, engine, blocks)
}

fn repository(name: &str) -> RepositoryId {
    RepositoryId::parse(name).expect("valid")
}

fn page(after: &str, amount: usize) -> PageRequest {
    PageRequest { after: after.to_owned(), amount, ..PageRequest::default() }
}

/// All pages of the runs, two at a time.
async fn list(actions: &Actions, name: &str, filter: &RunFilter) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..100 {
        let after = ids.last().cloned().unwrap_or_default();
        let found = actions.list_runs(&repository(name), filter, &page(&after, 2)).await;
        let found = found.expect("listed");
        ids.extend(found.results.into_iter().map(|run| run.id));
        if !found.has_more {
            return ids;
        }
    }
    unreachable!("a hundred pages");
}

fn ids(truth: &Value) -> Vec<String> {
    let runs = truth.as_array().expect("a list").iter();
    runs.map(|run| run.as_str().or(run["run_id"].as_str()).expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn every_run_and_every_hook_is_as_the_real_server_showed_it() {
    let (actions, ..) = installation().await;
    let truth: Value = serde_json::from_str(&golden("truth.json")).expect("JSON");
    let mut compared = 0;
    for (name, expected) in truth["repositories"].as_object().expect("repositories") {
        assert_eq!(list(&actions, name, &RunFilter::All).await, ids(&expected["runs"]), "{name}");
        for (branch, runs) in expected["runs_by_branch"].as_object().expect("branches") {
            let filter = RunFilter::Branch(branch.clone());
            assert_eq!(list(&actions, name, &filter).await, ids(runs), "{name} {branch}");
        }
        for run in expected["runs"].as_array().expect("runs") {
            compared += check_run(&actions, name, run, expected).await;
        }
    }
    assert_eq!(compared, 56, "hooks");
}

/// Compares a run and its hooks; returns how many hooks it has.
async fn check_run(actions: &Actions, name: &str, run: &Value, expected: &Value) -> usize {
    let id = run["run_id"].as_str().expect("an id");
    let found = actions.run(&repository(name), id).await.expect("is there");
    assert_eq!(found.branch, run["branch"].as_str().expect("text"));
    assert_eq!(found.commit_id, run["commit_id"].as_str().expect("text"));
    assert_eq!(found.event_type, run["event_type"].as_str().expect("text"));
    assert_eq!(found.passed, run["status"] == "completed");
    if !found.commit_id.is_empty() {
        let of_commit = list(actions, name, &RunFilter::Commit(found.commit_id)).await;
        assert!(of_commit.contains(&found.id), "{of_commit:?}");
    }
    let hooks = actions.list_hook_runs(&repository(name), id, &page("", 100)).await;
    let hooks = hooks.expect("listed").results;
    let shown: Vec<_> = hooks
        .iter()
        .map(|hook| (hook.id.as_str(), hook.action.as_str(), hook.hook_id.as_str(), hook.status))
        .collect();
    let expected: Vec<_> = expected["hooks"][id].as_array().expect("hooks").iter().collect();
    let expected: Vec<_> = expected.into_iter().map(expected_hook).collect();
    assert_eq!(shown, expected);
    hooks.len()
}

fn expected_hook(hook: &Value) -> (&str, &str, &str, HookStatus) {
    let text = |name: &str| hook[name].as_str().expect("text");
    let status = match text("status") {
        "completed" => HookStatus::Completed,
        "failed" => HookStatus::Failed,
        _ => HookStatus::Skipped,
    };
    (text("hook_run_id"), text("action"), text("hook_id"), status)
}

#[tokio::test]
async fn an_output_is_read_where_the_repository_is_now() {
    let (actions, engine, blocks) = installation().await;
    let history = repository("history");
    let runs = actions.list_runs(&history, &RunFilter::All, &page("", 1000)).await;
    let run = runs.expect("listed").results.remove(0).id;
    let output = async |hook: &str| actions.hook_output(&history, &run, hook).await;
    let gone = output("0000_0000").await;
    assert!(matches!(gone, Err(ActionsError::Lake(CatalogError::DataMissing(_)))), "{gone:?}");
    let namespace = engine.repository(&history).await.expect("there").storage_namespace.clone();
    let log = Address::relative(&namespace, format!("_lakefs/actions/log/{run}/0000_0000.log"));
    blocks.put(&log, Bytes::from_static(b"said").into()).await.expect("stored");
    let said = output("0000_0000").await.expect("there").collect(100).await.expect("read");
    assert_eq!(said, "said");
    let none = output("0009_0000").await;
    assert!(matches!(none, Err(ActionsError::HookRunNotFound(_))), "{none:?}");
}

#[tokio::test]
async fn index_entries_that_lead_nowhere_are_passed_over() {
    let kv = records().await;
    let (actions, _) = over(&kv, &Arc::default());
    let main = RunFilter::Branch("main".to_owned());
    let before = list(&actions, "history", &main).await;
    // Before all others, so that whole pages lead nowhere.
    for n in 0..5 {
        let key = format!("repos/history/branches/main/000000000000000000{n}0");
        let value = Bytes::from_static(b"\x0a\x09repos/not");
        kv.set("actions".into(), key.into(), value).await.expect("stored");
    }
    assert_eq!(list(&actions, "history", &main).await, before);
}
