//! Removing objects from a branch. Their bytes stay: commits may lead to them.

use bytes::Bytes;

use lakehold_engine::BranchId;
use lakehold_engine::RepositoryId;

use crate::Catalog;
use crate::CatalogError;
use crate::Result;

/// How many objects one call can delete. Part of the API.
const MAX_PATHS: usize = 1000;

impl Catalog {
    /// Deletes objects from a branch.
    ///
    /// Paths at which nothing is are no error, nor is an empty one: Spark deletes the folder
    /// "nothing" and expects success. With `no_tombstone` an object that is only staged leaves no
    /// trace. Fails with [`CatalogError::TooManyPaths`] above 1000, and with the engine's errors
    /// where repository or branch are missing, protected or read-only; then nothing is known of any
    /// of the paths.
    pub async fn delete(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        paths: &[String],
        no_tombstone: bool,
        force: bool,
    ) -> Result<()> {
        if paths.len() > MAX_PATHS {
            return Err(CatalogError::TooManyPaths(paths.len()));
        }
        let repository = self.repository(repository).await?;
        let named = paths.iter().filter(|path| !path.is_empty());
        let keys: Vec<Bytes> = named.map(|path| Bytes::copy_from_slice(path.as_bytes())).collect();
        Ok(self.engine().delete(&repository, branch, &keys, no_tombstone, force).await?)
    }
}
