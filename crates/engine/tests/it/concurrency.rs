//! Many at once on one branch, on several threads: nothing that was acknowledged is lost.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use lakehold_engine::EngineError;
use lakehold_kv::MemStore;
use lakehold_kv::Store;

use crate::lake::Lake;

const WRITERS: usize = 8;
const WRITES: usize = 60;
const CREATIONS: usize = 40;

/// Runs each future on a task of its own.
#[expect(clippy::disallowed_methods, reason = "the test wants threads of its own")]
async fn at_once<T: Send + 'static>(
    work: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = work.into_iter().map(tokio::spawn).collect();
    join_all(tasks).await.into_iter().map(|done| done.expect("no panic")).collect()
}

/// Writes keys of its own, and sees each as soon as it is acknowledged.
async fn write(lake: Lake, writer: usize) -> Vec<String> {
    let mut written = Vec::new();
    for number in 0..WRITES {
        let key = format!("{writer}/{number:03}");
        match lake.put("main", &key, &key).await {
            Ok(()) => {
                assert_eq!(lake.get("main", &key).await.as_ref(), Some(&key), "just written");
                written.push(key);
            }
            Err(EngineError::BranchBusy { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    written
}

/// Tries to create every key of a common set; returns those it was told it created.
async fn create(lake: Lake, writer: usize) -> Vec<String> {
    let mut created = Vec::new();
    for number in 0..CREATIONS {
        let key = format!("created/{number:03}");
        match lake.create("main", &key, &format!("by {writer}")).await {
            Ok(()) => created.push(key),
            Err(EngineError::PreconditionFailed(_) | EngineError::BranchBusy { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    created
}

/// Commits, and merges from and to another branch, until told to stop.
async fn move_branches(lake: Lake, mover: usize, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut merged = Vec::new();
    let side = format!("side-{mover}");
    lake.branch(&side, "main").await.expect("created");
    let mut round = 0;
    while !stop.load(Ordering::SeqCst) {
        round += 1;
        expect_one_of(lake.commit("main", "some").await.map(drop));
        let key = format!("{side}/{round:03}");
        lake.put(&side, &key, &key).await.expect("staged");
        lake.commit(&side, "on the side").await.expect("committed");
        if lake.merge(&side, "main").await.is_ok() {
            merged.push(key);
        }
        tokio::task::yield_now().await;
    }
    merged
}

fn expect_one_of(result: Result<(), EngineError>) {
    match result {
        Ok(())
        | Err(
            EngineError::NoChanges | EngineError::DirtyBranch(_) | EngineError::BranchBusy { .. },
        ) => {}
        Err(other) => panic!("{other}: {other:?}"),
    }
}

/// Reads what was there from the beginning.
async fn read(lake: Lake, stop: Arc<AtomicBool>) -> usize {
    let mut reads = 0;
    while !stop.load(Ordering::SeqCst) {
        assert_eq!(lake.get("main", "always").await.as_deref(), Some("there"));
        assert!(lake.all("main").await.contains_key("always"));
        reads += 1;
        tokio::task::yield_now().await;
    }
    reads
}

async fn nothing_is_lost(kv: MemStore, engines: usize) {
    let kv: Arc<dyn Store> = Arc::new(kv);
    let first = Lake::over(kv.clone()).await;
    let lakes: Vec<Lake> = std::iter::once(first.clone())
        .chain((1..engines).map(|_| first.through(kv.clone())))
        .collect();
    let lake = |number: usize| lakes[number % engines].clone();
    first.put("main", "always", "there").await.expect("staged");
    let stop = Arc::new(AtomicBool::new(false));

    let writers = at_once((0..WRITERS).map(|number| write(lake(number), number)));
    let creators = at_once((0..4).map(|number| create(lake(number), number)));
    let movers = at_once((0..3).map(|number| move_branches(lake(number), number, stop.clone())));
    let readers = at_once((0..2).map(|number| read(lake(number), stop.clone())));
    let work = async {
        let done = tokio::join!(writers, creators);
        stop.store(true, Ordering::SeqCst);
        done
    };
    let ((written, created), merged, reads) = tokio::join!(work, movers, readers);

    expect_one_of(first.commit("main", "the rest").await.map(drop));
    let all = first.all("main@").await;
    let written: Vec<String> = written.into_iter().flatten().collect();
    assert!(written.len() > WRITERS * WRITES / 2, "{} written", written.len());
    for key in written.iter().chain(merged.iter().flatten()) {
        assert_eq!(all.get(key), Some(key), "acknowledged");
    }
    let mut created: Vec<(String, usize)> = created
        .into_iter()
        .enumerate()
        .flat_map(|(creator, keys)| keys.into_iter().map(move |key| (key, creator)))
        .collect();
    created.sort();
    for pair in created.windows(2) {
        assert_ne!(pair[0].0, pair[1].0, "created twice");
    }
    for (key, creator) in &created {
        assert_eq!(all.get(key), Some(&format!("by {creator}")), "the creator's value");
    }
    let existing = all.keys().filter(|key| key.starts_with("created/")).count();
    assert_eq!(existing, created.len(), "all that exist were acknowledged");
    assert!(reads.iter().all(|reads| *reads > 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_in_one_process() {
    nothing_is_lost(MemStore::new(), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_between_two_servers() {
    nothing_is_lost(MemStore::shared(), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_create_a_branch_or_a_tag_one_does() {
    let kv: Arc<dyn Store> = Arc::new(MemStore::shared());
    let lake = Lake::over(kv.clone()).await;
    for round in 0..10 {
        let results = at_once((0..8).map(|number| {
            let lake = if number % 2 == 0 { lake.clone() } else { lake.through(kv.clone()) };
            async move { lake.branch(&format!("b{round}"), "main").await }
        }))
        .await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    }
}

/// None of the additions of eight tasks is lost while the branch is committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_is_lost() {
    let lake = Lake::new().await;
    lake.put("main", "log", "").await.expect("staged");
    let stop = Arc::new(AtomicBool::new(false));
    let commits = {
        let (lake, stop) = (lake.clone(), stop.clone());
        at_once([async move {
            while !stop.load(Ordering::SeqCst) {
                expect_one_of(lake.commit("main", "some").await.map(drop));
                tokio::task::yield_now().await;
            }
        }])
    };
    let updates = async {
        let done = at_once((0..8).map(|writer| {
            let lake = lake.clone();
            async move {
                let mut done = Vec::new();
                for number in 0..10 {
                    let mark = format!("<{writer}.{number}>");
                    if lake.append("main", "log", &mark).await.is_ok() {
                        done.push(mark);
                    }
                }
                done
            }
        }))
        .await;
        stop.store(true, Ordering::SeqCst);
        done
    };
    let (done, _) = tokio::join!(updates, commits);
    let log = lake.get("main", "log").await.expect("there");
    let done: Vec<String> = done.into_iter().flatten().collect();
    assert!(done.len() > 20, "{}", done.len());
    for mark in &done {
        assert!(log.contains(mark.as_str()), "{mark} is lost");
    }
}
