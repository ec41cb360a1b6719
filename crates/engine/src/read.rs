//! Reading keys: one, or a page of them.
//!
//! Where a branch's staging area is read too, the branch record is read first and everything else by
//! way of it; if one of its tokens was wiped meanwhile the read starts again (see `staging`). After
//! [`ATTEMPTS`] it stands in the branch's queue, where nobody overtakes it, unless there are other
//! servers, who do not stand there.

use std::sync::Arc;

use bytes::Bytes;

use crate::Commit;
use crate::Engine;
use crate::EngineError;
use crate::KeyQuery;
use crate::Listed;
use crate::MetaRangeId;
use crate::Page;
use crate::Record;
use crate::RefExpr;
use crate::Repository;
use crate::Value;
use crate::branch::BranchState;
use crate::error::Result;
use crate::page::read_page;
use crate::refs::resolve::Named;

/// How often a read starts again while tokens are wiped under it, before it queues.
const ATTEMPTS: u32 = 3;
/// How often it starts again at all.
const ATTEMPTS_QUEUED: u32 = 10;

impl Engine {
    /// Returns the value at `key`: staged over committed for a bare branch or `branch$`, committed
    /// for any other expression. Fails with [`EngineError::KeyNotFound`].
    pub async fn get(
        &self,
        repository: &Repository,
        reference: &RefExpr,
        key: &[u8],
    ) -> Result<Value> {
        let found = match self.known_commit(repository, reference) {
            Some(commit) => self.get_committed(repository, &commit, key).await?,
            None => self.get_named(repository, reference, key).await?,
        };
        found.ok_or_else(|| key_not_found(key))
    }

    async fn get_committed(
        &self,
        repository: &Repository,
        commit: &Arc<Commit>,
        key: &[u8],
    ) -> Result<Option<Value>> {
        let namespace = &repository.storage_namespace;
        Ok(self.parts.trees.get(namespace, &commit.meta_range_id, key).await?)
    }

    async fn get_named(
        &self,
        repository: &Repository,
        reference: &RefExpr,
        key: &[u8],
    ) -> Result<Option<Value>> {
        let key = &Bytes::copy_from_slice(key);
        self.read_whole(repository, reference, |named| async move {
            match named {
                Named::Commit(id) => {
                    let commit = self.get_commit(repository, &id).await?;
                    self.get_committed(repository, &commit, key).await
                }
                Named::Branch(state) | Named::Staging(state) => {
                    self.get_on_branch(repository, &state, key).await
                }
            }
        })
        .await
    }

    async fn get_on_branch(
        &self,
        repository: &Repository,
        state: &BranchState,
        key: &Bytes,
    ) -> Result<Option<Value>> {
        if let Some(entry) = self.entry(&state.token(), key).await? {
            return Ok(entry.value);
        }
        let below = self.below(repository, state, key).await?;
        Ok(below.value().cloned())
    }

    /// Lists keys and their values: staged over committed for a bare branch or `branch$`, committed
    /// for any other expression.
    pub async fn list(
        &self,
        repository: &Repository,
        reference: &RefExpr,
        query: &KeyQuery,
    ) -> Result<Page<Listed<Record>>> {
        self.read_whole(repository, reference, |named| async move {
            match named {
                Named::Commit(id) => {
                    let commit = self.get_commit(repository, &id).await?;
                    let mut rows = self.tree_rows(repository, &commit.meta_range_id);
                    read_page(&mut rows, query).await
                }
                Named::Branch(state) | Named::Staging(state) => {
                    let tree = self.tree_of(repository, &state).await?;
                    let mut rows = self.view(repository, state.tokens(), &tree);
                    read_page(&mut rows, query).await
                }
            }
        })
        .await
    }

    /// Resolves `reference` and reads what it names, again if tokens were wiped meanwhile.
    pub(crate) async fn read_whole<T, F>(
        &self,
        repository: &Repository,
        reference: &RefExpr,
        read: impl Fn(Named) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut turn = None;
        let mut attempt = 1;
        loop {
            let mark = self.parts.drops.mark();
            let named = self.resolve(repository, reference).await?;
            let state = match &named {
                Named::Commit(_) => return read(named).await,
                Named::Branch(state) | Named::Staging(state) => state.clone(),
            };
            // An error may be a consequence of the wipe, too.
            let done = read(named).await;
            if self.was_whole(repository, mark, &state).await? {
                return done;
            }
            if attempt == ATTEMPTS && self.is_exclusive() {
                turn = Some(self.parts.queues.enter(repository, &state.id).await);
            }
            if attempt == ATTEMPTS_QUEUED {
                drop(turn);
                return Err(EngineError::BranchBusy { branch: state.id, attempts: attempt });
            }
            attempt += 1;
        }
    }

    /// The tree that a branch is at.
    pub(crate) async fn tree_of(
        &self,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<MetaRangeId> {
        let head = self.head(repository, state).await?;
        Ok(head.map(|head| head.meta_range_id.clone()).unwrap_or_default())
    }
}

pub(crate) fn key_not_found(key: &[u8]) -> EngineError {
    EngineError::KeyNotFound(String::from_utf8_lossy(key).into_owned())
}
