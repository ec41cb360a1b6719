//! References that lead nowhere.

use lakehold_doctor::Kind;
use lakehold_doctor::Severity;

use crate::lake::BranchData;
use crate::lake::Lake;

const NOWHERE: &str = "00000000000000000000000000000000000000000000000000000000000000ff";

#[tokio::test]
async fn a_branch_without_its_commit_is_found() {
    let lake = Lake::filled().await;
    let head = lake.commit_at("dev").await;
    lake.replace("branches/dev", head.id.as_str(), NOWHERE).await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::BranchCommitMissing, Severity::Error));
    assert_eq!(found.place.branch.as_deref(), Some("dev"));
    assert_eq!(found.place.commit.as_deref(), Some(NOWHERE));
    assert_eq!(lake.examine().await.exit_status(), 4);
}

#[tokio::test]
async fn a_tag_without_its_commit_is_found() {
    let lake = Lake::filled().await;
    let head = lake.commit_at("v1").await;
    lake.replace("tags/v1", head.id.as_str(), NOWHERE).await;
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::TagCommitMissing);
    assert_eq!(found.place.tag.as_deref(), Some("v1"));
}

#[tokio::test]
async fn a_commit_without_its_parent_is_found() {
    let lake = Lake::filled().await;
    let parent = lake.commit_at("dev~2").await;
    lake.delete(&lake.partition().await, &format!("commits/{}", parent.id)).await;
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::ParentMissing);
    assert!(found.problem.contains(parent.id.as_str()), "{found}");
    assert_eq!(found.place.commit, Some(lake.commit_at("dev~1").await.id.to_string()));
}

#[tokio::test]
async fn a_commit_that_was_changed_is_found() {
    let lake = Lake::filled().await;
    let commit = lake.commit_at("dev").await;
    lake.replace(&format!("commits/{}", commit.id), "on dev", "on DEV").await;
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::CommitIdMismatch);
    assert_eq!(found.place.commit, Some(commit.id.to_string()));
}

#[tokio::test]
async fn a_generation_that_does_not_rise_is_a_warning() {
    let lake = Lake::filled().await;
    let commit = lake.commit_at("dev").await;
    assert_eq!(commit.generation, 3);
    // Version 1, generation 3: the end of the record.
    let from = "\u{40}\u{1}\u{48}\u{3}";
    lake.replace(&format!("commits/{}", commit.id), from, "\u{40}\u{1}\u{48}\u{2}").await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::CommitGeneration, Severity::Warning));
}

#[tokio::test]
async fn a_default_branch_that_is_not_there_is_a_warning() {
    let lake = Lake::filled().await;
    lake.delete(&lake.partition().await, "branches/main").await;
    assert!(lake.troubles().await.contains(&Kind::DefaultBranchMissing));
}

#[tokio::test]
async fn two_branches_with_one_staging_token_are_found() {
    let lake = Lake::filled().await;
    let partition = lake.partition().await;
    let mut dev = BranchData::decode_from(&lake.get(&partition, "branches/dev").await);
    let main = BranchData::decode_from(&lake.get(&partition, "branches/main").await);
    assert_eq!(main.sealed_tokens.len(), 1);
    dev.sealed_tokens = main.sealed_tokens;
    lake.put(&partition, "branches/dev", dev.encode()).await;
    assert_eq!(lake.only_finding().await.kind, Kind::StagingTokenShared);
}

#[tokio::test]
async fn a_repository_whose_deletion_was_cut_off_is_told_of() {
    let lake = Lake::filled().await;
    let record = lake.get(b"graveler", "repos/lake").await;
    lake.put(b"graveler", "repos/lake", [&record[..], b"\x28\x01"].concat()).await;
    let report = lake.examine().await;
    assert_eq!(report.kinds.get(&Kind::RepositoryInDeletion), Some(&1), "{report}");
    assert_eq!(report.exit_status(), 0, "{report}");
}

#[tokio::test]
async fn two_repositories_in_one_namespace_are_a_warning() {
    let lake = Lake::filled().await;
    lake.create("pond").await;
    let record = lake.get(b"graveler", "repos/pond").await;
    let mut changed = record.to_vec();
    let at = record.windows(10).position(|text| text == b"mem://pond").expect("a namespace");
    changed[at..at + 10].copy_from_slice(b"mem://lake");
    lake.put(b"graveler", "repos/pond", changed).await;
    lake.wait();
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::NamespaceShared);
    assert_eq!(found.place.repository.as_deref(), Some("pond"));
}
