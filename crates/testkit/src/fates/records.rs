//! The key-value store whose calls are decided upon.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::PartitionPage;
use lakehold_kv::ScanPage;
use lakehold_kv::Store;
use lakehold_kv::Versioned;
use lakehold_kv::Write;

use super::Access;
use super::Fate;
use super::Fates;

/// A store over another one, whose calls end as `fates` decide.
#[derive(Debug)]
pub(crate) struct FatedStore {
    inner: Arc<dyn Store>,
    fates: Arc<dyn Fates>,
}

impl FatedStore {
    pub(crate) fn new(inner: Arc<dyn Store>, fates: Arc<dyn Fates>) -> Self {
        Self { inner, fates }
    }

    async fn read<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let answer = match self.fates.decide(Access::Read).await {
            Fate::CarriedOut => work.await,
            Fate::Throttled => Err(Error::Throttled),
            _ => Err(refused()),
        };
        self.fates.answer().await;
        answer
    }

    /// Carries out one of several writes: the first where the store keeps their order, else the last.
    async fn tear(&self, mut writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        match self.ownership() {
            Ownership::Exclusive => writes.truncate(1),
            Ownership::Shared => drop(writes.drain(..writes.len().saturating_sub(1))),
        }
        self.inner.write(writes).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for FatedStore {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.read(self.inner.get(partition, key)).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        let access = if writes.len() > 1 { Access::Several } else { Access::Write };
        let answer = match self.fates.decide(access).await {
            Fate::CarriedOut => self.inner.write(writes).await,
            Fate::Refused => Err(refused()),
            Fate::Throttled => Err(Error::Throttled),
            Fate::Lost => self.inner.write(writes).await.and_then(|_| Err(lost())),
            Fate::Vanished => Err(lost()),
            Fate::Torn => self.tear(writes).await.and_then(|_| Err(lost())),
            Fate::Denied => {
                let outcomes = self.inner.write(writes).await;
                outcomes.map(|done| vec![Outcome::PreconditionFailed; done.len()])
            }
            Fate::Disowned => self.inner.write(writes).await.and_then(|_| Err(refused())),
        };
        self.fates.answer().await;
        answer
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        self.read(self.inner.scan(partition, from, limit)).await
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        self.read(self.inner.partitions(from, limit)).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

fn refused() -> Error {
    Error::Unavailable("injected: no answer".into())
}

fn lost() -> Error {
    Error::Unknown("injected: the answer was lost".into())
}
