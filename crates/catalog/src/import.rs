//! Imports: objects that are in the store already are brought into a branch, without copying them.
//!
//! ```text
//! start_import ── checks, record ──► 202          import_status ── reads the record
//!       │ spawns                                  cancel_import ── writes "Canceled" into it
//!       ▼
//! wait for a place ──► ingest ─────────────► mark ──► commit ──► metadata ──► record: completed
//!                      sources.rs: list,     no       engine:    of the
//!                      merge, tree of what   cancel   replace,   repository
//!                      was found             now      one commit
//! └───────── every second: progress into the record, meets a cancel ─────────┘
//! ```
//!
//! The record (docs/formats/imports-and-tasks.md) is all that there is between requests, and all its
//! changes are conditional writes of what was just read ([`record`]). So a cancel takes effect whichever
//! server gets it, and either before the import is *marked* as making its commit, or not at all: a record
//! never says "Canceled" of an import whose commit was made. What ends before the mark leaves the branch
//! as it was, and files that nothing names.
//!
//! Nothing is held in memory but a page per source and the range being written; how an import of hours
//! meets a branch that moves meanwhile is told in [`Engine::import`](lakehold_engine::Engine::import).

mod record;
mod run;
mod sources;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::sync::watch;

use lakehold_block::Address;
use lakehold_engine::BranchId;
use lakehold_engine::EngineError;
use lakehold_engine::KeySet;
use lakehold_engine::Metadata;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;

use crate::Catalog;
use crate::CatalogError;
use crate::Result;
use crate::object::check_path;

use run::Run;

/// Imports that run at once in a process.
const AT_ONCE: usize = 4;

/// Imports that run or wait in a process. Each that waits refreshes its record every second.
const PLACES: u32 = 64;

/// How long a server that stops waits for its imports to end: one may be making its commit.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// What a source names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// All objects whose addresses begin with it; in a folder all files below it.
    Prefix,
    /// A single object.
    Object,
}

/// A source of an import, and where on the branch it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportPath {
    /// What `source` names.
    pub kind: ImportKind,
    /// A complete URI, taken verbatim.
    pub source: String,
    /// Of a prefix the folder, with or without a slash at its end, everything below which is replaced
    /// (empty: the whole branch); of an object its path.
    pub destination: String,
}

/// What to import.
#[derive(Clone, Debug, Default)]
pub struct NewImport {
    /// From where to where. Where two bring the same path, the later one counts.
    pub paths: Vec<ImportPath>,
    /// Who imports.
    pub committer: String,
    /// Why; empty: the default message.
    pub message: String,
    /// What else the committer has to say.
    pub metadata: Metadata,
    /// Unix seconds of the commit instead of now.
    pub date: Option<i64>,
    /// Import into a read-only repository.
    pub force: bool,
}

/// The imports of this process.
#[derive(Debug)]
pub(crate) struct Imports {
    /// One for each that runs or waits.
    places: Arc<Semaphore>,
    /// One for each that runs.
    turns: Semaphore,
    /// Whether they are to end.
    stopping: watch::Sender<bool>,
}

impl Default for Imports {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES as usize)),
            turns: Semaphore::new(AT_ONCE),
            stopping: watch::Sender::new(false),
        }
    }
}

impl Imports {
    /// Waits until they are to end.
    async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // An error means that the catalog is gone, and with it whoever waits here.
        drop(stopping.wait_for(|stopping| *stopping).await);
    }
}

impl Catalog {
    /// Begins an import into `branch` and returns its id, for [`Catalog::import_status`]. The work goes
    /// on by itself; what becomes of it only the status tells, a branch with uncommitted changes or a
    /// missing source among it.
    ///
    /// Fails with [`CatalogError::ImportNotSupported`], [`CatalogError::InvalidImportSource`] where a
    /// source is in the repository's own namespace, [`CatalogError::TooManyImports`], and where the
    /// branch is not there or the repository read-only.
    pub async fn start_import(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        new: NewImport,
    ) -> Result<String> {
        let repository = self.repository(repository).await?;
        self.check_sources(&repository, &new.paths)?;
        self.engine().check_import(&repository, branch, new.force).await?;
        let place = self.imports().places.clone().try_acquire_owned();
        let place = place.map_err(|_| CatalogError::TooManyImports)?;
        let id = self.fresh_id();
        self.create_import(&repository, &id).await?;
        let run = Run::new(self.clone(), repository, branch.clone(), id, new);
        self.runtime().spawn("import", async move {
            run.to_its_end().await;
            drop(place);
        });
        Ok(id.to_string())
    }

    /// Cancels the import `id`, also one that has failed or was cancelled already.
    ///
    /// Fails with [`CatalogError::ImportNotFound`], and with [`CatalogError::ImportCommitted`] where it
    /// has made its commit, or is just making it.
    pub async fn cancel_import(&self, repository: &RepositoryId, id: &str) -> Result<()> {
        let repository = self.repository(repository).await?;
        self.note_cancel(&repository, id).await
    }

    /// Ends all imports of this process, as interrupted but for those that are making their commits, and
    /// lets none begin. For a clean stop.
    pub async fn stop_imports(&self) {
        self.imports().stopping.send_replace(true);
        let ended = self.imports().places.acquire_many(PLACES);
        match self.runtime().timeout(LONGEST_STOP, ended).await {
            Ok(Ok(places)) => places.forget(),
            _ => tracing::warn!("imports are still running, and end with the server"),
        }
    }

    fn check_sources(&self, repository: &Repository, paths: &[ImportPath]) -> Result<()> {
        if !self.blocks().description().can_import {
            return Err(CatalogError::ImportNotSupported);
        }
        if paths.is_empty() {
            let value = String::new();
            return Err(EngineError::InvalidArgument { name: "paths", value }.into());
        }
        for path in paths {
            self.check_source(repository, path)?;
            if path.kind == ImportKind::Object {
                check_path(&path.destination)?;
            }
        }
        Ok(())
    }

    /// What lies in the repository's own namespace must not be imported into it: it would be held by an
    /// address that garbage collection takes for somebody else's.
    fn check_source(&self, repository: &Repository, path: &ImportPath) -> Result<()> {
        let namespace = repository.storage_namespace.as_str();
        let own = Address::relative(&repository.storage_namespace, "");
        let is_folder = self.blocks().description().kind == "local";
        for place in [namespace, &self.blocks().physical_address(&own)] {
            let place = place.trim_end_matches('/');
            let above = path.kind == ImportKind::Prefix && is_above(&path.source, place, is_folder);
            if above || is_below(&path.source, place) {
                let above = !is_below(&path.source, place);
                let (path, namespace) = (path.source.clone(), namespace.to_owned());
                return Err(CatalogError::InvalidImportSource { path, namespace, above });
            }
        }
        Ok(())
    }
}

impl ImportPath {
    /// The keys that this replaces all begin with this (of an object: are this).
    fn begin(&self) -> String {
        let is_folder = self.kind == ImportKind::Prefix;
        let is_open = !self.destination.is_empty() && !self.destination.ends_with('/');
        if is_folder && is_open {
            return format!("{}/", self.destination);
        }
        self.destination.clone()
    }
}

/// The keys of the branch that `paths` replace.
fn replaced(paths: &[ImportPath]) -> KeySet {
    let (prefixes, keys): (Vec<&ImportPath>, Vec<&ImportPath>) =
        paths.iter().partition(|path| path.kind == ImportKind::Prefix);
    let begins = |paths: Vec<&ImportPath>| -> Vec<Bytes> {
        paths.into_iter().map(|path| Bytes::from(path.begin())).collect()
    };
    KeySet::new(begins(keys), begins(prefixes))
}

/// Whether `source` is `place` or lies in it, by the parts between slashes.
fn is_below(source: &str, place: &str) -> bool {
    source.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether something in `place` begins with `source`, or is in it where it is a folder.
fn is_above(source: &str, place: &str, is_folder: bool) -> bool {
    match is_folder {
        true => is_below(place, source.trim_end_matches('/')),
        false => format!("{place}/").starts_with(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_whose_name_goes_on_is_not_the_namespace() {
        let place = "s3://bucket/lake";
        for source in ["s3://bucket/lake", "s3://bucket/lake/", "s3://bucket/lake/data/x"] {
            assert!(is_below(source, place), "{source}");
        }
        for source in ["s3://bucket/lake2/", "s3://bucket/lak", "s3://bucket/"] {
            assert!(!is_below(source, place), "{source}");
        }
        for source in ["s3://bucket/la", "s3://bucket/", "s3://bucket", ""] {
            assert!(is_above(source, place, false), "{source}");
        }
        assert!(!is_above("s3://bucket/lb", place, false));
        assert!(is_above("local:///srv/", "local:///srv/block/lake", true));
        assert!(!is_above("local:///srv/bl", "local:///srv/block/lake", true));
    }

    #[test]
    fn a_folder_is_replaced_and_an_object_exactly() {
        let path = |kind, destination: &str| ImportPath {
            kind,
            source: String::new(),
            destination: destination.to_owned(),
        };
        let set = replaced(&[
            path(ImportKind::Prefix, "foo"),
            path(ImportKind::Prefix, "bar/"),
            path(ImportKind::Object, "a/b"),
        ]);
        for key in ["foo/x", "bar/x/y", "a/b"] {
            assert!(set.contains(key.as_bytes()), "{key}");
        }
        for key in ["foo", "foobar/x", "bar", "a/bc", "a/b/c"] {
            assert!(!set.contains(key.as_bytes()), "{key}");
        }
        assert!(replaced(&[path(ImportKind::Prefix, "")]).contains(b"anything"));
    }
}
