//! Durable small bodies at the price of a shared sync.
//!
//! A file of its own costs a small body several syncs. Instead it is appended to the journal, together
//! with all others that wait at that moment, and one sync makes them durable. They are visible from
//! then on, out of memory ([`index`]). Later they are put in their places as plain files, many at a
//! time with one sync of the file system, and the journal's segment is removed.
//!
//! ```text
//! put ──► waiting ──► flush: one write, one sync ──► index ──► write-out: files, one sync ──► gone
//!                          └ current segment ──► sealed segments ┘        └ segment removed
//! ```
//!
//! A segment is sealed when it is big enough, or a second old. At most [`Tuning::segments`] wait; then
//! puts do. Work runs in jobs ([`Runtime::blocking`]) that end when there is nothing left to do: one
//! flush and one write-out at a time.
//!
//! # What can go wrong
//!
//! - *The process ends anywhere*: all that was acknowledged is in a segment or in its place.
//!   [`Journal::open`] puts the rest in place (docs/formats/block-journal.md).
//! - *The journal cannot be written*: whoever waits is told so and stores its body by itself
//!   ([`Journal::put`] returns false). After a failed sync nobody knows what the disk holds, so the
//!   journal is not used again until the next start.
//! - *A body cannot be put in its place*, say on a full disk: it stays readable out of the index and
//!   safe in its segment, and it is tried again; meanwhile puts that find the journal full go their own
//!   way.
//! - *A put is dropped while it waits*: it may be in a segment, but never gets into the index, and so
//!   never into its place, unless the process ends before the segment is removed. Then it is a file
//!   that nobody knows, which garbage collection removes.

mod flush;
mod format;
mod index;
mod replay;
mod segment;
mod state;
mod write_out;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use futures::FutureExt as _;
use lakehold_clock::Runtime;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;

use crate::Error;
use crate::Head;
use crate::local::directories::Contents;
use crate::local::directories::Directories;
use crate::local::directories::ancestors;
use crate::local::directories::folder_of;
use crate::local::listing::Wanted;
use crate::local::settings::Tuning;
use crate::local::upload::Aside;

use flush::Waiting;
use index::Index;
pub(super) use replay::Opening;
use state::State;

/// The journal of a local block store.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    /// The folder itself, locked as long as this journal lives.
    _locked: File,
    root: Root,
    directories: Arc<Directories>,
    aside: Arc<Aside>,
    runtime: Runtime,
    tuning: Tuning,
    index: Index,
    room: Semaphore,
    state: Mutex<State>,
}

/// The folder that bodies are put below.
#[derive(Debug)]
pub(super) struct Root {
    /// Its path.
    pub(super) path: PathBuf,
    /// Itself, open.
    pub(super) folder: File,
}

impl Journal {
    /// Prepares `place` so that nothing can be in the way when a body is put there, now or later.
    ///
    /// Fails where the file system could not have a file at `place`.
    pub(super) async fn prepare(&self, place: &str) -> Result<(), Error> {
        let folder = folder_of(place);
        let contents = self.directories.find(folder);
        if contents == Some(Contents::Files) {
            return Ok(());
        }
        if contents.is_none() {
            if let Some(taken) = ancestors(place).find(|above| self.index.head(above).is_some()) {
                return Err(self.in_the_way(taken, "it is a file, not a folder"));
            }
            let (directories, folder) = (self.directories.clone(), folder.to_owned());
            self.runtime.blocking(move || directories.create(&folder)).await?;
        }
        match std::fs::symlink_metadata(self.root.path.join(place)) {
            Ok(found) if found.is_dir() => {
                Err(self.in_the_way(place, "it is a folder, not a file"))
            }
            _ => Ok(()),
        }
    }

    fn in_the_way(&self, place: &str, reason: &'static str) -> Error {
        let location = self.root.path.join(place).display().to_string();
        Error::Io { location, source: reason.into() }
    }

    /// Stores `body` for `place`, which was prepared. Returns false, having done nothing, where the
    /// journal cannot take it.
    pub(super) async fn put(self: &Arc<Self>, place: Arc<str>, body: Bytes) -> bool {
        let kib = u32::try_from(body.len() / 1_024 + 1).unwrap_or(u32::MAX);
        let Ok(_room) = self.room.acquire_many(kib.min(self.tuning.waiting_kib)).await else {
            return false;
        };
        let (answer, wait) = oneshot::channel();
        self.change(|state| {
            if !state.broken {
                state.waiting.push_back(Waiting { place: place.clone(), body, answer });
            }
        });
        Given { journal: self, place: &place, wait: Some(wait) }.taken().await
    }

    /// Puts all that is stored now in its place.
    pub(super) async fn drain(self: &Arc<Self>) -> Result<(), Error> {
        let (answer, wait) = oneshot::channel();
        self.change(|state| {
            state.drain(answer);
            state.answer_drains();
        });
        // An error means that the journal ends, and with it whoever could answer.
        wait.await.unwrap_or(Ok(()))
    }

    /// The body at `place`, if it is not yet in its place.
    pub(super) fn find(&self, place: &str) -> Option<(Bytes, Head)> {
        self.index.find(place)
    }

    /// What is known of the body at `place`, if it is not yet in its place.
    pub(super) fn head(&self, place: &str) -> Option<Head> {
        self.index.head(place)
    }

    /// The names in `folder` that are wanted, of bodies not yet in their places, in no order.
    pub(super) fn names(&self, folder: &str, wanted: Wanted<'_>) -> Vec<String> {
        self.index.names(folder, wanted)
    }

    /// Changes what is shared, then starts the jobs that are due.
    fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut State) -> T) -> T {
        let (changed, flush, write_out) = {
            let mut state = self.state.lock().expect("no code panics while holding the lock");
            let changed = change(&mut state);
            (changed, state.begin_flush(), state.begin_write_out())
        };
        if flush {
            self.start(Self::flush);
        }
        if write_out {
            self.start(Self::write_out);
        }
        changed
    }

    /// Runs `job` where it may block, without waiting for it.
    fn start(self: &Arc<Self>, job: fn(&Arc<Self>)) {
        let journal = self.clone();
        // The first poll hands the job over; nobody needs its answer.
        let _handed_over = self.runtime.blocking(move || job(&journal)).now_or_never();
    }
}

/// A put that waits for its answer. Dropped before that, it takes its body back.
struct Given<'a> {
    journal: &'a Journal,
    place: &'a str,
    /// Empty once the answer is there.
    wait: Option<oneshot::Receiver<bool>>,
}

impl Given<'_> {
    async fn taken(mut self) -> bool {
        let Some(wait) = self.wait.as_mut() else { return false };
        // An error means that the journal ends without having written it.
        let taken = wait.await.unwrap_or(false);
        self.wait = None;
        taken
    }
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        let Some(mut wait) = self.wait.take() else { return };
        wait.close();
        if wait.try_recv() == Ok(true) {
            self.journal.index.forget_put(self.place);
        }
    }
}

#[cfg(test)]
mod tests;
