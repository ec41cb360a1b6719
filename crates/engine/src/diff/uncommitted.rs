//! What is staged and changes anything.

use lakehold_tree::Change;
use lakehold_tree::Difference;

use crate::DiffRow;
use crate::Engine;
use crate::Repository;
use crate::branch::BranchState;
use crate::diff::Lookup;
use crate::diff::difference;
use crate::error::Result;
use crate::page::Rows;
use crate::staging::StagingToken;
use crate::staging::cursor::StagedCursor;

/// Staged changes that differ from the commit: a tombstone of nothing and a value that is committed
/// already are none.
#[derive(Debug)]
pub(crate) struct UncommittedRows {
    staged: StagedCursor,
    committed: Lookup,
}

impl UncommittedRows {
    /// Returns the next change; left is what is committed.
    pub(crate) async fn next_difference(&mut self) -> Result<Option<Difference>> {
        while let Some(Change { key, value }) = self.staged.next_change().await? {
            let committed = self.committed.at(&key).await?;
            if let Some(found) = difference(key, committed, value) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl Rows for UncommittedRows {
    type Row = DiffRow;

    fn key(row: &DiffRow) -> &[u8] {
        &row.difference.key
    }

    fn seek(&mut self, key: &[u8]) {
        self.staged.seek(key);
    }

    async fn next(&mut self) -> Result<Option<DiffRow>> {
        Ok(self.next_difference().await?.map(DiffRow::from))
    }
}

impl Engine {
    /// A cursor over what is staged under `tokens` of a branch and changes anything.
    pub(crate) async fn uncommitted(
        &self,
        repository: &Repository,
        state: &BranchState,
        tokens: impl Iterator<Item = StagingToken>,
    ) -> Result<UncommittedRows> {
        let staged = self.staged(tokens);
        let tree = self.tree_of(repository, state).await?;
        Ok(UncommittedRows { staged, committed: Lookup::new(self, repository, &tree) })
    }
}
