//! The tables of committed trees as they are stored, for clients that read them by themselves.

use std::time::Duration;

use lakehold_block::Address;
use lakehold_block::Body;
use lakehold_block::PresignedUrl;
use lakehold_engine::CommitId;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;

use crate::Catalog;
use crate::CatalogError;
use crate::Result;

impl Catalog {
    /// Returns the bytes of the range or metarange `id`.
    ///
    /// Fails with [`CatalogError::DataMissing`] where there is none, or where the id cannot be one:
    /// nothing else in that folder is given out.
    pub async fn table(&self, repository: &RepositoryId, id: &str) -> Result<Body> {
        let repository = self.repository(repository).await?;
        Ok(self.blocks().get(&address(&repository, id)?, None).await?)
    }

    /// Returns a URL at which a client may read the range or metarange `id` itself until `ttl` has
    /// passed; `None` where the block store gives out none. Whether there is such a table is not
    /// looked at.
    pub async fn presign_table(
        &self,
        repository: &RepositoryId,
        id: &str,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>> {
        let repository = self.repository(repository).await?;
        Ok(self.blocks().presign_get(&address(&repository, id)?, ttl, None).await?)
    }
}

fn address(repository: &Repository, id: &str) -> Result<Address> {
    let address = Address::relative(&repository.storage_namespace, format!("_lakefs/{id}"));
    // The form of commit ids: hashes, too.
    match CommitId::parse(id) {
        Ok(_) => Ok(address),
        Err(_) => Err(CatalogError::DataMissing(address.to_string())),
    }
}
