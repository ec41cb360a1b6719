//! The trait that drivers implement.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use lakehold_clock::Timestamp;

use crate::Address;
use crate::Body;
use crate::Error;
use crate::StorageNamespace;

/// A store of immutable bytes under addresses: a directory, memory, S3, GCS, Azure.
///
/// # Contract
///
/// - A `put` that has returned is durable, and visible to every later `get`, `head` and `list`; a
///   `put` that failed, or whose future was dropped, leaves nothing visible.
/// - The same address is never written twice with different bytes. Callers guarantee it (addresses
///   are content hashes or fresh random names), so a reader may cache what it read for ever.
/// - Dropping a returned body or future stops the transfer. Memory does not grow with the size of a
///   body.
#[async_trait]
pub trait BlockStore: fmt::Debug + Send + Sync + 'static {
    /// What clients are told of this store.
    fn description(&self) -> StoreDescription;

    /// Fails with [`Error::InvalidAddress`] where `namespace` cannot be one of this store.
    fn check_namespace(&self, namespace: &StorageNamespace) -> Result<(), Error>;

    /// The address as clients see it, a complete URI: for a directory `local://` and the absolute
    /// path of the file.
    fn physical_address(&self, address: &Address) -> String;

    /// What a client means by the complete URI `physical`: [`Address::Relative`] where it lies below
    /// `namespace` in any spelling this store knows, else [`Address::Full`].
    ///
    /// Fails with [`Error::InvalidAddress`] where it cannot be an address of this store, and with
    /// [`Error::Forbidden`] where it lies outside what the store may touch.
    fn parse_physical(
        &self,
        namespace: &StorageNamespace,
        physical: &str,
    ) -> Result<Address, Error>;

    /// Stores `body` at `address` and returns its length in bytes.
    ///
    /// Fails with [`Error::Length`] where the body is not as long as it announced, with
    /// [`Error::Body`] where its producer failed.
    async fn put(&self, address: &Address, body: Body) -> Result<u64, Error>;

    /// Returns the bytes at `address`, or only `range` of them.
    ///
    /// The end of `range` must not lie beyond the end of the bytes. Fails with [`Error::NotFound`]
    /// where there are none.
    async fn get(&self, address: &Address, range: Option<Range<u64>>) -> Result<Body, Error>;

    /// Returns length and time of the bytes at `address`, or `None` where there are none.
    async fn head(&self, address: &Address) -> Result<Option<Head>, Error>;

    /// Removes the bytes at `address`. Removing what is not there is no error.
    async fn delete(&self, address: &Address) -> Result<(), Error>;

    /// Stores a copy of the bytes at `from` at `to` and returns their length.
    async fn copy(&self, from: &Address, to: &Address) -> Result<u64, Error>;

    /// Returns at most `limit` objects below `namespace` whose names begin with `prefix` and are
    /// greater than `after`, in byte order of the names.
    async fn list(
        &self,
        namespace: &StorageNamespace,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, Error>;

    /// Puts everything in its final place, for a clean stop. No `put` may follow.
    async fn close(&self) -> Result<(), Error>;
}

/// What is known of some bytes without reading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Length in bytes.
    pub size: u64,
    /// When they were stored.
    pub modified: Timestamp,
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name below the namespace.
    pub name: String,
    /// Length and time.
    pub head: Head,
}

/// What clients are told of a store (the API's storage configuration).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreDescription {
    /// Kind of store, also the scheme of its namespaces: `local`, `mem`, `s3`, `gs`, `azure`.
    pub kind: &'static str,
    /// A namespace to show as an example.
    pub namespace_example: String,
    /// Regular expression that every namespace matches.
    pub namespace_validity: String,
    /// What a user interface should put before a new namespace.
    pub default_namespace_prefix: String,
    /// Whether the store gives out URLs that a client may use by itself.
    pub can_presign: bool,
    /// Whether objects already in the store can be imported.
    pub can_import: bool,
    /// Regular expression that every import source matches.
    pub import_validity: String,
}
