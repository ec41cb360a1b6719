//! When hooks are called, and what their refusal does.

use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use lakehold_engine::EngineError;
use lakehold_engine::HookEvent;
use lakehold_engine::Hooks;
use lakehold_engine::ImportRequest;
use lakehold_engine::NewRepository;
use lakehold_engine::TagId;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::expr;
use crate::lake::new_repository;

/// Notes every event, and refuses one.
#[derive(Debug, Default)]
struct Notes {
    events: Mutex<Vec<HookEvent>>,
    refused: Mutex<&'static str>,
}

#[async_trait]
impl Hooks for Notes {
    async fn before(&self, event: &HookEvent) -> Result<(), String> {
        self.events.lock().expect("notes").push(event.clone());
        if event.name == *self.refused.lock().expect("notes") {
            return Err(format!("{} says no", event.name));
        }
        Ok(())
    }

    async fn after(&self, event: &HookEvent) {
        self.events.lock().expect("notes").push(event.clone());
    }
}

impl Notes {
    async fn take(&self) -> Vec<HookEvent> {
        // What is called beside us gets its turn.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        std::mem::take(&mut self.events.lock().expect("notes"))
    }

    async fn names(&self) -> Vec<&'static str> {
        self.take().await.iter().map(|event| event.name).collect()
    }

    fn refuse(&self, name: &'static str) {
        *self.refused.lock().expect("notes") = name;
    }
}

async fn lake() -> (Lake, Arc<Notes>, MemStore) {
    let notes = Arc::new(Notes::default());
    let kv = MemStore::new();
    let lake = Lake::with(Arc::new(kv.clone()), notes.clone()).await;
    (lake, notes, kv)
}

#[tokio::test]
async fn every_operation_calls_its_hooks_once() {
    let (lake, notes, _) = lake().await;
    lake.put("main", "a", "1").await.expect("staged");
    assert!(notes.names().await.is_empty());
    let commit = lake.commit("main", "one").await.expect("committed");
    let events = notes.take().await;
    let names: Vec<_> = events.iter().map(|event| event.name).collect();
    assert_eq!(names, ["prepare-commit", "pre-commit", "post-commit"]);
    let sources: Vec<_> = events.iter().map(|event| event.source_ref.as_str()).collect();
    assert_eq!(sources, ["main", "main", commit.id.as_str()]);
    assert!(events.iter().all(|event| event.commit.as_ref().expect("known").message == "one"));

    lake.branch("dev", "main").await.expect("created");
    assert_eq!(notes.names().await, ["pre-create-branch", "post-create-branch"]);
    lake.put("dev", "b", "1").await.expect("staged");
    lake.commit("dev", "two").await.expect("committed");
    notes.take().await;
    lake.merge("dev", "main").await.expect("merged");
    let events = notes.take().await;
    let names: Vec<_> = events.iter().map(|event| event.name).collect();
    assert_eq!(names, ["pre-merge", "post-merge"]);
    assert_eq!(events[0].source_ref, lake.head("dev").await.id.as_str());
    assert_eq!(events[0].merge_source, Some(expr("dev")));
    assert_eq!(events[0].commit, events[1].commit);

    lake.revert("main", "dev").await.expect("reverted");
    assert_eq!(notes.names().await, ["pre-revert", "post-revert"]);
    lake.cherry_pick("main", "dev").await.expect("picked");
    assert_eq!(notes.names().await, ["pre-cherry-pick", "post-cherry-pick"]);
    let nothing = ImportRequest { message: "imported".to_owned(), ..ImportRequest::default() };
    lake.engine.import(&lake.repository, &branch("main"), nothing).await.expect("imported");
    let events = notes.take().await;
    let names: Vec<_> = events.iter().map(|event| event.name).collect();
    assert_eq!(names, ["pre-commit", "post-commit"]);
    assert_eq!(events[0].source_ref, "main");
    assert_eq!(events[1].commit.as_ref().expect("known").message, "imported");
    let v1 = TagId::parse("v1").expect("valid");
    lake.engine.create_tag(&lake.repository, &v1, &expr("main"), false).await.expect("created");
    assert_eq!(notes.names().await, ["pre-create-tag", "post-create-tag"]);
    lake.engine.delete_tag(&lake.repository, &v1, false).await.expect("deleted");
    assert_eq!(notes.names().await, ["pre-delete-tag", "post-delete-tag"]);
    lake.engine.delete_branch(&lake.repository, &branch("dev"), false).await.expect("deleted");
    assert_eq!(notes.names().await, ["pre-delete-branch", "post-delete-branch"]);
}

#[tokio::test]
async fn what_a_hook_refuses_does_not_happen_and_nothing_is_lost() {
    let (lake, notes, kv) = lake().await;
    lake.put("main", "a", "1").await.expect("staged");
    let root = lake.head("main").await;
    for name in ["prepare-commit", "pre-commit"] {
        notes.refuse(name);
        // Often enough for sealed tokens to pile up, if they would.
        for round in 0..8 {
            lake.put("main", &format!("more/{round}"), "1").await.expect("staged");
            let refused = lake.commit("main", "one").await;
            let says = format!("{name} says no");
            assert!(matches!(&refused, Err(EngineError::HookRefused(text)) if *text == says));
        }
    }
    assert_eq!(lake.head("main").await, root);
    assert_eq!(lake.staged("main").await.len(), 9);
    let key = Bytes::from_static(b"branches/main");
    let record = kv.get(lake.repository.partition.clone(), key).await.expect("get");
    let tokens =
        String::from_utf8_lossy(&record.expect("there").value).matches("lake-main:").count();
    assert!(tokens <= 6, "{tokens} tokens");
    notes.refuse("");
    lake.commit("main", "one").await.expect("committed");
    assert_eq!(lake.all("main@").await.len(), 9);
}

#[tokio::test]
async fn a_read_only_repository_has_no_hooks() {
    let (lake, notes, _) = lake().await;
    let new = NewRepository { read_only: true, ..new_repository("frozen") };
    let repository = lake.engine.create_repository(new).await.expect("created");
    let dev = branch("dev");
    let main = expr("main");
    lake.engine.create_branch(&repository, &dev, &main, false, true).await.expect("forced");
    assert!(notes.names().await.is_empty());
}
