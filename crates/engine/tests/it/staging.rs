//! One key at a time: staging, conditions, deleting, changing.

use std::sync::Arc;

use bytes::Bytes;
use lakehold_engine::EngineError;
use lakehold_engine::StageCondition;
use lakehold_engine::Value;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::value;

#[tokio::test]
async fn what_is_staged_hides_what_is_committed_until_it_is_committed_itself() {
    let lake = Lake::new().await;
    lake.put("main", "a", "1").await.expect("staged");
    assert_eq!(lake.get("main", "a").await.as_deref(), Some("1"));
    assert_eq!(lake.get("main$", "a").await.as_deref(), Some("1"));
    assert_eq!(lake.get("main@", "a").await, None);

    let commit = lake.commit("main", "one").await.expect("committed");
    lake.put("main", "a", "2").await.expect("staged");
    lake.delete("main", &["b"]).await.expect("nothing to delete");
    assert_eq!(lake.get("main", "a").await.as_deref(), Some("2"));
    assert_eq!(lake.get("main@", "a").await.as_deref(), Some("1"));
    assert_eq!(lake.get(commit.id.as_str(), "a").await.as_deref(), Some("1"));
    assert_eq!(lake.staged("main").await, ["~a"]);
}

#[tokio::test]
async fn a_deleted_key_is_gone_wherever_it_was() {
    let lake = Lake::new().await;
    lake.put("main", "committed", "1").await.expect("staged");
    lake.commit("main", "one").await.expect("committed");
    lake.put("main", "staged", "2").await.expect("staged");
    lake.delete("main", &["committed", "staged", "nowhere"]).await.expect("deleted");
    for key in ["committed", "staged", "nowhere"] {
        assert_eq!(lake.get("main", key).await, None, "{key}");
    }
    assert_eq!(lake.staged("main").await, ["-committed"]);
    lake.commit("main", "two").await.expect("committed");
    assert!(lake.all("main@").await.is_empty());
}

#[tokio::test]
async fn a_key_that_came_and_went_leaves_nothing_where_no_tombstone_is_asked_for() {
    let kv = MemStore::new();
    let lake = Lake::over(Arc::new(kv.clone())).await;
    lake.put("main", "k", "1").await.expect("staged");
    let keys = [Bytes::from_static(b"k")];
    let main = branch("main");
    lake.engine.delete(&lake.repository, &main, &keys, true, false).await.expect("deleted");
    lake.commit("main", "nothing").await.expect_err("no changes");
    // Were there a tombstone, the token would have been sealed and its name noted.
    let notes = kv.scan("cleanup-tokens".into(), Bytes::new(), 10).await.expect("scan");
    assert!(notes.entries.is_empty());

    lake.put("main", "k", "1").await.expect("staged");
    lake.commit("main", "one").await.expect("committed");
    lake.engine.delete(&lake.repository, &main, &keys, true, false).await.expect("deleted");
    assert_eq!(lake.get("main", "k").await, None);
}

#[tokio::test]
async fn a_key_is_created_only_where_there_is_none() {
    let lake = Lake::new().await;
    lake.create("main", "a", "1").await.expect("created");
    let again = lake.create("main", "a", "1").await;
    assert!(matches!(again, Err(EngineError::PreconditionFailed(_))), "{again:?}");

    lake.commit("main", "one").await.expect("committed");
    let committed = lake.create("main", "a", "2").await;
    assert!(matches!(committed, Err(EngineError::PreconditionFailed(_))), "{committed:?}");

    lake.delete("main", &["a"]).await.expect("deleted");
    lake.create("main", "a", "3").await.expect("a tombstone is no value");
    assert_eq!(lake.get("main", "a").await.as_deref(), Some("3"));
}

#[tokio::test]
async fn a_check_says_what_staging_would_say() {
    let lake = Lake::new().await;
    lake.put("main", "a", "1").await.expect("staged");
    let check = async |on: &str, key: &[u8], condition| {
        lake.engine.check_stage(&lake.repository, &branch(on), key, condition, false).await
    };
    check("main", b"a", StageCondition::Always).await.expect("allowed");
    check("main", b"b", StageCondition::Absent).await.expect("allowed");
    let taken = check("main", b"a", StageCondition::Absent).await;
    assert!(matches!(taken, Err(EngineError::PreconditionFailed(_))), "{taken:?}");
    let missing = check("dev", b"a", StageCondition::Always).await;
    assert!(matches!(missing, Err(EngineError::BranchNotFound(_))), "{missing:?}");
    assert_eq!(lake.staged("main").await, ["+a"], "nothing is written");
}

#[tokio::test]
async fn a_value_without_identity_is_refused_not_taken_for_a_tombstone() {
    let lake = Lake::new().await;
    let nothing = Value { identity: Bytes::new(), data: Bytes::from_static(b"x") };
    let key = Bytes::from_static(b"k");
    let always = StageCondition::Always;
    let refused =
        lake.engine.stage(&lake.repository, &branch("main"), key, nothing, always, false).await;
    assert!(matches!(refused, Err(EngineError::InvalidArgument { .. })), "{refused:?}");
}

#[tokio::test]
async fn an_update_changes_what_is_there_wherever_it_is() {
    let lake = Lake::new().await;
    let missing = lake.append("main", "a", "+").await;
    assert!(matches!(missing, Err(EngineError::KeyNotFound(_))), "{missing:?}");
    lake.put("main", "a", "1").await.expect("staged");
    assert_eq!(lake.append("main", "a", "+").await.expect("changed"), value("1+"));
    lake.commit("main", "one").await.expect("committed");
    lake.append("main", "a", "+").await.expect("changed");
    assert_eq!(lake.get("main", "a").await.as_deref(), Some("1++"));
    assert_eq!(lake.get("main@", "a").await.as_deref(), Some("1+"));
    lake.delete("main", &["a"]).await.expect("deleted");
    let deleted = lake.append("main", "a", "+").await;
    assert!(matches!(deleted, Err(EngineError::KeyNotFound(_))), "{deleted:?}");
}

#[tokio::test]
async fn staging_equal_content_again_is_no_change() {
    let lake = Lake::new().await;
    lake.put("main", "a", "1").await.expect("staged");
    lake.commit("main", "one").await.expect("committed");
    lake.put("main", "a", "1").await.expect("staged");
    assert!(lake.staged("main").await.is_empty());
    let empty = lake.commit("main", "two").await;
    assert!(matches!(empty, Err(EngineError::NoChanges)), "{empty:?}");
}
