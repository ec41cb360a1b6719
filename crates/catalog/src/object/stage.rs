//! Recording objects whose bytes are already there.

use lakehold_block::Address;
use lakehold_clock::Timestamp;
use lakehold_engine::BranchId;
use lakehold_engine::EngineError;
use lakehold_engine::Metadata;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;

use super::address;
use super::check_path;
use super::entry::Entry;
use super::entry::to_pairs;
use super::upload::condition;
use crate::Catalog;
use crate::Object;
use crate::Result;

/// What is given when an object is recorded whose bytes are already there.
#[derive(Clone, Debug)]
pub struct Staged {
    /// Where the object is to be.
    pub path: String,
    /// Complete URI of its bytes.
    pub physical_address: String,
    /// Their checksum, as the caller knows it.
    pub checksum: String,
    /// Their number.
    pub size: u64,
    /// When they were stored; now where it is not given.
    pub modified: Option<Timestamp>,
    /// What the user says of the object.
    pub metadata: Metadata,
    /// Media type; may be empty.
    pub content_type: String,
    /// Only if nothing is at the path.
    pub if_absent: bool,
    /// Also into a read-only repository.
    pub force: bool,
}

impl Catalog {
    /// Stages an object whose bytes are at an address that the caller knows (stageObject).
    ///
    /// The bytes are neither read nor looked for. An address below the namespace's `data/` is
    /// recorded relative to it and needs no signature, every other in full. Fails with
    /// [`CatalogError::InvalidAddress`](crate::CatalogError::InvalidAddress) or
    /// [`CatalogError::ForbiddenAddress`](crate::CatalogError::ForbiddenAddress) where this block
    /// store could never serve it.
    pub async fn stage(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        staged: Staged,
    ) -> Result<Object> {
        check_path(&staged.path)?;
        let repository = self.repository(repository).await?;
        let namespace = &repository.storage_namespace;
        let at = address::parse_shown(self.blocks(), namespace, &staged.physical_address)?;
        self.stage_at(&repository, branch, &at, staged).await
    }

    /// Stages an object whose bytes are at `at`.
    pub(super) async fn stage_at(
        &self,
        repository: &Repository,
        branch: &BranchId,
        at: &Address,
        staged: Staged,
    ) -> Result<Object> {
        let size = to_stored_size(staged.size)?;
        let (address, address_type) = address::to_entry(at, self.blocks());
        let entry = Entry {
            address,
            last_modified: Some(staged.modified.unwrap_or_else(|| self.runtime().now()).into()),
            size,
            e_tag: staged.checksum,
            metadata: to_pairs(staged.metadata),
            address_type,
            content_type: staged.content_type,
        };
        let condition = condition(staged.if_absent);
        self.stage_entry(repository, branch, staged.path, entry.into(), condition, staged.force)
            .await
    }
}

/// Sizes are stored as signed numbers.
fn to_stored_size(size: u64) -> Result<i64> {
    let too_large = |_| EngineError::InvalidArgument { name: "size", value: size.to_string() };
    Ok(i64::try_from(size).map_err(too_large)?)
}
