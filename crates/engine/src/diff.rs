//! Differences: of what is staged to the commit below, and of one tree to another.
//!
//! All are cursors in key order that can jump ([`crate::page::Rows`]), so that one way of paging and of folding
//! serves them all, and none is collected in memory.

mod compare;
mod two_dot;
mod uncommitted;

use lakehold_tree::Difference;
use lakehold_tree::Record;
use lakehold_tree::Value;

use crate::BranchId;
use crate::Engine;
use crate::EngineError;
use crate::KeyQuery;
use crate::Listed;
use crate::MetaRangeId;
use crate::Page;
use crate::RefExpr;
use crate::Repository;
use crate::diff::compare::CompareRows;
use crate::diff::two_dot::TwoDotRows;
use crate::error::Result;
use crate::page::read_page;
use crate::refs::resolve::Named;
use crate::staging::cursor::Ahead;
use crate::staging::cursor::TreeRows;

/// A row of a two- or three-dot diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffRow {
    /// The key and its values on both sides.
    pub difference: Difference,
    /// Both sides changed the key since the merge base (three-dot only).
    pub conflict: bool,
}

/// Which difference of two references is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffKind {
    /// Left against right.
    TwoDot,
    /// What merging right into left would change.
    ThreeDot,
}

impl From<Difference> for DiffRow {
    fn from(difference: Difference) -> Self {
        Self { difference, conflict: false }
    }
}

impl Engine {
    /// Lists what is staged on a branch and changes anything: left is what is committed.
    pub async fn diff_uncommitted(
        &self,
        repository: &Repository,
        branch: &BranchId,
        query: &KeyQuery,
    ) -> Result<Page<Listed<DiffRow>>> {
        // A missing branch is called one, not a missing reference.
        self.branch_state(repository, branch).await?;
        self.read_whole(repository, &staging_of(branch), |named| async move {
            let (Named::Branch(state) | Named::Staging(state)) = named else {
                return Err(EngineError::BranchNotFound(branch.clone()));
            };
            let mut rows = self.uncommitted(repository, &state, state.tokens()).await?;
            read_page(&mut rows, query).await
        })
        .await
    }

    /// Lists what differs between two references.
    ///
    /// Two-dot: what turns `left` into `right`; if that is `branch$`, with its staging area.
    /// Three-dot: what merging `right` into `left` would change, and where it would conflict.
    pub async fn diff(
        &self,
        repository: &Repository,
        left: &RefExpr,
        right: &RefExpr,
        kind: DiffKind,
        query: &KeyQuery,
    ) -> Result<Page<Listed<DiffRow>>> {
        match kind {
            DiffKind::TwoDot => self.two_dot(repository, left, right, query).await,
            DiffKind::ThreeDot => self.three_dot(repository, left, right, query).await,
        }
    }

    async fn two_dot(
        &self,
        repository: &Repository,
        left: &RefExpr,
        right: &RefExpr,
        query: &KeyQuery,
    ) -> Result<Page<Listed<DiffRow>>> {
        let left = &self.commit_at(repository, left).await?.meta_range_id;
        self.read_whole(repository, right, |named| async move {
            let mut rows = match named {
                Named::Commit(id) => {
                    let right = &self.get_commit(repository, &id).await?.meta_range_id;
                    TwoDotRows::new(self, repository, left, right, None)
                }
                Named::Branch(state) => {
                    let right = &self.tree_of(repository, &state).await?;
                    TwoDotRows::new(self, repository, left, right, None)
                }
                Named::Staging(state) => {
                    let right = &self.tree_of(repository, &state).await?;
                    let staged = self.staged(state.tokens());
                    TwoDotRows::new(self, repository, left, right, Some(staged))
                }
            };
            read_page(&mut rows, query).await
        })
        .await
    }

    async fn three_dot(
        &self,
        repository: &Repository,
        left: &RefExpr,
        right: &RefExpr,
        query: &KeyQuery,
    ) -> Result<Page<Listed<DiffRow>>> {
        let left = self.commit_at(repository, left).await?;
        let right = self.commit_at(repository, right).await?;
        let base = self.merge_base_of(repository, &left, &right).await?;
        if base.id == right.id {
            return Ok(Page { results: Vec::new(), has_more: false });
        }
        let mut rows = CompareRows::new(
            self,
            repository,
            &left.meta_range_id,
            &right.meta_range_id,
            &base.meta_range_id,
        );
        read_page(&mut rows, query).await
    }
}

/// The expression that names a branch's staging area and nothing else.
fn staging_of(branch: &BranchId) -> RefExpr {
    RefExpr::from_stored(&format!("{branch}$"))
}

/// Looking up keys of a tree that come in ascending order.
#[derive(Debug)]
struct Lookup(Ahead<TreeRows>);

impl Lookup {
    fn new(engine: &Engine, repository: &Repository, tree: &MetaRangeId) -> Self {
        Self(Ahead::new(engine.tree_rows(repository, tree)))
    }

    /// Returns the value at `key`, which must not be smaller than the one asked for before.
    async fn at(&mut self, key: &[u8]) -> Result<Option<Value>> {
        self.0.seek(key);
        let found: Option<&Record> = self.0.peek().await?;
        Ok(found.filter(|record| record.key == key).map(|record| record.value.clone()))
    }
}

/// The difference at a key, if there is one.
fn difference(key: bytes::Bytes, left: Option<Value>, right: Option<Value>) -> Option<Difference> {
    let identity = |value: &Option<Value>| value.as_ref().map(|value| value.identity.clone());
    (identity(&left) != identity(&right)).then_some(Difference { key, left, right })
}
