//! The key-value store as one server sees it: far away, and in bad weather.
//!
//! All servers share one store in memory. A call travels there, is carried out, and its answer travels
//! back. On the way the call may be refused, or the answer be lost; then of the writes of the call all
//! may have been carried out, or only some: the first ones on an exclusive store, any on a shared one.
//! A shared store also lets others in between two writes of one call.
//!
//! A caller that goes away while its call is under way does not call it back: it may be carried out
//! all the same, at once or later. Of a server that has crashed only a shared store may still carry
//! out anything later.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt as _;
use lakehold_kv::Error;
use lakehold_kv::MemStore;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::PartitionPage;
use lakehold_kv::ScanPage;
use lakehold_kv::Store;
use lakehold_kv::Version;
use lakehold_kv::Versioned;
use lakehold_kv::Write;

use super::executor::Executor;
use super::executor::OUTSIDE;
use super::executor::Tag;
use super::ledger::Book;
use super::sabotage::Saboteur;
use super::weather::Weather;

/// A server's way to the one store.
#[derive(Clone, Debug)]
pub(crate) struct FarStore {
    pub(crate) inner: Arc<MemStore>,
    pub(crate) executor: Executor,
    pub(crate) weather: Weather,
    pub(crate) book: Book,
    pub(crate) saboteur: Saboteur,
}

impl FarStore {
    async fn arrive(&self) -> Result<(), Error> {
        self.weather.travel().await;
        if !self.weather.refuses() {
            return Ok(());
        }
        self.book.lock().refused(self.executor.now(), self.executor.current().operation);
        match self.weather.below(2) {
            0 => Err(Error::Throttled),
            _ => Err(Error::Unavailable("the weather".into())),
        }
    }

    fn is_exclusive(&self) -> bool {
        self.ownership() == Ownership::Exclusive
    }

    /// Carries out one write, and puts it down in the book.
    fn apply(&self, tag: Tag, write: &Write) -> Outcome {
        let Some(tampered) = self.saboteur.tampered(write) else { return Outcome::Applied };
        self.saboteur.remember(write, self.now_at(&write.partition, &write.key));
        let applied = self.inner.write(vec![tampered]).now_or_never();
        let applied = applied.and_then(Result::ok).and_then(|outcomes| outcomes.first().copied());
        let outcome = applied.expect("memory answers at once");
        let now = self.executor.now();
        self.executor.trace().tell(|| {
            let Tag { group, operation } = tag;
            let (at, key) = (shown(&write.partition), shown(&write.key));
            let value = write.value.as_ref().map(|value| shown(value));
            format!("  {now:?} {operation:?} by {group}: {outcome:?} {at} {key}: {value:?}")
        });
        self.book.lock().written(now, tag, write, outcome);
        self.saboteur.told(write, outcome)
    }

    fn now_at(&self, partition: &Bytes, key: &Bytes) -> Option<Bytes> {
        let found = self.inner.get(partition.clone(), key.clone()).now_or_never();
        let found = found.expect("memory answers at once").ok().flatten();
        found.map(|found| found.value)
    }
}

fn versioned(value: Bytes) -> Versioned {
    Versioned { version: Version(value.clone()), value }
}

/// Stored bytes for people.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect()
}

/// A call of `write` under way. Dropped before it has arrived it is on its own.
struct Request<'a> {
    store: &'a FarStore,
    tag: Tag,
    writes: VecDeque<Write>,
}

impl Request<'_> {
    fn apply_next(&mut self) -> Option<Outcome> {
        let write = self.writes.pop_front()?;
        Some(self.store.apply(self.tag, &write))
    }

    /// Carries out all writes; others are let in between them if the store is shared.
    async fn carry_out(&mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(self.writes.len());
        while let Some(outcome) = self.apply_next() {
            outcomes.push(outcome);
            if !self.writes.is_empty() && !self.store.is_exclusive() {
                self.store.executor.yield_now().await;
            }
        }
        outcomes
    }

    /// Carries out some writes; their answer is lost.
    fn carry_out_some(&mut self) {
        let is_whole = self.store.weather.below(2) == 0;
        while let Some(write) = self.writes.pop_front() {
            if is_whole || self.store.weather.below(2) == 0 {
                let (Outcome::Applied | Outcome::PreconditionFailed) =
                    self.store.apply(self.tag, &write);
            } else if self.store.is_exclusive() {
                self.writes.clear();
            }
        }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        if self.writes.is_empty() {
            return;
        }
        match self.store.weather.below(3) {
            0 => self.carry_out_some(),
            1 => {}
            _ => {
                let crashed = self.store.executor.is_ended(self.tag.group);
                if crashed && self.store.is_exclusive() {
                    return;
                }
                let group = if self.store.is_exclusive() { self.tag.group } else { OUTSIDE };
                let tag = Tag { group, ..self.tag };
                let (store, writes) = (self.store.clone(), std::mem::take(&mut self.writes));
                let late = async move {
                    store.weather.travel().await;
                    for write in writes {
                        let (Outcome::Applied | Outcome::PreconditionFailed) =
                            store.apply(tag, &write);
                    }
                };
                self.store.executor.spawn(tag, late.boxed());
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for FarStore {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.arrive().await?;
        let found = match self.saboteur.found(&partition, &key) {
            Some(earlier) => Ok(earlier.map(versioned)),
            None => self.inner.get(partition, key).await,
        };
        self.weather.travel().await;
        found
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        let tag = self.executor.current();
        let mut request = Request { store: self, tag, writes: writes.into() };
        if let Err(refused) = self.arrive().await {
            request.writes.clear();
            return Err(refused);
        }
        if self.weather.loses() {
            self.book.lock().lost_answer(self.executor.now(), tag.operation);
            request.carry_out_some();
            self.weather.travel().await;
            return Err(Error::Unknown("the weather".into()));
        }
        let outcomes = request.carry_out().await;
        self.weather.travel().await;
        Ok(outcomes)
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        self.arrive().await?;
        let found = self.inner.scan(partition, from, limit).await;
        self.weather.travel().await;
        found
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        self.inner.partitions(from, limit).await
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}
