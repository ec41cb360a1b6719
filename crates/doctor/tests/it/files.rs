//! Files that nothing refers to.

use std::time::Duration;

use lakehold_block::Address;
use lakehold_doctor::Kind;
use lakehold_doctor::Severity;

use crate::lake::Lake;
use crate::lake::namespace;

fn file(name: &str) -> Address {
    Address::relative(&namespace(), name)
}

#[tokio::test]
async fn a_table_that_nothing_names_is_told_of_once_it_is_old() {
    let lake = Lake::filled().await;
    let orphan = format!("_lakefs/{}", "ab".repeat(32));
    lake.store(&file(&orphan), "whatever").await;
    lake.clock.advance(Duration::from_secs(60 * 60));
    assert!(lake.examine().await.findings.is_empty(), "it may belong to a commit being made");
    lake.clock.advance(Duration::from_secs(1));
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::TableUnreferenced, Severity::Info));
    assert_eq!(found.place.address, Some(format!("mem://lake/{orphan}")));
    assert_eq!(lake.examine().await.exit_status(), 0);
}

#[tokio::test]
async fn the_tables_of_a_commit_that_is_gone_are_told_of() {
    let lake = Lake::filled().await;
    let commit = lake.commit_at("dev").await;
    lake.wait();
    assert!(lake.examine().await.findings.is_empty());
    // Only the branch and the merge know of it.
    lake.delete(&lake.partition().await, &format!("commits/{}", commit.id)).await;
    let report = lake.examine().await;
    assert!(report.kinds[&Kind::TableUnreferenced] >= 1, "{report}");
}

#[tokio::test]
async fn a_file_of_an_unknown_name_among_tables_is_a_warning_and_those_of_others_are_not() {
    let lake = Lake::filled().await;
    for known in ["refs.json", "actions/log/x/run.manifest", "retention/gc/x", "own-folder/x"] {
        lake.store(&file(&format!("_lakefs/{known}")), "x").await;
    }
    lake.wait();
    assert!(lake.examine().await.findings.is_empty());
    lake.store(&file("_lakefs/stranger"), "x").await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::UnknownFile, Severity::Warning));
}

#[tokio::test]
async fn a_part_is_told_of_if_its_upload_is_gone_and_it_is_old() {
    let lake = Lake::filled().await;
    let upload = "16e12bca533b4f8aa663896096a5621e";
    lake.store(&file(&format!("{upload}-00001")), "part").await;
    lake.store(&file("zzz/16e12bca533b4f8aa663896096a5621f-00001"), "something else").await;
    assert!(lake.examine().await.findings.is_empty(), "it is young");
    lake.wait();
    assert_eq!(lake.only_finding().await.kind, Kind::PartLeftOver);
    let record = [b"\x0a\x20", upload.as_bytes()].concat();
    lake.put(b"multiparts", upload, record).await;
    assert!(lake.examine().await.findings.is_empty(), "its upload is under way");
}

#[tokio::test]
async fn the_tables_of_a_dump_are_examined_and_a_missing_one_is_a_warning() {
    let lake = Lake::filled().await;
    let tree = lake.commit_at("main").await.meta_range_id.to_string();
    let missing = "ab".repeat(32);
    let manifest =
        format!(r#"{{"branches_meta_range_id":"{tree}","commits_meta_range_id":"{missing}"}}"#);
    lake.store(&file("_lakefs/refs_manifest.json"), manifest).await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::MetaRangeMissing, Severity::Warning));
    assert!(found.place.address.is_some_and(|address| address.ends_with("refs_manifest.json")));
}
