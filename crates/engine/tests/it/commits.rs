//! Commits.

use std::sync::Arc;

use bytes::Bytes;
use lakehold_block::Address;
use lakehold_clock::Timestamp;
use lakehold_engine::CommitRequest;
use lakehold_engine::EngineError;
use lakehold_engine::ErrorKind;
use lakehold_engine::MetaRangeId;
use lakehold_engine::Metadata;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::commit_request;
use crate::lake::query;

/// Id of the metarange that lists nothing.
const TREE_OF_NO_RANGES: &str = "00fb7eff1a97c500eb3ca8d2ef5464131d6b6a5f9512e41eba97843522213b66";

#[tokio::test]
async fn a_commit_says_what_it_was_told_and_follows_the_head() {
    let lake = Lake::new().await;
    let root = lake.head("main").await;
    assert_eq!(root.message, "Repository created");
    assert!(root.meta_range_id.is_none() && root.parents.is_empty());
    lake.put("main", "a", "1").await.expect("staged");
    let request = CommitRequest {
        metadata: Metadata::from([("k".to_owned(), "v".to_owned())]),
        date: Some(1_600_000_000),
        ..commit_request("one")
    };
    let commit = lake.engine.commit(&lake.repository, &branch("main"), request).await;
    let commit = commit.expect("committed");
    assert_eq!((commit.message.as_str(), commit.committer.as_str()), ("one", "tester"));
    assert_eq!(commit.metadata["k"], "v");
    assert_eq!(commit.creation_date, Timestamp::from_seconds(1_600_000_000));
    assert_eq!(commit.parents, std::slice::from_ref(&root.id));
    assert_eq!((commit.generation, commit.version), (2, 1));
    assert_eq!(lake.head("main").await, commit);
    // Read from the store, not from what the engine remembers.
    let fresh = lake.through(Arc::new(MemStore::new()));
    assert!(fresh.engine.commit_at(&lake.repository, &crate::lake::expr("main")).await.is_err());
}

#[tokio::test]
async fn a_commit_is_read_back_by_another_engine_as_it_was() {
    let kv = MemStore::new();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    lake.put("main", "a", "1").await.expect("staged");
    let commit = lake.commit("main", "one").await.expect("committed");
    let other = lake.through(Arc::new(kv));
    assert_eq!(other.head("main").await, commit);
    assert_eq!(other.all("main").await.len(), 1);
}

#[tokio::test]
async fn a_commit_without_changes_must_be_asked_for() {
    let lake = Lake::new().await;
    let root = lake.head("main").await;
    let refused = lake.commit("main", "nothing").await;
    assert!(matches!(refused, Err(EngineError::NoChanges)), "{refused:?}");
    let request = CommitRequest { allow_empty: true, ..commit_request("nothing") };
    let commit = lake.engine.commit(&lake.repository, &branch("main"), request).await;
    let commit = commit.expect("committed");
    assert_eq!(commit.meta_range_id.as_str(), TREE_OF_NO_RANGES);
    assert_eq!(commit.parents, std::slice::from_ref(&root.id));
    let request = CommitRequest { allow_empty: true, ..commit_request("again") };
    let again = lake.engine.commit(&lake.repository, &branch("main"), request).await;
    assert_eq!(again.expect("committed").meta_range_id, commit.meta_range_id);
}

#[tokio::test]
async fn a_commit_that_leaves_nothing_has_the_tree_of_no_ranges() {
    let lake = Lake::new().await;
    lake.put("main", "a", "1").await.expect("staged");
    lake.commit("main", "one").await.expect("committed");
    lake.delete("main", &["a"]).await.expect("deleted");
    let commit = lake.commit("main", "two").await.expect("committed");
    assert_eq!(commit.meta_range_id.as_str(), TREE_OF_NO_RANGES);
}

#[tokio::test]
async fn a_given_tree_is_committed_to_a_clean_branch_only() {
    let lake = Lake::new().await;
    lake.put("main", "a", "1").await.expect("staged");
    let one = lake.commit("main", "one").await.expect("committed");
    lake.branch("dev", "main~1").await.expect("created");
    let commit = async |tree: &MetaRangeId| {
        let request =
            CommitRequest { source_meta_range: Some(tree.clone()), ..commit_request("given") };
        lake.engine.commit(&lake.repository, &branch("dev"), request).await
    };
    let given = commit(&one.meta_range_id).await.expect("committed");
    assert_eq!(given.meta_range_id, one.meta_range_id);
    assert_eq!(lake.all("dev").await.len(), 1);
    commit(&one.meta_range_id).await.expect("committing the head's own is allowed");

    let missing = commit(&MetaRangeId::from_stored(&"0".repeat(64))).await;
    assert!(matches!(missing, Err(EngineError::MetaRangeNotFound(_))), "{missing:?}");
    lake.put("dev", "b", "1").await.expect("staged");
    let dirty = commit(&one.meta_range_id).await;
    assert!(matches!(dirty, Err(EngineError::SourceMetaRangeOnDirtyBranch(_))), "{dirty:?}");
    assert_eq!(lake.staged("dev").await, ["+b"]);
}

/// "Not found" would blame the reference.
#[tokio::test]
async fn a_missing_file_of_a_tree_is_a_failure_that_names_it() {
    let kv = MemStore::new();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    for number in 0..20 {
        lake.put("main", &format!("{number:02}"), "1").await.expect("staged");
    }
    let commit = lake.commit("main", "one").await.expect("committed");
    let namespace = &lake.repository.storage_namespace;
    let files = lake.blocks.list(namespace, "_lakefs/", "", 100).await.expect("listed");
    assert!(files.len() > 2, "{files:?}");
    for file in files {
        let address = Address::relative(namespace, file.name.clone());
        let bytes = lake.blocks.get(&address, None).await.expect("there");
        lake.blocks.delete(&address).await.expect("deleted");
        let fresh = lake.through(Arc::new(kv.clone()));
        let failed = fresh.list("main", &query("", "", "", 100)).await.expect_err("is missing");
        let what =
            if file.name.ends_with(commit.meta_range_id.as_str()) { "metarange" } else { "range" };
        let said = failed.to_string();
        assert!(said.starts_with(&format!("{what} ")) && said.contains(&file.name), "{said}");
        assert_eq!(failed.kind(), ErrorKind::Internal, "{said}");
        let refused = fresh.commit("main", "nothing").await;
        assert!(matches!(refused, Err(EngineError::NoChanges)), "{refused:?}");
        lake.blocks.put(&address, bytes).await.expect("restored");
    }
}

#[tokio::test]
async fn refused_commits_do_not_pile_up_sealed_tokens() {
    let kv = MemStore::new();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    lake.put("main", "a", "1").await.expect("staged");
    lake.commit("main", "one").await.expect("committed");
    let before = branch_record(&kv, &lake).await;
    for _ in 0..5 {
        // Equal content, so nothing to commit; but staged, so sealed.
        lake.put("main", "a", "1").await.expect("staged");
        lake.commit("main", "nothing").await.expect_err("no changes");
    }
    let after = branch_record(&kv, &lake).await;
    assert_eq!(after.len(), before.len(), "{after:?}");
}

async fn branch_record(kv: &MemStore, lake: &Lake) -> Bytes {
    let key = Bytes::from_static(b"branches/main");
    let found = kv.get(lake.repository.partition.clone(), key).await.expect("get");
    found.expect("there").value
}

#[tokio::test]
async fn tokens_of_a_commit_are_wiped() {
    let kv = MemStore::new();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    lake.put("main", "a", "1").await.expect("staged");
    lake.commit("main", "one").await.expect("committed");
    lake.engine.sweep_dropped_tokens().await.expect("swept");
    // Whatever still runs beside us has the same to do.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let notes = kv.scan("cleanup-tokens".into(), Bytes::new(), 10).await.expect("scan");
    assert!(notes.entries.is_empty(), "{notes:?}");
}

#[tokio::test]
async fn a_branch_record_keeps_fields_we_do_not_know() {
    let kv = MemStore::new();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    let key = Bytes::from_static(b"branches/main");
    let mut record = branch_record(&kv, &lake).await.to_vec();
    let unknown = b"\x82\x01\x04base";
    record.extend_from_slice(unknown);
    let partition = lake.repository.partition.clone();
    lakehold_kv::StoreExt::set(&kv, partition, key, record.into()).await.expect("set");
    lake.put("main", "a", "1").await.expect("staged");
    lake.commit("main", "one").await.expect("committed");
    lake.reset("main", lakehold_engine::ResetScope::All).await.expect("reset");
    assert!(branch_record(&kv, &lake).await.ends_with(unknown));
}
