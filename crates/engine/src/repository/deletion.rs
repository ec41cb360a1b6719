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
use lakehold_kv::Record;
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
    /// repository whose deletion was cut off may be deleted again; [`EngineError::OutcomeUnknown`]
    /// says that it was cut off after it had begun.
    pub async fn delete_repository(&self, id: &RepositoryId, force: bool) -> Result<()> {
        let engine = self.clone();
        let id = id.clone();
        self.to_the_end("delete-repository", async move { engine.delete_now(&id, force).await })
            .await
    }

    async fn delete_now(&self, id: &RepositoryId, force: bool) -> Result<()> {
        let marked = self.mark_deleted(id, force).await;
        self.parts.repositories.forget(id);
        let Some((repository, stored)) = marked? else { return Ok(()) };
        let deleted = self.delete_marked(&repository, stored).await;
        deleted.map_err(EngineError::after_writing)?;
        tracing::info!(repository.id = %id, "deleted repository {id}");
        self.sweep_soon();
        Ok(())
    }

    /// Deletes what belongs to a repository that is in deletion, whose record is `stored`.
    async fn delete_marked(&self, repository: &Repository, stored: Versioned) -> Result<()> {
        self.remove_branches(repository).await?;
        for prefix in [keys::TAG_PREFIX, keys::COMMIT_PREFIX] {
            self.remove_records(&repository.partition, prefix.into()).await?;
        }
        self.remove_records(&repository.partition, keys::METADATA).await?;
        self.remove_records(&keys::PULLS, pulls_of(repository)).await?;

        let note = cleanup_note(repository.partition.clone());
        let last = Write {
            partition: keys::REPOSITORIES,
            key: keys::repository(&repository.id),
            value: None,
            precondition: Precondition::Unchanged(stored.version),
        };
        let outcome = self.write_after(vec![note], last).await;
        self.parts.repositories.forget(&repository.id);
        match outcome? {
            // Where it failed another server was deleting, too, and has come to the end.
            Outcome::Applied | Outcome::PreconditionFailed => Ok(()),
        }
    }

    /// Makes the record say that the repository is being deleted. Returns it as it is then; nothing if
    /// it is gone by then.
    async fn mark_deleted(
        &self,
        id: &RepositoryId,
        force: bool,
    ) -> Result<Option<(Repository, Versioned)>> {
        for attempt in 1..=ATTEMPTS {
            let found = self.find_record(id).await?;
            let (mut record, stored) =
                found.ok_or_else(|| EngineError::RepositoryNotFound(id.clone()))?;
            let repository = Repository::from_record(record.message.clone());
            if repository.in_deletion {
                return Ok(Some((repository, stored)));
            }
            repository.check_writable(force)?;
            record.message.state = IN_DELETION;
            let write = Write {
                partition: keys::REPOSITORIES,
                key: keys::repository(id),
                value: Some(record.encode()),
                precondition: Precondition::Unchanged(stored.version),
            };
            if self.write_if(write).await? == Outcome::Applied {
                let marked = self.find_marked(&repository).await;
                return marked.map_err(EngineError::after_writing);
            }
            self.back_off(attempt).await;
        }
        Err(EngineError::PreconditionFailed(id.as_str().to_owned()))
    }

    /// Reads the record that was just marked again, rather than build its version: what identifies a
    /// value is the store's. Another server that was deleting, too, may have come to the end; what has
    /// the name then is another repository.
    async fn find_marked(&self, marked: &Repository) -> Result<Option<(Repository, Versioned)>> {
        let Some((record, stored)) = self.find_record(&marked.id).await? else { return Ok(None) };
        let now = Repository::from_record(record.message);
        Ok((now.partition == marked.partition).then_some((now, stored)))
    }

    async fn find_record(
        &self,
        id: &RepositoryId,
    ) -> Result<Option<(Record<RepositoryData>, Versioned)>> {
        let key = keys::repository(id);
        let stored = self.parts.kv.get(keys::REPOSITORIES, key.clone()).await?;
        let Some(stored) = stored else { return Ok(None) };
        let record = records::decode::<RepositoryData>("repository", &key, &stored.value)?;
        Ok(Some((record, stored)))
    }

    /// Removes the branches, after noting that what is staged on them is to be wiped.
    pub(super) async fn remove_branches(&self, repository: &Repository) -> Result<()> {
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
