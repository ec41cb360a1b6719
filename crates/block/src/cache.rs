//! A store that keeps chosen objects of another one on the local disk.
//!
//! Meant for the ranges and metaranges of a remote store: small, immutable, read again and again. What
//! is chosen is read whole, once however many ask for it, and kept in a folder of bounded size
//! ([`disk`]). Everything else passes through. The other store stays the truth: [`BlockStore::head`]
//! and listings always ask it, so that something removed there is not taken for being there.
//!
//! A cached file carries length and checksum ([`mod@file`]); one that is damaged is dropped and fetched
//! again. Whatever goes wrong with the folder, a full disk included, costs speed and nothing else.

mod disk;
mod file;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use bytes::BytesMut;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use lakehold_clock::Runtime;
use tracing::debug;
use tracing::warn;

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

use disk::Disk;
use file::Name;

/// A longer object is not kept: it would be held in memory whole, and take the place of many.
const LONGEST_BYTES: u64 = 64 << 20;

/// Where a cache lies and how much it keeps.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// The folder, for this cache alone; made if it is not there. What is in it can be lost.
    pub folder: PathBuf,
    /// How many bytes of files to keep. Those being fetched come on top of it.
    pub capacity_bytes: u64,
}

/// A store that keeps chosen objects of another one on the local disk.
pub struct CachedBlockStore {
    inner: Arc<dyn BlockStore>,
    chosen: Box<dyn Fn(&Address) -> bool + Send + Sync>,
    disk: Disk,
    longest: u64,
}

/// Why a fetch did not end with a file.
enum NotKept {
    /// There is nothing to keep.
    Failed(Arc<Error>),
    /// It is too long to be kept.
    TooLong,
    /// The bytes came, but no file could be written.
    Unwritten(Bytes),
}

impl CachedBlockStore {
    /// A store that keeps what is `chosen` of `inner`, with what an earlier process kept in the same
    /// folder.
    ///
    /// Fails with [`Error::Io`] where the folder cannot be made or read.
    pub async fn open(
        inner: Arc<dyn BlockStore>,
        settings: CacheSettings,
        chosen: impl Fn(&Address) -> bool + Send + Sync + 'static,
        runtime: Runtime,
    ) -> Result<Self, Error> {
        let location = settings.folder.display().to_string();
        let disk = Disk::open(settings.folder, settings.capacity_bytes, runtime).await;
        let disk = disk.map_err(|error| Error::from_io(location, error))?;
        let longest = LONGEST_BYTES.min(settings.capacity_bytes / 4);
        Ok(Self { inner, chosen: Box::new(chosen), disk, longest })
    }

    /// All bytes at `address`; `None` where they are too many to be kept.
    async fn whole(&self, address: &Address) -> Result<Option<Bytes>, Error> {
        let shown = self.inner.physical_address(address);
        let name = Name::of(&shown);
        if let Some(body) = self.disk.find(name, &shown).await {
            return Ok(Some(body));
        }
        let mut fetched = None;
        let fetch = Box::pin(self.fetch(address, name, &shown, &mut fetched));
        let kept = self.disk.index.entry(name).or_try_insert_with(fetch).await;
        self.disk.tidy().await;
        match kept.as_ref().map_err(|not_kept| &**not_kept) {
            Err(NotKept::Failed(error)) => Err(Error::from_shared(error)),
            Err(NotKept::TooLong) => Ok(None),
            Err(NotKept::Unwritten(body)) => Ok(Some(body.clone())),
            Ok(_) if fetched.is_some() => Ok(fetched),
            // Somebody else fetched it meanwhile. If it is gone already, the store has it.
            Ok(_) => Ok(self.disk.find(name, &shown).await),
        }
    }

    async fn fetch(
        &self,
        address: &Address,
        name: Name,
        shown: &str,
        fetched: &mut Option<Bytes>,
    ) -> Result<u32, NotKept> {
        let failed = |error| NotKept::Failed(Arc::new(error));
        let body = self.inner.get(address, None).await.map_err(failed)?;
        let body = read_whole(body, self.longest, shown).await.map_err(failed)?;
        let body = body.ok_or(NotKept::TooLong)?;
        debug!(block.address = shown, size_bytes = body.len(), "fetched {shown}");
        match self.disk.write(name, shown, body.clone()).await {
            Ok(kib) => {
                *fetched = Some(body);
                Ok(kib)
            }
            Err(error) => {
                warn!("nothing can be cached: {error}");
                Err(NotKept::Unwritten(body))
            }
        }
    }

    /// Keeps what was just stored: it is what will be read next.
    async fn keep(&self, address: &Address, body: Bytes) {
        if body.len() as u64 > self.longest {
            return;
        }
        let shown = self.inner.physical_address(address);
        let name = Name::of(&shown);
        match self.disk.write(name, &shown, body).await {
            Ok(kib) => self.disk.index.insert(name, kib).await,
            Err(error) => warn!("nothing can be cached: {error}"),
        }
        self.disk.tidy().await;
    }
}

/// Reads `body`, which must be as long as it says; `None` where that is more than `longest` bytes.
async fn read_whole(body: Body, longest: u64, location: &str) -> Result<Option<Bytes>, Error> {
    let announced = body.length();
    if announced.is_some_and(|length| length > longest) {
        return Ok(None);
    }
    let mut all = BytesMut::new();
    let mut pieces = body.into_pieces();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|source| Error::Io { location: location.to_owned(), source })?;
        if (all.len() + piece.len()) as u64 > longest {
            return Ok(None);
        }
        all.extend_from_slice(&piece);
    }
    match announced {
        Some(length) if length != all.len() as u64 => {
            Err(Error::too_short(location.to_owned(), &(0..length), all.len() as u64))
        }
        _ => Ok(Some(all.freeze())),
    }
}

impl fmt::Debug for CachedBlockStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inner, disk, .. } = self;
        out.debug_struct("CachedBlockStore")
            .field("inner", inner)
            .field("disk", disk)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BlockStore for CachedBlockStore {
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
        match body {
            Body::Whole(bytes) if (self.chosen)(address) => {
                let length = self.inner.put(address, bytes.clone().into()).await?;
                self.keep(address, bytes).await;
                Ok(length)
            }
            body => self.inner.put(address, body).await,
        }
    }

    async fn put_if_absent(&self, address: &Address, body: Body) -> Result<u64, Error> {
        self.inner.put_if_absent(address, body).await
    }

    async fn get(&self, address: &Address, range: Option<Range<u64>>) -> Result<Body, Error> {
        if !(self.chosen)(address) {
            return self.inner.get(address, range).await;
        }
        let Some(body) = self.whole(address).await? else {
            return self.inner.get(address, range).await;
        };
        let size = body.len() as u64;
        let range = range.unwrap_or(0..size);
        if range.start > range.end || range.end > size {
            return Err(Error::too_short(self.physical_address(address), &range, size));
        }
        // Both ends are at most the length, which is a usize.
        Ok(Body::Whole(body.slice(range.start as usize..range.end as usize)))
    }

    async fn head(&self, address: &Address) -> Result<Option<Head>, Error> {
        self.inner.head(address).await
    }

    async fn delete(&self, address: &Address) -> Result<(), Error> {
        self.inner.delete(address).await?;
        if (self.chosen)(address) {
            self.disk.remove(Name::of(&self.physical_address(address))).await;
        }
        Ok(())
    }

    async fn copy(&self, from: &Address, to: &Address) -> Result<u64, Error> {
        self.inner.copy(from, to).await
    }

    async fn list(
        &self,
        namespace: &StorageNamespace,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, Error> {
        self.inner.list(namespace, prefix, after, limit).await
    }

    fn list_source<'a>(&'a self, source: &'a str) -> BoxStream<'a, Result<SourceObject, Error>> {
        self.inner.list_source(source)
    }

    async fn find_source(&self, uri: &str) -> Result<Option<SourceObject>, Error> {
        self.inner.find_source(uri).await
    }

    async fn create_multipart(&self, address: &Address) -> Result<UploadId, Error> {
        self.inner.create_multipart(address).await
    }

    async fn put_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        body: Body,
    ) -> Result<StoredPart, Error> {
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
        self.inner.copy_part(address, upload, number, from, range).await
    }

    async fn list_parts(
        &self,
        address: &Address,
        upload: &UploadId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Part>, Error> {
        self.inner.list_parts(address, upload, after, limit).await
    }

    async fn complete_multipart(
        &self,
        address: &Address,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<Completed, Error> {
        self.inner.complete_multipart(address, upload, parts).await
    }

    async fn abort_multipart(&self, address: &Address, upload: &UploadId) -> Result<(), Error> {
        self.inner.abort_multipart(address, upload).await
    }

    async fn presign_get(
        &self,
        address: &Address,
        ttl: Duration,
        file_name: Option<&str>,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.inner.presign_get(address, ttl, file_name).await
    }

    async fn presign_put(
        &self,
        address: &Address,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.inner.presign_put(address, ttl).await
    }

    async fn presign_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.inner.presign_part(address, upload, number, ttl).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}
