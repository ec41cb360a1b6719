//! The record of a branch, as it was read, and the records that may follow it.

use bytes::Bytes;
use lakehold_clock::Runtime;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Version;
use lakehold_kv::Write;

use crate::Branch;
use crate::BranchId;
use crate::CommitId;
use crate::Repository;
use crate::keys;
use crate::records::BranchData;
use crate::staging::StagingToken;

/// A branch at one moment.
#[derive(Clone, Debug)]
pub(crate) struct BranchState {
    /// Its name.
    pub(crate) id: BranchId,
    /// The commit it is at. Empty for a branch that has none.
    pub(crate) commit_id: CommitId,
    record: Record<BranchData>,
    version: Version,
}

/// A branch's record to be, with the tokens it no longer names.
#[derive(Clone, Debug)]
pub(crate) struct NextState {
    record: Record<BranchData>,
    dropped: Vec<Bytes>,
}

impl BranchState {
    pub(super) fn new(id: BranchId, record: Record<BranchData>, version: Version) -> Self {
        let commit_id = CommitId::from_stored(&record.message.commit_id);
        Self { id, commit_id, record, version }
    }

    pub(super) fn to_branch(&self) -> Branch {
        Branch {
            id: self.id.clone(),
            commit_id: self.commit_id.clone(),
            hidden: self.record.message.hidden,
        }
    }

    /// The token that takes writes.
    pub(crate) fn token(&self) -> StagingToken {
        StagingToken::from_stored(self.record.message.staging_token.clone())
    }

    /// The tokens that take no more writes, newest first.
    pub(crate) fn sealed(&self) -> impl Iterator<Item = StagingToken> {
        self.record.message.sealed_tokens.iter().cloned().map(StagingToken::from_stored)
    }

    /// How many sealed tokens there are.
    pub(crate) fn sealed_count(&self) -> usize {
        self.record.message.sealed_tokens.len()
    }

    /// All tokens, newest first.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = StagingToken> {
        std::iter::once(self.token()).chain(self.sealed())
    }

    /// Whether the record is the same as that of `other`.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.version == other.version
    }

    /// The next record: a fresh token takes writes, the present one is sealed.
    pub(crate) fn sealing(&self, repository: &Repository, runtime: &Runtime) -> NextState {
        self.sealing_under(StagingToken::fresh(repository, &self.id, runtime))
    }

    /// The next record: `token` takes writes, the present one is sealed.
    pub(crate) fn sealing_under(&self, token: StagingToken) -> NextState {
        let mut record = self.record.clone();
        let sealed = std::mem::replace(&mut record.message.staging_token, token.into_bytes());
        record.message.sealed_tokens.insert(0, sealed);
        NextState { record, dropped: Vec::new() }
    }

    /// The next record: at `commit`, and what was sealed is dropped.
    pub(crate) fn moving_to(&self, commit: &CommitId) -> NextState {
        let mut record = self.record.clone();
        commit.as_str().clone_into(&mut record.message.commit_id);
        let dropped = std::mem::take(&mut record.message.sealed_tokens);
        NextState { record, dropped }
    }

    /// The next record: nothing is staged.
    pub(crate) fn emptied(&self, repository: &Repository, runtime: &Runtime) -> NextState {
        let mut record = self.record.clone();
        let fresh = StagingToken::fresh(repository, &self.id, runtime).into_bytes();
        let token = std::mem::replace(&mut record.message.staging_token, fresh);
        let mut dropped = std::mem::take(&mut record.message.sealed_tokens);
        dropped.push(token);
        NextState { record, dropped }
    }

    /// The next record: `sealed` instead of what is sealed now.
    pub(crate) fn with_sealed(&self, sealed: Vec<StagingToken>) -> NextState {
        let mut record = self.record.clone();
        let sealed: Vec<_> = sealed.into_iter().map(StagingToken::into_bytes).collect();
        let mut dropped = std::mem::replace(&mut record.message.sealed_tokens, sealed);
        dropped.retain(|token| !record.message.sealed_tokens.contains(token));
        NextState { record, dropped }
    }

    /// The write that replaces this record by `next` if nobody else has.
    pub(super) fn replaced_by(&self, repository: &Repository, next: &NextState) -> Write {
        self.write(repository, Some(next.record.encode()))
    }

    /// The write that removes this record if nobody has changed it.
    pub(super) fn removed(&self, repository: &Repository) -> Write {
        self.write(repository, None)
    }

    fn write(&self, repository: &Repository, value: Option<Bytes>) -> Write {
        Write {
            partition: repository.partition.clone(),
            key: keys::branch(&self.id),
            value,
            precondition: Precondition::Unchanged(self.version.clone()),
        }
    }
}

impl NextState {
    /// The tokens that nothing leads to any more once this is the record.
    pub(super) fn into_dropped(self) -> Vec<Bytes> {
        self.dropped
    }
}
