//! The driver over memory, for tests and for servers that may forget.
//!
//! Bytes lie in one ordered map under their complete address. Namespaces of every scheme are taken,
//! so that a test can use the spelling of the store it stands for.

mod uploads;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Bound;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use bytes::BytesMut;
use futures::StreamExt as _;
use futures::stream;
use futures::stream::BoxStream;
use lakehold_clock::Runtime;

use crate::Address;
use crate::BlockStore;
use crate::Body;
use crate::Completed;
use crate::CompletedPart;
use crate::Error;
use crate::Head;
use crate::Listed;
use crate::Measured;
use crate::Part;
use crate::PresignedUrl;
use crate::SourceObject;
use crate::StorageNamespace;
use crate::StoreDescription;
use crate::StoredPart;
use crate::UploadId;
use crate::check_part_number;

use uploads::Uploads;

/// A block store that keeps everything in memory.
pub struct MemBlockStore {
    runtime: Runtime,
    stored: Mutex<BTreeMap<String, Stored>>,
    uploads: Uploads,
    can_import: bool,
}

/// Bytes and what is known of them.
#[derive(Clone)]
struct Stored {
    bytes: Bytes,
    head: Head,
}

impl Stored {
    fn as_source(&self, uri: &str, name: &str) -> SourceObject {
        SourceObject { uri: uri.to_owned(), name: name.to_owned(), head: self.head, etag: None }
    }
}

impl MemBlockStore {
    /// An empty store that takes the time from the system.
    pub fn new() -> Self {
        Self::with_runtime(Runtime::real())
    }

    /// An empty store that takes the time from `runtime`.
    pub fn with_runtime(runtime: Runtime) -> Self {
        Self { runtime, stored: Mutex::default(), uploads: Uploads::default(), can_import: false }
    }

    /// The same, saying that what is in it can be imported.
    #[must_use]
    pub fn allowing_imports(self) -> Self {
        Self { can_import: true, ..self }
    }

    /// Number of addresses that have bytes.
    pub fn len(&self) -> usize {
        self.stored().len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.stored().is_empty()
    }

    fn stored(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        self.stored.lock().expect("no code panics while holding the lock")
    }

    fn find(&self, address: &Address) -> Option<Stored> {
        self.stored().get(&address.to_string()).cloned()
    }

    fn store(&self, address: &Address, bytes: Bytes) -> Head {
        let head = Head { size: bytes.len() as u64, modified: self.runtime.now() };
        self.stored().insert(address.to_string(), Stored { bytes, head });
        head
    }

    /// The bytes of `range` at `address`, or all of them.
    fn read(&self, address: &Address, range: Option<Range<u64>>) -> Result<Bytes, Error> {
        let Stored { bytes, head } =
            self.find(address).ok_or_else(|| Error::NotFound(address.to_string()))?;
        let range = range.unwrap_or(0..head.size);
        if range.start > range.end || range.end > head.size {
            return Err(Error::too_short(address.to_string(), &range, head.size));
        }
        let places = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let (start, end) = places.expect("a range within bytes in memory");
        Ok(bytes.slice(start..end))
    }
}

impl Default for MemBlockStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemBlockStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("MemBlockStore").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl BlockStore for MemBlockStore {
    fn description(&self) -> StoreDescription {
        StoreDescription {
            kind: "mem",
            namespace_example: "mem://example-bucket/".to_owned(),
            namespace_validity: "^[^:/]+://".to_owned(),
            default_namespace_prefix: "mem://".to_owned(),
            can_presign: false,
            can_presign_ui: false,
            can_presign_multipart: false,
            can_import: self.can_import,
            import_validity: "^[^:/]+://".to_owned(),
        }
    }

    fn check_namespace(&self, _namespace: &StorageNamespace) -> Result<(), Error> {
        Ok(())
    }

    fn physical_address(&self, address: &Address) -> String {
        address.to_string()
    }

    fn parse_physical(
        &self,
        namespace: &StorageNamespace,
        physical: &str,
    ) -> Result<Address, Error> {
        if let Some(name) = physical.strip_prefix(&root_of(namespace)) {
            return Ok(Address::relative(namespace, name));
        }
        match physical.split_once("://") {
            Some((scheme, _)) if !scheme.is_empty() => Ok(Address::Full(physical.into())),
            _ => Err(Error::InvalidAddress {
                address: physical.to_owned(),
                reason: "expected scheme://name",
            }),
        }
    }

    async fn put(&self, address: &Address, body: Body) -> Result<u64, Error> {
        let bytes = gather(body).await?;
        Ok(self.store(address, bytes).size)
    }

    async fn put_if_absent(&self, address: &Address, body: Body) -> Result<u64, Error> {
        let bytes = gather(body).await?;
        let head = Head { size: bytes.len() as u64, modified: self.runtime.now() };
        match self.stored().entry(address.to_string()) {
            Entry::Occupied(taken) => Err(Error::Exists(taken.key().clone())),
            Entry::Vacant(free) => {
                free.insert(Stored { bytes, head });
                Ok(head.size)
            }
        }
    }

    async fn get(&self, address: &Address, range: Option<Range<u64>>) -> Result<Body, Error> {
        self.read(address, range).map(Body::Whole)
    }

    async fn head(&self, address: &Address) -> Result<Option<Head>, Error> {
        Ok(self.find(address).map(|found| found.head))
    }

    async fn delete(&self, address: &Address) -> Result<(), Error> {
        self.stored().remove(&address.to_string());
        Ok(())
    }

    async fn copy(&self, from: &Address, to: &Address) -> Result<u64, Error> {
        let found = self.find(from).ok_or_else(|| Error::NotFound(from.to_string()))?;
        Ok(self.store(to, found.bytes).size)
    }

    async fn list(
        &self,
        namespace: &StorageNamespace,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, Error> {
        let root = root_of(namespace);
        let first = if after < prefix {
            Bound::Included(format!("{root}{prefix}"))
        } else {
            Bound::Excluded(format!("{root}{after}"))
        };
        let stored = self.stored();
        let listed = stored
            .range((first, Bound::Unbounded))
            .map_while(|(address, found)| {
                let name = address.strip_prefix(&root)?;
                name.starts_with(prefix).then(|| Listed { name: name.to_owned(), head: found.head })
            })
            .take(limit)
            .collect();
        Ok(listed)
    }

    fn list_source<'a>(&'a self, source: &'a str) -> BoxStream<'a, Result<SourceObject, Error>> {
        let from = (Bound::Included(source.to_owned()), Bound::Unbounded);
        let folder = source.rfind('/').map_or(0, |slash| slash + 1);
        let stored = self.stored();
        let found = stored.range(from).take_while(|(uri, _)| uri.starts_with(source));
        let found = found.map(|(uri, found)| Ok(found.as_source(uri, &uri[folder..])));
        stream::iter(found.collect::<Vec<_>>()).boxed()
    }

    async fn find_source(&self, uri: &str) -> Result<Option<SourceObject>, Error> {
        Ok(self.stored().get(uri).map(|found| found.as_source(uri, "")))
    }

    async fn create_multipart(&self, address: &Address) -> Result<UploadId, Error> {
        Ok(self.uploads.create(&self.runtime, address.to_string()))
    }

    async fn put_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        body: Body,
    ) -> Result<StoredPart, Error> {
        check_part_number(number)?;
        let address = address.to_string();
        self.uploads.check(upload, &address)?;
        let bytes = gather(body).await?;
        self.uploads.put(upload, &address, number, bytes, self.runtime.now())
    }

    async fn copy_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        from: &Address,
        range: Option<Range<u64>>,
    ) -> Result<StoredPart, Error> {
        check_part_number(number)?;
        let address = address.to_string();
        self.uploads.check(upload, &address)?;
        let bytes = self.read(from, range)?;
        self.uploads.put(upload, &address, number, bytes, self.runtime.now())
    }

    async fn list_parts(
        &self,
        address: &Address,
        upload: &UploadId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Part>, Error> {
        self.uploads.list(upload, &address.to_string(), after, limit)
    }

    async fn complete_multipart(
        &self,
        address: &Address,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<Completed, Error> {
        let (whole, etag) = self.uploads.complete(upload, &address.to_string(), parts)?;
        Ok(Completed { etag, head: self.store(address, whole) })
    }

    async fn abort_multipart(&self, address: &Address, upload: &UploadId) -> Result<(), Error> {
        self.uploads.abort(upload, &address.to_string())
    }

    async fn presign_get(
        &self,
        _address: &Address,
        _ttl: Duration,
        _file_name: Option<&str>,
    ) -> Result<Option<PresignedUrl>, Error> {
        Ok(None)
    }

    async fn presign_put(
        &self,
        _address: &Address,
        _ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        Ok(None)
    }

    async fn presign_part(
        &self,
        _address: &Address,
        _upload: &UploadId,
        _number: u32,
        _ttl: Duration,
    ) -> Result<Option<PresignedUrl>, Error> {
        Ok(None)
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

async fn gather(body: Body) -> Result<Bytes, Error> {
    let mut pieces = Measured::new(body);
    let mut all = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all.freeze())
}

/// What every address below `namespace` begins with.
fn root_of(namespace: &StorageNamespace) -> String {
    format!("{}/", namespace.as_str().trim_end_matches('/'))
}
