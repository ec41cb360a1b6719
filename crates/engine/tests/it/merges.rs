//! Merges, reverts and cherry-picks.

use lakehold_engine::CherryPickRequest;
use lakehold_engine::CommitRequest;
use lakehold_engine::EngineError;
use lakehold_engine::MergeRequest;
use lakehold_engine::Metadata;
use lakehold_engine::RevertRequest;
use lakehold_engine::Strategy;
use lakehold_engine::Summary;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::commit_request;
use crate::lake::expr;

/// `main` and `dev` since their parting: main has m, dev has d, both have changed `both`.
async fn parted() -> Lake {
    let lake = Lake::new().await;
    for (key, text) in [("both", "0"), ("same", "0")] {
        lake.put("main", key, text).await.expect("staged");
    }
    lake.commit("main", "base").await.expect("committed");
    lake.branch("dev", "main").await.expect("created");
    for (on, key, text) in
        [("main", "m", "1"), ("dev", "d", "1"), ("main", "both", "main"), ("dev", "both", "dev")]
    {
        lake.put(on, key, text).await.expect("staged");
    }
    lake.commit("main", "on main").await.expect("committed");
    lake.commit("dev", "on dev").await.expect("committed");
    lake
}

#[tokio::test]
async fn a_conflict_fails_unless_a_strategy_decides() {
    let lake = parted().await;
    let head = lake.head("main").await;
    let conflict = lake.merge("dev", "main").await;
    assert!(
        matches!(&conflict, Err(EngineError::Conflict { key }) if key == "both"),
        "{conflict:?}"
    );
    assert_eq!(lake.head("main").await, head);

    lake.branch("other", "main").await.expect("created");
    lake.merge_with("dev", "main", Strategy::SourceWins).await.expect("merged");
    assert_eq!(lake.get("main", "both").await.as_deref(), Some("dev"));
    lake.merge_with("dev", "other", Strategy::DestinationWins).await.expect("merged");
    assert_eq!(lake.get("other", "both").await.as_deref(), Some("main"));
    assert_eq!(lake.get("other", "d").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_merge_commit_has_both_parents_and_says_how_it_was_made() {
    let lake = parted().await;
    let (main, dev) = (lake.head("main").await, lake.head("dev").await);
    let merged = lake.merge_with("dev", "main", Strategy::SourceWins).await.expect("merged");
    let commit = &merged.commit;
    assert_eq!(commit.parents, [main.id.clone(), dev.id.clone()]);
    assert_eq!(commit.message, "Merge 'dev' into 'main'");
    assert_eq!(commit.metadata[".lakefs.merge.strategy"], "source-wins");
    assert_eq!(commit.generation, 4);
    assert_eq!(merged.summary, Summary { added: 1, changed: 1, removed: 0 });
}

#[tokio::test]
async fn a_squashed_merge_has_one_parent() {
    let lake = parted().await;
    let main = lake.head("main").await;
    let request = MergeRequest {
        squash: true,
        strategy: Strategy::SourceWins,
        message: "squashed".to_owned(),
        metadata: Metadata::from([(".lakefs.merge.strategy".to_owned(), "mine".to_owned())]),
        ..MergeRequest::default()
    };
    let merged = lake.engine.merge(&lake.repository, &expr("dev"), &branch("main"), request).await;
    let commit = merged.expect("merged").commit;
    assert_eq!(commit.parents, std::slice::from_ref(&main.id));
    assert_eq!(commit.message, "squashed");
    assert_eq!(commit.metadata[".lakefs.merge.strategy"], "source-wins");
}

#[tokio::test]
async fn there_is_a_merge_commit_even_where_the_destination_has_done_nothing() {
    let lake = Lake::new().await;
    lake.branch("dev", "main").await.expect("created");
    lake.put("dev", "a", "1").await.expect("staged");
    let dev = lake.commit("dev", "one").await.expect("committed");
    let merged = lake.merge("dev", "main").await.expect("merged").commit;
    assert_eq!(merged.meta_range_id, dev.meta_range_id);
    assert_eq!(merged.parents.len(), 2);
    let again = lake.merge("dev", "main").await;
    assert!(matches!(again, Err(EngineError::NoChanges)), "{again:?}");
    for request in [
        MergeRequest { allow_empty: true, ..MergeRequest::default() },
        MergeRequest { force: true, ..MergeRequest::default() },
    ] {
        let merged =
            lake.engine.merge(&lake.repository, &expr("dev"), &branch("main"), request).await;
        assert_eq!(merged.expect("merged").commit.meta_range_id, dev.meta_range_id);
    }
}

#[tokio::test]
async fn only_the_destination_must_be_clean() {
    let lake = parted().await;
    lake.put("dev", "uncommitted", "1").await.expect("staged");
    lake.merge_with("dev", "main", Strategy::SourceWins).await.expect("merged");
    assert_eq!(lake.get("main", "uncommitted").await, None);
    lake.put("main", "x", "1").await.expect("staged");
    for refused in [
        lake.merge("dev", "main").await.map(drop),
        lake.revert("main", "dev").await.map(drop),
        lake.cherry_pick("main", "dev").await.map(drop),
        lake.hard_reset("main", "dev").await,
    ] {
        assert!(matches!(refused, Err(EngineError::DirtyBranch(_))), "{refused:?}");
    }
    assert_eq!(lake.staged("main").await, ["+x"]);
}

/// A tombstone of a key that is not there changes nothing, until a merge brings the key.
#[tokio::test]
async fn what_changes_nothing_before_a_merge_does_not_change_it_afterwards() {
    let lake = Lake::new().await;
    lake.put("main", "d", "1").await.expect("staged");
    lake.delete("main", &["d"]).await.expect("deleted");
    lake.branch("dev", "main").await.expect("created");
    lake.put("dev", "d", "2").await.expect("staged");
    lake.commit("dev", "one").await.expect("committed");
    lake.merge("dev", "main").await.expect("clean");
    assert_eq!(lake.get("main", "d").await.as_deref(), Some("2"));
}

/// Empty files all have the same identity; a key that is new must not be taken for its neighbour.
#[tokio::test]
async fn an_added_key_that_equals_the_base_s_next_one_is_not_lost() {
    let lake = Lake::new().await;
    for (key, text) in [("a", "0"), ("z", "empty")] {
        lake.put("main", key, text).await.expect("staged");
    }
    lake.commit("main", "base").await.expect("committed");
    lake.branch("dev", "main").await.expect("created");
    lake.put("dev", "y", "empty").await.expect("staged");
    lake.commit("dev", "add y").await.expect("committed");
    lake.delete("main", &["z"]).await.expect("deleted");
    lake.commit("main", "delete z").await.expect("committed");
    lake.merge("dev", "main").await.expect("merged");
    assert_eq!(lake.all("main").await.into_keys().collect::<Vec<_>>(), ["a", "y"]);
}

#[tokio::test]
async fn histories_without_a_common_commit_do_not_merge() {
    let lake = Lake::new().await;
    let base = lake.engine.merge_base(&lake.repository, &expr("main"), &expr("main")).await;
    assert_eq!(base.expect("itself").base, lake.head("main").await.id);
    let missing = lake.merge("nowhere", "main").await;
    assert!(matches!(missing, Err(EngineError::RefNotFound(_))), "{missing:?}");
    let missing = lake.merge("main", "nowhere").await;
    assert!(matches!(missing, Err(EngineError::BranchNotFound(_))), "{missing:?}");
    let staging = lake.merge("main$", "main").await;
    assert!(matches!(staging, Err(EngineError::NotACommit(_))), "{staging:?}");
}

#[tokio::test]
async fn a_merge_base_says_which_side_is_which() {
    let lake = parted().await;
    let found = lake.engine.merge_base(&lake.repository, &expr("dev"), &expr("main")).await;
    let found = found.expect("parted from one commit");
    assert_eq!(found.source, lake.head("dev").await.id);
    assert_eq!(found.destination, lake.head("main").await.id);
    assert_eq!(found.base, lake.head("main~1").await.id);
}

#[tokio::test]
async fn a_revert_takes_back_one_commit_and_keeps_what_came_later() {
    let lake = Lake::new().await;
    for (key, message) in [("a", "one"), ("b", "two"), ("c", "three")] {
        lake.put("main", key, "1").await.expect("staged");
        lake.commit("main", message).await.expect("committed");
    }
    let reverted = lake.revert("main", "main~1").await.expect("reverted");
    assert_eq!(reverted.message, "Revert main~1");
    assert_eq!(lake.all("main").await.into_keys().collect::<Vec<_>>(), ["a", "c"]);

    let again = lake.revert("main", "main~2").await;
    assert!(matches!(again, Err(EngineError::NoChanges)), "{again:?}");
    lake.put("main", "c", "2").await.expect("staged");
    lake.commit("main", "four").await.expect("committed");
    let conflict = lake.revert("main", "main~2").await;
    assert!(matches!(conflict, Err(EngineError::Conflict { .. })), "{conflict:?}");
}

#[tokio::test]
async fn the_first_commit_reverted_takes_nothing_back() {
    let lake = Lake::new().await;
    let nothing = lake.revert("main", "main").await;
    assert!(matches!(nothing, Err(EngineError::NoChanges)), "{nothing:?}");
    let request = RevertRequest {
        committer: "tester".to_owned(),
        reference: expr("main"),
        parent_number: 0,
        message: Some("why not".to_owned()),
        metadata: Some(Metadata::from([("k".to_owned(), "v".to_owned())])),
        allow_empty: true,
        force: false,
    };
    let reverted = lake.engine.revert(&lake.repository, &branch("main"), request).await;
    let reverted = reverted.expect("reverted");
    assert_eq!(reverted.message, "why not");
    assert_eq!(reverted.metadata["k"], "v");
}

#[tokio::test]
async fn of_a_merge_one_must_say_which_parent() {
    let lake = parted().await;
    lake.merge_with("dev", "main", Strategy::SourceWins).await.expect("merged");
    let without = lake.revert("main", "main").await;
    assert!(matches!(without, Err(EngineError::RevertMergeWithoutParent(_))), "{without:?}");
    let without = lake.cherry_pick("dev", "main").await;
    assert!(matches!(without, Err(EngineError::CherryPickMergeWithoutParent(_))), "{without:?}");

    let revert = async |parent_number| {
        let request = RevertRequest {
            committer: "tester".to_owned(),
            reference: expr("main"),
            parent_number,
            message: None,
            metadata: None,
            allow_empty: false,
            force: false,
        };
        lake.engine.revert(&lake.repository, &branch("main"), request).await
    };
    let beyond = revert(3).await;
    assert!(matches!(beyond, Err(EngineError::ParentOutOfRange(3))), "{beyond:?}");
    revert(1).await.expect("reverted");
    assert_eq!(lake.get("main", "d").await, None);
    assert_eq!(lake.get("main", "m").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_cherry_pick_does_what_the_commit_did_and_says_where_it_comes_from() {
    let lake = parted().await;
    lake.put("dev", "e", "1").await.expect("staged");
    let request = CommitRequest {
        metadata: Metadata::from([("k".to_owned(), "v".to_owned())]),
        ..commit_request("add e")
    };
    let origin = lake.engine.commit(&lake.repository, &branch("dev"), request).await;
    let origin = origin.expect("committed");
    let picked = lake.cherry_pick("main", "dev").await.expect("picked");
    assert_eq!(lake.get("main", "e").await.as_deref(), Some("1"));
    assert_eq!(lake.get("main", "d").await, None);
    assert_eq!((picked.message.as_str(), picked.committer.as_str()), ("add e", "picker"));
    let expected = Metadata::from([
        ("k".to_owned(), "v".to_owned()),
        ("cherry-pick-origin".to_owned(), origin.id.as_str().to_owned()),
        ("cherry-pick-committer".to_owned(), "tester".to_owned()),
    ]);
    assert_eq!(picked.metadata, expected);
    // The original is as it was, and can be found by its id.
    assert_eq!(lake.head(origin.id.as_str()).await, origin);
    lake.cherry_pick("main", &format!("{}~", origin.id)).await.expect_err("conflict");
}

#[tokio::test]
async fn a_cherry_pick_refuses_parents_that_are_not_there() {
    let lake = parted().await;
    let pick = async |reference: &str, parent_number| {
        let request = CherryPickRequest {
            committer: "tester".to_owned(),
            reference: expr(reference),
            parent_number,
            message: None,
            metadata: None,
            force: false,
        };
        lake.engine.cherry_pick(&lake.repository, &branch("main"), request).await
    };
    let zero = pick("dev", Some(0)).await;
    assert!(matches!(zero, Err(EngineError::InvalidArgument { .. })), "{zero:?}");
    let beyond = pick("dev", Some(2)).await;
    assert!(matches!(beyond, Err(EngineError::ParentOutOfRange(2))), "{beyond:?}");
    let root = pick("main~2", None).await;
    assert!(matches!(root, Err(EngineError::ParentOutOfRange(1))), "{root:?}");
}

#[tokio::test]
async fn a_pick_that_is_there_already_makes_an_empty_commit_and_an_empty_one_is_refused() {
    let lake = Lake::new().await;
    lake.branch("dev", "main").await.expect("created");
    for on in ["main", "dev"] {
        lake.put(on, "a", "1").await.expect("staged");
        lake.commit(on, on).await.expect("committed");
    }
    let picked = lake.cherry_pick("main", "dev").await.expect("picked");
    assert_eq!(picked.meta_range_id, lake.head("main~1").await.meta_range_id);
    let request = CommitRequest { allow_empty: true, ..commit_request("empty") };
    lake.engine.commit(&lake.repository, &branch("dev"), request).await.expect("committed");
    let empty = lake.cherry_pick("main", "dev").await;
    assert!(matches!(empty, Err(EngineError::NoChanges)), "{empty:?}");
}
