//! A repository's own metadata: a map of texts, changed key by key.

use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Versioned;
use lakehold_kv::Write;

use crate::Engine;
use crate::EngineError;
use crate::Metadata;
use crate::Repository;
use crate::error::Result;
use crate::keys;
use crate::records;
use crate::records::RepoMetadata;

/// How often a change is tried that meets another one each time.
const ATTEMPTS: u32 = 10;

impl Engine {
    /// Returns the metadata of `repository`.
    pub async fn repository_metadata(&self, repository: &Repository) -> Result<Metadata> {
        let (record, _) = self.read_metadata(repository).await?;
        Ok(record.message.metadata)
    }

    /// Sets and removes keys of the metadata of `repository`, read-only or not.
    pub async fn update_repository_metadata(
        &self,
        repository: &Repository,
        set: &Metadata,
        remove: &[String],
    ) -> Result<()> {
        for attempt in 1..=ATTEMPTS {
            let (mut record, stored) = self.read_metadata(repository).await?;
            let metadata = &mut record.message.metadata;
            metadata.retain(|key, _| !remove.contains(key));
            metadata.extend(set.clone());
            let write = Write {
                partition: repository.partition.clone(),
                key: keys::METADATA,
                value: Some(record.encode()),
                precondition: unchanged(stored),
            };
            match self.write_if(write).await? {
                Outcome::Applied => return Ok(()),
                Outcome::PreconditionFailed => self.back_off(attempt).await,
            }
        }
        Err(EngineError::PreconditionFailed("repository metadata".to_owned()))
    }

    async fn read_metadata(
        &self,
        repository: &Repository,
    ) -> Result<(Record<RepoMetadata>, Option<Versioned>)> {
        let stored = self.parts.kv.get(repository.partition.clone(), keys::METADATA).await?;
        let bytes = stored.as_ref().map_or(&[][..], |found| &found.value[..]);
        let record = records::decode("repository metadata", &keys::METADATA, bytes)?;
        Ok((record, stored))
    }
}

/// The condition that a record is still as it was read.
pub(super) fn unchanged(stored: Option<Versioned>) -> Precondition {
    stored.map_or(Precondition::Absent, |found| Precondition::Unchanged(found.version))
}
