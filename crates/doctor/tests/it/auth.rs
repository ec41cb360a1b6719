//! Users and key pairs.

use lakehold_doctor::Kind;
use lakehold_doctor::Severity;

use crate::lake::ACCESS_KEY;
use crate::lake::Lake;
use crate::lake::SECRET;

#[tokio::test]
async fn a_key_pair_without_its_user_is_found() {
    let lake = Lake::new().await;
    lake.delete(b"basicAuth", "users/superAdmin").await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::CredentialWithoutUser, Severity::Error));
    assert!(found.place.key.is_some_and(|key| key.ends_with(ACCESS_KEY)));
}

#[tokio::test]
async fn a_membership_without_its_group_or_user_is_a_warning() {
    let lake = Lake::new().await;
    lake.put(b"auth", "groups/Readers", "").await;
    lake.put(b"auth", "gUsers/Readers/users/anna", "\x0a\x0ausers/anna").await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::MembershipDangling, Severity::Warning));
    lake.put(b"auth", "users/anna", "\x12\x04anna").await;
    assert!(lake.examine().await.findings.is_empty());
    lake.delete(b"auth", "groups/Readers").await;
    assert_eq!(lake.only_finding().await.kind, Kind::MembershipDangling);
}

#[tokio::test]
async fn an_index_of_hook_runs_that_leads_nowhere_is_a_warning() {
    let lake = Lake::new().await;
    let run = "repos/lake/runs/r1";
    let index = [b"\x0a\x12", run.as_bytes()].concat();
    lake.put(b"actions", "repos/lake/branches/main/r1", index).await;
    assert_eq!(lake.only_finding().await.kind, Kind::IndexDangling);
    lake.put(b"actions", run, "\x0a\x02r1").await;
    assert!(lake.examine().await.findings.is_empty());
}

#[tokio::test]
async fn no_secret_is_in_a_report_however_damaged_the_records_are() {
    let lake = Lake::new().await;
    let key = format!("uCredentials/superAdmin/credentials/{ACCESS_KEY}");
    lake.put(b"basicAuth", &key, format!("\x12\x05{SECRET}")).await;
    lake.put(b"basicAuth", "users/superAdmin", format!("\x2a\x7f{SECRET}")).await;
    lake.put(b"auth", "installation_metadata/x", [SECRET.as_bytes(), b"\xff"].concat()).await;
    let report = lake.examine().await;
    assert!(report.errors >= 3, "{report}");
    assert!(!report.to_string().contains(SECRET));
    assert!(!format!("{report:?}").contains(SECRET));
}
