//! The work of one import, from its place in the queue to the last word in its record.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt as _;
use tracing::info;
use tracing::warn;

use lakehold_clock::Xid;
use lakehold_engine::BranchId;
use lakehold_engine::Commit;
use lakehold_engine::EngineError;
use lakehold_engine::ErrorKind;
use lakehold_engine::ImportRequest;
use lakehold_engine::MetaRangeId;
use lakehold_engine::Metadata;
use lakehold_engine::Repository;

use super::NewImport;
use super::record::Changed;
use super::record::Verdict;
use super::replaced;
use super::sources::Sources;
use crate::Catalog;
use crate::Result;
use crate::import_status::INTERRUPTED;
use crate::import_status::ImportStatusData;

/// How often the record is refreshed. Clients give up on one that stands still for some seconds.
const REFRESH: Duration = Duration::from_secs(1);

/// How often it is tried to note what was done: some fifteen seconds long.
const LAST_ATTEMPTS: u32 = 30;

/// Key of the repository's metadata that says when something was imported last.
const LAST_IMPORT_KEY: &str = ".lakefs.last.import.timestamp";

const DEFAULT_MESSAGE: &str = "Import objects";

/// One import.
pub(super) struct Run {
    catalog: Catalog,
    repository: Arc<Repository>,
    branch: BranchId,
    id: Xid,
    new: NewImport,
    /// Objects so far.
    progress: AtomicU64,
}

/// Why an import made no commit.
enum Ended {
    /// Somebody has written so into its record.
    Cancelled,
    /// The server stops.
    Stopped,
    /// This went wrong, and the branch is as it was.
    Failed(String),
    /// This went wrong, and whether the commit was made nobody knows.
    Unknown(String),
}

impl Run {
    pub(super) fn new(
        catalog: Catalog,
        repository: Arc<Repository>,
        branch: BranchId,
        id: Xid,
        new: NewImport,
    ) -> Self {
        Self { catalog, repository, branch, id, new, progress: AtomicU64::new(0) }
    }

    /// Does all of it, and says in the record what came of it.
    pub(super) async fn to_its_end(&self) {
        let begun = self.catalog.runtime().monotonic();
        info!(
            repository.id = %self.repository.id, branch.id = %self.branch, import.id = %self.id,
            import.paths = self.new.paths.len(), "import {} into {} begins", self.id, self.branch
        );
        let outcome = self.import().await;
        let seconds = (self.catalog.runtime().monotonic() - begun).as_secs_f64();
        let told = match &outcome {
            Ok(commit) => format!("made commit {}", commit.id),
            Err(Ended::Cancelled) => "was cancelled".to_owned(),
            Err(Ended::Stopped) => INTERRUPTED.to_owned(),
            Err(Ended::Failed(why) | Ended::Unknown(why)) => format!("failed: {why}"),
        };
        info!(
            repository.id = %self.repository.id, branch.id = %self.branch, import.id = %self.id,
            import.objects = self.objects(), seconds, "import {} of {} objects in {seconds:.1} s: {told}",
            self.id, self.objects()
        );
        self.say_at_last(&outcome).await;
    }

    async fn import(&self) -> Result<Arc<Commit>, Ended> {
        // Closed never: the semaphore lives as long as the catalog.
        let _turn = self.watched(self.catalog.imports().turns.acquire()).await?;
        let imported = self.watched(self.ingest().boxed()).await?.map_err(Ended::Failed)?;
        self.mark(&imported).await?;
        let commit = self.kept_alive(self.commit(imported).boxed()).await?;
        self.kept_alive(self.note_in_metadata(&commit)).await;
        Ok(commit)
    }

    /// Writes the tree of all that is found.
    async fn ingest(&self) -> Result<MetaRangeId, String> {
        let mut sources = Sources::new(&self.catalog, &self.new.paths, &self.progress);
        let written = self.catalog.engine().write_tree(&self.repository, &mut sources).await;
        written.map_err(|error| {
            let why = sources.failure().unwrap_or_else(|| told(&error));
            format!("error on ingest: {why}")
        })
    }

    /// From here on it is too late for a cancel.
    async fn mark(&self, imported: &MetaRangeId) -> Result<(), Ended> {
        let mark = |data: &mut ImportStatusData| {
            imported.as_str().clone_into(&mut data.meta_range_id);
            self.go_on(data)
        };
        match self.change(mark).await {
            Ok(Changed::Yes) => Ok(()),
            Ok(Changed::No) => Err(Ended::Cancelled),
            Err(error) => Err(Ended::Failed(format!("merge import: {}", chain(&error)))),
        }
    }

    async fn commit(&self, imported: MetaRangeId) -> Result<Arc<Commit>, Ended> {
        let new = &self.new;
        let message = if new.message.is_empty() { DEFAULT_MESSAGE } else { &new.message };
        let request = ImportRequest {
            committer: new.committer.clone(),
            message: message.to_owned(),
            metadata: new.metadata.clone(),
            date: new.date,
            imported,
            replaced: Arc::new(replaced(&new.paths)),
            force: new.force,
        };
        let made = self.catalog.engine().import(&self.repository, &self.branch, request).await;
        made.map_err(|error| {
            let why = format!("merge import: {}", told(&error));
            match error.kind() {
                ErrorKind::OutcomeUnknown => Ended::Unknown(why),
                _ => Ended::Failed(why),
            }
        })
    }

    /// The commit was made; that this cannot be noted is no reason to call the import failed.
    async fn note_in_metadata(&self, commit: &Commit) {
        let seconds = commit.creation_date.seconds.to_string();
        let set = Metadata::from([(LAST_IMPORT_KEY.to_owned(), seconds)]);
        let engine = self.catalog.engine();
        for attempt in 1..=LAST_ATTEMPTS {
            match engine.update_repository_metadata(&self.repository, &set, &[]).await {
                Ok(()) => return,
                Err(error) if attempt == LAST_ATTEMPTS => {
                    let why = chain(&error);
                    warn!(repository.id = %self.repository.id, "{LAST_IMPORT_KEY} is not set: {why}");
                }
                Err(_) => engine.back_off(attempt).await,
            }
        }
    }

    /// Awaits `work` while the record is refreshed, until somebody cancels it or the server stops.
    async fn watched<T>(&self, work: impl Future<Output = T> + Send) -> Result<T, Ended> {
        let mut work = pin!(work);
        let mut stopped = pin!(self.catalog.imports().stopped());
        loop {
            // In a fixed order: which branch is looked at first must not be left to chance.
            tokio::select! {
                biased;
                () = &mut stopped => return Err(Ended::Stopped),
                done = &mut work => return Ok(done),
                () = self.catalog.runtime().sleep(REFRESH) => {
                    if self.refresh().await == Changed::No {
                        return Err(Ended::Cancelled);
                    }
                }
            }
        }
    }

    /// Awaits `work`, which nobody ends any more, while the record is refreshed.
    async fn kept_alive<T>(&self, work: impl Future<Output = T> + Send) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.catalog.runtime().sleep(REFRESH) => drop(self.refresh().await),
            }
        }
    }

    /// Writes the progress into the record. A store that fails is asked again a second later.
    async fn refresh(&self) -> Changed {
        self.change(|data| self.go_on(data)).await.unwrap_or_else(|error| {
            let why = chain(&error);
            warn!(import.id = %self.id, "the record of import {} is not refreshed: {why}", self.id);
            Changed::Yes
        })
    }

    /// Unless it was cancelled.
    fn go_on(&self, data: &mut ImportStatusData) -> Verdict {
        if !data.error.is_empty() {
            return Verdict::Leave;
        }
        data.progress = self.objects();
        Verdict::Change
    }

    async fn change(
        &self,
        change: impl Fn(&mut ImportStatusData) -> Verdict + Send + Sync,
    ) -> Result<Changed> {
        self.catalog.change_import(&self.repository, &self.id, change).await
    }

    /// Writes into the record how it ended. Where that fails the record falls silent, and the import is
    /// shown as interrupted.
    async fn say_at_last(&self, outcome: &Result<Arc<Commit>, Ended>) {
        let last_word = |data: &mut ImportStatusData| {
            let goes_on = self.go_on(data);
            match outcome {
                Ok(commit) => {
                    data.completed = true;
                    data.commit = Some(commit.to_stored());
                    commit.meta_range_id.as_str().clone_into(&mut data.meta_range_id);
                    data.error.clear();
                    return Verdict::Change;
                }
                Err(Ended::Cancelled) => return Verdict::Leave,
                Err(Ended::Unknown(why)) => why.clone_into(&mut data.error),
                Err(Ended::Stopped) => INTERRUPTED.clone_into(&mut data.error),
                Err(Ended::Failed(why)) => {
                    data.meta_range_id.clear();
                    why.clone_into(&mut data.error);
                }
            }
            goes_on
        };
        for attempt in 1..=LAST_ATTEMPTS {
            match self.change(last_word).await {
                Ok(_) => return,
                Err(error) if attempt == LAST_ATTEMPTS => {
                    let why = chain(&error);
                    warn!(import.id = %self.id, "how import {} ended is not noted: {why}", self.id);
                }
                Err(_) => self.catalog.engine().back_off(attempt).await,
            }
        }
    }

    fn objects(&self) -> i64 {
        i64::try_from(self.progress.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }
}

/// In the words that clients know, where there are such.
fn told(error: &EngineError) -> String {
    match error {
        EngineError::DirtyBranch(_) => "uncommitted changes (dirty branch)".to_owned(),
        EngineError::ReadOnlyRepository(_) => "read-only repository".to_owned(),
        EngineError::BranchNotFound(_) => "branch not found".to_owned(),
        other => chain(other),
    }
}

/// The error's text and those of what led to it.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = next.source();
    }
    text
}
