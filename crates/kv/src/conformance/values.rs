//! One key at a time, and several writes in one call.

use bytes::Bytes;

use super::delete_if;
use super::entries;
use super::keys;
use super::odd_bytes;
use super::set;
use super::set_if;
use super::value;
use super::version;
use super::write_of;
use crate::Error;
use crate::Outcome;
use crate::Precondition;
use crate::Store;
use crate::StoreExt as _;
use crate::Write;

/// Writes in one call: more than a driver takes into one of its own batches.
const LARGE_CALL: usize = 2_000;

pub(super) async fn a_value_is_read_back_as_soon_as_it_is_written(store: &dyn Store) {
    assert_eq!(value(store, "read-back", "key").await, None, "a key nobody wrote has no value");
    for text in ["first", "second, longer", "3"] {
        set(store, "read-back", "key", text).await;
        assert_eq!(value(store, "read-back", "key").await, Some(text.into()));
    }
    let large = Bytes::from(vec![0xa5; 300_000]);
    set(store, "read-back", "large", large.clone()).await;
    assert_eq!(value(store, "read-back", "large").await, Some(large));
}

pub(super) async fn a_value_may_be_empty_and_bytes_may_be_odd(store: &dyn Store) {
    for key in odd_bytes() {
        set(store, "odd-keys", key.clone(), Bytes::new()).await;
        assert_eq!(value(store, "odd-keys", key.clone()).await, Some(Bytes::new()), "{key:?}");
        set(store, "odd-keys", key.clone(), key.clone()).await;
        assert_eq!(value(store, "odd-keys", key.clone()).await, Some(key));
    }
    for partition in odd_bytes() {
        set(store, partition.clone(), "key", partition.clone()).await;
    }
    for partition in odd_bytes() {
        assert_eq!(value(store, partition.clone(), "key").await, Some(partition.clone()));
        assert_eq!(keys(store, partition).await, ["key"]);
    }
}

pub(super) async fn a_deleted_key_is_gone_and_deleting_it_again_is_no_error(store: &dyn Store) {
    set(store, "deleted", "key", "value").await;
    set(store, "deleted", "other", "value").await;
    for _ in 0..2 {
        store.delete("deleted".into(), "key".into()).await.expect("delete");
        assert_eq!(value(store, "deleted", "key").await, None);
    }
    assert_eq!(keys(store, "deleted").await, ["other"]);
    set(store, "deleted", "key", "again").await;
    assert_eq!(value(store, "deleted", "key").await, Some("again".into()));
}

pub(super) async fn preconditions_hold_or_change_nothing(store: &dyn Store) {
    let at = ("conditions", "key");
    assert!(!set_if(store, at, "0", Precondition::Exists).await, "no value, so none exists");
    assert_eq!(value(store, at.0, at.1).await, None);

    assert!(set_if(store, at, "1", Precondition::Absent).await);
    assert!(!set_if(store, at, "2", Precondition::Absent).await, "it has a value");
    let first = version(store, at).await;
    assert_eq!(value(store, at.0, at.1).await, Some("1".into()));

    assert!(set_if(store, at, "3", Precondition::Exists).await);
    assert!(!set_if(store, at, "4", first.clone()).await, "it has changed since");
    assert_eq!(value(store, at.0, at.1).await, Some("3".into()));

    let second = version(store, at).await;
    assert!(set_if(store, at, "", second).await);
    let empty = version(store, at).await;
    assert!(set_if(store, at, "5", empty).await, "an empty value is a value");

    store.delete(at.0.into(), at.1.into()).await.expect("delete");
    assert!(!set_if(store, at, "6", first).await, "it is gone");
    assert_eq!(value(store, at.0, at.1).await, None);
}

pub(super) async fn a_deletion_obeys_its_precondition(store: &dyn Store) {
    let at = ("conditional-deletions", "key");
    set(store, at.0, at.1, "1").await;
    let read = version(store, at).await;
    set(store, at.0, at.1, "2").await;

    assert_eq!(delete_if(store, at, read).await, Outcome::PreconditionFailed);
    assert_eq!(delete_if(store, at, Precondition::Absent).await, Outcome::PreconditionFailed);
    assert_eq!(value(store, at.0, at.1).await, Some("2".into()));

    let read = version(store, at).await;
    assert_eq!(delete_if(store, at, read).await, Outcome::Applied);
    assert_eq!(delete_if(store, at, Precondition::Exists).await, Outcome::PreconditionFailed);
    assert_eq!(delete_if(store, at, Precondition::Absent).await, Outcome::Applied);
    assert_eq!(value(store, at.0, at.1).await, None);
}

pub(super) async fn writes_of_one_call_are_in_order_each_with_its_own_precondition(
    store: &dyn Store,
) {
    let put = |key: &'static str, value: &'static str, precondition| Write {
        partition: "one-call".into(),
        key: key.into(),
        value: Some(value.into()),
        precondition,
    };
    let delete = |key: &'static str, precondition| Write {
        partition: "one-call".into(),
        key: key.into(),
        value: None,
        precondition,
    };
    let outcomes = store
        .write(vec![
            put("a", "1", Precondition::Absent),
            put("a", "2", Precondition::Absent),
            put("a", "3", Precondition::Exists),
            put("b", "1", Precondition::Exists),
            delete("a", Precondition::Exists),
            put("a", "4", Precondition::Absent),
            put("c", "1", Precondition::Always),
            put("c", "2", Precondition::Always),
            delete("c", Precondition::Absent),
            put("d", "1", Precondition::Always),
            delete("d", Precondition::Always),
        ])
        .await
        .expect("write");

    let applied: Vec<bool> = outcomes.iter().map(|outcome| *outcome == Outcome::Applied).collect();
    let expected = [true, false, true, false, true, true, true, true, false, true, true];
    assert_eq!(applied, expected);
    assert_eq!(value(store, "one-call", "a").await, Some("4".into()));
    assert_eq!(value(store, "one-call", "c").await, Some("2".into()));
    assert_eq!(keys(store, "one-call").await, ["a", "c"]);
}

pub(super) async fn an_empty_call_does_nothing(store: &dyn Store) {
    let outcomes = store.write(Vec::new()).await.expect("write of nothing");
    assert!(outcomes.is_empty());
}

pub(super) async fn a_large_call_is_carried_out_whole(store: &dyn Store) {
    let writes = (0..LARGE_CALL).map(|number| Write {
        partition: "large-call".into(),
        key: format!("key-{number:06}").into(),
        value: Some(vec![b'v'; number % 200].into()),
        precondition: Precondition::Absent,
    });
    let outcomes = store.write(writes.collect()).await.expect("write");
    assert_eq!(outcomes.len(), LARGE_CALL);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Applied));

    let entries = entries(store, "large-call".into()).await;
    assert_eq!(entries.len(), LARGE_CALL);
    for (number, entry) in entries.iter().enumerate() {
        assert_eq!(entry.key, format!("key-{number:06}"));
        assert_eq!(entry.value, vec![b'v'; number % 200]);
    }
}

pub(super) async fn empty_names_are_refused_and_nothing_is_written(store: &dyn Store) {
    let none = Bytes::new;
    let name = || Bytes::from("refused");
    for (partition, key) in [(none(), name()), (name(), none()), (none(), none())] {
        let read = store.get(partition.clone(), key.clone()).await;
        assert!(matches!(read, Err(Error::Invalid(_))), "{read:?}");

        let good = write_of(name(), name());
        let bad = write_of(partition, key);
        let written = store.write(vec![good, bad]).await;
        assert!(matches!(written, Err(Error::Invalid(_))), "{written:?}");
    }
    let scanned = store.scan(none(), none(), 1).await;
    assert!(matches!(scanned, Err(Error::Invalid(_))), "{scanned:?}");
    let scanned = store.scan(name(), none(), 0).await;
    assert!(matches!(scanned, Err(Error::Invalid(_))), "{scanned:?}");
    assert!(keys(store, "refused").await.is_empty());
}

pub(super) async fn partitions_are_apart(store: &dyn Store) {
    let names = ["apart", "apart/", "apart/a", "apar", "apart\0", "apart\u{1}"];
    for name in names {
        set(store, name, "a", name).await;
        set(store, name, format!("{name}/b"), name).await;
    }
    for name in names {
        assert_eq!(keys(store, name).await, [Bytes::from("a"), format!("{name}/b").into()]);
        assert_eq!(value(store, name, "a").await, Some(name.into()));
    }
    store.delete("apart".into(), "a".into()).await.expect("delete");
    assert_eq!(value(store, "apart/", "a").await, Some("apart/".into()));
    assert!(keys(store, "apart-no-such").await.is_empty());
}
