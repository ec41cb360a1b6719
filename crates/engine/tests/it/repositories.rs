//! Repositories.

use std::sync::Arc;

use bytes::Bytes;
use lakehold_engine::EngineError;
use lakehold_engine::Metadata;
use lakehold_engine::NewRepository;
use lakehold_engine::PageRequest;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_kv::MemStore;
use lakehold_kv::Store;
use lakehold_kv::faults::FailingStore;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::commit_request;
use crate::lake::expr;
use crate::lake::new_repository;

fn id(name: &str) -> RepositoryId {
    RepositoryId::parse(name).expect("valid name")
}

#[tokio::test]
async fn a_repository_is_found_as_it_was_created() {
    let lake = Lake::new().await;
    let found = lake.engine.repository(&id("lake")).await.expect("there");
    assert_eq!(found, lake.repository);
    assert!(found.partition.starts_with(b"lake-"));
    let again = lake.engine.create_repository(new_repository("lake")).await;
    assert!(matches!(again, Err(EngineError::RepositoryExists(_))), "{again:?}");
    let missing = lake.engine.repository(&id("pond")).await;
    assert!(matches!(missing, Err(EngineError::RepositoryNotFound(_))), "{missing:?}");
}

#[tokio::test]
async fn of_many_who_create_a_repository_one_does() {
    let lake = Lake::over(Arc::new(MemStore::shared())).await;
    let creations = (0..8).map(|_| lake.engine.create_repository(new_repository("pond")));
    let results = futures::future::join_all(creations).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let pond = lake.engine.repository(&id("pond")).await.expect("there");
    let pond = Lake { repository: pond, ..lake };
    pond.put("main", "a", "1").await.expect("staged");
    pond.commit("main", "one").await.expect("committed");
}

#[tokio::test]
async fn a_bare_repository_has_neither_commit_nor_branch() {
    let lake = Lake::new().await;
    let bare = NewRepository { bare: true, ..new_repository("bare") };
    let bare = lake.engine.create_repository(bare).await.expect("created");
    let missing = lake.engine.branch(&bare, &branch("main")).await;
    assert!(matches!(missing, Err(EngineError::BranchNotFound(_))), "{missing:?}");
    let missing = lake.engine.commit_at(&bare, &expr("main")).await;
    assert!(matches!(missing, Err(EngineError::RefNotFound(_))), "{missing:?}");
}

#[tokio::test]
async fn repositories_are_listed_in_name_order() {
    let lake = Lake::new().await;
    for name in ["pond", "puddle", "ocean"] {
        lake.engine.create_repository(new_repository(name)).await.expect("created");
    }
    let list = async |prefix: &str, after: &str, amount, search: &str| {
        let page = PageRequest { prefix: prefix.to_owned(), after: after.to_owned(), amount };
        let page = lake.engine.list_repositories(&page, search).await.expect("listed");
        let names: Vec<_> = page.results.iter().map(|r| r.id.as_str().to_owned()).collect();
        (names.join(" "), page.has_more)
    };
    assert_eq!(list("", "", 0, "").await, ("lake ocean pond puddle".to_owned(), false));
    assert_eq!(list("", "lake", 2, "").await, ("ocean pond".to_owned(), true));
    assert_eq!(list("p", "", 0, "").await, ("pond puddle".to_owned(), false));
    assert_eq!(list("", "", 0, "dd").await, ("puddle".to_owned(), false));
}

#[tokio::test]
async fn metadata_is_set_and_removed_key_by_key() {
    let lake = Lake::new().await;
    let engine = &lake.engine;
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Metadata>()
    };
    assert!(engine.repository_metadata(&lake.repository).await.expect("read").is_empty());
    let first = map(&[("a", "1"), ("b", "2")]);
    engine.update_repository_metadata(&lake.repository, &first, &[]).await.expect("set");
    let second = map(&[("a", "3")]);
    let remove = ["b".to_owned(), "x".to_owned()];
    engine.update_repository_metadata(&lake.repository, &second, &remove).await.expect("set");
    assert_eq!(engine.repository_metadata(&lake.repository).await.expect("read"), second);
}

#[tokio::test]
async fn a_read_only_repository_is_changed_only_by_force() {
    let lake = Lake::new().await;
    let new = NewRepository { read_only: true, ..new_repository("frozen") };
    let repository = lake.engine.create_repository(new).await.expect("created");
    let frozen = Lake { repository, ..lake };
    let main = branch("main");
    for refused in [
        frozen.put("main", "a", "1").await,
        frozen.delete("main", &["a"]).await,
        frozen.commit("main", "one").await.map(drop),
        frozen.branch("dev", "main").await.map(drop),
        frozen.merge("main", "main").await.map(drop),
        frozen.revert("main", "main").await.map(drop),
        frozen.cherry_pick("main", "main").await.map(drop),
        frozen.reset("main", lakehold_engine::ResetScope::All).await,
        frozen.hard_reset("main", "main").await,
        frozen.engine.delete_branch(&frozen.repository, &branch("dev"), false).await,
        frozen.engine.delete_repository(&id("frozen"), false).await,
        frozen.engine.set_protection_rules(&frozen.repository, &Default::default(), None).await,
    ] {
        assert!(matches!(refused, Err(EngineError::ReadOnlyRepository(_))), "{refused:?}");
    }
    let key = Bytes::from_static(b"a");
    let always = lakehold_engine::StageCondition::Always;
    let value = crate::lake::value("1");
    let engine = &frozen.engine;
    engine.stage(&frozen.repository, &main, key, value, always, true).await.expect("forced");
    let request = lakehold_engine::CommitRequest { force: true, ..commit_request("one") };
    engine.commit(&frozen.repository, &main, request).await.expect("forced");
    let metadata = Metadata::from([("a".to_owned(), "b".to_owned())]);
    engine.update_repository_metadata(&frozen.repository, &metadata, &[]).await.expect("allowed");
    engine.delete_repository(&id("frozen"), true).await.expect("forced");
}

/// Everything in the store that belongs to a repository, dropped partitions wiped.
async fn remains(kv: &MemStore, repository: &Repository, tokens: &[Bytes]) -> usize {
    let mut count = 0;
    for partition in tokens.iter().chain([&repository.partition]) {
        let page = kv.scan(partition.clone(), Bytes::new(), 100).await.expect("scan");
        count += page.entries.len();
    }
    let notes = kv.scan("cleanup-tokens".into(), Bytes::new(), 100).await.expect("scan");
    count + notes.entries.len()
}

async fn tokens(kv: &MemStore, lake: &Lake) -> Vec<Bytes> {
    let from = Bytes::from_static(b"branches/");
    let page = kv.scan(lake.repository.partition.clone(), from, 100).await.expect("scan");
    let branches = page.entries.iter().filter(|entry| entry.key.starts_with(b"branches/"));
    let token = |value: &Bytes| {
        let text = String::from_utf8_lossy(value).into_owned();
        let at = text.find("lake-").expect("a token");
        let end = at + text[at..].find(':').expect("a uuid") + 37;
        Bytes::from(text[at..end].to_owned())
    };
    branches.map(|entry| token(&entry.value)).collect()
}

async fn full_lake(kv: &MemStore) -> (Lake, Vec<Bytes>) {
    let lake = Lake::over(Arc::new(kv.clone())).await;
    lake.put("main", "a", "1").await.expect("staged");
    lake.commit("main", "one").await.expect("committed");
    lake.branch("dev", "main").await.expect("created");
    lake.put("dev", "b", "1").await.expect("staged");
    lake.put("main", "c", "1").await.expect("staged");
    let v1 = lakehold_engine::TagId::parse("v1").expect("valid");
    lake.engine.create_tag(&lake.repository, &v1, &expr("main"), false).await.expect("created");
    let rules = [("main".to_owned(), vec![])].into();
    lake.engine.set_protection_rules(&lake.repository, &rules, None).await.expect("set");
    let tokens = tokens(kv, &lake).await;
    assert_eq!(tokens.len(), 2);
    assert!(remains(kv, &lake.repository, &tokens).await > 5);
    (lake, tokens)
}

#[tokio::test]
async fn a_deleted_repository_leaves_nothing_and_its_name_is_free() {
    let kv = MemStore::new();
    let (lake, tokens) = full_lake(&kv).await;
    lake.engine.delete_repository(&id("lake"), false).await.expect("deleted");
    let missing = lake.engine.repository(&id("lake")).await;
    assert!(matches!(missing, Err(EngineError::RepositoryNotFound(_))), "{missing:?}");
    lake.engine.sweep_dropped_tokens().await.expect("swept");
    assert_eq!(remains(&kv, &lake.repository, &tokens).await, 0);
    let again = lake.engine.create_repository(new_repository("lake")).await.expect("created");
    assert_ne!(again.partition, lake.repository.partition);
    let again = Lake { repository: again, ..lake };
    assert!(again.all("main").await.is_empty());
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_anywhere_can_be_taken_up_again() {
    let mut nth = 1;
    loop {
        let kv = MemStore::new();
        let (lake, tokens) = full_lake(&kv).await;
        let failing = Arc::new(FailingStore::fail_from_nth(Arc::new(kv.clone()), nth));
        let cut_off = lake.through(failing.clone());
        let result = cut_off.engine.delete_repository(&id("lake"), false).await;
        let fresh = lake.through(Arc::new(kv.clone()) as Arc<dyn Store>);
        match fresh.engine.repository(&id("lake")).await {
            Ok(_) | Err(EngineError::RepositoryInDeletion(_)) => {
                assert!(result.is_err(), "call {nth}");
                fresh.engine.delete_repository(&id("lake"), false).await.expect("taken up");
            }
            Err(EngineError::RepositoryNotFound(_)) => {}
            Err(other) => panic!("call {nth}: {other}"),
        }
        fresh.engine.sweep_dropped_tokens().await.expect("swept");
        assert_eq!(remains(&kv, &lake.repository, &tokens).await, 0, "call {nth}");
        if failing.faults() == 0 {
            break;
        }
        nth += 1;
        assert!(nth < 200, "an end");
    }
    assert!(nth > 10, "{nth} calls only");
}

/// From the moment on at which its record says so, a repository is being deleted, whatever fails.
#[tokio::test]
async fn a_deletion_that_has_begun_is_not_said_not_to_have_happened() {
    for nth in 1..200 {
        let kv = MemStore::new();
        let (lake, _) = full_lake(&kv).await;
        let failing = Arc::new(FailingStore::fail_nth(Arc::new(kv.clone()), nth));
        let failed = lake.through(failing.clone());
        let failed = failed.engine.delete_repository(&id("lake"), false).await;
        let fresh = lake.through(Arc::new(kv.clone()) as Arc<dyn Store>);
        match (fresh.engine.repository(&id("lake")).await, failed) {
            (Err(EngineError::RepositoryNotFound(_)), Ok(())) => {}
            (Ok(_), Err(EngineError::Kv(_))) => {}
            (Err(EngineError::RepositoryInDeletion(_)), Err(EngineError::OutcomeUnknown(..))) => {}
            (found, failed) => panic!("call {nth}: {found:?} after {failed:?}"),
        }
        if failing.faults() == 0 {
            return;
        }
    }
    panic!("deletion never came to its end");
}

#[tokio::test]
async fn a_repository_that_is_being_filled_is_not_there_before_it_is_finished() {
    let lake = Lake::new().await;
    let begun = lake.engine.begin_repository(new_repository("pond")).await.expect("begun");
    let pond = Lake { repository: begun.repository.clone(), ..lake.clone() };
    pond.put("main", "a", "1").await.expect("staged");
    pond.commit("main", "one").await.expect("committed");
    let missing = lake.engine.repository(&id("pond")).await;
    assert!(matches!(missing, Err(EngineError::RepositoryNotFound(_))), "{missing:?}");
    lake.engine.finish_repository(begun).await.expect("finished");
    let found = lake.engine.repository(&id("pond")).await.expect("there");
    let pond = Lake { repository: found, ..lake };
    assert_eq!(pond.get("main", "a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn of_a_repository_that_is_abandoned_nothing_is_left() {
    let kv = MemStore::new();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    let begun = lake.engine.begin_repository(new_repository("pond")).await.expect("begun");
    let pond = Lake { repository: begun.repository.clone(), ..lake.clone() };
    pond.put("main", "a", "1").await.expect("staged");
    let before = kv.partitions(Bytes::new(), 100).await.expect("names").names;
    assert!(before.iter().filter(|name| name.starts_with(b"pond-")).count() > 1, "{before:?}");
    lake.engine.abandon_repository(&begun.repository);
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    let after = kv.partitions(Bytes::new(), 100).await.expect("names").names;
    assert!(!after.iter().any(|name| name.starts_with(b"pond-")), "{after:?}");
    lake.engine.create_repository(new_repository("pond")).await.expect("the name is free");
}
