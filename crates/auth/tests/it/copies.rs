//! What is kept in memory: how often a secret is decrypted, and how long a copy may be out of date.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use lakehold_kv::Error;
use lakehold_kv::MemStore;
use lakehold_kv::StoreExt as _;
use lakehold_kv::faults::FailingStore;

use crate::fixture::ACCESS_KEY;
use crate::fixture::SECRET;
use crate::fixture::basic;
use crate::fixture::is_operator;
use crate::fixture::is_refused;
use crate::fixture::operator;
use crate::fixture::service;
use crate::fixture::with_authorization;

fn record() -> (Bytes, Bytes) {
    let key = format!("uCredentials/superAdmin/credentials/{ACCESS_KEY}");
    ("basicAuth".into(), key.into())
}

async fn installed(kv: &MemStore) {
    let (auth, _) = service(Arc::new(kv.clone()));
    drop(auth.setup(operator()).await.expect("set up"));
}

#[tokio::test]
async fn on_an_exclusive_store_a_key_pair_is_read_once() {
    let kv = MemStore::new();
    installed(&kv).await;
    let counting = Arc::new(FailingStore::fail_nth(Arc::new(kv), usize::MAX));
    let (auth, clock) = service(counting.clone());

    assert!(is_operator(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
    let calls = counting.calls();
    for _ in 0..100 {
        clock.advance(Duration::from_secs(3_600));
        assert!(is_operator(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
        assert!(is_refused(&with_authorization(&auth, &basic(ACCESS_KEY, "wrong")).await));
    }

    assert_eq!(counting.calls(), calls);
}

#[tokio::test]
async fn on_a_shared_store_a_removed_key_pair_is_refused_after_twenty_seconds() {
    let kv = MemStore::shared();
    installed(&kv).await;
    let (auth, clock) = service(Arc::new(kv.clone()));
    assert!(is_operator(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
    let (partition, key) = record();

    kv.delete(partition, key).await.expect("delete");

    clock.advance(Duration::from_secs(19));
    assert!(is_operator(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
    clock.advance(Duration::from_secs(1));
    assert!(is_refused(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
}

#[tokio::test]
async fn on_a_shared_store_an_unchanged_key_pair_stays_good() {
    let kv = MemStore::shared();
    installed(&kv).await;
    let (auth, clock) = service(Arc::new(kv));
    let token = auth.login(ACCESS_KEY, SECRET).await.expect("logged in").token;
    for _ in 0..5 {
        clock.advance(Duration::from_secs(21));
        assert!(is_operator(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
        assert!(is_operator(&with_authorization(&auth, &format!("Bearer {token}")).await));
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_a_wrong_key() {
    let kv = MemStore::new();
    installed(&kv).await;
    for nth in 1..=3 {
        let failing = Arc::new(FailingStore::fail_nth(Arc::new(kv.clone()), nth));
        let (auth, _) = service(failing.clone());
        let failed = with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await;
        let unavailable =
            matches!(failed, Err(lakehold_auth::AuthError::Kv(Error::Unavailable(_))));
        assert!(unavailable, "call {nth}: {failed:?}");
        assert!(is_operator(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
    }
}

#[tokio::test]
async fn many_first_requests_at_once_are_all_answered() {
    let kv = MemStore::new();
    installed(&kv).await;
    let counting = Arc::new(FailingStore::fail_nth(Arc::new(kv), usize::MAX));
    let (auth, _) = service(counting.clone());
    let header = basic(ACCESS_KEY, SECRET);
    let requests = (0..50).map(|_| with_authorization(&auth, &header));
    let answers = futures::future::join_all(requests).await;
    assert!(answers.iter().all(is_operator));
    assert!(
        counting.calls() <= 50 + 2,
        "the record was copied once, not {} times",
        counting.calls()
    );
}

#[tokio::test]
async fn a_corrupt_record_is_an_error_that_says_where() {
    let kv = MemStore::new();
    installed(&kv).await;
    let (partition, key) = record();
    kv.set(partition, key, Bytes::from_static(b"\xff\xff")).await.expect("set");
    let (auth, _) = service(Arc::new(kv));
    let failed = with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await;
    let text = failed.expect_err("corrupt").to_string();
    let place = format!("basicAuth/uCredentials/superAdmin/credentials/{ACCESS_KEY}");
    assert!(text.contains(&place), "{text}");
}
