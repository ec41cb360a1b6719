//! Branches: a name, the commit it is at, and a staging area.
//!
//! All that is mutable about a branch is one record, [`BranchState`] in memory. Everything that moves
//! a branch reads the record, works out the next one and writes it on the condition that the record
//! is still the same. Within a process those who want to move a branch stand in its
//! [queue](queue::BranchQueues), so that they do not work for nothing; between servers the condition
//! decides.

pub(crate) mod advance;
mod create;
mod delete;
pub(crate) mod queue;
mod state;

pub(crate) use state::BranchState;
pub(crate) use state::NextState;

use lakehold_kv::Outcome;
use lakehold_kv::Write;

use crate::BranchId;
use crate::CommitId;
use crate::Engine;
use crate::EngineError;
use crate::Page;
use crate::PageRequest;
use crate::Repository;
use crate::error::Result;
use crate::keys;
use crate::records;
use crate::records::BranchData;

/// How often an operation follows a branch that keeps moving before it gives up.
pub(crate) const UPDATE_ATTEMPTS: u32 = 10;

/// A branch and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its name.
    pub id: BranchId,
    /// The commit it is at.
    pub commit_id: CommitId,
    /// Whether listings leave it out unless asked.
    pub hidden: bool,
}

impl Branch {
    fn from_record(data: &BranchData) -> Self {
        Self {
            id: BranchId::from_stored(&data.id),
            commit_id: CommitId::from_stored(&data.commit_id),
            hidden: data.hidden,
        }
    }
}

impl Engine {
    /// Returns the branch `id`. Fails with [`EngineError::BranchNotFound`].
    pub async fn branch(&self, repository: &Repository, id: &BranchId) -> Result<Branch> {
        Ok(self.branch_state(repository, id).await?.to_branch())
    }

    /// Lists branches in name order; hidden ones only if asked.
    pub async fn list_branches(
        &self,
        repository: &Repository,
        page: &PageRequest,
        show_hidden: bool,
    ) -> Result<Page<Branch>> {
        let partition = repository.partition.clone();
        self.list_records(partition, keys::BRANCH_PREFIX, page, |key, stored| {
            let record = records::decode::<BranchData>("branch", key, stored)?;
            let shown = show_hidden || !record.message.hidden;
            Ok(shown.then(|| Branch::from_record(&record.message)))
        })
        .await
    }

    /// Reads the record of a branch that must exist.
    pub(crate) async fn branch_state(
        &self,
        repository: &Repository,
        id: &BranchId,
    ) -> Result<BranchState> {
        let found = self.find_branch(repository, id).await?;
        found.ok_or_else(|| EngineError::BranchNotFound(id.clone()))
    }

    /// Reads the record of a branch.
    pub(crate) async fn find_branch(
        &self,
        repository: &Repository,
        id: &BranchId,
    ) -> Result<Option<BranchState>> {
        let key = keys::branch(id);
        let stored = self.parts.kv.get(repository.partition.clone(), key.clone()).await?;
        let Some(stored) = stored else { return Ok(None) };
        let record = records::decode::<BranchData>("branch", &key, &stored.value)?;
        Ok(Some(BranchState::new(id.clone(), record, stored.version)))
    }

    /// Carries out `before`, then replaces the record `state` by `next` if it is still the record, and
    /// lets go of the tokens that `next` does not name.
    ///
    /// This goes on if the caller goes away: nobody else would know of those tokens. So does the turn
    /// of the caller, or who comes next would be sure of a record that is about to be replaced.
    pub(crate) async fn replace_branch(
        &self,
        repository: &Repository,
        before: Vec<Write>,
        state: &BranchState,
        next: NextState,
    ) -> Result<Outcome> {
        let last = state.replaced_by(repository, &next);
        let turn = self.parts.queues.prolong(repository, &state.id);
        let engine = self.clone();
        self.to_the_end("replace-branch", async move {
            let _turn = turn;
            let outcome = engine.write_after(before, last).await?;
            if outcome == Outcome::Applied {
                engine.drop_partitions(next.into_dropped());
            }
            Ok(outcome)
        })
        .await
    }
}
