//! The driver over a directory, with the layout of an existing installation.
//!
//! Bytes lie as plain files below a root, one folder per namespace, under the names that the server
//! gave them ([`place`]). A big body is written aside, synced, and moved into its place ([`upload`]). A
//! small one is appended to a [`journal`] first, whose sync it shares with others, and put in its
//! place soon after; until then it is read out of memory. After [`BlockStore::close`] everything is in
//! place and the journal is empty.
//!
//! The parts of an upload in parts are files of their own until it is completed ([`multipart`], [`parts`]).
//! What an import finds, below the root or in folders that the operator allows, is told by [`source`].
//!
//! Nothing is visible below the root before it is whole, for readers that come through this store.
//! A file is never changed once it is there.

mod directories;
mod journal;
mod listing;
mod multipart;
mod parts;
mod place;
mod read;
mod settings;
mod source;
mod upload;

use std::fs::DirBuilder;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::hash::BuildHasherDefault;
use std::hash::DefaultHasher;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use lakehold_clock::Runtime;
use rustix::fs::Access;
use tokio::sync::Mutex;
use tokio::sync::OwnedMutexGuard;

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

use directories::Directories;
use journal::Journal;
use journal::Opening;
use listing::Wanted;
use multipart::Multipart;
use place::Place;
use place::Places;
pub use settings::LocalSettings;
pub use settings::Tuning;
use upload::Aside;
use upload::Uploads;

/// A body no bigger goes through the journal: bigger ones are better off being written once.
const SMALL_BYTES: usize = 64 << 10;

/// The root and the journal are the server's alone.
const ROOT_MODE: u32 = 0o700;

/// How many conditional writes and completions of uploads there are at a time, if they are lucky:
/// those of one place never run at the same time.
const TURNS: usize = 64;

/// A block store over a directory.
#[derive(Debug)]
pub struct LocalBlockStore {
    runtime: Runtime,
    places: Arc<Places>,
    directories: Arc<Directories>,
    journal: Arc<Journal>,
    uploads: Uploads,
    multipart: Arc<Multipart>,
    turns: Vec<Arc<Mutex<()>>>,
    import_enabled: bool,
    import_hidden: bool,
}

impl LocalBlockStore {
    /// Opens the store, and puts in place what an earlier process left in the journal.
    ///
    /// Fails with [`Error::Corrupt`] where the journal holds something acknowledged that cannot be
    /// read, and with [`Error::Io`] where a folder cannot be made or written, or another process uses
    /// the journal.
    pub async fn open(settings: LocalSettings, runtime: Runtime) -> Result<Self, Error> {
        let opened = runtime.clone();
        runtime.blocking(move || Self::open_now(settings, opened)).await
    }

    fn open_now(settings: LocalSettings, runtime: Runtime) -> Result<Self, Error> {
        let root = prepare_folder(&settings.root)?;
        let folder = prepare_folder(&settings.journal)?;
        if folder.starts_with(&root) {
            let source = "the block journal must lie outside the block folder".into();
            return Err(Error::Io { location: folder.display().to_string(), source });
        }
        let external = settings.allowed_external_prefixes.iter().map(|path| absolute(path));
        let places = Places::new(&root, external.collect::<Result<_, _>>()?)?;
        let directories = Arc::new(Directories::new(root.clone()));
        let aside = Arc::new(Aside::new(folder.join("tmp")));
        let uploads_folder = folder.join("uploads");
        let journal = Journal::open(Opening {
            folder,
            aside: aside.clone(),
            root,
            directories: directories.clone(),
            runtime: runtime.clone(),
            tuning: settings.tuning,
        })?;
        Ok(Self {
            uploads: Uploads::new(runtime.clone(), directories.clone(), aside),
            runtime,
            places: Arc::new(places),
            directories,
            journal,
            multipart: Arc::new(Multipart::open(uploads_folder)?),
            turns: (0..TURNS).map(|_| Arc::default()).collect(),
            import_enabled: settings.import_enabled,
            import_hidden: settings.import_hidden,
        })
    }

    /// The path below the root that `address` names, for writing.
    fn writable(&self, address: &Address) -> Result<Arc<str>, Error> {
        match self.places.locate(address)? {
            Place::Inside(place) => Ok(place),
            Place::Outside(_) => Err(Error::NotSupported("writing outside the block folder")),
        }
    }

    /// Stores a small body for `place`, which was prepared.
    async fn put_small(&self, place: Arc<str>, body: Bytes) -> Result<u64, Error> {
        if self.journal.put(place.clone(), body.clone()).await {
            return Ok(body.len() as u64);
        }
        self.uploads.put(place, body, Measured::new(Bytes::new().into())).await
    }

    /// Waits until nobody else changes `place` in a way that depends on what is there.
    async fn turn(&self, place: &str) -> OwnedMutexGuard<()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(place);
        let turn = usize::try_from(hash % TURNS as u64).unwrap_or(0);
        self.turns[turn].clone().lock_owned().await
    }

    /// Fails where there is something at `place`, which `address` names.
    fn require_absent(&self, address: &Address, place: &Arc<str>) -> Result<(), Error> {
        match self.find(&Place::Inside(place.clone()))? {
            Some(_) => Err(Error::Exists(address.to_string())),
            None => Ok(()),
        }
    }

    /// Where the bytes at `place` are now.
    fn find(&self, place: &Place) -> Result<Option<Found>, Error> {
        let pending = || match place {
            Place::Inside(inside) => self.journal.find(inside),
            Place::Outside(_) => None,
        };
        if let Some((body, head)) = pending() {
            return Ok(Some(Found::Pending(body, head)));
        }
        let path = self.places.path_of(place);
        let Some(file) = read::open(&path)? else { return Ok(None) };
        // Stored since then, it may be only half there; its length counts only if it is not.
        if let Some((body, head)) = pending() {
            return Ok(Some(Found::Pending(body, head)));
        }
        let head = read::head_of_open(&path, &file)?;
        Ok(head.map(|head| Found::File(file, head)))
    }

    fn get_found(&self, address: &Address) -> Result<Found, Error> {
        let found = self.find(&self.places.locate(address)?)?;
        found.ok_or_else(|| Error::NotFound(address.to_string()))
    }

    /// The bytes of `range` in what was found at `address`, which has them.
    fn read(&self, address: &Address, found: Found, range: Range<u64>) -> Result<Body, Error> {
        match found {
            // Both ends are at most the length, which is a usize.
            Found::Pending(body, _) => {
                Ok(Body::Whole(body.slice(range.start as usize..range.end as usize)))
            }
            Found::File(file, _) => read::body(&self.runtime, &address.to_string(), file, range),
        }
    }
}

/// Where bytes are.
enum Found {
    /// In the journal.
    Pending(Bytes, Head),
    /// In their place.
    File(File, Head),
}

impl Found {
    fn head(&self) -> Head {
        match self {
            Self::Pending(_, head) | Self::File(_, head) => *head,
        }
    }
}

#[async_trait]
impl BlockStore for LocalBlockStore {
    fn description(&self) -> StoreDescription {
        StoreDescription {
            kind: "local",
            namespace_example: "local://example-bucket/".to_owned(),
            namespace_validity: "^local://".to_owned(),
            default_namespace_prefix: "local://".to_owned(),
            can_presign: false,
            can_presign_ui: false,
            can_presign_multipart: false,
            can_import: self.import_enabled,
            import_validity: "^local://".to_owned(),
        }
    }

    fn check_namespace(&self, namespace: &StorageNamespace) -> Result<(), Error> {
        self.places.check_namespace(namespace)
    }

    fn physical_address(&self, address: &Address) -> String {
        self.places.show(address)
    }

    fn parse_physical(
        &self,
        namespace: &StorageNamespace,
        physical: &str,
    ) -> Result<Address, Error> {
        self.places.parse(namespace, physical)
    }

    async fn put(&self, address: &Address, body: Body) -> Result<u64, Error> {
        let place = self.writable(address)?;
        let mut body = Measured::new(body);
        let first = body.gather(SMALL_BYTES + 1).await?;
        self.journal.prepare(&place).await?;
        if first.len() <= SMALL_BYTES {
            return self.put_small(place, first).await;
        }
        self.uploads.put(place, first, body).await
    }

    async fn put_if_absent(&self, address: &Address, body: Body) -> Result<u64, Error> {
        let place = self.writable(address)?;
        let mut body = Measured::new(body);
        let first = body.gather(SMALL_BYTES + 1).await?;
        self.journal.prepare(&place).await?;
        if first.len() <= SMALL_BYTES {
            let _turn = self.turn(&place).await;
            self.require_absent(address, &place)?;
            return self.put_small(place, first).await;
        }
        let upload = self.uploads.write(first, body).await?;
        let turn = self.turn(&place).await;
        self.require_absent(address, &place)?;
        self.uploads.finish(upload, place, turn).await
    }

    async fn get(&self, address: &Address, range: Option<Range<u64>>) -> Result<Body, Error> {
        let found = self.get_found(address)?;
        let range = within(address, range, found.head().size)?;
        self.read(address, found, range)
    }

    async fn head(&self, address: &Address) -> Result<Option<Head>, Error> {
        let found = self.find(&self.places.locate(address)?)?;
        Ok(found.map(|found| found.head()))
    }

    async fn delete(&self, address: &Address) -> Result<(), Error> {
        let place = self.writable(address)?;
        if self.journal.head(&place).is_some() {
            // It must leave the journal first, or it would be back after a crash.
            self.journal.drain().await?;
        }
        let directories = self.directories.clone();
        self.runtime.blocking(move || directories.remove(&place)).await
    }

    async fn copy(&self, from: &Address, to: &Address) -> Result<u64, Error> {
        let target = self.writable(to)?;
        let found = self.get_found(from)?;
        let size = found.head().size;
        match found {
            Found::File(file, _) if size > SMALL_BYTES as u64 => {
                self.journal.prepare(&target).await?;
                self.uploads.copy(file, target).await
            }
            found => self.put(to, self.read(from, found, 0..size)?).await,
        }
    }

    async fn list(
        &self,
        namespace: &StorageNamespace,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, Error> {
        let folder = self.places.folder(namespace)?;
        let (places, journal) = (self.places.clone(), self.journal.clone());
        let (prefix, after) = (prefix.to_owned(), after.to_owned());
        let uploads = self.multipart.ids();
        let page = move || {
            let wanted = Wanted { prefix: &prefix, after: &after, limit, uploads: &uploads };
            listing::page(&places, &journal, &folder, wanted)
        };
        self.runtime.blocking(page).await
    }

    fn list_source<'a>(&'a self, source: &'a str) -> BoxStream<'a, Result<SourceObject, Error>> {
        self.listed_source(source)
    }

    async fn find_source(&self, uri: &str) -> Result<Option<SourceObject>, Error> {
        self.found_source(uri).await
    }

    async fn create_multipart(&self, address: &Address) -> Result<UploadId, Error> {
        let place = self.writable(address)?;
        let (multipart, runtime) = (self.multipart.clone(), self.runtime.clone());
        self.runtime.blocking(move || multipart.create(&runtime, place)).await
    }

    async fn put_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        body: Body,
    ) -> Result<StoredPart, Error> {
        self.store_part(address, upload, number, body).await
    }

    async fn copy_part(
        &self,
        address: &Address,
        upload: &UploadId,
        number: u32,
        from: &Address,
        range: Option<Range<u64>>,
    ) -> Result<StoredPart, Error> {
        let body = self.get(from, range).await?;
        self.put_part(address, upload, number, body).await
    }

    async fn list_parts(
        &self,
        address: &Address,
        upload: &UploadId,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Part>, Error> {
        self.listed_parts(address, upload, after, limit).await
    }

    async fn complete_multipart(
        &self,
        address: &Address,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<Completed, Error> {
        self.complete(address, upload, parts).await
    }

    async fn abort_multipart(&self, address: &Address, upload: &UploadId) -> Result<(), Error> {
        self.abort(address, upload).await
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
        self.journal.drain().await
    }
}

/// What is asked for of `size` bytes.
fn within(address: &Address, asked: Option<Range<u64>>, size: u64) -> Result<Range<u64>, Error> {
    let range = asked.unwrap_or(0..size);
    if range.start > range.end || range.end > size {
        return Err(Error::too_short(address.to_string(), &range, size));
    }
    Ok(range)
}

/// Makes the folder at `path`, for good, and returns its absolute path.
fn prepare_folder(path: &Path) -> Result<PathBuf, Error> {
    let path = absolute(path)?;
    let failed = |error| Error::from_io(path.display(), error);
    let missing: Vec<&Path> = path.ancestors().take_while(|above| !above.exists()).collect();
    DirBuilder::new().recursive(true).mode(ROOT_MODE).create(&path).map_err(failed)?;
    let parents = missing.iter().filter_map(|made| made.parent());
    parents.into_iter().try_for_each(directories::sync_folder)?;
    let writable = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(&path, writable).map_err(|error| failed(error.into()))?;
    Ok(path)
}

/// The absolute path without `.` and `..`, which addresses cannot have.
fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let failed = |error| Error::from_io(path.display(), error);
    let absolute = std::path::absolute(path).map_err(failed)?;
    if absolute.components().any(|part| part == std::path::Component::ParentDir) {
        return resolve_parents(&absolute).map_err(failed);
    }
    Ok(absolute)
}

/// Resolves `..` as the system would, as far as the path exists.
fn resolve_parents(path: &Path) -> std::io::Result<PathBuf> {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        if part == std::path::Component::ParentDir {
            resolved = resolved.canonicalize()?;
            resolved.pop();
        } else {
            resolved.push(part);
        }
    }
    Ok(resolved)
}
