//! Repositories: creation with its check of the storage namespace, and the rest, the engine's.
//!
//! A repository owns its storage namespace for ever: objects of two repositories in one namespace
//! would be garbage to each other. Creation therefore leaves a *marker* in the namespace,
//! `_lakefs/dummy`, and refuses a namespace that has one. Deleting a repository leaves the marker,
//! because it leaves the objects. Writing and reading the marker also proves that the store can be
//! used, before anything is recorded.
//!
//! ```text
//! namespace free? ── marker, if absent ── read it ── record, if absent ── there
//!                                            └──────────────┴─ failed, and not done: marker removed
//! ```
//!
//! A creation that fails gives the namespace back, so that it can be repeated. Only a crash between
//! marker and record leaves a marker that belongs to nobody; an operator can remove it. Of several who
//! take a namespace at the same time the block store lets one have it.
//!
//! Read-only repositories (for looking at what another installation writes) and bare ones (to be
//! restored into) skip the check: they are made over namespaces that are in use.

use std::sync::Arc;

use bytes::Bytes;
use tracing::info;
use tracing::warn;

use lakehold_block::Address;
use lakehold_block::Error as BlockError;
use lakehold_block::StorageNamespace;
use lakehold_engine::BranchId;
use lakehold_engine::EngineError;
use lakehold_engine::ErrorKind;
use lakehold_engine::Metadata;
use lakehold_engine::NewRepository;
use lakehold_engine::Page;
use lakehold_engine::PageRequest;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;

use crate::Catalog;
use crate::CatalogError;
use crate::Result;

/// The branch of a repository whose creator named none.
const DEFAULT_BRANCH: &str = "main";

/// Name and content of the marker; both are part of the stored format.
const MARKER: &str = "_lakefs/dummy";
const MARKER_TEXT: &str = "this is dummy data - created by lakeFS to check accessibility";

/// Where old installations put their marker.
const OLD_MARKER: &str = "dummy";

/// What makes a repository.
#[derive(Clone, Debug)]
pub struct CreateRepository {
    /// Its name.
    pub id: RepositoryId,
    /// Where its data is to live; refused where the block store cannot use it.
    pub storage_namespace: String,
    /// The block store, where a server has several. Empty: the only one.
    pub storage_id: String,
    /// Name of its first branch. Empty: `main`.
    pub default_branch: String,
    /// Refuse all changes that are not forced.
    pub read_only: bool,
    /// Only the record: no commit, no branch, no access to the block store.
    pub bare: bool,
    /// With sample data, committed by [`CreateRepository::committer`]; a bare repository has none.
    pub sample_data: bool,
    /// Who commits the sample data.
    pub committer: String,
}

impl Catalog {
    /// Creates a repository.
    ///
    /// The order of checks is part of the API: whether it exists, the storage id, the namespace's
    /// form, the default branch's name, then the namespace's content. It is created with its sample
    /// data or not at all, also if the caller goes away meanwhile.
    pub async fn create_repository(&self, new: CreateRepository) -> Result<Arc<Repository>> {
        self.check_absent(&new.id).await?;
        if !new.storage_id.is_empty() {
            return Err(CatalogError::UnknownStorageId(new.storage_id));
        }
        let storage_namespace = self.parse_namespace(&new.storage_namespace)?;
        let default_branch = parse_default_branch(&new.default_branch)?;
        let record = NewRepository {
            id: new.id,
            storage_namespace,
            storage_id: new.storage_id,
            default_branch,
            read_only: new.read_only,
            bare: new.bare,
        };
        let sample_committer = (new.sample_data && !new.bare).then_some(new.committer);
        let catalog = self.clone();
        let work = async move { catalog.take_namespace(record, sample_committer).await };
        let repository = self.engine().to_the_end("create-repository", work).await?;
        info!(repository.id = %repository.id, "created repository {}", repository.id);
        Ok(repository)
    }

    /// Returns the repository `id`.
    pub async fn repository(&self, id: &RepositoryId) -> Result<Arc<Repository>> {
        Ok(self.engine().repository(id).await?)
    }

    /// Lists repositories in name order, those in deletion included; with `search` only those whose
    /// name has it somewhere.
    pub async fn list_repositories(
        &self,
        page: &PageRequest,
        search: &str,
    ) -> Result<Page<Arc<Repository>>> {
        Ok(self.engine().list_repositories(page, search).await?)
    }

    /// Deletes a repository, but not the bytes of its objects.
    pub async fn delete_repository(&self, id: &RepositoryId, force: bool) -> Result<()> {
        Ok(self.engine().delete_repository(id, force).await?)
    }

    /// Returns the repository's metadata; empty where none was set.
    pub async fn repository_metadata(&self, id: &RepositoryId) -> Result<Metadata> {
        let repository = self.repository(id).await?;
        Ok(self.engine().repository_metadata(&repository).await?)
    }

    /// Sets some keys of the repository's metadata and removes others; the rest stays.
    pub async fn update_repository_metadata(
        &self,
        id: &RepositoryId,
        set: &Metadata,
        remove: &[String],
    ) -> Result<()> {
        let repository = self.repository(id).await?;
        Ok(self.engine().update_repository_metadata(&repository, set, remove).await?)
    }

    async fn check_absent(&self, id: &RepositoryId) -> Result<()> {
        match self.engine().repository(id).await {
            Err(EngineError::RepositoryNotFound(_)) => Ok(()),
            Ok(_) | Err(EngineError::RepositoryInDeletion(_)) => {
                Err(EngineError::RepositoryExists(id.clone()).into())
            }
            Err(other) => Err(other.into()),
        }
    }

    fn parse_namespace(&self, text: &str) -> Result<StorageNamespace> {
        let invalid = || CatalogError::InvalidNamespace {
            namespace: text.to_owned(),
            expected: self.blocks().description().namespace_validity,
        };
        let namespace = StorageNamespace::parse(text).map_err(|_| invalid())?;
        match self.blocks().check_namespace(&namespace) {
            Ok(()) => Ok(namespace),
            Err(source) if namespace.scheme() == self.blocks().description().kind => {
                Err(no_access(&namespace, source))
            }
            Err(_) => Err(invalid()),
        }
    }

    /// Checks that the namespace is free, marks it, and records the repository, with sample data if
    /// there is somebody to commit it.
    async fn take_namespace(
        &self,
        record: NewRepository,
        sample_committer: Option<String>,
    ) -> Result<Arc<Repository>> {
        let _one_at_a_time = self.creation().lock().await;
        if record.bare || record.read_only {
            return self.record_repository(record, sample_committer).await;
        }
        let namespace = record.storage_namespace.clone();
        self.check_namespace_is_free(&namespace).await?;
        self.mark_namespace(&namespace).await?;
        let recorded = match self.prove_access(&namespace).await {
            Ok(()) => self.record_repository(record, sample_committer).await,
            Err(source) => Err(no_access(&namespace, source)),
        };
        let is_not_done = |error: &CatalogError| error.kind() != ErrorKind::OutcomeUnknown;
        if recorded.as_ref().is_err_and(is_not_done) {
            self.give_namespace_back(&namespace).await;
        }
        recorded
    }

    async fn record_repository(
        &self,
        record: NewRepository,
        sample_committer: Option<String>,
    ) -> Result<Arc<Repository>> {
        let Some(committer) = sample_committer else {
            return Ok(self.engine().create_repository(record).await?);
        };
        let begun = self.engine().begin_repository(record).await?;
        // Nobody can find it yet: whatever of it fails, none of it was done.
        if let Err(error) = self.add_sample_data(&begun.repository, &committer).await {
            self.engine().abandon_repository(&begun.repository);
            return Err(error.into_not_done());
        }
        Ok(self.engine().finish_repository(begun).await?)
    }

    async fn check_namespace_is_free(&self, namespace: &StorageNamespace) -> Result<()> {
        let old = self.settings().ensure_readable_root.then_some(OLD_MARKER);
        for place in old.into_iter().chain([MARKER]) {
            let found = self.blocks().head(&Address::relative(namespace, place)).await;
            if found.map_err(|source| no_access(namespace, source))?.is_some() {
                let namespace = namespace.to_string();
                return Err(CatalogError::NamespaceInUse { namespace, place: place.to_owned() });
            }
        }
        Ok(())
    }

    /// Leaves the marker in a namespace in which there was none.
    async fn mark_namespace(&self, namespace: &StorageNamespace) -> Result<()> {
        let text = Bytes::from_static(MARKER_TEXT.as_bytes());
        match self.blocks().put_if_absent(&marker_in(namespace), text.into()).await {
            Ok(_) => Ok(()),
            // There was none a moment ago: if one is read now, it is ours.
            Err(BlockError::OutcomeUnknown { .. }) => Ok(()),
            Err(BlockError::Exists(_)) => {
                let (namespace, place) = (namespace.to_string(), MARKER.to_owned());
                Err(CatalogError::NamespaceInUse { namespace, place })
            }
            Err(source) => Err(no_access(namespace, source)),
        }
    }

    /// Reads the marker.
    async fn prove_access(&self, namespace: &StorageNamespace) -> Result<(), BlockError> {
        let marker = marker_in(namespace);
        let body = self.blocks().get(&marker, None).await?;
        let read = body.collect(MARKER_TEXT.len()).await.map_err(BlockError::Body)?;
        if read == MARKER_TEXT.as_bytes() {
            return Ok(());
        }
        let reason = "what was just written is not what is read".to_owned();
        Err(BlockError::Corrupt { location: marker.to_string(), reason })
    }

    /// Removes the marker of a repository that was not created after all.
    async fn give_namespace_back(&self, namespace: &StorageNamespace) {
        let marker = marker_in(namespace);
        if let Err(error) = self.blocks().delete(&marker).await {
            warn!(
                block.address = %marker, %error,
                "{marker} belongs to a repository that was not created, and cannot be removed: {error}"
            );
        }
    }
}

fn marker_in(namespace: &StorageNamespace) -> Address {
    Address::relative(namespace, MARKER)
}

fn parse_default_branch(name: &str) -> Result<BranchId> {
    let name = if name.is_empty() { DEFAULT_BRANCH } else { name };
    Ok(BranchId::parse(name).map_err(EngineError::from)?)
}

fn no_access(namespace: &StorageNamespace, source: BlockError) -> CatalogError {
    CatalogError::StorageAccess { namespace: namespace.to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_has_the_length_that_the_stored_format_gives() {
        assert_eq!(MARKER_TEXT.len(), 61);
    }

    #[test]
    fn a_default_branch_that_no_operation_could_name_is_refused() {
        for bad in ["a/b", "-x", " ", "~", "ä"] {
            let refused = parse_default_branch(bad);
            assert!(
                matches!(refused, Err(CatalogError::Engine(EngineError::InvalidId(_)))),
                "{bad}: {refused:?}"
            );
        }
        assert_eq!(parse_default_branch("").expect("the default").as_str(), "main");
    }
}
