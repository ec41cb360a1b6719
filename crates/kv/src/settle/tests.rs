//! Lost answers, late arrivals, and failures after them.

use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;

use crate::MemStore;
use crate::PartitionPage;
use crate::ScanPage;
use crate::StoreExt as _;
use crate::Versioned;
use crate::faults::FailingStore;
use crate::faults::LossyStore;

/// A store that loses the first call of `write` and finds it again when the second one comes.
#[derive(Debug)]
struct TardyStore {
    inner: MemStore,
    held: Mutex<Option<Vec<Write>>>,
    is_held: Mutex<bool>,
}

impl TardyStore {
    fn new(inner: MemStore) -> Self {
        Self { inner, held: Mutex::default(), is_held: Mutex::default() }
    }

    /// Holds back the first call; else what was held back until now.
    fn hold(&self, writes: &[Write]) -> Option<Vec<Write>> {
        let mut is_held = self.is_held.lock().expect("no panic");
        let mut held = self.held.lock().expect("no panic");
        match std::mem::replace(&mut *is_held, true) {
            true => Some(held.take().unwrap_or_default()),
            false => {
                *held = Some(writes.to_vec());
                None
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for TardyStore {
    fn ownership(&self) -> Ownership {
        Ownership::Shared
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.inner.get(partition, key).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        let Some(late) = self.hold(&writes) else {
            return Err(Error::Unknown("on its way".into()));
        };
        drop(self.inner.write(late).await?);
        self.inner.write(writes).await
    }

    async fn scan(&self, p: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        self.inner.scan(p, from, limit).await
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        self.inner.partitions(from, limit).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

fn write(key: &'static str, value: &'static str, precondition: Precondition) -> Write {
    let (partition, key) = (Bytes::from("p"), Bytes::from(key));
    Write { partition, key, value: Some(value.into()), precondition }
}

async fn value(store: &MemStore, key: &'static str) -> Option<Bytes> {
    let found = store.get("p".into(), key.into()).await.expect("read");
    found.map(|found| found.value)
}

#[tokio::test]
async fn a_lost_answer_is_found_out_and_is_no_conflict() {
    for inner in [MemStore::new(), MemStore::shared()] {
        for nth in 1..=2 {
            let lossy = LossyStore::lose_nth_write(Arc::new(inner.clone()), nth);
            let before = vec![write("before", "1", Precondition::Always)];
            let last = write("last", "ours", Precondition::Absent);
            let written = write_after(&lossy, before, last).await;
            assert!(matches!(written, Ok(Outcome::Applied)), "{written:?}");
            assert_eq!(value(&inner, "before").await.as_deref(), Some(&b"1"[..]));
            inner.delete("p".into(), "last".into()).await.expect("deleted");
        }
    }
}

/// What the second attempt finds in its way is the first one.
#[tokio::test]
async fn an_attempt_that_arrives_late_is_no_conflict_with_the_next_one() {
    let tardy = TardyStore::new(MemStore::new());
    let last = write("last", "ours", Precondition::Absent);
    let written = write_after(&tardy, Vec::new(), last).await;
    assert!(matches!(written, Ok(Outcome::Applied)), "{written:?}");

    let tardy = TardyStore::new(MemStore::new());
    let names = Mutex::new(vec!["second", "first"]);
    let make = || {
        let name = names.lock().expect("no panic").pop().expect("two attempts");
        write("last", name, Precondition::Absent)
    };
    let written = write_new(&tardy, make).await;
    assert!(matches!(written, Ok(Outcome::Applied)), "{written:?}");
    assert_eq!(value(&tardy.inner, "last").await.as_deref(), Some(&b"first"[..]));
}

#[tokio::test]
async fn where_only_what_comes_before_is_lost_nothing_was_done() {
    let inner = MemStore::shared();
    let mut before = vec![write("before", "1", Precondition::Always)];
    for _ in 0..2 {
        // No answer for as long as anybody asks.
        let first = LossyStore::lose_nth_write(Arc::new(inner.clone()), 1);
        let second = LossyStore::lose_nth_write(Arc::new(first), 2);
        let third = LossyStore::lose_nth_write(Arc::new(second), 3);
        let last = write("last", "ours", Precondition::Absent);
        let written = write_after(&third, std::mem::take(&mut before), last).await;
        match value(&inner, "last").await {
            None => assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}"),
            Some(_) => assert!(matches!(written, Ok(Outcome::Applied)), "{written:?}"),
        }
    }
}

#[tokio::test]
async fn a_lost_answer_after_which_someone_else_s_value_is_there_is_unknown() {
    let inner = MemStore::new();
    inner.set("p".into(), "last".into(), "theirs".into()).await.expect("set");
    let lossy = LossyStore::lose_nth_write(Arc::new(inner), 1);
    let last = write("last", "ours", Precondition::Absent);
    let written = write_after(&lossy, Vec::new(), last).await;
    assert!(matches!(written, Err(Error::Unknown(_))), "{written:?}");
}

/// The first attempt may have been carried out: "unavailable" would say that nothing was.
#[tokio::test]
async fn a_failure_after_a_lost_answer_does_not_say_that_nothing_was_written() {
    for refused in 2..=3 {
        let inner = Arc::new(MemStore::new());
        let failing = Arc::new(FailingStore::fail_from_nth(inner, refused));
        let lossy = LossyStore::lose_nth_write(failing, 1);
        let last = write("last", "ours", Precondition::Absent);
        let written = write_after(&lossy, Vec::new(), last.clone()).await;
        match refused {
            2 => assert!(matches!(written, Err(Error::Unknown(_))), "{written:?}"),
            _ => assert!(matches!(written, Ok(Outcome::Applied)), "{written:?}"),
        }
    }
    let failing = Arc::new(FailingStore::fail_from_nth(Arc::new(MemStore::new()), 2));
    let lossy = LossyStore::lose_nth_write(failing, 1);
    let last = write("last", "ours", Precondition::Always);
    let written = write_always(&lossy, vec![last]).await;
    assert!(matches!(written, Err(Error::Unknown(_))), "{written:?}");
}

#[tokio::test]
async fn a_refused_condition_is_told_and_a_refused_call_is_not_unknown() {
    let inner = MemStore::new();
    inner.set("p".into(), "last".into(), "theirs".into()).await.expect("set");
    let last = write("last", "ours", Precondition::Absent);
    let written = write_after(&inner, Vec::new(), last.clone()).await;
    assert!(matches!(written, Ok(Outcome::PreconditionFailed)), "{written:?}");
    let failing = FailingStore::fail_nth(Arc::new(inner), 1);
    let written = write_after(&failing, Vec::new(), last).await;
    assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
}
