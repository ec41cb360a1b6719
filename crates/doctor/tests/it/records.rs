//! Records that are not what their keys say.

use lakehold_doctor::Kind;
use lakehold_doctor::Severity;

use crate::lake::Lake;

#[tokio::test]
async fn a_record_that_does_not_decode_is_named_with_its_key_in_hex() {
    let lake = Lake::filled().await;
    let partition = lake.partition().await;
    for key in ["pulls/x", "repo-metadata", "settings/protected_branches", "imports/x", "tasks/DRx"]
    {
        let lake = Lake::filled().await;
        lake.put(&partition, key, "\x0a\x05cut").await;
        let found = lake.only_finding().await;
        assert_eq!(
            (found.kind, found.severity),
            (Kind::RecordUnreadable, Severity::Error),
            "{key}"
        );
        assert_eq!(found.place.key.as_deref(), Some(key));
        assert_eq!(found.place.key_hex, Some(hex(key)));
        assert_eq!(found.place.repository.as_deref(), Some("lake"));
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_branch_or_tag_that_does_not_decode_is_found() {
    for key in ["branches/dev", "tags/v1"] {
        let lake = Lake::filled().await;
        lake.put(&lake.partition().await, key, "\x0a\x05cut").await;
        assert_eq!(lake.only_finding().await.kind, Kind::RecordUnreadable, "{key}");
    }
}

#[tokio::test]
async fn a_commit_that_does_not_decode_is_there_all_the_same() {
    let lake = Lake::filled().await;
    let head = lake.commit_at("v1").await;
    lake.put(&lake.partition().await, &format!("commits/{}", head.id), "\x0a\x05cut").await;
    assert_eq!(lake.only_finding().await.kind, Kind::RecordUnreadable);
}

#[tokio::test]
async fn a_repository_that_does_not_decode_is_found_and_its_partition_is_not_called_deleted() {
    let lake = Lake::filled().await;
    lake.put(b"graveler", "repos/lake", "\x0a\x05cut").await;
    let report = lake.examine().await;
    let kinds: Vec<Kind> = report.findings.iter().map(|found| found.kind).collect();
    assert_eq!(kinds[0], Kind::RecordUnreadable, "{report}");
    assert!(kinds[1..].iter().all(|kind| *kind == Kind::LeftoverPartition), "{report}");
}

#[tokio::test]
async fn a_key_of_no_known_kind_is_a_warning() {
    let known = ["auth", "basicAuth", "actions", "catalog", "usage", "mc-ownership", "graveler"];
    for partition in known.map(str::as_bytes) {
        let lake = Lake::filled().await;
        lake.put(partition, "something/else", "x").await;
        let found = lake.only_finding().await;
        assert_eq!((found.kind, found.severity), (Kind::UnknownRecord, Severity::Warning));
    }
    let lake = Lake::filled().await;
    lake.put(&lake.partition().await, "something", "x").await;
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::UnknownRecord);
    assert_eq!(found.place.key.as_deref(), Some("something"));
}

#[tokio::test]
async fn fields_that_the_format_does_not_name_are_a_warning() {
    let lake = Lake::filled().await;
    let partition = lake.partition().await;
    let branch = lake.get(&partition, "branches/dev").await;
    lake.put(&partition, "branches/dev", [&branch[..], b"\x72\x01x"].concat()).await;
    assert_eq!(lake.only_finding().await.kind, Kind::UnknownFields);
}

#[tokio::test]
async fn a_record_under_the_key_of_another_is_found() {
    let lake = Lake::filled().await;
    let partition = lake.partition().await;
    let tag = lake.get(&partition, "tags/v1").await;
    lake.put(&partition, "tags/v2", tag).await;
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::RecordContradictory);
    assert!(found.problem.contains("\"v1\"") && found.problem.contains("\"v2\""), "{found}");
}

#[tokio::test]
async fn another_schema_version_is_an_error() {
    let lake = Lake::filled().await;
    lake.put(b"kv-internal-metadata", "kv/schema/version", "5").await;
    assert_eq!(lake.only_finding().await.kind, Kind::SchemaVersion);
}

#[tokio::test]
async fn a_staged_change_that_does_not_decode_is_found() {
    let lake = Lake::filled().await;
    let token = lake.staging_token("main").await;
    lake.put(&token, "broken", "\x0a\x05cut").await;
    assert_eq!(lake.only_finding().await.kind, Kind::RecordUnreadable);

    // A staged change whose entry is none: key, identity, data.
    lake.put(&token, "broken", b"\x0a\x06broken\x12\x01i\x1a\x02\x0a\x05".to_vec()).await;
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::EntryCorrupt);
    assert_eq!(found.place.path.as_deref(), Some("broken"));
    assert_eq!(found.place.branch.as_deref(), Some("main"));
}
