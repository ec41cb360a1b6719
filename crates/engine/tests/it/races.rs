//! Interleavings, made to happen instead of hoped for: two servers work on the same branch, and each
//! stands still at a chosen call of the store while the other goes on.

mod interleaving;

use crate::lake::Lake;
use async_trait::async_trait;
use bytes::Bytes;
use interleaving::Beginning;
use interleaving::PausingStore;
use interleaving::Race;
use interleaving::race;
use lakehold_engine::EngineError;
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
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn an_acknowledged_write_is_not_lost() {
    race(
        async |lake| lake.put("main", "old", "ours").await,
        async |Race { lake, at, result, .. }| {
            result.expect(at);
            assert_eq!(lake.get("main", "old").await.as_deref(), Some("ours"), "{at}");
            // Unless they have taken it along.
            drop(lake.commit("main", "all").await);
            assert_eq!(lake.get("main@", "old").await.as_deref(), Some("ours"), "{at}");
        },
    )
    .await;
}

#[tokio::test]
async fn an_acknowledged_deletion_is_not_lost() {
    for (keys, no_tombstone) in
        [(&["old", "new"][..], false), (&["old", "new"], true), (&["new"], false)]
    {
        race(
            async |lake| {
                let keys: Vec<_> = keys.iter().copied().map(Bytes::from).collect();
                let main = crate::lake::branch("main");
                lake.engine.delete(&lake.repository, &main, &keys, no_tombstone, false).await
            },
            async |Race { lake, at, result, .. }| {
                result.expect(at);
                for key in keys {
                    assert_eq!(lake.get("main", key).await, None, "{key}, {at}");
                }
            },
        )
        .await;
    }
}

/// Not "precondition failed" because of its own first attempt.
#[tokio::test]
async fn a_creation_recognises_what_it_wrote_itself() {
    race(
        async |lake| lake.create("main", "ours", "1").await,
        async |Race { lake, at, result, .. }| {
            result.expect(at);
            assert_eq!(lake.get("main", "ours").await.as_deref(), Some("1"), "{at}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_key_that_is_there_all_the_time_is_never_created() {
    for key in ["old", "new"] {
        race(
            async |lake| lake.create("main", key, "ours").await,
            async |Race { lake, at, others, result, .. }| {
                if key == "new" && others == "merge" {
                    return;
                }
                let is_refused = matches!(result, Err(EngineError::PreconditionFailed(_)));
                assert!(is_refused, "{at}: {result:?}");
                assert_ne!(lake.get("main", key).await.as_deref(), Some("ours"), "{at}");
            },
        )
        .await;
    }
}

#[tokio::test]
async fn an_update_happens_once() {
    race(
        async |lake| lake.append("main", "old", "+").await.map(drop),
        async |Race { lake, at, others, result, .. }| {
            result.expect(at);
            let expected = if others == "merge" { "1+" } else { "2+" };
            assert_eq!(lake.get("main", "old").await.as_deref(), Some(expected), "{at}");
        },
    )
    .await;
}

#[tokio::test]
async fn an_acknowledged_reset_is_not_lost() {
    for scope in
        [ResetScope::Key("old".to_owned()), ResetScope::Prefix("ol".to_owned()), ResetScope::All]
    {
        race(
            async |lake| lake.reset("main", scope.clone()).await,
            async |Race { lake, at, moved, result, .. }| {
                result.expect(at);
                let old = lake.get("main", "old").await.expect(at);
                // Either committed before it was undone, or undone.
                assert!(old == "1" || (moved && old == "2"), "{scope:?}, {at}: {old}");
            },
        )
        .await;
    }
}

/// Lets what was spawned beside us go on until it is over or stands still.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_key_is_reset_to_what_a_commit_without_a_caller_makes_of_it() {
    let mut stood_still = 0;
    for pause_at in 1.. {
        assert!(pause_at < 100, "an end");
        let kv = MemStore::new();
        let lake = Lake::over(Arc::new(kv.clone())).await;
        lake.put("main", "d", "1").await.expect("staged");
        let pausing = Arc::new(PausingStore::new(kv, pause_at));
        let server = lake.through(pausing.clone());

        let mut commit = Box::pin(server.commit("main", "given up"));
        tokio::select! {
            () = pausing.reached.notified() => {}
            _ = &mut commit => break,
        }
        drop(commit);
        let mut reset = Box::pin(server.reset("main", ResetScope::Key("d".to_owned())));
        let soon = tokio::select! {
            biased;
            done = &mut reset => Some(done),
            () = settle() => None,
        };
        pausing.released.notify_one();
        match soon {
            Some(done) => done.expect("reset"),
            None => {
                stood_still += 1;
                reset.await.expect("reset");
            }
        }
        settle().await;

        let (seen, committed) = (lake.get("main", "d").await, lake.get("main@", "d").await);
        assert_eq!(seen, committed, "given up at {pause_at}");
    }
    assert!(stood_still > 0, "no commit was given up while it was written");
}

#[tokio::test]
async fn two_commits_at_once_lose_nothing_and_take_nothing_twice() {
    race(
        async |lake| match lake.commit("main", "ours").await {
            Ok(_) | Err(EngineError::NoChanges) => Ok(()),
            Err(other) => Err(other),
        },
        async |Race { lake, at, others, result, .. }| {
            result.expect(at);
            drop(lake.commit("main", "the rest").await);
            assert_eq!(lake.get("main@", "old").await, lake.get("main", "old").await, "{at}");
            assert!(lake.staged("main").await.is_empty(), "{at}");
            if others != "merge" {
                assert_eq!(lake.get("main", "old").await.as_deref(), Some("2"), "{at}");
                assert_eq!(lake.get("main", "gone").await, None, "{at}");
            }
        },
    )
    .await;
}

/// A merge may be refused because the branch is not clean, but it never takes anything along.
#[tokio::test]
async fn a_merge_keeps_what_is_written_meanwhile() {
    race(
        async |lake| match lake.merge("dev", "main").await {
            Ok(_) | Err(EngineError::DirtyBranch(_) | EngineError::NoChanges) => Ok(()),
            Err(other) => Err(other),
        },
        async |Race { lake, at, others, result, .. }| {
            result.expect(at);
            let expected = if others == "merge" { "1" } else { "2" };
            assert_eq!(lake.get("main", "old").await.as_deref(), Some(expected), "{at}");
            if others == "write" {
                assert_eq!(lake.get("main", "theirs").await.as_deref(), Some("1"), "{at}");
            }
        },
    )
    .await;
}

/// The reader stands still, and what it was about to read is committed and wiped.
#[tokio::test]
async fn a_reader_finds_what_was_committed_under_it() {
    let beginning = Beginning::new(false).await;
    for pause_at in 1.. {
        assert!(pause_at < 300, "an end");
        let (lake, kv) = beginning.again().await;
        let store = Arc::new(PausingStore::new(kv, pause_at));
        let reader = lake.through(store.clone());
        let reading = async {
            let one = reader.get("main", "new").await;
            let all = reader.all("main").await;
            let deleted = reader.get("main", "gone").await;
            (one, all, deleted)
        };
        let committing = async {
            for _ in 0..10_000 {
                if store.calls.load(Ordering::SeqCst) >= pause_at {
                    break;
                }
                tokio::task::yield_now().await;
            }
            lake.commit("main", "meanwhile").await.expect("committed");
            lake.engine.sweep_dropped_tokens().await.expect("swept");
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            store.released.notify_one();
        };
        let ((one, all, deleted), ()) = tokio::join!(reading, committing);
        assert_eq!(one.as_deref(), Some("1"), "at {pause_at}");
        assert_eq!(all.into_keys().collect::<Vec<_>>(), ["new", "old", "x/1"], "at {pause_at}");
        assert_eq!(deleted, None, "at {pause_at}");
        if store.calls.load(Ordering::SeqCst) < pause_at {
            break;
        }
    }
}

/// A store on which someone else commits right before each write to a staging token.
#[derive(Debug)]
struct Restless {
    inner: MemStore,
    other: OnceLock<Lake>,
    commits: AtomicUsize,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Restless {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.inner.get(partition, key).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        if let Some(other) = self.other.get()
            && writes.iter().any(|write| write.partition.contains(&b':'))
        {
            let unique = format!("theirs/{}", self.commits.fetch_add(1, Ordering::SeqCst));
            other.put("main", &unique, "1").await.expect("staged");
            // Two of these may be at it: what we take back is a write, too.
            drop(other.commit("main", "theirs").await);
        }
        self.inner.write(writes).await
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

#[tokio::test]
async fn a_write_gives_up_on_a_branch_that_never_stands_still() {
    let kv = MemStore::shared();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    let restless =
        Arc::new(Restless { inner: kv, other: OnceLock::new(), commits: AtomicUsize::new(0) });
    restless.other.set(lake.clone()).expect("not set yet");
    let ours = lake.through(restless);
    let refused = ours.put("main", "ours", "1").await;
    assert!(matches!(refused, Err(EngineError::BranchBusy { .. })), "{refused:?}");
}
