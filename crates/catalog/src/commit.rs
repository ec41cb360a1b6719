//! Commits and what is made of them: the engine's, by the name of the repository.

use std::sync::Arc;

use lakehold_engine::BranchId;
use lakehold_engine::CherryPickRequest;
use lakehold_engine::Commit;
use lakehold_engine::CommitRequest;
use lakehold_engine::LogRequest;
use lakehold_engine::MergeBase;
use lakehold_engine::MergeRequest;
use lakehold_engine::Merged;
use lakehold_engine::Page;
use lakehold_engine::RefExpr;
use lakehold_engine::RepositoryId;
use lakehold_engine::RevertRequest;

use crate::Catalog;
use crate::Result;

impl Catalog {
    /// Commits what is staged on `branch`.
    pub async fn commit(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        request: CommitRequest,
    ) -> Result<Arc<Commit>> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().commit(&repository, branch, request).await?)
    }

    /// Returns the commit that `reference` names.
    pub async fn commit_at(
        &self,
        repository: &RepositoryId,
        reference: &RefExpr,
    ) -> Result<Arc<Commit>> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().commit_at(&repository, reference).await?)
    }

    /// Lists the commits that lead to `reference`, newest first.
    pub async fn log(
        &self,
        repository: &RepositoryId,
        reference: &RefExpr,
        request: &LogRequest,
    ) -> Result<Page<Arc<Commit>>> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().log(&repository, reference, request).await?)
    }

    /// Merges `source` into the branch `destination`.
    pub async fn merge(
        &self,
        repository: &RepositoryId,
        source: &RefExpr,
        destination: &BranchId,
        request: MergeRequest,
    ) -> Result<Merged> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().merge(&repository, source, destination, request).await?)
    }

    /// Finds the best common ancestor of `source` and `destination`.
    pub async fn merge_base(
        &self,
        repository: &RepositoryId,
        source: &RefExpr,
        destination: &RefExpr,
    ) -> Result<MergeBase> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().merge_base(&repository, source, destination).await?)
    }

    /// Commits to `branch` what takes back the change of a commit.
    pub async fn revert(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        request: RevertRequest,
    ) -> Result<Arc<Commit>> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().revert(&repository, branch, request).await?)
    }

    /// Commits to `branch` the change of a commit made elsewhere.
    pub async fn cherry_pick(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        request: CherryPickRequest,
    ) -> Result<Arc<Commit>> {
        let repository = self.repository(repository).await?;
        Ok(self.engine().cherry_pick(&repository, branch, request).await?)
    }
}
