//! Branch protection.

use lakehold_engine::BlockedAction;
use lakehold_engine::EngineError;
use lakehold_engine::ProtectionRules;
use lakehold_engine::ResetScope;

use crate::lake::Lake;

fn both(pattern: &str) -> ProtectionRules {
    let actions = vec![BlockedAction::StagingWrite, BlockedAction::Commit];
    ProtectionRules::from([(pattern.to_owned(), actions)])
}

impl Lake {
    async fn protect(&self, rules: &ProtectionRules) -> Result<(), EngineError> {
        self.engine.set_protection_rules(&self.repository, rules, None).await
    }
}

#[tokio::test]
async fn a_protected_branch_is_changed_by_merging_only() {
    let lake = Lake::new().await;
    lake.branch("dev", "main").await.expect("created");
    lake.put("main", "staged-before", "1").await.expect("staged");
    lake.protect(&both("ma*")).await.expect("set");
    for (refused, action) in [
        (lake.put("main", "a", "1").await, BlockedAction::StagingWrite),
        (lake.delete("main", &["a"]).await, BlockedAction::StagingWrite),
        (lake.append("main", "a", "+").await.map(drop), BlockedAction::StagingWrite),
        (lake.reset("main", ResetScope::All).await, BlockedAction::StagingWrite),
        (lake.commit("main", "one").await.map(drop), BlockedAction::Commit),
        (lake.hard_reset("main", "main").await, BlockedAction::Any),
    ] {
        let is_it = matches!(&refused, Err(EngineError::ProtectedBranch { action: by, .. }) if *by == action);
        assert!(is_it, "{refused:?}");
    }
    lake.protect(&ProtectionRules::new()).await.expect("lifted, and seen at once");
    lake.reset("main", ResetScope::All).await.expect("reset");
    lake.protect(&both("main")).await.expect("set");
    lake.put("dev", "a", "1").await.expect("staged");
    lake.commit("dev", "one").await.expect("committed");
    lake.merge("dev", "main").await.expect("merged");
    lake.revert("main", "dev").await.expect("reverted");
    lake.cherry_pick("main", "dev").await.expect("picked");
}

#[tokio::test]
async fn rules_are_replaced_only_if_they_are_as_expected() {
    let lake = Lake::new().await;
    let (none, stored) = lake.engine.protection_rules(&lake.repository).await.expect("read");
    assert!(none.is_empty() && stored.is_none());
    let set = async |rules: &ProtectionRules, unchanged| {
        lake.engine.set_protection_rules(&lake.repository, rules, Some(unchanged)).await
    };
    let rules = both("main");
    set(&rules, None).await.expect("nothing is stored");
    let (read, stored) = lake.engine.protection_rules(&lake.repository).await.expect("read");
    assert_eq!(read, rules);
    let refused = set(&both("dev"), None).await;
    assert!(matches!(refused, Err(EngineError::PreconditionFailed(_))), "{refused:?}");
    set(&both("dev"), stored).await.expect("as expected");
}

#[tokio::test]
async fn a_pattern_that_cannot_be_read_is_refused() {
    let lake = Lake::new().await;
    let refused = lake.protect(&both("[")).await;
    assert!(matches!(&refused, Err(EngineError::InvalidArgument { value, .. }) if value == "["));
    lake.put("main", "a", "1").await.expect("still possible");
}
