//! Stores with users of another kind: one becomes the administrator, several do not.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use lakehold_auth::Auth;
use lakehold_auth::AuthError;
use lakehold_auth::AuthSettings;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;

use crate::fixture::ACCESS_KEY;
use crate::fixture::SECRET;
use crate::fixture::basic;
use crate::fixture::service;
use crate::fixture::set_up;
use crate::fixture::settings;
use crate::fixture::with_authorization;

/// What a server of access lists wrote: five users.
const RECORDS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/golden/real-install/acl-kv.jsonl"
));

#[derive(Deserialize)]
struct Stored {
    partition: String,
    key: String,
    value: String,
}

/// The store without the users and key pairs whose keys `left_out` says.
async fn store_without(left_out: impl Fn(&str) -> bool) -> MemStore {
    let kv = MemStore::new();
    for line in RECORDS.lines() {
        let record: Stored = serde_json::from_str(line).expect("a record");
        if !left_out(&record.key) {
            let value = Bytes::from(hex::decode(record.value).expect("hex"));
            kv.set(record.partition.into(), record.key.into(), value).await.expect("set");
        }
    }
    kv
}

fn is_user(key: &str) -> bool {
    key.starts_with("users/") || key.starts_with("uCredentials/")
}

/// Only `chief`, with one of two key pairs.
async fn one_user() -> MemStore {
    store_without(|key| is_user(key) && !key.ends_with("/chief") && !key.ends_with(ACCESS_KEY))
        .await
}

async fn partition(kv: &MemStore, name: &'static str) -> lakehold_kv::ScanPage {
    kv.scan(name.into(), Bytes::new(), 1_000).await.expect("scan")
}

#[tokio::test]
async fn the_only_user_becomes_the_administrator_and_stays_what_it_was() {
    let kv = one_user().await;
    let before = partition(&kv, "auth").await;
    let (auth, _) = service(Arc::new(kv.clone()));

    assert_eq!(auth.adopt_user().await.expect("adopted").as_deref(), Some("chief"));

    let answer = with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await;
    let user = answer.expect("authenticated").expect("someone");
    assert_eq!((user.id.as_str(), user.creation_date.seconds), ("chief", 1_795_262_324));
    assert_eq!(partition(&kv, "auth").await, before);
    let adopted = partition(&kv, "basicAuth").await;
    assert_eq!(adopted.entries.len(), 2);
    assert_eq!(
        adopted.entries[1].value,
        kv.get("auth".into(), "users/chief".into()).await.expect("get").expect("there").value
    );
    assert_eq!(auth.adopt_user().await.expect("nothing to do"), None);
    assert_eq!(partition(&kv, "basicAuth").await, adopted);
}

#[tokio::test]
async fn without_one_user_with_one_key_pair_nobody_is_chosen() {
    let chief = |key: &str| key.ends_with("/chief");
    for (kv, said) in [
        (store_without(|_| false).await, "more than one user"),
        (store_without(is_user).await, "no user"),
        (store_without(|key| is_user(key) && !chief(key)).await, "no key pair"),
        (
            store_without(|key| is_user(key) && !chief(key) && !key.contains("/chief/")).await,
            "more than one key pair",
        ),
    ] {
        let (auth, _) = service(Arc::new(kv.clone()));
        let refused = auth.adopt_user().await.expect_err("refused");
        assert!(
            matches!(&refused, AuthError::NoAdministrator { reason } if reason.contains(said)),
            "{said}: {refused}"
        );
        assert!(partition(&kv, "basicAuth").await.entries.is_empty());
    }
}

#[tokio::test]
async fn a_secret_of_another_secret_key_is_not_carried_over() {
    let kv = one_user().await;
    let other = AuthSettings { secret_key: b"other".to_vec(), ..settings() };
    let auth = Auth::new(Arc::new(kv.clone()), Runtime::seeded(1).0, other);
    let refused = auth.adopt_user().await.expect_err("refused").to_string();
    assert!(refused.contains("another auth.encrypt.secret_key"), "{refused}");
    assert!(partition(&kv, "basicAuth").await.entries.is_empty());
}

#[tokio::test]
async fn an_administrator_or_an_installation_that_is_not_set_up_is_left_alone() {
    let (auth, _, kv) = set_up().await;
    let before = partition(&kv, "basicAuth").await;
    assert_eq!(auth.adopt_user().await.expect("nothing to do"), None);
    assert_eq!(partition(&kv, "basicAuth").await, before);
    let (auth, _) = service(Arc::new(MemStore::new()));
    assert_eq!(auth.adopt_user().await.expect("nothing to do"), None);
}

#[tokio::test]
async fn an_id_is_kept_where_there_is_none() {
    let kv = MemStore::new();
    let (auth, _) = service(Arc::new(kv.clone()));
    assert_eq!(auth.keep_installation_id("chosen").await.expect("kept"), "chosen");
    assert_eq!(auth.installation_id().await.expect("read"), "chosen");
    let (again, _) = service(Arc::new(kv));
    assert_eq!(again.keep_installation_id("other").await.expect("read"), "chosen");
}
