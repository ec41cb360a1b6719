//! Setting up: once, repeatable when cut off, never two administrators.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use lakehold_auth::Auth;
use lakehold_auth::AuthError;
use lakehold_auth::CommPrefs;
use lakehold_auth::Setup;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv::faults::FailingStore;
use lakehold_kv::faults::LossyStore;

use crate::fixture::is_operator;
use crate::fixture::is_refused;
use crate::fixture::operator;
use crate::fixture::service;
use crate::fixture::set_up;
use crate::fixture::settings;
use crate::fixture::with_keys;

const CREDENTIALS: &str = "uCredentials/superAdmin/credentials/";

async fn text(kv: &MemStore, partition: &'static str, key: &'static str) -> Option<String> {
    let found = kv.get(partition.into(), key.into()).await.expect("get");
    found.map(|found| String::from_utf8_lossy(&found.value).into_owned())
}

async fn keys(kv: &MemStore, partition: &'static str) -> Vec<String> {
    let page = kv.scan(partition.into(), Bytes::new(), 100).await.expect("scan");
    page.entries.iter().map(|entry| String::from_utf8_lossy(&entry.key).into_owned()).collect()
}

fn fresh(name: &str) -> Setup {
    Setup { username: name.into(), key: None, email: None }
}

#[tokio::test]
async fn an_empty_installation_is_not_set_up_and_asks_for_preferences() {
    let (auth, _) = service(Arc::new(MemStore::new()));
    assert!(!auth.is_set_up().await.expect("read"));
    assert!(auth.comm_prefs_missing().await.expect("read"));
    auth.check_schema_version().await.expect("nothing stored is nothing wrong");
    let early = auth.set_comm_prefs(&CommPrefs::default()).await;
    assert!(matches!(early, Err(AuthError::NotSetUp)), "{early:?}");
}

#[tokio::test]
async fn setup_writes_the_records_of_the_stored_format() {
    let (auth, _, kv) = set_up().await;
    assert!(auth.is_set_up().await.expect("read"));
    assert_eq!(text(&kv, "kv-internal-metadata", "kv/schema/version").await.as_deref(), Some("4"));
    let metadata = [
        "installation_metadata/comm_prefs_set",
        "installation_metadata/setup_auth_none",
        "installation_metadata/setup_timestamp",
    ];
    assert_eq!(keys(&kv, "auth").await, metadata);
    let time = text(&kv, "auth", metadata[2]).await;
    assert_eq!(time.as_deref(), Some("2023-11-14T22:13:20Z"));
    assert_eq!(text(&kv, "auth", metadata[1]).await, time);
    let stored = [format!("{CREDENTIALS}AKIAIOSFOLQUICKSTART"), "users/superAdmin".to_owned()];
    assert_eq!(keys(&kv, "basicAuth").await, stored);
}

#[tokio::test]
async fn a_second_setup_is_refused_and_changes_nothing() {
    let (auth, _, kv) = set_up().await;
    let before = keys(&kv, "basicAuth").await;
    let second = auth.setup(fresh("second")).await;
    assert!(matches!(second, Err(AuthError::AlreadySetUp)), "{second:?}");
    assert_eq!(keys(&kv, "basicAuth").await, before);
}

#[tokio::test]
async fn setups_at_the_same_time_make_one_administrator() {
    let kv = MemStore::shared();
    let setups = (0..8u64).map(|seed| {
        let auth = Auth::new(Arc::new(kv.clone()), Runtime::seeded(seed).0, settings());
        async move { auth.setup(fresh("someone")).await }
    });
    let done = futures::future::join_all(setups).await;
    assert_eq!(done.iter().filter(|made| made.is_ok()).count(), 1, "{done:?}");
    assert_eq!(keys(&kv, "basicAuth").await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_is_refused_without_showing_the_secret() {
    let (auth, _) = service(Arc::new(MemStore::new()));
    let with_key = |id: &str, secret: &str| Setup {
        key: Some((id.into(), secret.into())),
        ..fresh("operator")
    };
    let long = "A".repeat(257);
    for (setup, expected) in [
        (fresh(""), ("username", "")),
        (with_key("", "secret"), ("access_key_id", "")),
        (with_key(&long, "secret"), ("access_key_id", long.as_str())),
        (with_key("id", ""), ("secret_access_key", "")),
    ] {
        match auth.setup(setup).await {
            Err(AuthError::InvalidArgument { name, value }) => {
                assert_eq!((name, value.as_str()), expected);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(!auth.is_set_up().await.expect("read"));
}

#[tokio::test]
async fn preferences_are_given_with_setup_or_once_later() {
    let (auth, _) = service(Arc::new(MemStore::new()));
    let setup = Setup { email: Some("someone@corp.example.com".into()), ..operator() };
    drop(auth.setup(setup).await.expect("set up"));
    assert!(!auth.comm_prefs_missing().await.expect("read"));

    let (auth, _, kv) = set_up().await;
    assert!(auth.comm_prefs_missing().await.expect("read"));
    let prefs = CommPrefs { email: "someone@corp.example.com".into(), ..CommPrefs::default() };
    auth.set_comm_prefs(&prefs).await.expect("stored");
    assert!(!auth.comm_prefs_missing().await.expect("read"));
    let again = auth.set_comm_prefs(&prefs).await;
    assert!(matches!(again, Err(AuthError::CommPrefsAlreadySet)), "{again:?}");
    let email = text(&kv, "auth", "installation_metadata/encoded_user_email").await;
    assert_eq!(email.as_deref(), Some("c29tZW9uZUBjb3JwLmV4YW1wbGUuY29t"));
}

/// Whichever answer is lost, setup is done and says so, or can be repeated; and there is one user
/// with one key pair in the end, with which one can log in.
#[tokio::test]
async fn a_lost_answer_leaves_setup_done_or_repeatable() {
    for nth in 1..20 {
        let kv = MemStore::new();
        let lossy = Arc::new(LossyStore::lose_nth_write(Arc::new(kv.clone()), nth));
        let (auth, _) = service(lossy.clone());

        let made = auth.setup(fresh("operator")).await.expect("a lost answer is found out");

        assert!(is_operator(&with_keys(&auth, &made).await), "write {nth}");
        assert_eq!(keys(&kv, "basicAuth").await.len(), 2, "write {nth}");
        if lossy.faults() == 0 {
            assert_eq!(nth, 4, "setup has three steps");
            return;
        }
    }
    panic!("every write of setup was lost, and there was still one more");
}

#[tokio::test]
async fn setup_that_was_cut_off_anywhere_can_be_repeated_with_other_keys() {
    for nth in 1..40 {
        let kv = MemStore::new();
        let failing = Arc::new(FailingStore::fail_from_nth(Arc::new(kv.clone()), nth));
        let (cut_off, _) = service(failing.clone());
        let first = cut_off.setup(operator()).await;
        if failing.faults() == 0 {
            first.expect("nothing failed");
            assert!(nth > 6, "setup makes at least six calls");
            return;
        }
        first.expect_err("the store failed");

        let after_restart = Auth::new(Arc::new(kv.clone()), Runtime::seeded(2).0, settings());
        let made = after_restart.setup(fresh("operator")).await.expect("repeatable");

        assert!(is_operator(&with_keys(&after_restart, &made).await), "call {nth}");
        assert_eq!(keys(&kv, "basicAuth").await.len(), 2, "call {nth}");
    }
    panic!("setup never came to its end");
}

#[tokio::test]
async fn on_a_shared_store_setup_that_was_cut_off_can_be_repeated_after_a_minute() {
    let kv = MemStore::shared();
    let (cut_off, _) = service(Arc::new(FailingStore::fail_from_nth(Arc::new(kv.clone()), 6)));
    cut_off.setup(operator()).await.expect_err("the store failed");
    assert_eq!(keys(&kv, "basicAuth").await, ["users/superAdmin"], "claimed, and no more");

    let (other, clock) = service(Arc::new(kv.clone()));
    clock.advance(Duration::from_secs(59));
    let early = other.setup(fresh("operator")).await;
    assert!(matches!(early, Err(AuthError::AlreadySetUp)), "{early:?}");
    clock.advance(Duration::from_secs(1));
    let made = other.setup(fresh("operator")).await.expect("repeatable");
    assert!(is_operator(&with_keys(&other, &made).await));
}

/// A store that refuses one call, and not all from then on, has no claim to wait for.
#[tokio::test]
async fn on_a_shared_store_setup_that_failed_can_be_repeated_at_once() {
    for nth in 1..20 {
        let kv = MemStore::shared();
        let failing = Arc::new(FailingStore::fail_nth(Arc::new(kv.clone()), nth));
        let (auth, _) = service(failing.clone());
        let first = auth.setup(operator()).await;
        if failing.faults() == 0 {
            first.expect("nothing failed");
            return;
        }
        first.expect_err("the store failed");
        assert!(keys(&kv, "basicAuth").await.iter().all(|key| !key.starts_with("users/")), "{nth}");
        let made = auth.setup(fresh("operator")).await.expect("repeatable");
        assert!(is_operator(&with_keys(&auth, &made).await), "call {nth}");
    }
    panic!("setup never came to its end");
}

/// Records of other programs are told apart by the schema version: it is there when the user is.
#[tokio::test]
async fn on_a_shared_store_the_schema_version_comes_before_the_user() {
    let kv = MemStore::shared();
    let (auth, _) = service(Arc::new(FailingStore::fail_from_nth(Arc::new(kv.clone()), 5)));
    auth.setup(operator()).await.expect_err("the store failed");
    assert_eq!(text(&kv, "kv-internal-metadata", "kv/schema/version").await.as_deref(), Some("4"));
    assert!(keys(&kv, "basicAuth").await.is_empty());
}

#[tokio::test]
async fn keys_of_an_attempt_that_was_cut_off_are_good_for_nothing_after_the_next() {
    let kv = MemStore::new();
    let (auth, _) = service(Arc::new(kv.clone()));
    let first = auth.setup(fresh("operator")).await.expect("set up");
    assert!(is_operator(&with_keys(&auth, &first).await), "and now it is kept in memory");
    kv.delete("auth".into(), "installation_metadata/setup_timestamp".into()).await.expect("delete");

    let second = auth.setup(fresh("operator")).await.expect("as if it had been cut off");

    assert!(is_refused(&with_keys(&auth, &first).await));
    assert!(is_operator(&with_keys(&auth, &second).await));
}

#[tokio::test]
async fn the_installation_id_is_made_once_even_when_the_answer_is_lost() {
    let kv = MemStore::new();
    let lossy = Arc::new(LossyStore::lose_nth_write(Arc::new(kv.clone()), 1));
    let (auth, _) = service(lossy.clone());
    let id = auth.installation_id().await.expect("made");
    assert_eq!(lossy.faults(), 1);
    assert_eq!(auth.installation_id().await.expect("kept"), id);
    let other = Auth::new(Arc::new(kv.clone()), Runtime::seeded(2).0, settings());
    assert_eq!(other.installation_id().await.expect("read"), id);
    assert_eq!(text(&kv, "auth", "installation_id").await, Some(id));
}

#[tokio::test]
async fn a_schema_version_we_do_not_read_is_refused_with_advice() {
    for (found, advice) in [
        ("3", "migrate up"),
        ("1", "migrate up"),
        ("0", "too old"),
        ("-1", "too old"),
        ("5", "newer"),
        ("77", "newer"),
        ("four", "damaged"),
        ("", "damaged"),
    ] {
        let kv = MemStore::new();
        let partition = Bytes::from("kv-internal-metadata");
        kv.set(partition, "kv/schema/version".into(), found.into()).await.expect("set");
        let (auth, _) = service(Arc::new(kv.clone()));

        let refused = auth.check_schema_version().await.expect_err("refused").to_string();

        assert!(refused.contains(advice) && refused.contains(&format!("{found:?}")), "{refused}");
        assert!(auth.setup(operator()).await.is_err());
        assert!(keys(&kv, "basicAuth").await.is_empty(), "nothing was written");
    }
}
