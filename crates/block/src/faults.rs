//! A store that fails at a chosen call, for tests of what its callers do then.
//!
//! A test counts the calls of an operation once, then runs the operation again for each of them with
//! that call failing. [`FailingBlockStore::injected`] proves that the fault was really met.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;

use crate::Address;
use crate::BlockStore;
use crate::Body;
use crate::Completed;
use crate::CompletedPart;
use crate::Error;
use crate::Head;
use crate::Listed;
use crate::Part;
use crate::PresignedUrl;
use crate::SourceObject;
use crate::StorageNamespace;
use crate::StoreDescription;
use crate::StoredPart;
use crate::UploadId;

/// A store whose n-th call fails, having done nothing; all others reach the store within.
///
/// Calls are those that reach out to the storage: every `async` method of [`BlockStore`].
#[derive(Debug)]
pub struct FailingBlockStore {
    inner: Arc<dyn BlockStore>,
    calls: AtomicU64,
    /// The call that fails, counted from one; zero for none.
    failing: AtomicU64,
    injected: AtomicU64,
}

impl FailingBlockStore {
    /// A store that hands everything on to `inner` until told to fail.
    pub fn new(inner: Arc<dyn BlockStore>) -> Self {
        Self {
            inner,
            calls: AtomicU64::new(0),
            failing: AtomicU64::new(0),
            injected: AtomicU64::new(0),
        }
    }

    /// Lets the `nth` call from now fail; the next call is the first.
    pub fn fail_nth(&self, nth: u64) {
        self.failing.store(self.calls() + nth, Ordering::SeqCst);
    }

    /// Number of calls so far, failed ones included.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Number of calls that were made to fail.
    pub fn injected(&self) -> u64 {
        self.injected.load(Ordering::SeqCst)
    }

    fn count(&self) -> Result<(), Error> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if call != self.failing.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.injected.fetch_add(1, Ordering::SeqCst);
        Err(Error::Io {
            location: format!("call {call}"),
            source: "a fault injected by a test".into(),
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BlockStore for FailingBlockStore {
    fn description(&self) -> StoreDescription {
        self.inner.description()
    }

    fn check_namespace(&self, namespace: &StorageNamespace) -> Result<(), Error> {
        self.inner.check_namespace(namespace)
    }

    fn physical_address(&self, address: &Address) -> String {
        self.inner.physical_address(address)
    }

    fn parse_physical(
        &self,
        namespace: &StorageNamespace,
        physical: &str,
    ) -> Result<Address, Error> {
        self.inner.parse_physical(namespace, physical)
    }

    async fn put(&self, address: &Address, body: Body) -> Result<u64, Error> {
        self.count()?;
        self.inner.put(address, body).await
    }

    async fn put_if_absent(&self, address: &Address, body: Body) -> Result<u64, Error> {
        self.count()?;
        self.inner.put_if_absent(address, body).await
    }

    async fn get(&self, address: &Address, range: Option<Range<u64>>) -> Result<Body, Error> {
        self.count()?;
        self.inner.get(address, range).await
    }

    async fn head(&self, address: &Address) -> Result<Option<Head>, Error> {
        self.count()?;
        self.inner.head(address).await
    }

    async fn delete(&self, address: &Address) -> Result<(), Error> {
        self.count()?;
        self.inner.delete(address).await
    }

    async fn copy(&self, from: &Address, to: &Address) -> Result<u64, Error> {
        self.count()?;
        self.inner.copy(from, to).await
    }

    async fn list(
        &self,
        namespace: &StorageNamespace,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, Error> {
        self.count()?;
        self.inner.list(namespace, prefix, after, limit).await
    }

    /// Each object that is listed counts as a call.
    fn list_source<'a>(&'a self, source: &'a str) -> BoxStream<'a, Result<SourceObject, Error>> {
        let listed = self.inner.list_source(source);
        listed.map(|object| self.count().and(object)).boxed()
    }

    async fn find_source(&self, uri: &str) -> Result<Option<SourceObject>, Error> {
        self.count()?;
        self.inner.find_source(uri).await
    }

    async fn create_multipart(&self, address: &Address) -> Result<UploadId, Error> {
        self.count()?;
        self.inner.create_multipart(address).await
    }

    async fn put_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        body: Body,
    ) -> Result<StoredPart, Error> {
        self.count()?;
        self.inner.put_part(address, upload, number, body).await
    }

    async fn copy_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        from: &Address,
        range: Option<Range<u64>>,
    ) -> Result<StoredPart, Error> {
        self.count()?;
        self.inner.copy_part(address, upload, number, from, range).await
    }

    async fn list_parts(
        &self,
        address: &Address,
        upload: &UploadId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Part>, Error> {
        self.count()?;
        self.inner.list_parts(address, upload, after, limit).await
    }

    async fn complete_multipart(
        &self,
        address: &Address,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<Completed, Error> {
        self.count()?;
        self.inner.complete_multipart(address, upload, parts).await
    }

    async fn abort_multipart(&self, address: &Address, upload: &UploadId) -> Result<(), Error> {
        self.count()?;
        self.inner.abort_multipart(address, upload).await
    }

    async fn presign_get(
        &self,
        address: &Address,
        ttl: Duration,
        file_name: Option<&str>,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.count()?;
        self.inner.presign_get(address, ttl, file_name).await
    }

    async fn presign_put(
        &self,
        address: &Address,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.count()?;
        self.inner.presign_put(address, ttl).await
    }

    async fn presign_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.count()?;
        self.inner.presign_part(address, upload, number, ttl).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.count()?;
        self.inner.close().await
    }
}
