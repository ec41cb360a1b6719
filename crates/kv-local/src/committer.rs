//! The thread that owns the write path.
//!
//! It waits for a write, takes what else waits, decides all of it, and commits what is to be applied
//! as one batch of the library with one sync. While it syncs, the next writes collect in the queue:
//! there is no delay to wait for company, a lone writer is served at once.
//!
//! A failed commit leaves nobody knowing what is on the disk (a failed sync may have dropped the
//! pages). All writers of the batch are told so, and the store takes no more writes until it has been
//! opened again and has read what is there. Reads go on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use fjall::AbstractTree as _;
use fjall::Database;
use fjall::Keyspace;
use fjall::OwnedWriteBatch;
use fjall::PersistMode;
use fjall::Slice;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use tokio::sync::oneshot;

use crate::LocalSettings;
use crate::acknowledged::Acknowledged;
use crate::batch::Batch;
use crate::batch::EncodedWrite;
use crate::failure::Failure;
use crate::failure::of_library;
use crate::journal;
use crate::keys::BATCH_MARK;

/// How long closing sleeps between two looks at the table being written.
const FLUSH_POLL: Duration = Duration::from_millis(2);
/// How often it looks before it leaves the rest to the journal: half a minute.
const FLUSH_POLLS: u32 = 15_000;

/// What the committer is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    Write(Job),
    /// Take no more writes and leave nothing to be replayed.
    Close(oneshot::Sender<Result<(), Error>>),
    /// End the thread.
    Stop,
}

/// The writes of one call, and who waits for them.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) writes: Vec<EncodedWrite>,
    pub(crate) answer: oneshot::Sender<Result<Vec<Outcome>, Error>>,
}

impl Job {
    fn size(&self) -> usize {
        self.writes.iter().map(EncodedWrite::size).sum()
    }
}

/// The state of the write path.
pub(crate) struct Committer {
    pub(crate) database: Database,
    pub(crate) keyspace: Keyspace,
    /// Directory of the library.
    pub(crate) path: PathBuf,
    pub(crate) settings: LocalSettings,
    pub(crate) acknowledged: Acknowledged,
    /// Number of the last batch.
    pub(crate) last_batch: u64,
    /// Why no more writes are taken.
    pub(crate) refusal: Option<Arc<Failure>>,
}

/// Why a batch was not committed.
enum CommitError {
    /// Nothing was written.
    Refused(Arc<Failure>),
    /// Some of it may have been.
    Lost(Arc<Failure>),
}

impl CommitError {
    fn for_writer(&self) -> Error {
        match self {
            Self::Refused(failure) => Error::Unavailable(Box::new(Arc::clone(failure))),
            Self::Lost(failure) => Error::Unknown(Box::new(Arc::clone(failure))),
        }
    }
}

impl Committer {
    /// Serves `requests` until told to stop or until nobody is left to send one.
    pub(crate) fn run(mut self, requests: &Receiver<Request>) {
        let mut next = requests.recv().ok();
        while let Some(request) = next.take() {
            match request {
                Request::Write(first) => {
                    let (jobs, then) = self.gather(first, requests);
                    self.commit(jobs);
                    next = then;
                }
                // Nobody left to tell is no error: the caller was dropped.
                Request::Close(answer) => drop(answer.send(self.close())),
                Request::Stop => return,
            }
            next = next.or_else(|| requests.recv().ok());
        }
    }

    /// Takes what waits behind `first`, up to the limits of a batch, and what came after it.
    fn gather(&self, first: Job, requests: &Receiver<Request>) -> (Vec<Job>, Option<Request>) {
        let (mut writes, mut bytes) = (first.writes.len(), first.size());
        let mut jobs = vec![first];
        while writes < self.settings.batch_writes && bytes < self.settings.batch_bytes {
            match requests.try_recv() {
                Ok(Request::Write(job)) => {
                    writes += job.writes.len();
                    bytes += job.size();
                    jobs.push(job);
                }
                Ok(other) => return (jobs, Some(other)),
                Err(_) => break,
            }
        }
        (jobs, None)
    }

    fn commit(&mut self, jobs: Vec<Job>) {
        let mut batch = Batch::default();
        let mut decided = Vec::with_capacity(jobs.len());
        for Job { writes, answer } in jobs {
            let outcomes: Result<Vec<Outcome>, Error> =
                writes.into_iter().map(|write| batch.add(write, |key| self.read(key))).collect();
            decided.push((answer, outcomes));
        }
        let stored = self.store(batch);
        for (answer, outcomes) in decided {
            let outcomes = match &stored {
                Ok(()) => outcomes,
                Err(error) => Err(error.for_writer()),
            };
            // Nobody left to tell is no error: the write is done all the same.
            drop(answer.send(outcomes));
        }
    }

    fn read(&self, key: &[u8]) -> Result<Option<Slice>, Error> {
        self.keyspace.get(key).map_err(|error| of_library(&self.path, error))
    }

    /// Makes `batch` durable and visible.
    fn store(&mut self, batch: Batch) -> Result<(), CommitError> {
        if let Some(refusal) = &self.refusal {
            return Err(CommitError::Refused(Arc::clone(refusal)));
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.check_free_space(batch.size())?;
        self.append(batch).map_err(|error| self.give_up(error))?;
        self.last_batch += 1;
        if let Err(error) = self.acknowledged.note(self.last_batch) {
            // The batch is durable. Only the check at the next start will know less.
            tracing::warn!(%error, "cannot note the last acknowledged batch");
        }
        Ok(())
    }

    fn append(&self, batch: Batch) -> fjall::Result<()> {
        let changes = batch.into_changes();
        let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), changes.len() + 1)
            .durability(Some(PersistMode::SyncData));
        let mark = journal::mark(self.last_batch + 1, self.database.seqno());
        batch.insert(&self.keyspace, BATCH_MARK, mark);
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(&self.keyspace, key, value),
                None => batch.remove(&self.keyspace, key),
            }
        }
        batch.commit()
    }

    /// Refuses a batch before it is begun rather than have the disk fill up in the middle of it:
    /// the former passes when there is space again, the latter only by opening the store anew.
    fn check_free_space(&self, batch_bytes: usize) -> Result<(), CommitError> {
        let Ok(disk) = rustix::fs::statvfs(&self.path) else { return Ok(()) };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed = self.settings.reserved_bytes.saturating_add(batch_bytes as u64);
        // Some file systems say nothing at all.
        if disk.f_blocks == 0 || free >= needed {
            return Ok(());
        }
        let advice = "make space, then try again";
        let failure = Failure::new(&self.path, "the disk is full, nothing was written", advice);
        Err(CommitError::Refused(Arc::new(failure)))
    }

    fn give_up(&mut self, error: fjall::Error) -> CommitError {
        let advice = "see to the disk, then restart the server";
        tracing::error!(%error, path = %self.path.display(), "a commit failed; {advice}");
        let refusal = Failure::new(&self.path, "no more writes since one failed", advice);
        let refusal = self.refusal.insert(Arc::new(refusal));
        if matches!(error, fjall::Error::Poisoned) {
            // The library failed to write a table out, earlier, and did not begin with this batch.
            return CommitError::Refused(Arc::clone(refusal));
        }
        let lost = Failure::new(&self.path, "a commit failed", advice).caused_by(error);
        CommitError::Lost(Arc::new(lost))
    }

    /// Writes out what is only in memory and empties the journals, so that opening replays nothing.
    fn close(&mut self) -> Result<(), Error> {
        if self.refusal.is_some() {
            return Ok(());
        }
        let advice = "open it again";
        self.refusal = Some(Arc::new(Failure::new(&self.path, "the store was closed", advice)));
        self.acknowledged
            .sync()
            .map_err(|error| crate::failure::unreachable_path(&self.path, error))?;
        if self.flush()? {
            journal::clear(&self.path)?;
        }
        Ok(())
    }

    /// Says whether everything is in tables.
    fn flush(&self) -> Result<bool, Error> {
        self.keyspace.rotate_memtable().map_err(|error| of_library(&self.path, error))?;
        for _ in 0..FLUSH_POLLS {
            if self.keyspace.sealed_memtable_count() == 0 {
                let tree = &self.keyspace.tree;
                return Ok(tree.get_highest_memtable_seqno().is_none());
            }
            // Fails once the library's thread has: on a full disk, say.
            if self.database.persist(PersistMode::Buffer).is_err() {
                break;
            }
            std::thread::park_timeout(FLUSH_POLL);
        }
        // No harm is done: the journals hold it, and are replayed.
        tracing::warn!(path = %self.path.display(), "closed before all tables were written");
        Ok(false)
    }
}
