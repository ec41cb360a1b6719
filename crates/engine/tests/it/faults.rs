//! Stores that fail or lose answers, at every call of every operation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use lakehold_engine::BlockedAction;
use lakehold_engine::EngineError;
use lakehold_engine::Metadata;
use lakehold_engine::PageRequest;
use lakehold_engine::ProtectionRules;
use lakehold_engine::RepositoryId;
use lakehold_engine::ResetScope;
use lakehold_engine::TagId;
use lakehold_kv::Error as KvError;
use lakehold_kv::MemStore;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::PartitionPage;
use lakehold_kv::ScanPage;
use lakehold_kv::Store;
use lakehold_kv::Versioned;
use lakehold_kv::Write;
use lakehold_kv::faults::FailingStore;
use lakehold_kv::faults::LossyStore;

use crate::lake::Lake;
use crate::lake::Result;
use crate::lake::branch;
use crate::lake::expr;
use crate::lake::new_repository;

type Operation = fn(Lake) -> BoxFuture<'static, Result<()>>;

macro_rules! operations {
    ($($name:literal: |$lake:ident| $body:expr;)*) => {
        &[$(($name, |$lake| Box::pin(async move { $body })),)*]
    };
}

/// Every operation, each doing something that can be seen.
const OPERATIONS: &[(&str, Operation)] = operations! {
    "put": |lake| lake.put("main", "staged", "2").await;
    "create": |lake| lake.create("main", "fresh", "1").await;
    "delete": |lake| lake.delete("main", &["old", "staged"]).await;
    "update": |lake| lake.append("main", "old", "+").await.map(drop);
    "commit": |lake| lake.commit("main", "one").await.map(drop);
    "branch": |lake| lake.branch("fresh", "main").await.map(drop);
    "delete branch": |lake| {
        lake.engine.delete_branch(&lake.repository, &branch("dev"), false).await
    };
    "tag": |lake| {
        let id = TagId::parse("v2").expect("valid");
        lake.engine.create_tag(&lake.repository, &id, &expr("main"), false).await.map(drop)
    };
    "delete tag": |lake| {
        let id = TagId::parse("v1").expect("valid");
        lake.engine.delete_tag(&lake.repository, &id, false).await
    };
    "merge": |lake| lake.merge("dev", "clean").await.map(drop);
    "revert": |lake| lake.revert("clean", "main").await.map(drop);
    "cherry-pick": |lake| lake.cherry_pick("clean", "dev").await.map(drop);
    "reset": |lake| lake.reset("main", ResetScope::All).await;
    "reset prefix": |lake| lake.reset("main", ResetScope::Prefix("st".to_owned())).await;
    "reset key": |lake| lake.reset("main", ResetScope::Key("staged".to_owned())).await;
    "hard reset": |lake| lake.hard_reset("clean", "dev").await;
    "protect": |lake| {
        let rules = ProtectionRules::from([("x".to_owned(), vec![BlockedAction::Commit])]);
        lake.engine.set_protection_rules(&lake.repository, &rules, None).await
    };
    "metadata": |lake| {
        let set = Metadata::from([("k".to_owned(), "v".to_owned())]);
        lake.engine.update_repository_metadata(&lake.repository, &set, &[]).await
    };
    "create repository": |lake| {
        lake.engine.create_repository(new_repository("pond")).await.map(drop)
    };
};

async fn prepare(kv: &MemStore) -> Lake {
    let lake = Lake::over(Arc::new(kv.clone())).await;
    lake.put("main", "old", "1").await.expect("staged");
    lake.commit("main", "base").await.expect("committed");
    for name in ["dev", "clean"] {
        lake.branch(name, "main").await.expect("created");
    }
    lake.put("dev", "from-dev", "1").await.expect("staged");
    lake.commit("dev", "on dev").await.expect("committed");
    let v1 = TagId::parse("v1").expect("valid");
    lake.engine.create_tag(&lake.repository, &v1, &expr("main"), false).await.expect("created");
    lake.put("main", "staged", "1").await.expect("staged");
    lake
}

/// All that can be seen from outside, without ids and dates.
type State = BTreeMap<String, String>;

async fn state(lake: &Lake) -> State {
    let mut state = State::new();
    let all = PageRequest::default();
    let engine = &lake.engine;
    for repository in engine.list_repositories(&all, "").await.expect("listed").results {
        let pond = Lake { repository: repository.clone(), ..lake.clone() };
        let name = &repository.id;
        let branches = engine.list_branches(&repository, &all, true).await.expect("listed");
        for found in branches.results {
            let at = found.id.as_str();
            let head = format!("{at}@");
            state.insert(format!("{name}/{at}"), format!("{:?}", pond.all(at).await));
            state.insert(format!("{name}/{head}"), format!("{:?}", pond.all(&head).await));
            let message = pond.head(at).await.message.clone();
            state.insert(format!("{name}/{at} message"), message);
        }
        let tags = engine.list_tags(&repository, &all).await.expect("listed");
        for tag in tags.results {
            let message = pond.head(tag.id.as_str()).await.message.clone();
            state.insert(format!("{name}/tag {}", tag.id), message);
        }
        let rules = engine.protection_rules(&repository).await.expect("read").0;
        state.insert(format!("{name} rules"), format!("{rules:?}"));
        let metadata = engine.repository_metadata(&repository).await.expect("read");
        state.insert(format!("{name} metadata"), format!("{metadata:?}"));
    }
    state
}

/// State before and after the operation on a store that does nothing wrong.
async fn without_faults(operation: Operation) -> (State, State) {
    let kv = MemStore::new();
    let lake = prepare(&kv).await;
    let before = state(&lake).await;
    operation(lake.clone()).await.expect("works");
    let after = state(&lake).await;
    assert_ne!(before, after, "the operation does something");
    (before, after)
}

/// Work goes on afterwards as if nothing had been.
async fn check_usable(lake: &Lake, what: &str) {
    let fresh = RepositoryId::parse("lake").expect("valid");
    assert!(lake.engine.repository(&fresh).await.is_ok(), "{what}");
    lake.put("main", "afterwards", "1").await.expect(what);
    lake.commit("main", "afterwards").await.expect(what);
    assert_eq!(lake.all("main").await, lake.all("main@").await, "{what}");
}

#[tokio::test]
async fn an_operation_whose_store_fails_at_any_call_is_done_or_not_done() {
    for shared in [false, true] {
        for (name, operation) in OPERATIONS {
            let (before, after) = without_faults(*operation).await;
            for nth in 1.. {
                assert!(nth < 200, "{name}: an end");
                let kv = if shared { MemStore::shared() } else { MemStore::new() };
                let lake = prepare(&kv).await;
                let failing = Arc::new(FailingStore::fail_nth(Arc::new(kv.clone()), nth));
                let result = operation(lake.through(failing.clone())).await;
                let now = state(&lake.through(Arc::new(kv.clone()))).await;
                let what = format!("{name}, call {nth}, shared {shared}: {result:?}");
                assert!(now == after || (result.is_err() && now == before), "{what}\n{now:#?}");
                check_usable(&lake.through(Arc::new(kv)), &what).await;
                if failing.faults() == 0 {
                    assert!(nth > 1, "{name} does call the store");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    for shared in [false, true] {
        for (name, operation) in OPERATIONS {
            let (_, after) = without_faults(*operation).await;
            for nth in 1.. {
                assert!(nth < 100, "{name}: an end");
                let kv = if shared { MemStore::shared() } else { MemStore::new() };
                let lake = prepare(&kv).await;
                let lossy = Arc::new(LossyStore::lose_nth_write(Arc::new(kv.clone()), nth));
                let result = operation(lake.through(lossy.clone())).await;
                let what = format!("{name}, write {nth}, shared {shared}: {result:?}");
                assert!(result.is_ok(), "{what}");
                let fresh = lake.through(Arc::new(kv) as Arc<dyn Store>);
                assert_eq!(state(&fresh).await, after, "{what}");
                check_usable(&fresh, &what).await;
                if lossy.faults() == 0 {
                    break;
                }
            }
        }
    }
}

/// A store that is cut off in the middle of a chosen call of `write`: of its writes one is carried
/// out, and nothing is answered from then on.
#[derive(Debug)]
struct CutOffStore {
    inner: MemStore,
    calls: AtomicUsize,
    cut_off_at: usize,
}

impl CutOffStore {
    fn check(&self) -> Result<(), KvError> {
        if self.calls.load(Ordering::SeqCst) >= self.cut_off_at {
            return Err(KvError::Unavailable("the power is off".into()));
        }
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for CutOffStore {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, KvError> {
        self.check()?;
        self.inner.get(partition, key).await
    }

    async fn write(&self, mut writes: Vec<Write>) -> Result<Vec<Outcome>, KvError> {
        self.check()?;
        if self.calls.fetch_add(1, Ordering::SeqCst) + 1 < self.cut_off_at {
            return self.inner.write(writes).await;
        }
        // The embedded store keeps the order of a call, others need not.
        let survivor = match self.ownership() {
            Ownership::Exclusive => writes.swap_remove(0),
            Ownership::Shared => writes.pop().expect("a write"),
        };
        drop(self.inner.write(vec![survivor]).await?);
        Err(KvError::Unknown("the power is off".into()))
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, KvError> {
        self.check()?;
        self.inner.scan(partition, from, limit).await
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, KvError> {
        self.check()?;
        self.inner.partitions(from, limit).await
    }

    async fn close(&self) -> Result<(), KvError> {
        self.inner.close().await
    }
}

/// A branch never names a commit that is not there, nor the list of repositories one without its
/// first commit.
#[tokio::test]
async fn an_operation_cut_off_in_the_middle_of_a_call_is_done_or_not_done() {
    for shared in [false, true] {
        for (name, operation) in OPERATIONS {
            let (before, after) = without_faults(*operation).await;
            for cut_off_at in 1.. {
                assert!(cut_off_at < 100, "{name}: an end");
                let kv = if shared { MemStore::shared() } else { MemStore::new() };
                let lake = prepare(&kv).await;
                let calls = AtomicUsize::new(0);
                let store = Arc::new(CutOffStore { inner: kv.clone(), calls, cut_off_at });
                let result = operation(lake.through(store)).await;
                let fresh = lake.through(Arc::new(kv));
                let what = format!("{name}, write {cut_off_at}, shared {shared}: {result:?}");
                let now = state(&fresh).await;
                // Deleting several keys is not done at once, but each is there or not.
                let is_valid = now == after || (result.is_err() && now == before);
                assert!(is_valid || *name == "delete", "{what}\n{now:#?}");
                check_usable(&fresh, &what).await;
                if result.is_ok() {
                    break;
                }
            }
        }
    }
}

/// The answer to a write that lost against someone else's is lost: nobody can tell what became of it,
/// and nobody says "already exists".
#[tokio::test]
async fn what_cannot_be_found_out_is_called_unknown() {
    let kv = MemStore::new();
    let lake = prepare(&kv).await;
    let lossy = Arc::new(LossyStore::lose_nth_write(Arc::new(kv), 1));
    let unknown = lake.through(lossy).branch("dev", "main").await;
    assert!(matches!(unknown, Err(EngineError::OutcomeUnknown(..))), "{unknown:?}");
}

/// A read error must not look like the end of the staging area: a commit would drop what is behind
/// it, a merge would take the branch for clean.
#[tokio::test]
async fn a_token_that_cannot_be_read_to_its_end_is_not_committed() {
    let kv = MemStore::new();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    for number in 0..2_500 {
        lake.put("main", &format!("{number:04}"), "1").await.expect("staged");
    }
    for nth in 1..60 {
        let failing = Arc::new(FailingStore::fail_nth(Arc::new(kv.clone()), nth));
        let broken = lake.through(failing.clone());
        if broken.commit("main", "all").await.is_ok() {
            break;
        }
        let page = crate::lake::query("", "", "", 10_000);
        let listed = lake.list("main", &page).await.expect("listed").results.len();
        assert_eq!(listed, 2_500, "call {nth}");
    }
    assert_eq!(lake.all("main@").await.len(), 2_500);
}
