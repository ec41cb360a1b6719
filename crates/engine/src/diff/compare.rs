//! What merging the right side into the left would do: the differences of the two, each judged by
//! what the merge base had.
//!
//! | left to right | base                | so                                                  |
//! | ------------- | ------------------- | --------------------------------------------------- |
//! | added         | nothing             | added                                               |
//! | added         | what right has      | nothing: left deleted it                            |
//! | added         | something else      | conflict: left deleted, right changed               |
//! | changed       | nothing             | conflict: both added                                |
//! | changed       | what right has      | nothing: only left changed                          |
//! | changed       | what left has       | changed                                             |
//! | changed       | something else      | conflict                                            |
//! | removed       | nothing             | nothing: left added                                 |
//! | removed       | what left has       | removed                                             |
//! | removed       | something else      | conflict: left changed, right deleted               |
//!
//! In short: where the base has what right has, right did nothing; where it has what left has, left
//! did nothing; otherwise both did something.

use lakehold_tree::Difference;
use lakehold_tree::Value;

use crate::DiffRow;
use crate::Engine;
use crate::MetaRangeId;
use crate::Repository;
use crate::diff::Lookup;
use crate::diff::two_dot::DiffRows;
use crate::error::Result;
use crate::page::Rows;

/// The rows of a three-dot diff.
#[derive(Debug)]
pub(crate) struct CompareRows {
    diff: DiffRows,
    base: Lookup,
}

impl CompareRows {
    pub(crate) fn new(
        engine: &Engine,
        repository: &Repository,
        left: &MetaRangeId,
        right: &MetaRangeId,
        base: &MetaRangeId,
    ) -> Self {
        let diff = engine.parts.trees.diff(&repository.storage_namespace, left, right);
        Self { diff: DiffRows(diff), base: Lookup::new(engine, repository, base) }
    }
}

impl Rows for CompareRows {
    type Row = DiffRow;

    fn key(row: &DiffRow) -> &[u8] {
        &row.difference.key
    }

    fn seek(&mut self, key: &[u8]) {
        self.diff.seek(key);
    }

    async fn next(&mut self) -> Result<Option<DiffRow>> {
        while let Some(difference) = self.diff.next().await? {
            let base = self.base.at(&difference.key).await?;
            if let Some(row) = judge(difference, base.as_ref()) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

fn judge(difference: Difference, base: Option<&Value>) -> Option<DiffRow> {
    let is_base = |side: &Option<Value>| {
        side.as_ref().map(|value| &value.identity) == base.map(|value| &value.identity)
    };
    if is_base(&difference.right) {
        return None;
    }
    let conflict = !is_base(&difference.left);
    Some(DiffRow { difference, conflict })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn every_row_of_the_table_holds() {
        const NOTHING: Option<&str> = None;
        const CONFLICT: Option<bool> = Some(true);
        const CLEAN: Option<bool> = Some(false);
        for (left, right, base, expected) in [
            (NOTHING, Some("r"), NOTHING, CLEAN),
            (NOTHING, Some("r"), Some("r"), None),
            (NOTHING, Some("r"), Some("b"), CONFLICT),
            (Some("l"), Some("r"), NOTHING, CONFLICT),
            (Some("l"), Some("r"), Some("r"), None),
            (Some("l"), Some("r"), Some("l"), CLEAN),
            (Some("l"), Some("r"), Some("b"), CONFLICT),
            (Some("l"), NOTHING, NOTHING, None),
            (Some("l"), NOTHING, Some("l"), CLEAN),
            (Some("l"), NOTHING, Some("b"), CONFLICT),
        ] {
            let value = |identity: &str| Value {
                identity: Bytes::copy_from_slice(identity.as_bytes()),
                data: Bytes::new(),
            };
            let row = Difference {
                key: Bytes::from_static(b"k"),
                left: left.map(value),
                right: right.map(value),
            };
            let judged = judge(row, base.map(value).as_ref()).map(|row| row.conflict);
            assert_eq!(judged, expected, "{left:?} {right:?} {base:?}");
        }
    }
}
