//! Deleting a repository, so that it can be taken up again wherever it was cut off.
//!
//! ```text
//! 1. record: IN_DELETION      from here on nobody can use it
//! 2. branches                 each after its tokens are noted to be wiped
//! 3. tags, commits, metadata, index of pull requests
//! 4. the partition is noted to be wiped, then the record goes
//! 5. beside the caller: everything noted is wiped (staged data, settings, pull requests, ...)
//! ```
//!
//! Deleting again a repository that is in deletion goes on from step 2; what step 5 has not done is
//! done when a server starts. The data in the block store and the records of past actions (which are
//! kept by repository name) are not touched.

use bytes::Bytes;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Versioned;
use lakehold_kv::Write;

use crate::Engine;
use crate::EngineError;
use crate::Repository;
use crate::RepositoryId;
use crate::error::Result;
use crate::keys;
use crate::records;
use crate::records::BranchData;
use crate::records::IN_DELETION;
use crate::records::RepositoryData;
use crate::staging::drops::cleanup_note;

/// How many records are removed by one call of the store.
const BATCH: usize = 500;

/// How often the record is changed that someone else changes each time.
const ATTEMPTS: u32 = 10;

impl Engine {
    /// Deletes a repository and everything in it but the data in the block store.
    ///
    /// Fails with [`EngineError::ReadOnlyRepository`] on a read-only repository unless forced. A
    /// repository whose deletion was cut off may be deleted again.
    pub async fn delete_repository(&self, id: &RepositoryId, force: bool) -> Result<()> {
        let engine = self.clone();
        let id = id.clone();
        self.to_the_end("delete-repository", async move { engine.delete_now(&id, force).await })
            .await
    }

    async fn delete_now(&self, id: &RepositoryId, force: bool) -> Result<()> {
        let marked = self.mark_deleted(id, force).await;
        self.parts.repositories.forget(id);
        let (repository, stored) = marked?;
        self.remove_branches(&repository).await?;
        for prefix in [keys::TAG_PREFIX, keys::COMMIT_PREFIX] {
            self.remove_records(&repository.partition, prefix.into()).await?;
        }
        self.remove_records(&repository.partition, keys::METADATA).await?;
        self.remove_records(&keys::PULLS, pulls_of(&repository)).await?;

        let note = cleanup_note(repository.partition.clone());
        let last = Write {
            partition: keys::REPOSITORIES,
            key: keys::repository(id),
            value: None,
            precondition: Precondition::Unchanged(stored.version),
        };
        let outcome = self.write_after(vec![note], last).await;
        self.parts.repositories.forget(id);
        match outcome? {
            // Where it failed another server was deleting, too, and has come to the end.
            Outcome::Applied | Outcome::PreconditionFailed => {}
        }
        tracing::info!(repository.id = %id, "deleted repository {id}");
        self.sweep_soon();
        Ok(())
    }

    /// Makes the record say that the repository is being deleted.
    async fn mark_deleted(
        &self,
        id: &RepositoryId,
        force: bool,
    ) -> Result<(Repository, Versioned)> {
        let key = keys::repository(id);
        for attempt in 1..=ATTEMPTS {
            let stored = self.parts.kv.get(keys::REPOSITORIES, key.clone()).await?;
            let stored = stored.ok_or_else(|| EngineError::RepositoryNotFound(id.clone()))?;
            let mut record = records::decode::<RepositoryData>("repository", &key, &stored.value)?;
            let repository = Repository::from_record(record.message.clone());
            if repository.in_deletion {
                return Ok((repository, stored));
            }
            repository.check_writable(force)?;
            record.message.state = IN_DELETION;
            let write = Write {
                partition: keys::REPOSITORIES,
                key: key.clone(),
                value: Some(record.encode()),
                precondition: Precondition::Unchanged(stored.version),
            };
            // Read again rather than build the version: what identifies a value is the store's.
            if self.write_if(write).await? == Outcome::PreconditionFailed {
                self.back_off(attempt).await;
            }
        }
        Err(EngineError::PreconditionFailed(id.as_str().to_owned()))
    }

    async fn remove_branches(&self, repository: &Repository) -> Result<()> {
        let prefix = Bytes::from_static(keys::BRANCH_PREFIX.as_bytes());
        loop {
            let partition = repository.partition.clone();
            let page = self.parts.kv.scan(partition, prefix.clone(), BATCH).await?;
            let mut writes = Vec::new();
            let mut tokens = Vec::new();
            for entry in page.entries.into_iter().take_while(|e| e.key.starts_with(&prefix)) {
                let record = records::decode::<BranchData>("branch", &entry.key, &entry.value)?;
                tokens.push(record.message.staging_token);
                tokens.extend(record.message.sealed_tokens);
                writes.push(removal(repository.partition.clone(), entry.key));
            }
            if writes.is_empty() {
                return Ok(());
            }
            let notes = tokens.into_iter().filter(|token| !token.is_empty()).map(cleanup_note);
            self.write_always(notes.collect()).await?;
            self.write_always(writes).await?;
        }
    }

    /// Removes every record of `partition` whose key begins with `prefix`.
    pub(crate) async fn remove_records(&self, partition: &Bytes, prefix: Bytes) -> Result<()> {
        loop {
            let page = self.parts.kv.scan(partition.clone(), prefix.clone(), BATCH).await?;
            let found = page.entries.into_iter().take_while(|e| e.key.starts_with(&prefix));
            let writes: Vec<_> = found.map(|e| removal(partition.clone(), e.key)).collect();
            if writes.is_empty() {
                return Ok(());
            }
            self.write_always(writes).await?;
        }
    }
}

pub(super) fn removal(partition: Bytes, key: Bytes) -> Write {
    Write { partition, key, value: None, precondition: Precondition::Always }
}

fn pulls_of(repository: &Repository) -> Bytes {
    let mut prefix = keys::REPOSITORY_PREFIX.as_bytes().to_vec();
    prefix.extend_from_slice(&repository.partition);
    prefix.push(b'/');
    prefix.into()
}
