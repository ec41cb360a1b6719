//! Commits in memory: they never change, so what was read once stays right.

use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use moka::sync::Cache;

use crate::Commit;
use crate::CommitId;
use crate::Engine;
use crate::EngineError;
use crate::Repository;
use crate::branch::BranchState;
use crate::error::Result;
use crate::keys;
use crate::records;
use crate::records::CommitData;

/// Bytes of commits kept, about 50,000 ordinary ones.
const CAPACITY_BYTES: u64 = 16 << 20;

/// What a commit costs beside its texts: the structures, the key, the cache's own.
const FIXED_BYTES: usize = 512;

/// Commits by repository partition and id.
#[derive(Debug)]
pub(crate) struct CommitCache {
    commits: Cache<(Bytes, CommitId), Arc<Commit>, RandomState>,
}

impl CommitCache {
    pub(crate) fn new() -> Self {
        let commits = Cache::builder()
            .max_capacity(CAPACITY_BYTES)
            .weigher(|_, commit: &Arc<Commit>| weight(commit))
            .build_with_hasher(RandomState::default());
        Self { commits }
    }

    pub(crate) fn find(&self, repository: &Repository, id: &CommitId) -> Option<Arc<Commit>> {
        self.commits.get(&(repository.partition.clone(), id.clone()))
    }

    /// Remembers a commit that is stored.
    pub(crate) fn remember(&self, repository: &Repository, commit: &Commit) {
        self.insert(repository, Arc::new(commit.clone()));
    }

    fn insert(&self, repository: &Repository, commit: Arc<Commit>) {
        self.commits.insert((repository.partition.clone(), commit.id.clone()), commit);
    }
}

fn weight(commit: &Commit) -> u32 {
    let metadata: usize = commit.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    let bytes = FIXED_BYTES + commit.message.len() + commit.committer.len() + metadata;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Engine {
    /// Returns the commit with this id, if there is one.
    pub(crate) async fn find_commit(
        &self,
        repository: &Repository,
        id: &CommitId,
    ) -> Result<Option<Arc<Commit>>> {
        let Self { parts } = self;
        if let Some(known) = parts.commits.find(repository, id) {
            return Ok(Some(known));
        }
        let key = keys::commit(id);
        let stored = parts.kv.get(repository.partition.clone(), key.clone()).await?;
        let Some(stored) = stored else { return Ok(None) };
        let record = records::decode::<CommitData>("commit", &key, &stored.value)?;
        let commit = Arc::new(Commit::from_record(record.message));
        parts.commits.insert(repository, commit.clone());
        Ok(Some(commit))
    }

    /// Returns the commit with this id, which another record names.
    pub(crate) async fn get_commit(
        &self,
        repository: &Repository,
        id: &CommitId,
    ) -> Result<Arc<Commit>> {
        let found = self.find_commit(repository, id).await?;
        found.ok_or_else(|| EngineError::CommitNotFound(id.as_str().to_owned()))
    }

    /// Returns the commit that a branch is at; `None` for a branch that has none.
    pub(crate) async fn head(
        &self,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Option<Arc<Commit>>> {
        if state.commit_id.as_str().is_empty() {
            return Ok(None);
        }
        self.get_commit(repository, &state.commit_id).await.map(Some)
    }
}
