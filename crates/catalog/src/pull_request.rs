//! Pull requests: a wish to merge one branch into another, written down so that it can be talked about.
//!
//! A request is one record (docs/formats/pull-requests.md) with a *state*: open, closed or merged. Any
//! state may follow any other; only [`Catalog::merge_pull_request`] merges (`pull_request/merge.rs`).
//! Its id counts down in time, so that byte order is newest first. An index by branches is written when
//! a request is made, because existing installations have it; nothing reads it.

mod intent;
mod merge;
mod records;
mod settle;

use lakehold_clock::Timestamp;
use lakehold_clock::Xid;
use lakehold_engine::BranchId;
use lakehold_engine::CommitId;
use lakehold_engine::EngineError;
use lakehold_engine::InvalidId;
use lakehold_engine::Page;
use lakehold_engine::PageRequest;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Versioned;
use lakehold_kv::Write;

use crate::Catalog;
use crate::CatalogError;
use crate::Result;

pub use merge::MergedPullRequest;

use records::PullRequestData;

/// How often a change is tried that meets another one each time.
const ATTEMPTS: u32 = 10;

/// Names a pull request of one repository: an xid whose time counts down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PullRequestId(Box<str>);

impl PullRequestId {
    /// Checks `text` and takes it.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        match Xid::parse(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(_) => Err(InvalidId { kind: "pull request id", value: text.into() }),
        }
    }

    /// Returns the id as it is stored and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRequestStatus {
    /// It waits.
    Open,
    /// It was dropped.
    Closed,
    /// Its source is in its destination, or so somebody says.
    Merged,
}

/// Which pull requests are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRequestFilter {
    /// All.
    All,
    /// Those that wait.
    Open,
    /// Those that do not: closed and merged.
    Closed,
}

impl PullRequestFilter {
    fn takes(self, status: PullRequestStatus) -> bool {
        let is_open = status == PullRequestStatus::Open;
        match self {
            Self::All => true,
            Self::Open => is_open,
            Self::Closed => !is_open,
        }
    }
}

/// A pull request as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Names it.
    pub id: PullRequestId,
    /// What became of it.
    pub status: PullRequestStatus,
    /// When it was made.
    pub creation_date: Timestamp,
    /// What it is about.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// What else there is to say, as a rule in Markdown.
    pub description: String,
    /// The branch to merge.
    pub source: BranchId,
    /// The branch to merge into.
    pub destination: BranchId,
    /// The commit that merged it.
    pub merged_commit_id: Option<CommitId>,
    /// When it was closed or merged the last time; kept when it is opened again.
    pub closed_date: Option<Timestamp>,
}

/// What makes a pull request.
#[derive(Clone, Debug)]
pub struct NewPullRequest {
    /// What it is about.
    pub title: String,
    /// Who makes it.
    pub author: String,
    /// What else there is to say.
    pub description: String,
    /// The branch to merge.
    pub source: BranchId,
    /// The branch to merge into.
    pub destination: BranchId,
}

/// What is to change of a pull request; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct PullRequestUpdate {
    /// Another title.
    pub title: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another state. Nothing is merged by saying so.
    pub status: Option<PullRequestStatus>,
}

impl Catalog {
    /// Lists pull requests, newest first.
    pub async fn list_pull_requests(
        &self,
        repository: &RepositoryId,
        page: &PageRequest,
        filter: PullRequestFilter,
    ) -> Result<Page<PullRequest>> {
        let repository = self.repository(repository).await?;
        let partition = repository.partition.clone();
        let decode = |key: &[u8], stored: &[u8]| {
            let found = records::shown(records::decode(key, stored)?.message);
            Ok(filter.takes(found.status).then_some(found))
        };
        let listed = self.engine().list_records(partition, records::PREFIX, page, decode).await;
        Ok(listed?)
    }

    /// Returns the pull request `id`. Fails with [`CatalogError::PullRequestNotFound`].
    pub async fn pull_request(
        &self,
        repository: &RepositoryId,
        id: &PullRequestId,
    ) -> Result<PullRequest> {
        let repository = self.repository(repository).await?;
        let (record, _) = self.read_pull_request(&repository, id).await?;
        Ok(records::shown(record.message))
    }

    /// Makes a pull request and returns its id. Several for the same branches may be open.
    ///
    /// Fails with [`CatalogError::SameBranch`], and with the engine's `BranchNotFound` where one of the
    /// branches is not there.
    pub async fn create_pull_request(
        &self,
        repository: &RepositoryId,
        new: NewPullRequest,
    ) -> Result<PullRequestId> {
        let repository = self.repository(repository).await?;
        repository.check_writable(false)?;
        if new.source == new.destination {
            return Err(CatalogError::SameBranch(new.source));
        }
        for branch in [&new.source, &new.destination] {
            self.engine().branch(&repository, branch).await?;
        }
        let id = self.fresh_descending_id(records::END_OF_TIME);
        let id = PullRequestId(id.to_string().into());
        let index = records::index(&repository, &id, &new);
        let last = Write {
            partition: repository.partition.clone(),
            key: records::key(&id),
            value: Some(Record::new(records::fresh(&id, new, self.runtime().now())).encode()),
            precondition: Precondition::Absent,
        };
        match self.engine().write_after(vec![index], last).await? {
            Outcome::Applied => Ok(id),
            Outcome::PreconditionFailed => Err(changed_by_others(&id)),
        }
    }

    /// Changes a pull request; an empty change is none.
    pub async fn update_pull_request(
        &self,
        repository: &RepositoryId,
        id: &PullRequestId,
        update: &PullRequestUpdate,
    ) -> Result<()> {
        let repository = self.repository(repository).await?;
        repository.check_writable(false)?;
        let now = self.runtime().now();
        self.change_pull_request(&repository, id, |data| records::apply(data, update, now)).await
    }

    /// Changes the record of a pull request, whatever else changes it at the same time.
    async fn change_pull_request(
        &self,
        repository: &Repository,
        id: &PullRequestId,
        change: impl Fn(&mut PullRequestData),
    ) -> Result<()> {
        for attempt in 1..=ATTEMPTS {
            let (mut record, stored) = self.read_pull_request(repository, id).await?;
            change(&mut record.message);
            let value = record.encode();
            if value == stored.value {
                return Ok(());
            }
            let write = Write {
                partition: repository.partition.clone(),
                key: records::key(id),
                value: Some(value),
                precondition: Precondition::Unchanged(stored.version),
            };
            match self.engine().write_if(write).await? {
                Outcome::Applied => return Ok(()),
                Outcome::PreconditionFailed => self.engine().back_off(attempt).await,
            }
        }
        Err(changed_by_others(id))
    }

    async fn read_pull_request(
        &self,
        repository: &Repository,
        id: &PullRequestId,
    ) -> Result<(Record<PullRequestData>, Versioned)> {
        let key = records::key(id);
        let found = self.engine().store().get(repository.partition.clone(), key.clone()).await;
        let stored = found.map_err(EngineError::from)?;
        let stored = stored.ok_or_else(|| CatalogError::PullRequestNotFound(id.clone()))?;
        Ok((records::decode(&key, &stored.value)?, stored))
    }
}

fn changed_by_others(id: &PullRequestId) -> CatalogError {
    EngineError::PreconditionFailed(format!("pull request {}", id.as_str())).into()
}
