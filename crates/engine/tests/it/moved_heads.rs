//! Other servers at the one moment that matters: a branch moves, and its staging area does not; a
//! branch goes whose creator waits for an answer.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::future::RemoteHandle;
use lakehold_block::BlockStore;
use lakehold_block::MemBlockStore;
use lakehold_engine::EngineError;
use lakehold_engine::NoHooks;
use lakehold_engine::ResetScope;
use lakehold_kv::Error;
use lakehold_kv::MemStore;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::PartitionPage;
use lakehold_kv::ScanPage;
use lakehold_kv::Store;
use lakehold_kv::Versioned;
use lakehold_kv::Write;
use tokio::sync::Notify;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::engine;
use crate::lake::hasty_runtime;
use crate::lake::new_repository;

/// When something happens around a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Before,
    After,
    /// After it, and then its answer is lost.
    AfterAndLost,
}

/// A store with which something happens around the first write that is `chosen`.
struct Interrupted {
    inner: MemStore,
    chosen: fn(&Write) -> bool,
    when: When,
    event: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Interrupted {
    fn new(
        inner: &MemStore,
        chosen: fn(&Write) -> bool,
        when: When,
        event: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<Self> {
        let event = Mutex::new(Some(Box::pin(event) as BoxFuture<'static, ()>));
        Arc::new(Self { inner: inner.clone(), chosen, when, event })
    }
}

impl fmt::Debug for Interrupted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Interrupted").field("when", &self.when).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Interrupted {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.inner.get(partition, key).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        let is_chosen = writes.iter().any(self.chosen);
        let event = self.event.lock().expect("event").take_if(|_| is_chosen);
        let Some(event) = event else { return self.inner.write(writes).await };
        if self.when == When::Before {
            event.await;
            return self.inner.write(writes).await;
        }
        let outcomes = self.inner.write(writes).await;
        event.await;
        match self.when {
            When::AfterAndLost => Err(Error::Unknown("lost by the test".into())),
            _ => outcomes,
        }
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        self.inner.scan(partition, from, limit).await
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        self.inner.partitions(from, limit).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

/// A merge of `dev` into `main` by another server that stands still right before it takes effect.
struct SlowMerge {
    released: Arc<Notify>,
    merging: RemoteHandle<Result<(), EngineError>>,
}

impl SlowMerge {
    async fn begin(lake: &Lake, kv: &MemStore) -> Self {
        let (reached, released) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (reach, release) = (reached.clone(), released.clone());
        let stand_still = async move {
            reach.notify_one();
            release.notified().await;
        };
        let moves = |write: &Write| write.key == "branches/main";
        let theirs = lake.through(Interrupted::new(kv, moves, When::Before, stand_still));
        let merge = async move { theirs.merge("dev", "main").await.map(drop) };
        let (merge, merging) = merge.remote_handle();
        hasty_runtime().spawn("merge", merge);
        reached.notified().await;
        Self { released, merging }
    }

    async fn end(self) {
        self.released.notify_one();
        self.merging.await.expect("merged");
    }
}

fn is_staged(write: &Write) -> bool {
    write.partition.contains(&b':')
}

/// `main` and `dev` with the same commit, and on top of it `key` on `dev`.
async fn lake_with(kv: &MemStore, base: &str, key: &str) -> Lake {
    let lake = Lake::over(Arc::new(kv.clone())).await;
    lake.put("main", base, "base").await.expect("staged");
    lake.commit("main", "base").await.expect("committed");
    lake.branch("dev", "main").await.expect("created");
    lake.put("dev", key, "theirs").await.expect("staged");
    lake.commit("dev", "on dev").await.expect("committed");
    lake
}

/// What it wrote stood in the place of a tombstone; taken back it would show what is committed.
#[tokio::test]
async fn a_creation_in_the_place_of_a_deletion_does_not_undo_it() {
    let kv = MemStore::shared();
    let lake = lake_with(&kv, "gone", "other").await;
    let merge = SlowMerge::begin(&lake, &kv).await;
    lake.delete("main", &["gone"]).await.expect("deleted");
    let ours = lake.through(Interrupted::new(&kv, is_staged, When::After, merge.end()));

    ours.create("main", "gone", "ours").await.expect("created: it was deleted");

    assert_eq!(lake.get("main", "gone").await.as_deref(), Some("ours"));
    assert_eq!(lake.get("main@", "other").await.as_deref(), Some("theirs"), "merged");
}

/// The merge brings the key between the creation's look and its write; before it can look again, its entry
/// is committed on top of what was merged.
#[tokio::test]
async fn a_creation_that_was_committed_over_a_merged_key_is_not_acknowledged() {
    let kv = MemStore::shared();
    let lake = lake_with(&kv, "base", "both").await;
    let merge = SlowMerge::begin(&lake, &kv).await;
    let others = lake.through(Arc::new(kv.clone()));
    let meanwhile = async move {
        merge.end().await;
        others.commit("main", "theirs").await.expect("committed");
    };
    let ours = lake.through(Interrupted::new(&kv, is_staged, When::After, meanwhile));

    let created = ours.create("main", "both", "ours").await;

    assert!(matches!(created, Err(EngineError::OutcomeUnknown(..))), "{created:?}");
    assert_eq!(lake.get("main~1", "both").await.as_deref(), Some("theirs"), "merged");
}

/// The same, and the entry is sealed only.
#[tokio::test]
async fn a_creation_that_was_sealed_over_a_merged_key_is_not_acknowledged() {
    let kv = MemStore::shared();
    let lake = lake_with(&kv, "base", "both").await;
    let merge = SlowMerge::begin(&lake, &kv).await;
    lake.put("main", "other", "staged").await.expect("staged");
    let others = lake.through(Arc::new(kv.clone()));
    let meanwhile = async move {
        merge.end().await;
        others.reset("main", ResetScope::Prefix("other".to_owned())).await.expect("reset");
    };
    let ours = lake.through(Interrupted::new(&kv, is_staged, When::After, meanwhile));

    let created = ours.create("main", "both", "ours").await;

    assert!(matches!(created, Err(EngineError::OutcomeUnknown(..))), "{created:?}");
    assert_eq!(lake.get("main@", "both").await.as_deref(), Some("theirs"), "merged");
}

/// A commit of its own entry alone hides nothing.
#[tokio::test]
async fn a_creation_that_was_committed_at_once_is_acknowledged() {
    let kv = MemStore::shared();
    let lake = lake_with(&kv, "base", "other").await;
    let merge = SlowMerge::begin(&lake, &kv).await;
    let others = lake.through(Arc::new(kv.clone()));
    let meanwhile = async move {
        merge.end().await;
        others.commit("main", "theirs").await.expect("committed");
    };
    let ours = lake.through(Interrupted::new(&kv, is_staged, When::After, meanwhile));

    ours.create("main", "key", "ours").await.expect("created: it was nowhere");

    assert_eq!(lake.get("main@", "key").await.as_deref(), Some("ours"));
}

#[tokio::test]
async fn a_deletion_without_a_tombstone_holds_against_a_merge_that_it_did_not_see() {
    let kv = MemStore::shared();
    let lake = lake_with(&kv, "base", "both").await;
    let merge = SlowMerge::begin(&lake, &kv).await;
    lake.put("main", "both", "ours").await.expect("staged");
    let ours = lake.through(Interrupted::new(&kv, is_staged, When::Before, merge.end()));

    let keys = [Bytes::from("both")];
    ours.engine
        .delete(&lake.repository, &branch("main"), &keys, true, false)
        .await
        .expect("deleted");

    assert_eq!(lake.get("main@", "both").await.as_deref(), Some("theirs"), "merged");
    assert_eq!(lake.get("main", "both").await, None);
}

/// The branch was there, and is being wiped.
#[tokio::test]
async fn a_branch_created_twice_because_of_a_lost_answer_has_a_staging_area_of_its_own() {
    let kv = MemStore::shared();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    let (theirs, records) = (lake.clone(), kv.clone());
    let first = Arc::new(Mutex::new(None));
    let found = first.clone();
    let delete = async move {
        let partition = theirs.repository.partition.clone();
        let record = records.get(partition, "branches/new".into()).await.expect("read");
        *found.lock().expect("found") = record.map(|record| record.value);
        let deleted = theirs.engine.delete_branch(&theirs.repository, &branch("new"), false).await;
        deleted.expect("deleted");
    };
    let creates = |write: &Write| write.key == "branches/new";
    let ours = lake.through(Interrupted::new(&kv, creates, When::AfterAndLost, delete));

    ours.branch("new", "main").await.expect("created");

    let partition = lake.repository.partition.clone();
    let second = kv.get(partition, "branches/new".into()).await.expect("read").expect("is there");
    let first = first.lock().expect("found").take().expect("was there");
    assert_ne!(first, second.value, "the token that is being wiped is in use again");
}

/// What a repository begins with must not be written again over what it has become.
#[tokio::test]
async fn a_repository_whose_creation_was_not_answered_keeps_what_was_committed_meanwhile() {
    for kv in [MemStore::new(), MemStore::shared()] {
        let blocks: Arc<dyn BlockStore> = Arc::new(MemBlockStore::new());
        let theirs = engine(Arc::new(kv.clone()), blocks.clone(), Arc::new(NoHooks));
        let of_others = (theirs.clone(), blocks.clone());
        let commit = async move {
            let (engine, blocks) = of_others;
            let id = new_repository("lake").id;
            let repository = engine.repository(&id).await.expect("is there");
            let lake = Lake { engine, repository, blocks };
            lake.put("main", "key", "theirs").await.expect("staged");
            lake.commit("main", "theirs").await.expect("committed");
        };
        let creates = |write: &Write| write.key == "repos/lake";
        let store = Interrupted::new(&kv, creates, When::AfterAndLost, commit);
        let ours = engine(store, blocks.clone(), Arc::new(NoHooks));

        let repository = ours.create_repository(new_repository("lake")).await.expect("created");

        let lake = Lake { engine: theirs, repository, blocks };
        assert_eq!(lake.get("main@", "key").await.as_deref(), Some("theirs"));
    }
}

/// Not "not found": it has marked it itself. And what is created afterwards is somebody else's.
#[tokio::test]
async fn a_deletion_that_another_server_ends_is_done_and_leaves_the_next_repository_alone() {
    for is_created_again in [false, true] {
        let kv = MemStore::shared();
        let lake = Lake::over(Arc::new(kv.clone())).await;
        let id = lake.repository.id.clone();
        let (theirs, name) = (lake.engine.clone(), id.clone());
        let end = async move {
            theirs.delete_repository(&name, false).await.expect("deleted");
            if is_created_again {
                theirs.create_repository(new_repository("lake")).await.expect("created");
            }
        };
        let marks = |write: &Write| write.key == "repos/lake";
        let ours = lake.through(Interrupted::new(&kv, marks, When::After, end));

        ours.engine.delete_repository(&id, false).await.expect("deleted");

        let stored = kv.get("graveler".into(), "repos/lake".into()).await.expect("read");
        assert_eq!(stored.is_some(), is_created_again);
        if is_created_again {
            lake.through(Arc::new(kv)).engine.repository(&id).await.expect("not in deletion");
        }
    }
}
