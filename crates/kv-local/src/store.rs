//! The store as its users see it: a queue to the committer, and the tree to read from.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use async_trait::async_trait;
use bytes::Bytes;
use fjall::Keyspace;
use lakehold_kv::Entry;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::PartitionPage;
use lakehold_kv::ScanPage;
use lakehold_kv::Store;
use lakehold_kv::Version;
use lakehold_kv::Versioned;
use lakehold_kv::Write;
use lakehold_kv::check_partitions;
use lakehold_kv::check_scan;
use tokio::sync::oneshot;

use crate::LocalSettings;
use crate::batch::EncodedWrite;
use crate::committer::Committer;
use crate::committer::Job;
use crate::committer::Request;
use crate::failure::Failure;
use crate::failure::of_library;
use crate::failure::unreachable_path;
use crate::keys;
use crate::opening;
use crate::opening::Opened;
use crate::opening::guarded;
use crate::partitions;

/// The largest page of a scan. What a page takes, well below a millisecond, is done in place: that
/// costs less than handing it to another thread.
const LARGEST_PAGE: usize = 1_000;

/// A store in a directory of the local disk, for one process.
///
/// A write is durable when it returns: its batch was synced to the disk. The caller sees to it that
/// no other process opens the same directory.
pub struct LocalStore {
    keyspace: Keyspace,
    path: PathBuf,
    requests: Sender<Request>,
    committer: Option<JoinHandle<()>>,
}

impl fmt::Debug for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl LocalStore {
    /// Opens the store in `directory`, creating it where there is none. Blocks on the disk.
    ///
    /// Fails with [`Error::Corrupt`] where a file is not what was written, and where something that
    /// was acknowledged is missing. Fails with [`Error::Unavailable`] where the directory cannot be
    /// used. Both name the path and what to do.
    pub fn open(directory: &Path, settings: LocalSettings) -> Result<Self, Error> {
        let opened = opening::open(directory, &settings)?;
        let Opened { database, keyspace, acknowledged, last_batch } = opened;
        let path = directory.join("lsm");
        let committer = Committer {
            database,
            keyspace: keyspace.clone(),
            path: path.clone(),
            settings,
            acknowledged,
            last_batch,
            refusal: None,
        };
        let (requests, received) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("kv-committer".into())
            .spawn(move || committer.run(&received))
            .map_err(|error| unreachable_path(&path, error))?;
        Ok(Self { keyspace, path, requests, committer: Some(thread) })
    }

    fn request(&self, request: Request) -> Result<(), Error> {
        self.requests.send(request).map_err(|_| self.gone().into())
    }

    fn gone(&self) -> Failure {
        Failure::new(&self.path, "the committer has ended", "restart the server")
    }

    fn read_page(&self, partition: &[u8], from: &[u8], limit: usize) -> Result<ScanPage, Error> {
        let failed = |error| of_library(&self.path, error);
        let limit = limit.min(LARGEST_PAGE);
        let mut found = self.keyspace.range(keys::range(partition, from));
        let mut entries = Vec::new();
        for record in found.by_ref().take(limit) {
            let (key, value) = record.into_inner().map_err(failed)?;
            let key = Bytes::copy_from_slice(keys::key_of(partition, &key));
            entries.push(Entry { key, value: Bytes::copy_from_slice(&value) });
        }
        // An error in the next record is the next page's, and is met there again.
        Ok(ScanPage { entries, more: found.next().is_some() })
    }
}

#[async_trait]
impl Store for LocalStore {
    fn ownership(&self) -> Ownership {
        Ownership::Exclusive
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        let key = keys::encode(&partition, &key)?;
        let found = guarded(&self.path, || {
            self.keyspace.get(key).map_err(|error| of_library(&self.path, error))
        })?;
        Ok(found.map(|value| {
            let value = Bytes::copy_from_slice(&value);
            Versioned { version: Version(value.clone()), value }
        }))
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        let writes: Vec<EncodedWrite> =
            writes.iter().map(EncodedWrite::of).collect::<Result<_, _>>()?;
        let (answer, wait) = oneshot::channel();
        self.request(Request::Write(Job { writes, answer }))?;
        wait.await.unwrap_or_else(|_| Err(Error::Unknown(Box::new(self.gone()))))
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        check_scan(&partition, limit)?;
        guarded(&self.path, || self.read_page(&partition, &from, limit))
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        check_partitions(limit)?;
        guarded(&self.path, || {
            let failed = |error| of_library(&self.path, error);
            partitions::page(&self.keyspace, &from, limit).map_err(failed)
        })
    }

    async fn close(&self) -> Result<(), Error> {
        let (answer, wait) = oneshot::channel();
        self.request(Request::Close(answer))?;
        wait.await.unwrap_or_else(|_| Err(self.gone().into()))
    }
}

impl Drop for LocalStore {
    /// Waits for the writes that were handed over, so that the directory is free afterwards.
    fn drop(&mut self) {
        // An error means that the thread has ended already.
        drop(self.requests.send(Request::Stop));
        let thread = self.committer.take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(path = %self.path.display(), "the committer panicked");
        }
    }
}
