//! Partitions that nothing leads to, and what is noted to be wiped.

use lakehold_doctor::Kind;
use lakehold_doctor::Severity;

use crate::lake::Lake;

#[tokio::test]
async fn what_was_staged_on_no_branch_is_told_of() {
    let lake = Lake::filled().await;
    let token = b"lake-gone:11111111-1111-4111-8111-111111111111";
    lake.put(token, "path", "x").await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::LeftoverPartition, Severity::Info));

    lake.put(b"cleanup-tokens", std::str::from_utf8(token).expect("text"), "stub-value").await;
    assert!(lake.examine().await.findings.is_empty(), "it is noted to be wiped");
}

#[tokio::test]
async fn the_records_of_a_deleted_repository_are_told_of() {
    let lake = Lake::filled().await;
    lake.put(b"lake-dc0oci9ksdudatmrta6g", "settings/protected_branches", "").await;
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::LeftoverPartition);
    assert!(found.problem.contains("\"lake\""), "{found}");
}

#[tokio::test]
async fn a_partition_of_no_known_kind_is_a_warning_and_one_of_our_own_is_not() {
    let lake = Lake::filled().await;
    lake.put(b"lakehold-cache", "x", "x").await;
    assert!(lake.examine().await.findings.is_empty());
    lake.put(b"stranger", "x", "x").await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::UnknownPartition, Severity::Warning));
    assert_eq!(found.place.partition.as_deref(), Some("stranger"));
}

#[tokio::test]
async fn live_data_that_is_noted_to_be_wiped_is_an_error() {
    let lake = Lake::filled().await;
    let token = lake.staging_token("main").await;
    let partition = lake.partition().await;
    for wiped in [token, partition] {
        let key = std::str::from_utf8(&wiped).expect("text");
        lake.put(b"cleanup-tokens", key, "stub-value").await;
        let found = lake.only_finding().await;
        assert_eq!((found.kind, found.severity), (Kind::WipedWhileInUse, Severity::Error));
        lake.delete(b"cleanup-tokens", key).await;
    }
}
