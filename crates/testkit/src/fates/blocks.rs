//! The block store whose calls are decided upon.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use lakehold_block::Address;
use lakehold_block::BlockStore;
use lakehold_block::Body;
use lakehold_block::Completed;
use lakehold_block::CompletedPart;
use lakehold_block::Error;
use lakehold_block::Head;
use lakehold_block::Listed;
use lakehold_block::Part;
use lakehold_block::PresignedUrl;
use lakehold_block::SourceObject;
use lakehold_block::StorageNamespace;
use lakehold_block::StoreDescription;
use lakehold_block::StoredPart;
use lakehold_block::UploadId;

use super::Access;
use super::Fate;
use super::Fates;

/// A block store over another one, whose calls end as `fates` decide.
#[derive(Debug)]
pub(crate) struct FatedBlocks {
    inner: Arc<dyn BlockStore>,
    fates: Arc<dyn Fates>,
}

impl FatedBlocks {
    pub(crate) fn new(inner: Arc<dyn BlockStore>, fates: Arc<dyn Fates>) -> Self {
        Self { inner, fates }
    }

    async fn call<T>(
        &self,
        access: Access,
        at: impl std::fmt::Display + Send,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let unknown =
            |what: &str| Error::OutcomeUnknown { location: at.to_string(), source: what.into() };
        let is_read = access == Access::Read;
        let answer = match self.fates.decide(access).await {
            Fate::CarriedOut => work.await,
            Fate::Throttled => Err(Error::Throttled(at.to_string())),
            Fate::Lost | Fate::Torn if !is_read => {
                work.await.and_then(|_| Err(unknown("injected: the answer was lost")))
            }
            Fate::Vanished if !is_read => Err(unknown("injected: the call was lost")),
            _ => {
                let source = "injected: no answer".into();
                Err(Error::Io { location: at.to_string(), source })
            }
        };
        self.fates.answer().await;
        answer
    }

    async fn read<T>(
        &self,
        at: impl std::fmt::Display + Send,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.call(Access::Read, at, work).await
    }

    async fn write<T>(
        &self,
        at: impl std::fmt::Display + Send,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.call(Access::Write, at, work).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BlockStore for FatedBlocks {
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
        self.write(address, self.inner.put(address, body)).await
    }

    async fn put_if_absent(&self, address: &Address, body: Body) -> Result<u64, Error> {
        self.write(address, self.inner.put_if_absent(address, body)).await
    }

    async fn get(&self, address: &Address, range: Option<Range<u64>>) -> Result<Body, Error> {
        self.read(address, self.inner.get(address, range)).await
    }

    async fn head(&self, address: &Address) -> Result<Option<Head>, Error> {
        self.read(address, self.inner.head(address)).await
    }

    async fn delete(&self, address: &Address) -> Result<(), Error> {
        self.write(address, self.inner.delete(address)).await
    }

    async fn copy(&self, from: &Address, to: &Address) -> Result<u64, Error> {
        self.write(to, self.inner.copy(from, to)).await
    }

    async fn list(
        &self,
        namespace: &StorageNamespace,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, Error> {
        self.read(namespace, self.inner.list(namespace, prefix, after, limit)).await
    }

    /// Each object that is listed is a call.
    fn list_source<'a>(&'a self, source: &'a str) -> BoxStream<'a, Result<SourceObject, Error>> {
        let listed = self.inner.list_source(source);
        listed.and_then(move |object| self.read(source, async move { Ok(object) })).boxed()
    }

    async fn find_source(&self, uri: &str) -> Result<Option<SourceObject>, Error> {
        self.read(uri, self.inner.find_source(uri)).await
    }

    async fn create_multipart(&self, address: &Address) -> Result<UploadId, Error> {
        self.write(address, self.inner.create_multipart(address)).await
    }

    async fn put_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        body: Body,
    ) -> Result<StoredPart, Error> {
        self.write(address, self.inner.put_part(address, upload, number, body)).await
    }

    async fn copy_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        from: &Address,
        range: Option<Range<u64>>,
    ) -> Result<StoredPart, Error> {
        self.write(address, self.inner.copy_part(address, upload, number, from, range)).await
    }

    async fn list_parts(
        &self,
        address: &Address,
        upload: &UploadId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Part>, Error> {
        self.read(address, self.inner.list_parts(address, upload, after, limit)).await
    }

    async fn complete_multipart(
        &self,
        address: &Address,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<Completed, Error> {
        self.write(address, self.inner.complete_multipart(address, upload, parts)).await
    }

    async fn abort_multipart(&self, address: &Address, upload: &UploadId) -> Result<(), Error> {
        self.write(address, self.inner.abort_multipart(address, upload)).await
    }

    async fn presign_get(
        &self,
        address: &Address,
        ttl: Duration,
        file_name: Option<&str>,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.read(address, self.inner.presign_get(address, ttl, file_name)).await
    }

    async fn presign_put(
        &self,
        address: &Address,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.read(address, self.inner.presign_put(address, ttl)).await
    }

    async fn presign_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.read(address, self.inner.presign_part(address, upload, number, ttl)).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}
