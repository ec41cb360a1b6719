//! The trait that drivers implement.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use lakehold_clock::Timestamp;

use crate::Address;
use crate::Body;
use crate::Completed;
use crate::CompletedPart;
use crate::Error;
use crate::Part;
use crate::StorageNamespace;
use crate::UploadId;

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
/// - A part that was acknowledged is durable, and an upload in parts lives until it is completed or
///   aborted, also across restarts; before it is completed nothing of it is visible to `get`, `head` and
///   `list`.
/// - A store that retries by itself does not take its own earlier attempt for somebody else's: see
///   [`BlockStore::put_if_absent`].
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
    /// An address is for one content: where there is something already it should be the same bytes,
    /// and a store may keep either. What replaces something else needs an address of its own.
    ///
    /// Fails with [`Error::Length`] where the body is not as long as it announced, with
    /// [`Error::Body`] where its producer failed.
    async fn put(&self, address: &Address, body: Body) -> Result<u64, Error>;

    /// Stores `body` at `address` if there is nothing yet, and returns its length in bytes. Of any
    /// number of calls at the same time at most one succeeds.
    ///
    /// Fails with [`Error::Exists`] where something is there that was not stored by this call, and
    /// with [`Error::OutcomeUnknown`] where the store's answer was lost and cannot be found out: a lost
    /// answer is never told as a conflict. Otherwise as [`BlockStore::put`].
    async fn put_if_absent(&self, address: &Address, body: Body) -> Result<u64, Error>;

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

    /// Lists the objects that are in the store already at `source`, a complete URI, as an import takes
    /// them: in byte order of their names, a page at a time, so that memory stays bounded. The stream
    /// ends after an error.
    ///
    /// In a folder these are all files below `source`; elsewhere all objects whose keys begin with it, by
    /// the part of their keys after its last slash. Nothing in `source` is decoded or normalised.
    ///
    /// Fails with [`Error::InvalidAddress`] where `source` cannot be one of this store, with
    /// [`Error::Forbidden`] where it, or a file, lies outside what may be imported, and with
    /// [`Error::NotFound`] where there is no such folder.
    fn list_source<'a>(&'a self, source: &'a str) -> BoxStream<'a, Result<SourceObject, Error>>;

    /// Returns the single object at `uri`, a complete URI, as an import takes it, or `None` where there
    /// is none. Otherwise fails as [`BlockStore::list_source`].
    async fn find_source(&self, uri: &str) -> Result<Option<SourceObject>, Error>;

    /// Begins an upload in parts, for `address`.
    async fn create_multipart(&self, address: &Address) -> Result<UploadId, Error>;

    /// Stores `body` as part `number` of `upload`, which is for `address`, replacing an earlier one of
    /// that number. A store may refuse a part of unknown length that it would have to hold in memory.
    ///
    /// Fails with [`Error::UploadNotFound`] where there is no such upload for `address`, with
    /// [`Error::InvalidPart`] where `number` is not one of 1 to [`crate::MAX_PART_NUMBER`], otherwise
    /// as [`BlockStore::put`].
    async fn put_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        body: Body,
    ) -> Result<StoredPart, Error>;

    /// Stores the bytes at `from`, or only `range` of them, as part `number` of `upload`, which is
    /// for `address`.
    ///
    /// Fails with [`Error::NotFound`] where there is nothing at `from`, otherwise as
    /// [`BlockStore::put_part`]. The end of `range` must not lie beyond the end of the bytes.
    async fn copy_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        from: &Address,
        range: Option<Range<u64>>,
    ) -> Result<StoredPart, Error>;

    /// Returns at most `limit` parts of `upload`, which is for `address`, whose numbers are greater
    /// than `after`, in order of their numbers.
    ///
    /// Fails with [`Error::UploadNotFound`] where there is no such upload for `address`.
    async fn list_parts(
        &self,
        address: &Address,
        upload: &UploadId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Part>, Error>;

    /// Makes the object at `address` out of `parts` of `upload`, one after the other; the upload and
    /// all its parts are gone then.
    ///
    /// Fails with [`Error::InvalidPart`], having changed nothing, where `parts` are not parts of the
    /// upload in rising order, each but the last of at least [`crate::MIN_PART_BYTES`] (parts may be
    /// left out, but not of every store); with [`Error::UploadNotFound`] where there is no such upload
    /// for `address`; with [`Error::OutcomeUnknown`] where the answer was lost and cannot be found out.
    async fn complete_multipart(
        &self,
        address: &Address,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<Completed, Error>;

    /// Ends `upload`, which is for `address`, and removes its parts.
    ///
    /// Fails with [`Error::UploadNotFound`] where there is no such upload for `address`.
    async fn abort_multipart(&self, address: &Address, upload: &UploadId) -> Result<(), Error>;

    /// Returns a URL at which a client may read `address` itself until `ttl` has passed, as a download
    /// under the name `file_name` if one is given.
    ///
    /// `None` where this store has no such thing; the caller then serves the bytes itself. Whether
    /// there is anything at `address` is not checked.
    async fn presign_get(
        &self,
        address: &Address,
        ttl: Duration,
        file_name: Option<&str>,
    ) -> Result<Option<PresignedUrl>, Error>;

    /// Returns a URL to which a client may send bytes for `address` itself (HTTP `PUT`) until `ttl` has
    /// passed; `None` where this store has no such thing.
    async fn presign_put(
        &self,
        address: &Address,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error>;

    /// Returns a URL to which a client may send part `number` of `upload`, which is for `address`,
    /// itself (HTTP `PUT`) until `ttl` has passed; `None` where this store has no such thing.
    async fn presign_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error>;

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

/// An object that is in the store already, as an import takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceObject {
    /// Its complete URI.
    pub uri: String,
    /// Its name below what was listed; empty for the object that is the listed folder itself.
    pub name: String,
    /// Length and time.
    pub head: Head,
    /// Its entity tag, without quotes; `None` where the store has none, so that who needs one reads the
    /// bytes.
    pub etag: Option<String>,
}

/// A part that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// Its entity tag, without quotes: on most stores the MD5 of its bytes in hexadecimal digits.
    pub etag: String,
    /// Length in bytes.
    pub size: u64,
}

/// A URL that a client may use by itself for a while. Whoever has it may do what it was made for.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedUrl {
    /// The URL. Not for logs.
    pub url: String,
    /// When it stops working: after the time that was asked for, or with the credentials that signed it.
    pub expires: Timestamp,
}

impl fmt::Debug for PresignedUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PresignedUrl").field("expires", &self.expires).finish_non_exhaustive()
    }
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
    /// Whether a user interface in a browser should use such URLs.
    pub can_presign_ui: bool,
    /// Whether the store gives out such URLs for the parts of an upload, too.
    pub can_presign_multipart: bool,
    /// Whether objects already in the store can be imported.
    pub can_import: bool,
    /// Regular expression that every import source matches.
    pub import_validity: String,
}
