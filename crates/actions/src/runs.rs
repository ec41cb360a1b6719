//! Runs: one per event that actions were there for.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::TryStreamExt as _;
use futures::stream;

use lakehold_clock::Timestamp;
use lakehold_engine::Page;
use lakehold_engine::PageRequest;
use lakehold_engine::RepositoryId;

use crate::Actions;
use crate::ActionsError;
use crate::error::Result;
use crate::records;
use crate::records::LONGEST_ID;
use crate::records::PARTITION;
use crate::records::RunResultData;
use crate::records::SecondaryIndex;

/// How many runs that an index names are read at the same time.
const READ_AT_ONCE: usize = 16;

/// What ran because of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Names it: an xid whose time counts down, so that byte order is newest first.
    pub id: String,
    /// The branch of the event; empty where it had none.
    pub branch: String,
    /// The commit that came of it, or that it was about; empty where there is none.
    pub commit_id: String,
    /// What happened, such as `pre-commit`.
    pub event_type: String,
    /// When it began; `None` where nobody noted it.
    pub start_time: Option<Timestamp>,
    /// When it ended; `None` where nobody noted it.
    pub end_time: Option<Timestamp>,
    /// Whether no hook failed.
    pub passed: bool,
}

impl Run {
    fn from_record(data: RunResultData) -> Self {
        Self {
            id: data.run_id,
            branch: data.branch_id,
            commit_id: data.commit_id,
            event_type: data.event_type,
            start_time: records::moment(data.start_time),
            end_time: records::moment(data.end_time),
            passed: data.passed,
        }
    }
}

/// Which runs are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunFilter {
    /// All.
    All,
    /// Those of events on this branch.
    Branch(String),
    /// Those whose commit this is.
    Commit(String),
}

impl Actions {
    /// Lists runs, newest first. `page.after` is the id of a run.
    pub async fn list_runs(
        &self,
        repository: &RepositoryId,
        filter: &RunFilter,
        page: &PageRequest,
    ) -> Result<Page<Run>> {
        self.repository(repository).await?;
        let index = match filter {
            RunFilter::All => return self.list_all_runs(repository, page).await,
            RunFilter::Branch(branch) => records::branch_prefix(repository, branch),
            RunFilter::Commit(commit) => records::commit_prefix(repository, commit),
        };
        if index.len() > 2 * LONGEST_ID {
            return Ok(Page { results: Vec::new(), has_more: false });
        }
        self.list_indexed_runs(&index, page).await
    }

    /// Returns the run `id`. Fails with [`ActionsError::RunNotFound`].
    pub async fn run(&self, repository: &RepositoryId, id: &str) -> Result<Run> {
        self.repository(repository).await?;
        let not_found = || ActionsError::RunNotFound(id.to_owned());
        if id.len() > LONGEST_ID {
            return Err(not_found());
        }
        let key = records::runs_prefix(repository) + id;
        self.read_run(key.into()).await?.ok_or_else(not_found)
    }

    async fn list_all_runs(
        &self,
        repository: &RepositoryId,
        page: &PageRequest,
    ) -> Result<Page<Run>> {
        let prefix = records::runs_prefix(repository);
        let listed = self.engine.list_records(PARTITION, &prefix, page, |key, stored| {
            records::decode("run", key, stored).map(Run::from_record).map(Some)
        });
        Ok(listed.await?)
    }

    /// The runs that the entries of an index lead to. An entry that leads nowhere is passed over.
    async fn list_indexed_runs(&self, index: &str, page: &PageRequest) -> Result<Page<Run>> {
        let mut request = page.clone();
        loop {
            let entries = self.engine.list_records(PARTITION, index, &request, |key, stored| {
                let entry: SecondaryIndex = records::decode("index of runs", key, stored)?;
                let run = String::from_utf8_lossy(&key[index.len()..]).into_owned();
                Ok(Some((run, entry.primary_key)))
            });
            let entries = entries.await?;
            let last = entries.results.last().map(|(run, _)| run.clone());
            let runs = stream::iter(entries.results)
                .map(|(_, key)| self.read_run(key))
                .buffered(READ_AT_ONCE)
                .try_filter_map(|run| async { Ok(run) })
                .try_collect::<Vec<_>>()
                .await?;
            match last {
                // A page without rows would be the last for whoever asks.
                Some(last) if runs.is_empty() && entries.has_more => request.after = last,
                _ => return Ok(Page { results: runs, has_more: entries.has_more }),
            }
        }
    }

    async fn read_run(&self, key: Bytes) -> Result<Option<Run>> {
        if key.is_empty() {
            return Ok(None);
        }
        let found = self.engine.store().get(PARTITION, key.clone()).await?;
        let Some(stored) = found else { return Ok(None) };
        Ok(Some(Run::from_record(records::decode("run", &key, &stored.value)?)))
    }
}
