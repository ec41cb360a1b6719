//! Objects whose bytes are gone or are others.

use lakehold_block::Address;
use lakehold_doctor::Kind;
use lakehold_doctor::Severity;

use crate::lake::Lake;
use crate::lake::namespace;
use crate::lake::only;

#[tokio::test]
async fn a_staged_object_without_its_bytes_is_found() {
    let lake = Lake::filled().await;
    let address = lake.address("main", "staged/b").await;
    lake.lose(&address).await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::ObjectMissing, Severity::Error));
    assert_eq!(found.place.path.as_deref(), Some("staged/b"));
    assert_eq!(found.place.branch.as_deref(), Some("main"));
    assert_eq!(found.place.address, Some(address.to_string()));
}

#[tokio::test]
async fn a_committed_object_without_its_bytes_is_found_once() {
    let lake = Lake::filled().await;
    let address = lake.address("v1", "data/003").await;
    lake.lose(&address).await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::ObjectMissing, Severity::Error));
    assert_eq!(found.place.path.as_deref(), Some("data/003"));
    assert!(found.place.commit.is_some() && found.place.range.is_some());
    assert_eq!(found.place.address, Some(address.to_string()));
}

#[tokio::test]
async fn an_object_of_another_size_is_found_without_reading_it() {
    let lake = Lake::filled().await;
    let address = lake.address("v1", "data/003").await;
    lake.store(&address, "much longer than it was").await;
    assert_eq!(lake.only_finding().await.kind, Kind::ObjectSizeMismatch);
}

#[tokio::test]
async fn an_object_of_other_bytes_is_found_by_reading_it() {
    let lake = Lake::filled().await;
    for path in ["data/003", "staged/b"] {
        let address = lake.address("main", path).await;
        let mut bytes = lake.bytes(&address).await.to_vec();
        bytes[0] ^= 1;
        let whole = lake.bytes(&address).await;
        lake.store(&address, bytes).await;
        assert!(lake.examine().await.findings.is_empty());
        let found = only(lake.examine_deep().await);
        assert_eq!((found.kind, found.severity), (Kind::ObjectChecksumMismatch, Severity::Error));
        assert_eq!(found.place.path.as_deref(), Some(path));
        lake.store(&address, whole).await;
    }
}

/// What a client says of bytes it stored by itself may be any checksum.
#[tokio::test]
async fn a_checksum_that_is_none_of_the_bytes_is_counted_and_no_finding() {
    let lake = Lake::new().await;
    for (path, name, checksum) in [
        ("signed", "data/ft6npo9ksdudatmrrng0/dc0ochpksdudatmrt7kg,c2ln", "0".repeat(32)),
        ("multipart", "data/ft6npo9ksdudatmrrng0/dc0ochpksdudatmrt7l0", "abc-3".to_owned()),
    ] {
        let address = Address::relative(&namespace(), name);
        lake.store(&address, "bytes").await;
        lake.stage(path, &address, 5, &checksum).await;
    }
    let report = lake.examine_deep().await;
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!((report.examined.objects_compared, report.examined.objects_not_comparable), (0, 2));
}

#[tokio::test]
async fn a_checksum_of_the_parts_of_an_upload_is_recognised() {
    let lake = Lake::new().await;
    let address = Address::relative(&namespace(), "data/ft6npo9ksdudatmrrng0/dc0ochpksdudatmrt7l0");
    lake.store(&address, "ab").await;
    // The MD5 of the MD5s of `a` and `b`.
    lake.stage("parts", &address, 2, "96e024ba2074fe77e8e965ba43a704be").await;
    let report = lake.examine_deep().await;
    assert_eq!(report.examined.objects_compared, 1, "{report}");
}

#[tokio::test]
async fn an_old_commit_may_have_lost_what_the_rules_of_collection_do_not_keep() {
    let lake = Lake::new().await;
    lake.upload("main", "old", "old").await;
    lake.commit("main", "old").await;
    let old = lake.address("main", "old").await;
    lake.remove("main", "old").await;
    lake.upload("main", "new", "new").await;
    lake.commit("main", "new").await;
    lake.lose(&old).await;
    let only_one = || async { lake.only_finding().await };
    assert_eq!(only_one().await.severity, Severity::Error, "without rules all is kept");

    // Seven days, as protobuf.
    let rules = Address::relative(&namespace(), "_lakefs/retention/gc/rules/config.json");
    lake.store(&rules, "\u{8}\u{7}").await;
    let found = only_one().await;
    assert_eq!((found.kind, found.severity), (Kind::ObjectMissing, Severity::Warning));
    lake.wait();
    let found = only_one().await;
    assert_eq!((found.kind, found.severity), (Kind::ObjectCollected, Severity::Info));

    // The head of a branch is always kept.
    lake.lose(&lake.address("main", "new").await).await;
    let report = lake.examine().await;
    assert_eq!((report.errors, report.infos), (1, 1), "{report}");
}

#[tokio::test]
async fn rules_that_are_none_are_found() {
    let lake = Lake::new().await;
    let rules = Address::relative(&namespace(), "_lakefs/retention/gc/rules/config.json");
    lake.store(&rules, "\u{8}").await;
    assert_eq!(lake.only_finding().await.kind, Kind::RecordUnreadable);
    lake.store(&rules, "").await;
    assert!(lake.examine().await.findings.is_empty(), "an empty file is no rules");
}
