//! Commits: that each is what its id says, and that its parents are there.

use lakehold_sstable::ident::IdentHasher;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::id::Id;
use crate::records::CommitData;
use crate::repository::RepositoryExam;
use crate::repository::inventory::Inventory;
use crate::stored::Stored;

/// What the keys of commits begin with.
const PREFIX: &str = "commits/";

/// What the hash of a commit begins with.
const IDENTITY_VERSION: &str = "commit:v1";

/// The version from which on commits have a generation.
const FIRST_WITH_GENERATION: i32 = 1;

/// Computes the id of what a commit says. Version, generation and fractions of a second are not in it.
pub(crate) fn identify(commit: &CommitData) -> Id {
    let parents = IdentHasher::new().strings(&commit.parents).finish();
    let metadata = commit.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    IdentHasher::new()
        .string(IDENTITY_VERSION)
        .string(&commit.committer)
        .string(&commit.message)
        .string(&commit.meta_range_id)
        .int64(commit.creation_date.map_or(0, |date| date.seconds))
        .map(metadata)
        .embedded(parents)
        .finish()
        .into()
}

impl RepositoryExam<'_> {
    /// Checks the parents of all commits: a second scan, because a parent may come after its child in
    /// the order of keys.
    pub(crate) async fn check_parents(&self, inventory: &Inventory) -> Result<(), DoctorError> {
        let partition = self.repository.partition.clone();
        let mut pages = self.exam.pages_from(partition, PREFIX);
        while let Some(page) = pages.next().await? {
            for stored in page {
                let Some(name) = stored.key().strip_prefix(PREFIX) else { return Ok(()) };
                // What does not decode has been told.
                let commit = stored.decode::<CommitData>("commit", &mut Vec::new());
                if let Some(commit) = commit {
                    self.check_parents_of(&stored, name, &commit, inventory).await?;
                }
            }
        }
        Ok(())
    }

    async fn check_parents_of(
        &self,
        stored: &Stored,
        name: &str,
        commit: &CommitData,
        inventory: &Inventory,
    ) -> Result<(), DoctorError> {
        let mut found = Vec::new();
        let place = || stored.place().with_commit(name);
        for parent in &commit.parents {
            let known = Id::parse(parent).and_then(|id| inventory.commits.get(&id));
            let has_generation = commit.version >= FIRST_WITH_GENERATION;
            match known {
                Some(known) if has_generation && *known >= commit.generation => {
                    let problem = format!(
                        "Its generation is {}, that of its parent {parent} is {}.",
                        commit.generation, known
                    );
                    found.push(Finding::new(Kind::CommitGeneration, place(), problem));
                }
                None if !self.commit_exists(parent).await? => {
                    let problem = format!("Its parent {parent} is not there.");
                    found.push(Finding::new(Kind::ParentMissing, place(), problem));
                }
                _ => {}
            }
        }
        self.report(stored, found).await
    }

    /// Whether there is a record of the commit, also one that was made a moment ago.
    pub(crate) async fn commit_exists(&self, id: &str) -> Result<bool, DoctorError> {
        let key = format!("{PREFIX}{id}");
        let found = self.exam.read(self.repository.partition.clone(), key).await?;
        Ok(found.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lakehold_kv::TimestampMessage;
    use serde::Deserialize;

    use super::*;

    const VECTORS: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/hash-vectors.json"));

    #[derive(Deserialize)]
    struct Vectors {
        commit_ids: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        committer: String,
        message: String,
        meta_range_id: String,
        creation_unix: i64,
        metadata: BTreeMap<String, String>,
        parents: Vec<String>,
        id: String,
    }

    #[test]
    fn ids_are_those_of_the_stored_format() {
        let vectors: Vectors = serde_json::from_str(VECTORS).expect("vectors");
        assert!(vectors.commit_ids.len() >= 3);
        for vector in vectors.commit_ids {
            let date = TimestampMessage { seconds: vector.creation_unix, nanos: 5 };
            let commit = CommitData {
                committer: vector.committer,
                message: vector.message,
                meta_range_id: vector.meta_range_id,
                creation_date: Some(date),
                metadata: vector.metadata,
                parents: vector.parents,
                version: 1,
                generation: 7,
                ..CommitData::default()
            };
            assert_eq!(identify(&commit).to_string(), vector.id);
        }
    }
}
