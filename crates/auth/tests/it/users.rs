//! The one user and their one key pair.

use std::sync::Arc;

use bytes::Bytes;

use lakehold_auth::AuthError;
use lakehold_clock::Timestamp;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv::faults::FailingStore;
use lakehold_kv::faults::LossyStore;

use crate::fixture::ACCESS_KEY;
use crate::fixture::SECRET;
use crate::fixture::basic;
use crate::fixture::is_operator;
use crate::fixture::is_refused;
use crate::fixture::operator;
use crate::fixture::service;
use crate::fixture::set_up;
use crate::fixture::with_authorization;
use crate::fixture::with_keys;

const CREATED: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// The keys of the records of users and key pairs.
async fn keys(kv: &MemStore) -> Vec<Bytes> {
    let page = kv.scan("basicAuth".into(), Bytes::new(), 10).await.expect("scanned");
    page.entries.into_iter().map(|entry| entry.key).collect()
}

#[tokio::test]
async fn the_user_and_the_key_pair_are_found_by_their_names() {
    let (auth, _, _) = set_up().await;
    let users = auth.users().await.expect("listed");
    assert_eq!(users.iter().map(|user| &*user.id).collect::<Vec<_>>(), ["operator"]);
    assert_eq!(auth.get_user("operator").await.expect("found").creation_date, CREATED);
    let found = auth.access_key("operator", ACCESS_KEY).await.expect("found");
    assert_eq!((&*found.access_key_id, found.creation_date), (ACCESS_KEY, CREATED));

    let nobody = auth.get_user("superAdmin").await;
    assert!(matches!(nobody, Err(AuthError::UserNotFound(_))), "{nobody:?}");
    for (user, key) in [("operator", "AKIAJ"), ("nobody", ACCESS_KEY), ("operator", "")] {
        let none = auth.access_key(user, key).await;
        assert!(matches!(none, Err(AuthError::CredentialsNotFound(_))), "{user} {key}: {none:?}");
    }
}

#[tokio::test]
async fn there_is_no_second_user_and_no_second_key_pair() {
    let (auth, _, kv) = set_up().await;
    let second = auth.create_user("second").await;
    assert!(matches!(second, Err(AuthError::UserExists(_))), "{second:?}");
    for name in ["", "a/b"] {
        let refused = auth.create_user(name).await;
        assert!(matches!(refused, Err(AuthError::InvalidName { .. })), "{refused:?}");
    }
    let pair = auth.create_credentials("operator").await;
    assert!(matches!(pair, Err(AuthError::TooManyCredentials(_))), "{pair:?}");
    let pair = auth.create_credentials("nobody").await;
    assert!(matches!(pair, Err(AuthError::UserNotFound(_))), "{pair:?}");
    assert_eq!(keys(&kv).await.len(), 2);
}

#[tokio::test]
async fn a_user_whose_key_pair_is_gone_is_given_another() {
    let (auth, _, kv) = set_up().await;
    let old = format!("uCredentials/superAdmin/credentials/{ACCESS_KEY}");
    kv.delete("basicAuth".into(), old.into()).await.expect("deleted");
    let made = auth.create_credentials("operator").await.expect("made");
    assert!(is_operator(&with_keys(&auth, &made).await));
    assert_ne!(made.access_key_id, ACCESS_KEY);
    let found = auth.access_key("operator", &made.access_key_id).await.expect("found");
    assert_eq!(found.creation_date, made.creation_date);
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_the_keys_at_once() {
    let (auth, _, kv) = set_up().await;
    assert!(is_operator(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
    let nobody = auth.delete_user("nobody").await;
    assert!(matches!(nobody, Err(AuthError::UserNotFound(_))), "{nobody:?}");
    auth.delete_user("operator").await.expect("deleted");
    assert!(is_refused(&with_authorization(&auth, &basic(ACCESS_KEY, SECRET)).await));
    assert!(keys(&kv).await.is_empty());
    assert!(auth.users().await.expect("listed").is_empty());
    let again = auth.delete_user("operator").await;
    assert!(matches!(again, Err(AuthError::UserNotFound(_))), "{again:?}");
    let next = auth.create_user("next").await;
    assert!(matches!(next, Err(AuthError::NotSetUp)), "{next:?}");
}

#[tokio::test]
async fn a_deletion_that_is_cut_off_can_be_repeated() {
    for nth in 1..20 {
        let (_, _, kv) = set_up().await;
        let failing = Arc::new(FailingStore::fail_nth(Arc::new(kv.clone()), nth));
        let (auth, _) = service(failing.clone());
        let first = auth.delete_user("operator").await;
        assert_eq!(first.is_err(), failing.faults() == 1, "{nth}: {first:?}");
        if first.is_err() {
            auth.delete_user("operator").await.expect("deleted");
        }
        assert!(keys(&kv).await.is_empty(), "{nth}");
        if failing.faults() == 0 {
            assert!(nth > 3, "{nth}");
            return;
        }
    }
    unreachable!("a deletion makes fewer calls");
}

/// Without keys a user is still there: that nothing was done would be wrong.
#[tokio::test]
async fn on_a_shared_store_a_deletion_that_was_halved_says_so() {
    for nth in 1..20 {
        let kv = MemStore::shared();
        let (auth, _) = service(Arc::new(kv.clone()));
        drop(auth.setup(operator()).await.expect("set up"));
        let failing = Arc::new(FailingStore::fail_nth(Arc::new(kv.clone()), nth));
        let (auth, _) = service(failing.clone());
        let failed = auth.delete_user("operator").await;
        match (keys(&kv).await.len(), failed) {
            (0, Ok(())) => {}
            (2, Err(AuthError::Kv(_) | AuthError::OutcomeUnknown(_))) => {}
            (1, Err(AuthError::OutcomeUnknown(_))) => {}
            (left, failed) => panic!("call {nth}: {left} records after {failed:?}"),
        }
        if failing.faults() == 0 {
            return;
        }
        auth.delete_user("operator").await.expect("deleted");
    }
    unreachable!("a deletion makes fewer calls");
}

#[tokio::test]
async fn a_lost_answer_is_not_taken_for_somebody_elses_deletion() {
    for nth in 1..=2 {
        let kv = MemStore::shared();
        drop(service(Arc::new(kv.clone())).0.setup(operator()).await.expect("set up"));
        let lossy = Arc::new(LossyStore::lose_nth_write(Arc::new(kv.clone()), nth));
        let (auth, _) = service(lossy.clone());
        let deleted = auth.delete_user("operator").await;
        assert_eq!(lossy.faults(), 1);
        deleted.expect("a lost answer is found out");
        assert!(keys(&kv).await.is_empty(), "{nth}");
    }
}
