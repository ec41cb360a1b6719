//! Creating repositories: all of it, and then the record that makes it visible.

use std::sync::Arc;

use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Write;

use crate::Commit;
use crate::Engine;
use crate::EngineError;
use crate::ErrorKind;
use crate::NewRepository;
use crate::Repository;
use crate::error::Result;
use crate::keys;
use crate::records::BranchData;
use crate::records::RepositoryData;
use crate::staging::StagingToken;
use crate::staging::drops::cleanup_note;

/// Message of the commit that every history begins with.
const FIRST_MESSAGE: &str = "Repository created";

/// A repository that has its first commit and its default branch, and that nobody can find yet.
///
/// Made by [`Engine::begin_repository`], so that it can be filled before it is there.
#[derive(Clone, Debug)]
pub struct BegunRepository {
    /// The repository that is to be.
    pub repository: Arc<Repository>,
    /// The write of its record.
    record: Write,
}

impl Engine {
    /// Creates a repository with its first commit and its default branch.
    ///
    /// The storage namespace was checked by the caller. Fails with [`EngineError::RepositoryExists`]
    /// where the name is taken, also by a repository that is being deleted.
    pub async fn create_repository(&self, new: NewRepository) -> Result<Arc<Repository>> {
        let is_bare = new.bare;
        let begun = self.plan_repository(new).await?;
        let beginning = match is_bare {
            true => Vec::new(),
            false => self.beginning_of(&begun.repository),
        };
        self.record_repository(begun, beginning).await
    }

    /// Begins a repository: it can be worked on through what is returned, and is there once it is
    /// given to [`Engine::finish_repository`]. Until then nothing is visible, and whatever is done to
    /// it may be cut off: [`Engine::abandon_repository`] cleans up.
    ///
    /// Fails as [`Engine::create_repository`].
    pub async fn begin_repository(&self, new: NewRepository) -> Result<BegunRepository> {
        let begun = self.plan_repository(new).await?;
        let beginning = self.write_always(self.beginning_of(&begun.repository)).await;
        beginning.inspect_err(|_| self.abandon_repository(&begun.repository))?;
        Ok(begun)
    }

    /// Makes a repository that was begun visible.
    ///
    /// Fails with [`EngineError::RepositoryExists`] where somebody else was faster; it is cleaned up
    /// then.
    pub async fn finish_repository(&self, begun: BegunRepository) -> Result<Arc<Repository>> {
        self.record_repository(begun, Vec::new()).await
    }

    /// Wipes, beside the caller, what there is of a repository that was begun and never finished.
    pub fn abandon_repository(&self, repository: &Arc<Repository>) {
        let (engine, repository) = (self.clone(), repository.clone());
        self.parts.runtime.spawn("abandon-repository", async move {
            if let Err(error) = engine.wipe_repository(&repository).await {
                tracing::warn!(%error, "a repository that was never there is not wiped: {error}");
            }
        });
    }

    async fn wipe_repository(&self, repository: &Repository) -> Result<()> {
        // What is staged lies in partitions that the branches name.
        self.remove_branches(repository).await?;
        self.write_always(vec![cleanup_note(repository.partition.clone())]).await?;
        self.sweep_dropped_tokens().await
    }

    /// What a new repository is to be. Fails with [`EngineError::RepositoryExists`].
    async fn plan_repository(&self, new: NewRepository) -> Result<BegunRepository> {
        let key = keys::repository(&new.id);
        if self.parts.kv.get(keys::REPOSITORIES, key.clone()).await?.is_some() {
            return Err(EngineError::RepositoryExists(new.id));
        }
        let now = self.parts.runtime.now();
        let data = RepositoryData {
            id: new.id.as_str().to_owned(),
            storage_namespace: new.storage_namespace.as_str().to_owned(),
            default_branch_id: new.default_branch.as_str().to_owned(),
            creation_date: Some(now.into()),
            state: 0,
            instance_uid: self.parts.xids.next_id().to_string(),
            read_only: new.read_only,
            storage_id: new.storage_id,
        };
        let record = Record::new(data);
        let write = Write {
            partition: keys::REPOSITORIES,
            key,
            value: Some(record.encode()),
            precondition: Precondition::Absent,
        };
        let repository = Arc::new(Repository::from_record(record.message));
        Ok(BegunRepository { repository, record: write })
    }

    /// Writes `beginning` and then the record.
    async fn record_repository(
        &self,
        begun: BegunRepository,
        beginning: Vec<Write>,
    ) -> Result<Arc<Repository>> {
        let BegunRepository { repository, record } = begun;
        let engine = self.clone();
        let id = repository.id.clone();
        let outcome = self.to_the_end("create-repository", async move {
            let outcome = engine.write_new_after(beginning, record).await;
            engine.parts.repositories.forget(&id);
            outcome
        });
        let id = &repository.id;
        let error = match outcome.await {
            Ok(Outcome::Applied) => {
                tracing::info!(repository.id = %id, "created repository {id}");
                return Ok(repository);
            }
            Err(unknown) if unknown.kind() == ErrorKind::OutcomeUnknown => return Err(unknown),
            // Someone was faster.
            Ok(Outcome::PreconditionFailed) => EngineError::RepositoryExists(id.clone()),
            Err(error) => error,
        };
        // What there is lies in a partition that nobody knows.
        self.abandon_repository(&repository);
        Err(error)
    }

    /// The writes of the first commit and the default branch.
    fn beginning_of(&self, repository: &Repository) -> Vec<Write> {
        let commit = Commit::first(FIRST_MESSAGE, repository.creation_date);
        let branch = BranchData {
            id: repository.default_branch.as_str().to_owned(),
            commit_id: commit.id.as_str().to_owned(),
            staging_token: StagingToken::fresh(
                repository,
                &repository.default_branch,
                &self.parts.runtime,
            )
            .into_bytes(),
            ..BranchData::default()
        };
        vec![
            commit.to_write(repository),
            Write {
                partition: repository.partition.clone(),
                key: keys::branch(&repository.default_branch),
                value: Some(Record::new(branch).encode()),
                // Once the repository is there, writing it again must not move the branch back.
                precondition: Precondition::Absent,
            },
        ]
    }
}
