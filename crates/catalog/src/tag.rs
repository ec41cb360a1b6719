//! Tags: the engine's, by the name of the repository.

use lakehold_engine::Page;
use lakehold_engine::PageRequest;
use lakehold_engine::RefExpr;
use lakehold_engine::RepositoryId;
use lakehold_engine::Tag;
use lakehold_engine::TagId;

use crate::Catalog;
use crate::Result;

impl Catalog {
    /// Creates the tag `id` at the commit that `reference` names.
    ///
    /// `force` creates it in a read-only repository. Fails with the engine's `TagExists`, or
    /// `NameTaken` where a branch or a commit has the name.
    pub async fn create_tag(
        &self,
        repository: &RepositoryId,
        id: &TagId,
        reference: &RefExpr,
        force: bool,
    ) -> Result<Tag> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().create_tag(&repository, id, reference, force).await?)
    }

    /// Returns the tag `id`.
    pub async fn tag(&self, repository: &RepositoryId, id: &TagId) -> Result<Tag> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().tag(&repository, id).await?)
    }

    /// Lists tags in name order.
    pub async fn list_tags(
        &self,
        repository: &RepositoryId,
        page: &PageRequest,
    ) -> Result<Page<Tag>> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().list_tags(&repository, page).await?)
    }

    /// Deletes a tag.
    pub async fn delete_tag(
        &self,
        repository: &RepositoryId,
        id: &TagId,
        force: bool,
    ) -> Result<()> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().delete_tag(&repository, id, force).await?)
    }
}
