//! Repositories: creating, finding and listing them.
//!
//! A repository's records lie in a partition of their own, named after the repository and the
//! instance id it got when it was created, so that a repository of the same name created later never
//! meets them. The repository record itself is written last: until it is there nothing leads to the
//! partition, and a crash leaves nothing but garbage.

pub(crate) mod create;
mod deletion;
mod metadata;

use std::sync::Arc;

use bytes::Bytes;
use lakehold_clock::Timestamp;
use lakehold_tree::StorageNamespace;

use crate::BranchId;
use crate::Engine;
use crate::EngineError;
use crate::Page;
use crate::PageRequest;
use crate::RepositoryId;
use crate::error::Result;
use crate::keys;
use crate::records;
use crate::records::IN_DELETION;
use crate::records::RepositoryData;

/// A repository as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its name.
    pub id: RepositoryId,
    /// Where its data lies.
    pub storage_namespace: StorageNamespace,
    /// Which of several block stores; empty: the only one.
    pub storage_id: String,
    /// The branch that cannot be deleted.
    pub default_branch: BranchId,
    /// When it was created.
    pub creation_date: Timestamp,
    /// Whether changes must be forced.
    pub read_only: bool,
    /// KV partition of its records: `<id>-<instance uid>`.
    pub partition: Bytes,
    /// Whether it is being deleted.
    pub in_deletion: bool,
}

/// What makes a repository.
#[derive(Clone, Debug)]
pub struct NewRepository {
    /// Its name.
    pub id: RepositoryId,
    /// Where its data will lie.
    pub storage_namespace: StorageNamespace,
    /// Which of several block stores; empty: the only one.
    pub storage_id: String,
    /// The branch to begin with.
    pub default_branch: BranchId,
    /// Whether changes must be forced.
    pub read_only: bool,
    /// Only the record: neither commit nor branch.
    pub bare: bool,
}

impl Repository {
    fn from_record(data: RepositoryData) -> Self {
        let id = RepositoryId::from_stored(&data.id);
        Self {
            storage_namespace: StorageNamespace::from_stored(&data.storage_namespace),
            storage_id: data.storage_id,
            default_branch: BranchId::from_stored(&data.default_branch_id),
            creation_date: data.creation_date.map(Timestamp::from).unwrap_or_default(),
            read_only: data.read_only,
            partition: keys::partition(&id, &data.instance_uid),
            in_deletion: data.state == IN_DELETION,
            id,
        }
    }

    /// Fails with [`EngineError::ReadOnlyRepository`] unless changes are allowed or forced.
    pub fn check_writable(&self, force: bool) -> Result<()> {
        if self.read_only && !force {
            return Err(EngineError::ReadOnlyRepository(self.id.clone()));
        }
        Ok(())
    }
}

impl Engine {
    /// Returns the repository `id`.
    ///
    /// Fails with [`EngineError::RepositoryNotFound`], or with
    /// [`EngineError::RepositoryInDeletion`] while it is being deleted.
    pub async fn repository(&self, id: &RepositoryId) -> Result<Arc<Repository>> {
        let repository = match self.parts.repositories.find(id, &self.parts.runtime) {
            Some(known) => known,
            None => self.read_repository(id).await?,
        };
        if repository.in_deletion {
            return Err(EngineError::RepositoryInDeletion(id.clone()));
        }
        Ok(repository)
    }

    async fn read_repository(&self, id: &RepositoryId) -> Result<Arc<Repository>> {
        let Self { parts } = self;
        let begun = parts.repositories.begin(&parts.runtime);
        let key = keys::repository(id);
        let stored = parts.kv.get(keys::REPOSITORIES, key.clone()).await?;
        let stored = stored.ok_or_else(|| EngineError::RepositoryNotFound(id.clone()))?;
        let record = records::decode::<RepositoryData>("repository", &key, &stored.value)?;
        let repository = Arc::new(Repository::from_record(record.message));
        parts.repositories.remember(begun, id.clone(), repository.clone());
        Ok(repository)
    }

    /// Lists repositories in name order, those in deletion included. `search` is a part of the name.
    pub async fn list_repositories(
        &self,
        page: &PageRequest,
        search: &str,
    ) -> Result<Page<Arc<Repository>>> {
        let prefix = keys::REPOSITORY_PREFIX;
        self.list_records(keys::REPOSITORIES, prefix, page, |key, stored| {
            let record = records::decode::<RepositoryData>("repository", key, stored)?;
            let found = record.message.id.contains(search);
            Ok(found.then(|| Arc::new(Repository::from_record(record.message))))
        })
        .await
    }

    /// Lists what `decode` makes of the records of `partition` whose keys begin with `key_prefix`;
    /// those of which it makes nothing are left out.
    pub async fn list_records<T: Send>(
        &self,
        partition: Bytes,
        key_prefix: &str,
        page: &PageRequest,
        decode: impl Fn(&[u8], &[u8]) -> Result<Option<T>> + Send,
    ) -> Result<Page<T>> {
        let amount = page.amount();
        let wanted = keys::joined(key_prefix, &page.prefix);
        let after = keys::joined(key_prefix, &page.after);
        let from = if page.after > page.prefix { after.clone() } else { wanted.clone() };
        let mut scan = lakehold_kv::Scan::new(&*self.parts.kv, partition, from);
        let mut results = Vec::new();
        while let Some(entry) = scan.next().await? {
            if !entry.key.starts_with(&wanted) {
                break;
            }
            if !page.after.is_empty() && entry.key == after {
                continue;
            }
            let Some(found) = decode(&entry.key, &entry.value)? else { continue };
            if results.len() == amount {
                return Ok(Page { results, has_more: true });
            }
            results.push(found);
        }
        Ok(Page { results, has_more: false })
    }
}
