//! Resets and hard resets.

use lakehold_engine::EngineError;
use lakehold_engine::ResetScope;

use crate::lake::Lake;

async fn staged_lake() -> Lake {
    let lake = Lake::new().await;
    for key in ["a/1", "a/2", "b"] {
        lake.put("main", key, "0").await.expect("staged");
    }
    lake.commit("main", "base").await.expect("committed");
    lake.put("main", "a/1", "1").await.expect("staged");
    lake.delete("main", &["a/2"]).await.expect("deleted");
    lake.put("main", "a/3", "1").await.expect("staged");
    lake.delete("main", &["b"]).await.expect("deleted");
    assert_eq!(lake.staged("main").await, ["~a/1", "-a/2", "+a/3", "-b"]);
    lake
}

#[tokio::test]
async fn a_reset_undoes_what_it_names_and_nothing_else() {
    for (scope, left) in [
        (ResetScope::All, ""),
        (ResetScope::Prefix(String::new()), ""),
        (ResetScope::Prefix("a/".to_owned()), "-b"),
        (ResetScope::Prefix("x".to_owned()), "~a/1 -a/2 +a/3 -b"),
        (ResetScope::Key("a/1".to_owned()), "-a/2 +a/3 -b"),
        (ResetScope::Key("a/2".to_owned()), "~a/1 +a/3 -b"),
        (ResetScope::Key("a/3".to_owned()), "~a/1 -a/2 -b"),
        (ResetScope::Key("nowhere".to_owned()), "~a/1 -a/2 +a/3 -b"),
    ] {
        let lake = staged_lake().await;
        lake.reset("main", scope.clone()).await.expect("reset");
        assert_eq!(lake.staged("main").await.join(" "), left, "{scope:?}");
        if left.is_empty() {
            assert_eq!(lake.all("main").await, lake.all("main@").await);
        }
    }
}

#[tokio::test]
async fn after_a_prefix_is_reset_again_and_again_everything_still_counts() {
    let lake = staged_lake().await;
    for round in 0..12 {
        lake.put("main", "a/1", &format!("round {round}")).await.expect("staged");
        lake.put("main", &format!("kept/{round:02}"), "1").await.expect("staged");
        lake.reset("main", ResetScope::Prefix("a/".to_owned())).await.expect("reset");
    }
    assert_eq!(lake.staged("main").await.len(), 13);
    lake.commit("main", "kept").await.expect("committed");
    assert_eq!(lake.get("main", "a/1").await.as_deref(), Some("0"));
    assert_eq!(lake.all("main").await.len(), 14);
}

#[tokio::test]
async fn a_hard_reset_moves_the_branch_and_refuses_to_lose_anything() {
    let lake = staged_lake().await;
    let dirty = lake.hard_reset("main", "main~1").await;
    assert!(matches!(dirty, Err(EngineError::DirtyBranch(_))), "{dirty:?}");
    lake.reset("main", ResetScope::All).await.expect("reset");
    let base = lake.head("main").await;
    lake.hard_reset("main", "main~1").await.expect("moved");
    assert_eq!(lake.head("main").await.message, "Repository created");
    assert!(lake.all("main").await.is_empty());
    lake.hard_reset("main", base.id.as_str()).await.expect("moved back");
    assert_eq!(lake.all("main").await.len(), 3);
    let missing = lake.hard_reset("main", "main~5").await;
    assert!(matches!(missing, Err(EngineError::RefNotFound(_))), "{missing:?}");
}
