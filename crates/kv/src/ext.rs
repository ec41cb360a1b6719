//! What callers say most often, in terms of the trait's few operations.

use async_trait::async_trait;
use bytes::Bytes;

use crate::Error;
use crate::Outcome;
use crate::Precondition;
use crate::Scan;
use crate::Store;
use crate::Write;

/// Conveniences over any [`Store`].
#[async_trait]
pub trait StoreExt: Store {
    /// Stores `value`, replacing what was there.
    async fn set(&self, partition: Bytes, key: Bytes, value: Bytes) -> Result<(), Error> {
        self.set_if(partition, key, value, Precondition::Always).await.map(drop)
    }

    /// Stores `value` if `precondition` holds at that moment, and says whether it did.
    async fn set_if(
        &self,
        partition: Bytes,
        key: Bytes,
        value: Bytes,
        precondition: Precondition,
    ) -> Result<Outcome, Error> {
        let write = Write { partition, key, value: Some(value), precondition };
        only(self.write(vec![write]).await?)
    }

    /// Removes `key`. Removing a key that is not there is no error.
    async fn delete(&self, partition: Bytes, key: Bytes) -> Result<(), Error> {
        let write = Write { partition, key, value: None, precondition: Precondition::Always };
        only(self.write(vec![write]).await?).map(drop)
    }

    /// A cursor over the entries of `partition` whose keys are `from` or greater.
    fn cursor(&self, partition: Bytes, from: Bytes) -> Scan<'_>
    where
        Self: Sized,
    {
        Scan::new(self, partition, from)
    }
}

impl<S: Store + ?Sized> StoreExt for S {}

fn only(outcomes: Vec<Outcome>) -> Result<Outcome, Error> {
    let count = outcomes.len();
    match outcomes.into_iter().next() {
        Some(outcome) if count == 1 => Ok(outcome),
        _ => Err(Error::Unknown(format!("{count} outcomes for one write").into())),
    }
}
