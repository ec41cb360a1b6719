//! What turns one tree into another, with staged changes over the right one.

use std::cmp::Ordering;

use lakehold_tree::Change;
use lakehold_tree::DiffCursor;
use lakehold_tree::Difference;

use crate::DiffRow;
use crate::Engine;
use crate::MetaRangeId;
use crate::Repository;
use crate::diff::Lookup;
use crate::diff::difference;
use crate::error::Result;
use crate::page::Rows;
use crate::staging::cursor::Ahead;
use crate::staging::cursor::StagedCursor;

/// The differences of two trees.
#[derive(Debug)]
pub(crate) struct DiffRows(pub(crate) DiffCursor);

impl Rows for DiffRows {
    type Row = Difference;

    fn key(row: &Difference) -> &[u8] {
        &row.key
    }

    fn seek(&mut self, key: &[u8]) {
        self.0.seek(key);
    }

    async fn next(&mut self) -> Result<Option<Difference>> {
        Ok(self.0.next().await?)
    }
}

/// The differences of two trees, with what is staged on the right in the place of what is committed
/// there.
#[derive(Debug)]
pub(crate) struct TwoDotRows {
    committed: Ahead<DiffRows>,
    staged: Option<Overlay>,
}

#[derive(Debug)]
struct Overlay {
    staged: Ahead<StagedCursor>,
    /// The left tree: where a key is staged and both trees agree, the diff does not have it.
    left: Lookup,
}

impl TwoDotRows {
    pub(crate) fn new(
        engine: &Engine,
        repository: &Repository,
        left: &MetaRangeId,
        right: &MetaRangeId,
        staged: Option<StagedCursor>,
    ) -> Self {
        let diff = engine.parts.trees.diff(&repository.storage_namespace, left, right);
        let overlay = |staged| Overlay {
            staged: Ahead::new(staged),
            left: Lookup::new(engine, repository, left),
        };
        Self { committed: Ahead::new(DiffRows(diff)), staged: staged.map(overlay) }
    }

    async fn next_difference(&mut self) -> Result<Option<Difference>> {
        loop {
            let committed = self.committed.peek().await?;
            let Some(overlay) = &mut self.staged else { return Ok(self.committed.take()) };
            let Some(staged) = overlay.staged.peek().await? else {
                return Ok(self.committed.take());
            };
            match committed.map(|row| row.key.cmp(&staged.key)) {
                Some(Ordering::Less) => return Ok(self.committed.take()),
                Some(Ordering::Equal) => drop(self.committed.take()),
                Some(Ordering::Greater) | None => {}
            }
            if let Some(Change { key, value }) = overlay.staged.take() {
                let left = overlay.left.at(&key).await?;
                if let Some(found) = difference(key, left, value) {
                    return Ok(Some(found));
                }
            }
        }
    }
}

impl Rows for TwoDotRows {
    type Row = DiffRow;

    fn key(row: &DiffRow) -> &[u8] {
        &row.difference.key
    }

    fn seek(&mut self, key: &[u8]) {
        self.committed.seek(key);
        if let Some(overlay) = &mut self.staged {
            overlay.staged.seek(key);
        }
    }

    async fn next(&mut self) -> Result<Option<DiffRow>> {
        Ok(self.next_difference().await?.map(DiffRow::from))
    }
}
