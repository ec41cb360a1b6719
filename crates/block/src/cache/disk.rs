//! The files of the cache and which of them are there: bounded, least recently used first out.
//!
//! The index is a cache of sizes in memory. It decides what goes; the files go after it, so that for
//! a moment there may be one more than it knows. A file that is missing or damaged is no error: it is
//! as if it had never been there.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use lakehold_clock::Runtime;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tracing::warn;

use super::file;
use super::file::Name;

/// What the names of files begin with that are being written.
const ASIDE: &str = "aside-";

/// Files on the local disk with an index in memory.
pub(super) struct Disk {
    folder: PathBuf,
    runtime: Runtime,
    /// KiB of each file.
    pub(super) index: Cache<Name, u32>,
    /// Files that the index has let go.
    dropped: Arc<Mutex<Vec<Name>>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Disk").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Disk {
    /// Opens the cache in `folder`, made if it is not there, with what an earlier process left.
    pub(super) async fn open(
        folder: PathBuf,
        capacity_bytes: u64,
        runtime: Runtime,
    ) -> io::Result<Self> {
        let dropped = Arc::new(Mutex::new(Vec::new()));
        let disk = Self { index: index(capacity_bytes, &dropped), folder, runtime, dropped };
        let folder = disk.folder.clone();
        for (name, length) in disk.runtime.blocking(move || left_files(&folder)).await? {
            disk.index.insert(name, kib(length)).await;
        }
        disk.tidy().await;
        Ok(disk)
    }

    /// The body of `address`, if it is there and whole.
    pub(super) async fn find(&self, name: Name, address: &str) -> Option<Bytes> {
        self.index.get(&name).await?;
        let (path, address) = (self.path(&name), address.to_owned());
        let read = self.runtime.blocking(move || file::read(&path, &address)).await;
        match read {
            Ok(Some(body)) => return Some(body),
            Ok(None) => warn!("cached file {} is damaged; dropped it", self.path(&name).display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => warn!("cached file {}: {error}", self.path(&name).display()),
        }
        self.remove(name).await;
        None
    }

    /// Writes the file of `body`, and returns its size in KiB for the index.
    pub(super) async fn write(&self, name: Name, address: &str, body: Bytes) -> io::Result<u32> {
        let size = kib(file::file_length(address, &body));
        let number = u128::from_le_bytes(self.runtime.random_bytes());
        let aside = self.folder.join(format!("{ASIDE}{number:032x}"));
        let (path, address) = (self.path(&name), address.to_owned());
        self.runtime.blocking(move || file::write(&path, &aside, &address, &body)).await?;
        Ok(size)
    }

    /// Forgets `name` and removes its file.
    pub(super) async fn remove(&self, name: Name) {
        self.index.invalidate(&name).await;
        self.remove_files(vec![self.path(&name)]).await;
    }

    /// Lets go what is too much.
    pub(super) async fn tidy(&self) {
        self.index.run_pending_tasks().await;
        let dropped = std::mem::take(&mut *self.dropped.lock().expect("no code panics here"));
        let gone = dropped.into_iter().filter(|name| !self.index.contains_key(name));
        let paths: Vec<PathBuf> = gone.map(|name| self.path(&name)).collect();
        if !paths.is_empty() {
            self.remove_files(paths).await;
        }
    }

    async fn remove_files(&self, paths: Vec<PathBuf>) {
        // A file that stays is overwritten, or removed when the cache is opened again.
        let remove = move || paths.iter().for_each(|path| drop(fs::remove_file(path)));
        self.runtime.blocking(remove).await;
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.folder.join(name.text())
    }
}

fn index(capacity_bytes: u64, dropped: &Arc<Mutex<Vec<Name>>>) -> Cache<Name, u32> {
    let dropped = dropped.clone();
    Cache::builder()
        .max_capacity(capacity_bytes / 1_024)
        .weigher(|_: &Name, kib: &u32| *kib)
        .eviction_policy(EvictionPolicy::lru())
        .eviction_listener(move |name: Arc<Name>, _, cause| {
            if cause.was_evicted() {
                dropped.lock().expect("no code panics here").push(*name);
            }
        })
        .build()
}

fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1_024)).unwrap_or(u32::MAX)
}

/// What an earlier process left in `folder`, the oldest first. What it had not finished is removed.
fn left_files(folder: &PathBuf) -> io::Result<Vec<(Name, u64)>> {
    fs::create_dir_all(folder)?;
    let mut left = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let text = entry.file_name();
        let Some(text) = text.to_str() else { continue };
        if text.starts_with(ASIDE) {
            fs::remove_file(entry.path())?;
        } else if let Some(name) = Name::parse(text) {
            let found = entry.metadata()?;
            left.push((found.modified()?, name, found.len()));
        }
    }
    left.sort_by_key(|(modified, ..)| *modified);
    Ok(left.into_iter().map(|(_, name, length)| (name, length)).collect())
}
