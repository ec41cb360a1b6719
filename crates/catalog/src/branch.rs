//! Branches: the engine's, by the name of the repository.

use lakehold_engine::Branch;
use lakehold_engine::BranchId;
use lakehold_engine::Page;
use lakehold_engine::PageRequest;
use lakehold_engine::RefExpr;
use lakehold_engine::RepositoryId;
use lakehold_engine::ResetScope;

use crate::Catalog;
use crate::Result;

impl Catalog {
    /// Creates the branch `id` where `source` is.
    ///
    /// A `hidden` branch is left out of listings that do not ask for it. `force` creates it in a
    /// read-only repository. Fails with the engine's `BranchExists`, or `NameTaken` where a tag or a
    /// commit has the name.
    pub async fn create_branch(
        &self,
        repository: &RepositoryId,
        id: &BranchId,
        source: &RefExpr,
        hidden: bool,
        force: bool,
    ) -> Result<Branch> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().create_branch(&repository, id, source, hidden, force).await?)
    }

    /// Returns the branch `id`.
    pub async fn branch(&self, repository: &RepositoryId, id: &BranchId) -> Result<Branch> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().branch(&repository, id).await?)
    }

    /// Lists branches in name order.
    pub async fn list_branches(
        &self,
        repository: &RepositoryId,
        page: &PageRequest,
        show_hidden: bool,
    ) -> Result<Page<Branch>> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().list_branches(&repository, page, show_hidden).await?)
    }

    /// Deletes a branch and what is staged on it.
    pub async fn delete_branch(
        &self,
        repository: &RepositoryId,
        id: &BranchId,
        force: bool,
    ) -> Result<()> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().delete_branch(&repository, id, force).await?)
    }

    /// Forgets what is staged within `scope`.
    pub async fn reset_branch(
        &self,
        repository: &RepositoryId,
        id: &BranchId,
        scope: &ResetScope,
        force: bool,
    ) -> Result<()> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().reset_branch(&repository, id, scope, force).await?)
    }

    /// Moves a branch that has nothing staged to `reference`.
    pub async fn hard_reset_branch(
        &self,
        repository: &RepositoryId,
        id: &BranchId,
        reference: &RefExpr,
        force: bool,
    ) -> Result<()> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().hard_reset_branch(&repository, id, reference, force).await?)
    }
}
