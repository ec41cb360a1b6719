//! Differences between references, as objects.

use lakehold_engine::BranchId;
use lakehold_engine::DiffKind;
use lakehold_engine::DiffRow;
use lakehold_engine::Difference;
use lakehold_engine::KeyQuery;
use lakehold_engine::Listed;
use lakehold_engine::Page;
use lakehold_engine::RefExpr;
use lakehold_engine::RepositoryId;

use super::list::convert;
use super::list::to_path;
use super::reader::ObjectReader;
use crate::Catalog;
use crate::CatalogError;
use crate::Object;
use crate::Result;

/// How a path differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only on the right.
    Added,
    /// Only on the left.
    Removed,
    /// Different on both sides.
    Changed,
    /// Both sides changed it since they parted (three-dot only).
    Conflict,
}

/// A row of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectDiff {
    /// How the path differs.
    pub change: Change,
    /// The object on the right, or, where it was removed, the one that was on the left.
    pub object: Object,
}

impl Catalog {
    /// Lists how `right` differs from `left` (two-dot), or what merging `right` into `left` would
    /// change (three-dot), in byte order of the paths.
    pub async fn diff(
        &self,
        repository: &RepositoryId,
        left: &RefExpr,
        right: &RefExpr,
        kind: DiffKind,
        query: &KeyQuery,
    ) -> Result<Page<Listed<ObjectDiff>>> {
        let repository = self.repository(repository).await?;
        let page = self.engine().diff(&repository, left, right, kind, query).await?;
        let reader = ObjectReader::for_page(self, &repository);
        convert(page, |row| to_object_diff(&reader, &row))
    }

    /// Lists how what is staged on `branch` differs from its commit.
    pub async fn diff_uncommitted(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        query: &KeyQuery,
    ) -> Result<Page<Listed<ObjectDiff>>> {
        let repository = self.repository(repository).await?;
        let page = self.engine().diff_uncommitted(&repository, branch, query).await?;
        let reader = ObjectReader::for_page(self, &repository);
        convert(page, |row| to_object_diff(&reader, &row))
    }
}

fn to_object_diff(reader: &ObjectReader<'_>, row: &DiffRow) -> Result<ObjectDiff> {
    let Difference { key, left, right } = &row.difference;
    let path = to_path(key);
    let Some(value) = right.as_ref().or(left.as_ref()) else {
        let source = "a difference without sides".into();
        return Err(CatalogError::CorruptEntry { location: path, source });
    };
    Ok(ObjectDiff { change: change_of(row), object: reader.read(path, value)? })
}

fn change_of(row: &DiffRow) -> Change {
    match (row.conflict, &row.difference.left, &row.difference.right) {
        (true, ..) => Change::Conflict,
        (false, None, _) => Change::Added,
        (false, Some(_), None) => Change::Removed,
        (false, Some(_), Some(_)) => Change::Changed,
    }
}
