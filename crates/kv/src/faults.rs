//! Stores on which chosen calls go wrong, so that tests can hold what callers do then.
//!
//! [`LossyStore`] carries out a chosen write and loses the answer; [`FailingStore`] refuses chosen
//! calls before anything is done. Both count from one and say how many calls and faults there were,
//! so that a test can assert that the fault it set up did happen.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Error;
use crate::Outcome;
use crate::Ownership;
use crate::PartitionPage;
use crate::ScanPage;
use crate::Store;
use crate::Versioned;
use crate::Write;

/// A store that loses the answer of one write, after having applied it.
#[derive(Debug)]
pub struct LossyStore {
    inner: Arc<dyn Store>,
    schedule: Schedule,
}

impl LossyStore {
    /// Hands on to `inner`, but answers the `nth` call of [`Store::write`] (the first is 1) with
    /// [`Error::Unknown`] after it was carried out.
    pub fn lose_nth_write(inner: Arc<dyn Store>, nth: usize) -> Self {
        Self { inner, schedule: Schedule::new(nth, nth) }
    }

    /// How many calls of [`Store::write`] there were.
    pub fn calls(&self) -> usize {
        self.schedule.calls()
    }

    /// How many of them lost their answer.
    pub fn faults(&self) -> usize {
        self.schedule.faults()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for LossyStore {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.inner.get(partition, key).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        let lost = self.schedule.count_call();
        let outcomes = self.inner.write(writes).await?;
        if lost {
            return Err(Error::Unknown("injected fault: the answer was lost".into()));
        }
        Ok(outcomes)
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        self.inner.scan(partition, from, limit).await
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        self.inner.partitions(from, limit).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

/// A store that refuses chosen calls, reads or writes, having done nothing.
#[derive(Debug)]
pub struct FailingStore {
    inner: Arc<dyn Store>,
    schedule: Schedule,
}

impl FailingStore {
    /// Hands on to `inner`, but answers the `nth` call of any kind (the first is 1) with
    /// [`Error::Unavailable`].
    pub fn fail_nth(inner: Arc<dyn Store>, nth: usize) -> Self {
        Self { inner, schedule: Schedule::new(nth, nth) }
    }

    /// Hands on to `inner`, but answers the `nth` call of any kind (the first is 1) and every later
    /// one with [`Error::Unavailable`].
    pub fn fail_from_nth(inner: Arc<dyn Store>, nth: usize) -> Self {
        Self { inner, schedule: Schedule::new(nth, usize::MAX) }
    }

    /// How many calls of any kind there were. [`Store::ownership`] is not one.
    pub fn calls(&self) -> usize {
        self.schedule.calls()
    }

    /// How many of them were refused.
    pub fn faults(&self) -> usize {
        self.schedule.faults()
    }

    fn admit(&self) -> Result<(), Error> {
        if self.schedule.count_call() {
            return Err(Error::Unavailable("injected fault: the store does not answer".into()));
        }
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for FailingStore {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.admit()?;
        self.inner.get(partition, key).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        self.admit()?;
        self.inner.write(writes).await
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        self.admit()?;
        self.inner.scan(partition, from, limit).await
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        self.admit()?;
        self.inner.partitions(from, limit).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.admit()?;
        self.inner.close().await
    }
}

/// Which calls go wrong, and how many have.
#[derive(Debug)]
struct Schedule {
    first: usize,
    last: usize,
    calls: AtomicUsize,
    faults: AtomicUsize,
}

impl Schedule {
    fn new(first: usize, last: usize) -> Self {
        Self { first, last, calls: AtomicUsize::new(0), faults: AtomicUsize::new(0) }
    }

    /// Counts a call and says whether it is to go wrong.
    fn count_call(&self) -> bool {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let wrong = (self.first..=self.last).contains(&number);
        if wrong {
            self.faults.fetch_add(1, Ordering::SeqCst);
        }
        wrong
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn faults(&self) -> usize {
        self.faults.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemStore;
    use crate::StoreExt as _;
    use crate::conformance;

    async fn value(store: &dyn Store, key: &'static str) -> Option<Bytes> {
        let found = store.get("p".into(), key.into()).await.expect("get");
        found.map(|found| found.value)
    }

    #[tokio::test]
    async fn a_lossy_store_applies_the_write_whose_answer_it_loses() {
        let store = LossyStore::lose_nth_write(Arc::new(MemStore::new()), 2);

        store.set("p".into(), "one".into(), "1".into()).await.expect("the first is answered");
        let lost = store.set("p".into(), "two".into(), "2".into()).await;
        store.set("p".into(), "three".into(), "3".into()).await.expect("the third is answered");

        assert!(matches!(lost, Err(Error::Unknown(_))), "{lost:?}");
        assert_eq!(value(&store, "two").await, Some("2".into()));
        assert_eq!((store.calls(), store.faults()), (3, 1));
    }

    #[tokio::test]
    async fn a_failing_store_applies_nothing_of_the_call_it_refuses() {
        let memory = MemStore::new();
        let store = FailingStore::fail_nth(Arc::new(memory.clone()), 1);

        let refused = store.set("p".into(), "one".into(), "1".into()).await;
        store.set("p".into(), "two".into(), "2".into()).await.expect("the second is carried out");

        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        assert_eq!(value(&memory, "one").await, None);
        assert_eq!(value(&memory, "two").await, Some("2".into()));
        assert_eq!((store.calls(), store.faults()), (2, 1));
    }

    #[tokio::test]
    async fn a_store_that_fails_from_some_call_on_refuses_reads_too() {
        let store = FailingStore::fail_from_nth(Arc::new(MemStore::new()), 2);
        store.set("p".into(), "k".into(), "v".into()).await.expect("the first is carried out");
        assert!(store.get("p".into(), "k".into()).await.is_err());
        assert!(store.scan("p".into(), Bytes::new(), 1).await.is_err());
        assert!(store.partitions(Bytes::new(), 1).await.is_err());
        assert!(store.close().await.is_err());
        assert_eq!((store.calls(), store.faults()), (5, 4));
    }

    #[tokio::test]
    async fn an_error_in_the_middle_of_a_scan_reaches_the_reader() {
        let memory = MemStore::new();
        for number in 0..100u8 {
            memory.set("p".into(), vec![b'k', number].into(), "v".into()).await.expect("set");
        }
        let store = FailingStore::fail_nth(Arc::new(memory), 2);
        let mut cursor = store.cursor("p".into(), Bytes::new());

        let mut read = 0;
        let failed = loop {
            match cursor.next().await {
                Ok(Some(_)) => read += 1,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
            assert!(read < 100, "the second page was to fail");
        };

        assert!(matches!(failed, Some(Error::Unavailable(_))), "{failed:?}");
        assert_eq!(store.faults(), 1);
    }

    #[tokio::test]
    async fn wrappers_without_a_fault_keep_the_contract() {
        conformance::all(&LossyStore::lose_nth_write(Arc::new(MemStore::new()), usize::MAX)).await;
        conformance::all(&FailingStore::fail_nth(Arc::new(MemStore::shared()), usize::MAX)).await;
    }
}
