//! The records of a real installation: read, used, and left as they are.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use lakehold_auth::Auth;
use lakehold_auth::AuthSettings;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;

use crate::fixture::ACCESS_KEY;
use crate::fixture::SECRET;
use crate::fixture::basic;
use crate::fixture::is_operator;
use crate::fixture::is_refused;
use crate::fixture::service;
use crate::fixture::settings;
use crate::fixture::with_authorization;

const RECORDS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/real-install/kv.jsonl"));

#[derive(Deserialize)]
struct Stored {
    partition: String,
    key: String,
    value: String,
}

async fn real_installation() -> MemStore {
    let kv = MemStore::new();
    for line in RECORDS.lines() {
        let record: Stored = serde_json::from_str(line).expect("a record");
        let value = Bytes::from(hex::decode(record.value).expect("hex"));
        kv.set(record.partition.into(), record.key.into(), value).await.expect("set");
    }
    kv
}

#[tokio::test]
async fn its_credential_logs_in_and_nothing_is_written() {
    let kv = real_installation().await;
    let (auth, _) = service(Arc::new(kv.clone()));

    auth.check_schema_version().await.expect("version 4");
    assert!(auth.is_set_up().await.expect("read"));
    assert!(!auth.comm_prefs_missing().await.expect("read"));
    let id = auth.installation_id().await.expect("read");
    assert_eq!(id, "91ebeff1-8306-41ba-9798-dafeeceb4a25");
    let answer = with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await;
    assert!(is_operator(&answer));
    let user = answer.expect("authenticated").expect("someone");
    assert_eq!(user.creation_date.seconds, 1_795_261_984);
    assert_eq!((user.committer(), &user.friendly_name), ("operator", &None));

    let untouched = real_installation().await;
    for partition in ["auth", "basicAuth", "kv-internal-metadata"] {
        let page = |kv: MemStore| async move {
            kv.scan(partition.into(), Bytes::new(), 1_000).await.expect("scan")
        };
        assert_eq!(page(kv.clone()).await, page(untouched.clone()).await);
    }
}

#[tokio::test]
async fn with_another_secret_key_it_starts_and_refuses_every_login() {
    let kv = real_installation().await;
    let other = AuthSettings { secret_key: b"other".to_vec(), ..settings() };
    let auth = Auth::new(Arc::new(kv), Runtime::seeded(1).0, other);
    assert!(auth.is_set_up().await.expect("read"));
    for _ in 0..2 {
        assert!(is_refused(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
        assert!(is_refused(&with_authorization(&auth, &basic(ACCESS_KEY, "")).await));
    }
}

#[tokio::test]
async fn what_setup_writes_of_user_and_key_pair_has_the_same_form() {
    let real = real_installation().await;
    let ours = MemStore::new();
    let (auth, _) = service(Arc::new(ours.clone()));
    drop(auth.setup(crate::fixture::operator()).await.expect("set up"));
    let value = |kv: MemStore, key: String| async move {
        let found = kv.get("basicAuth".into(), key.into()).await.expect("get");
        found.expect("stored").value
    };

    let user = "users/superAdmin".to_owned();
    let (real_user, our_user) =
        (value(real.clone(), user.clone()).await, value(ours.clone(), user).await);
    assert_eq!(real_user[13..], our_user[our_user.len() - 20..], "all but the time of creation");

    let pair = format!("uCredentials/superAdmin/credentials/{ACCESS_KEY}");
    let (real_pair, our_pair) = (value(real, pair.clone()).await, value(ours, pair).await);
    assert_eq!(real_pair[..24], our_pair[..24], "the key id, and a secret of 88 bytes");
    assert_eq!(real_pair[real_pair.len() - 10..], our_pair[our_pair.len() - 10..], "the user");
}
