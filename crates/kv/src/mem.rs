//! The store over memory: for tests, simulations and demonstrations.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Entry;
use crate::Error;
use crate::Outcome;
use crate::Ownership;
use crate::PartitionPage;
use crate::ScanPage;
use crate::Store;
use crate::Version;
use crate::Versioned;
use crate::Write;
use crate::store::check_key;
use crate::store::check_partitions;
use crate::store::check_scan;

/// A store over memory. Clones see the same data; nothing survives the last of them.
#[derive(Clone, Debug)]
pub struct MemStore {
    values: Arc<Mutex<Values>>,
    ownership: Ownership,
}

type Values = BTreeMap<(Bytes, Bytes), Bytes>;

impl Default for MemStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemStore {
    /// An empty store that only this process writes to.
    pub fn new() -> Self {
        Self { values: Arc::default(), ownership: Ownership::Exclusive }
    }

    /// An empty store that says it is written to by other processes too, so that its users take the
    /// path of conditional writes instead of trusting what they remember.
    pub fn shared() -> Self {
        Self { values: Arc::default(), ownership: Ownership::Shared }
    }

    fn lock(&self) -> MutexGuard<'_, Values> {
        self.values.lock().expect("no code panics while holding the lock")
    }
}

#[async_trait]
impl Store for MemStore {
    fn ownership(&self) -> Ownership {
        self.ownership
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        check_key(&partition, &key)?;
        let found = self.lock().get(&(partition, key)).cloned();
        Ok(found.map(|value| Versioned { version: Version(value.clone()), value }))
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        writes.iter().try_for_each(Write::check)?;
        let mut values = self.lock();
        Ok(writes.into_iter().map(|write| apply(&mut values, write)).collect())
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        check_scan(&partition, limit)?;
        let values = self.lock();
        let start = (partition.clone(), from);
        let mut rest = values
            .range((Bound::Included(&start), Bound::Unbounded))
            .take_while(|((found, _), _)| *found == partition)
            .map(|((_, key), value)| Entry { key: key.clone(), value: value.clone() });
        let entries = rest.by_ref().take(limit).collect();
        Ok(ScanPage { entries, more: rest.next().is_some() })
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        check_partitions(limit)?;
        let values = self.lock();
        let start = (from, Bytes::new());
        let mut names: Vec<Bytes> = Vec::new();
        for (name, _) in values.range(start..).map(|(place, _)| place) {
            if names.last() == Some(name) {
                continue;
            }
            if names.len() == limit {
                return Ok(PartitionPage { names, more: true });
            }
            names.push(name.clone());
        }
        Ok(PartitionPage { names, more: false })
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

fn apply(values: &mut Values, write: Write) -> Outcome {
    let place = (write.partition, write.key);
    if !write.precondition.holds_for(values.get(&place).map(AsRef::as_ref)) {
        return Outcome::PreconditionFailed;
    }
    match write.value {
        Some(value) => values.insert(place, value),
        None => values.remove(&place),
    };
    Outcome::Applied
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreExt as _;
    use crate::conformance;

    #[tokio::test]
    async fn memory_keeps_the_contract() {
        conformance::all(&MemStore::new()).await;
    }

    #[tokio::test]
    async fn a_shared_memory_keeps_the_contract_and_says_that_it_is_shared() {
        let store = MemStore::shared();
        assert_eq!(store.ownership(), Ownership::Shared);
        assert_eq!(MemStore::new().ownership(), Ownership::Exclusive);
        conformance::all(&store).await;
    }

    #[tokio::test]
    async fn clones_see_the_same_data() {
        let store = MemStore::new();
        let other = store.clone();
        store.set("p".into(), "k".into(), "v".into()).await.expect("set");
        let found = other.get("p".into(), "k".into()).await.expect("get");
        assert_eq!(found.map(|found| found.value), Some(Bytes::from("v")));
    }
}
