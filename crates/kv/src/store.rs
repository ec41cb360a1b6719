//! The trait that drivers implement.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Error;

/// A store of small values under `(partition, key)`.
///
/// Arguments are owned so that a driver may hand them to another thread or queue without copying,
/// and scans return bounded pages so that no snapshot or connection outlives a call.
///
/// # Contract
///
/// Every driver passes [`crate::conformance`], which checks that:
///
/// - a value is read back whole or not at all, by this process and by others, as soon as the write
///   that stored it has returned; where the driver is durable it also survives a power cut by then;
/// - of any number of concurrent writes of one key with the same [`Precondition::Unchanged`] (or
///   [`Precondition::Absent`]), at most one is applied;
/// - the writes of one [`Store::write`] are each applied or not by their own precondition, in order,
///   so that a later one sees what an earlier one did. They are *not* one transaction: where an error
///   is returned, any of them may have been applied unless the error says otherwise;
/// - [`Store::scan`] returns keys in ascending byte order, each once. A key that existed throughout
///   several pages is in exactly one of them; keys written or deleted meanwhile may or may not appear.
///   The same holds of [`Store::partitions`] and the names of partitions.
///
/// A driver does not retry a write whose outcome it does not know; it returns [`Error::Unknown`] and
/// leaves the decision to the caller. Partition and key must not be empty, nor a page's limit zero:
/// such a call fails with [`Error::Invalid`] before anything is written. A value may be empty.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Whether other processes may write to this store too.
    fn ownership(&self) -> Ownership;

    /// Returns the value of `key`, or `None` where there is none.
    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error>;

    /// Carries out `writes` in order, waiting once, and returns one outcome for each.
    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error>;

    /// Returns at most `limit` entries of `partition` whose keys are `from` or greater, in key order.
    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error>;

    /// Returns at most `limit` names of partitions, `from` or greater, in ascending byte order.
    ///
    /// A partition is there exactly while it has a key. For tools that look at a whole store: no
    /// request of a client waits for this.
    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error>;

    /// Makes all that was acknowledged durable and cheap to open again. For a clean stop; no write
    /// may follow.
    async fn close(&self) -> Result<(), Error>;
}

/// Who writes to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Only this process. Caches that are written through are always right.
    Exclusive,
    /// Several servers. Only immutable things may be cached without a bound on their age.
    Shared,
}

/// One write: a value, or with `None` a deletion, under a precondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Partition of the key.
    pub partition: Bytes,
    /// The key.
    pub key: Bytes,
    /// The new value; `None` removes the key. Removing a key that is not there is no error.
    pub value: Option<Bytes>,
    /// What must hold of the key at that moment.
    pub precondition: Precondition,
}

impl Write {
    /// Fails with [`Error::Invalid`] where partition or key are empty. For drivers.
    pub fn check(&self) -> Result<(), Error> {
        check_key(&self.partition, &self.key)
    }
}

/// What must be true of a key for a [`Write`] to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    Always,
    /// The key has no value.
    Absent,
    /// The key has a value, whichever.
    Exists,
    /// The key still has the value that was read with this version.
    Unchanged(Version),
}

impl Precondition {
    /// Whether this holds for a key whose value is `current`, in a driver whose versions are the
    /// values themselves.
    pub fn holds_for(&self, current: Option<&[u8]>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => current.is_none(),
            Self::Exists => current.is_some(),
            Self::Unchanged(Version(expected)) => current == Some(expected),
        }
    }
}

/// What became of a [`Write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The write was carried out.
    Applied,
    /// The precondition did not hold; nothing was changed.
    PreconditionFailed,
}

/// What identifies a value in [`Precondition::Unchanged`]: for most drivers the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub Bytes);

/// A value as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The value.
    pub value: Bytes,
    /// Identifies it in a later conditional write.
    pub version: Version,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// A piece of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanPage {
    /// Entries in ascending key order.
    pub entries: Vec<Entry>,
    /// Whether the partition goes on after the last of them.
    pub more: bool,
}

/// A piece of the list of partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionPage {
    /// Names in ascending byte order.
    pub names: Vec<Bytes>,
    /// Whether there are further ones after the last of them.
    pub more: bool,
}

/// Fails with [`Error::Invalid`] where `partition` or `key` are empty. For drivers.
pub fn check_key(partition: &[u8], key: &[u8]) -> Result<(), Error> {
    if partition.is_empty() {
        return Err(Error::Invalid("empty partition"));
    }
    if key.is_empty() {
        return Err(Error::Invalid("empty key"));
    }
    Ok(())
}

/// Fails with [`Error::Invalid`] where `partition` is empty or `limit` zero. For drivers.
pub fn check_scan(partition: &[u8], limit: usize) -> Result<(), Error> {
    if partition.is_empty() {
        return Err(Error::Invalid("empty partition"));
    }
    if limit == 0 {
        return Err(Error::Invalid("a scan of at most zero entries"));
    }
    Ok(())
}

/// Fails with [`Error::Invalid`] where `limit` is zero. For drivers.
pub fn check_partitions(limit: usize) -> Result<(), Error> {
    if limit == 0 {
        return Err(Error::Invalid("a list of at most zero partitions"));
    }
    Ok(())
}
