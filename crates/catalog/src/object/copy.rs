//! Copies within a repository: new bytes, new entry.

use lakehold_engine::BranchId;
use lakehold_engine::RefExpr;
use lakehold_engine::RepositoryId;
use lakehold_engine::StageCondition;

use super::address;
use super::check_path;
use super::corrupt;
use super::decode_record;
use crate::Catalog;
use crate::CatalogError;
use crate::Object;
use crate::Result;

/// What to copy, and where to.
#[derive(Clone, Debug)]
pub struct CopyRequest {
    /// Where the source is to be looked up.
    pub source_ref: RefExpr,
    /// Path of the source.
    pub source_path: String,
    /// Path of the copy.
    pub destination_path: String,
    /// Also into a read-only repository.
    pub force: bool,
}

impl Catalog {
    /// Copies an object, bytes and all, to `branch`.
    ///
    /// Checksum, user metadata and content type are the source's, the time is now. Fails with
    /// [`CatalogError::DataMissing`] where the source's bytes are gone.
    pub async fn copy(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        request: CopyRequest,
    ) -> Result<Object> {
        let CopyRequest { source_ref, source_path, destination_path, force } = request;
        check_path(&source_path)?;
        check_path(&destination_path)?;
        let repository = self.repository(repository).await?;
        let key = destination_path.as_bytes();
        self.engine().check_stage(&repository, branch, key, StageCondition::Always, force).await?;

        let value = self.engine().get(&repository, &source_ref, source_path.as_bytes()).await?;
        let mut record = decode_record(&repository, &source_path, &value)?;
        let entry = &mut record.message;
        let from =
            address::from_entry(&repository.storage_namespace, &entry.address, entry.address_type)
                .map_err(|error| corrupt(&repository, &source_path, error.into()))?;
        let to = self.fresh_address(&repository);
        let copied = self.blocks().copy(&from, &to).await;
        // Nothing leads to a copy yet, whatever became of it.
        copied.map_err(|error| CatalogError::from(error).into_not_done())?;

        (entry.address, entry.address_type) = address::to_entry(&to, self.blocks());
        entry.last_modified = Some(self.runtime().now().into());
        let always = StageCondition::Always;
        self.stage_entry(&repository, branch, destination_path, record, always, force).await
    }
}
