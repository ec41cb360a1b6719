//! Commits: what they say, what their id is, and making one of what is staged.
//!
//! A commit's id is a hash of committer, message, tree, date in seconds, metadata and parents; its
//! version and generation are not part of it. Two commits that say the same in the same second are
//! one commit.

pub(crate) mod cache;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lakehold_clock::Timestamp;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Write;
use lakehold_sstable::ident::IdentHasher;

use crate::BlockedAction;
use crate::BranchId;
use crate::CommitId;
use crate::Engine;
use crate::EngineError;
use crate::HookEvent;
use crate::MetaRangeId;
use crate::Repository;
use crate::Summary;
use crate::branch::BranchState;
use crate::branch::advance::Draft;
use crate::branch::advance::Step;
use crate::error::Result;
use crate::keys;
use crate::records;
use crate::records::CommitData;

/// What the hash of a commit begins with.
const IDENTITY_VERSION: &str = "commit:v1";

/// Version of the commits we make: their first parent is the branch they were made on. In commits of
/// version 0 it is the last.
const VERSION: i32 = 1;

/// String map of commits and repositories; sorted, so that it has one encoding.
pub type Metadata = BTreeMap<String, String>;

/// A commit as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Hash of what follows, up to `parents`.
    pub id: CommitId,
    /// Who made it.
    pub committer: String,
    /// Why.
    pub message: String,
    /// When; only its seconds are part of the id.
    pub creation_date: Timestamp,
    /// The tree.
    pub meta_range_id: MetaRangeId,
    /// What else the committer had to say.
    pub metadata: Metadata,
    /// The commits it follows.
    pub parents: Vec<CommitId>,
    /// 1; 0 in commits of old, whose main parent is the last.
    pub version: i32,
    /// One more than the largest of its parents'; 1 for the first commit.
    pub generation: i32,
}

/// What makes a commit of the staging area.
#[derive(Clone, Debug, Default)]
pub struct CommitRequest {
    /// Who makes it.
    pub committer: String,
    /// Why.
    pub message: String,
    /// What else the committer has to say.
    pub metadata: Metadata,
    /// Unix seconds instead of now.
    pub date: Option<i64>,
    /// Commit even if nothing changed.
    pub allow_empty: bool,
    /// Commit on a read-only repository.
    pub force: bool,
    /// Commit this tree instead of what is staged.
    pub source_meta_range: Option<MetaRangeId>,
}

/// What a commit says of itself, before it has parents and an id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Says {
    pub(crate) committer: String,
    pub(crate) message: String,
    pub(crate) metadata: Metadata,
    pub(crate) date: Timestamp,
}

impl Commit {
    /// The commit without content that a history begins with.
    pub(crate) fn first(message: &str, date: Timestamp) -> Self {
        let says = Says { message: message.to_owned(), date, ..Says::default() };
        Self::following(says, MetaRangeId::default(), &[])
    }

    /// The commit that follows `parents`, in this order, with this tree.
    pub(crate) fn following(says: Says, tree: MetaRangeId, parents: &[&Self]) -> Self {
        let generation = parents.iter().map(|parent| parent.generation).max().unwrap_or(0) + 1;
        let commit = Self {
            id: CommitId::from_stored(""),
            committer: says.committer,
            message: says.message,
            creation_date: says.date,
            meta_range_id: tree,
            metadata: says.metadata,
            parents: parents.iter().map(|parent| parent.id.clone()).collect(),
            version: VERSION,
            generation,
        };
        Self { id: commit.identify(), ..commit }
    }

    /// The same commit as if its second parent had only lent its content. Its generation stays, so
    /// that it is above both, as that of every squashed merge is.
    pub(crate) fn without_second_parent(mut self) -> Self {
        self.parents.truncate(1);
        Self { id: self.identify(), ..self }
    }

    /// Computes the id of what the commit says.
    pub(crate) fn identify(&self) -> CommitId {
        let parents: Vec<&str> = self.parents.iter().map(CommitId::as_str).collect();
        let metadata = self.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let hash = IdentHasher::new()
            .string(IDENTITY_VERSION)
            .string(&self.committer)
            .string(&self.message)
            .string(self.meta_range_id.as_str())
            .int64(self.creation_date.seconds)
            .map(metadata)
            .embedded(IdentHasher::new().strings(&parents).finish());
        CommitId::from_stored(&hex::encode(hash.finish()))
    }

    /// The parent that is the branch the commit was made on.
    pub(crate) fn main_parent(&self) -> Option<&CommitId> {
        if self.version < VERSION { self.parents.last() } else { self.parents.first() }
    }

    /// Takes apart a commit as it is stored, also as a part of other records. `location` is for the
    /// error, [`EngineError::Corrupt`].
    pub fn from_stored(location: &str, stored: &[u8]) -> Result<Self> {
        let record = records::decode::<CommitData>("commit", location.as_bytes(), stored)?;
        Ok(Self::from_record(record.message))
    }

    /// Returns the commit as it is stored, also as a part of other records.
    pub fn to_stored(&self) -> Bytes {
        Record::new(self.to_record()).encode()
    }

    pub(crate) fn from_record(data: CommitData) -> Self {
        Self {
            id: CommitId::from_stored(&data.id),
            committer: data.committer,
            message: data.message,
            creation_date: data.creation_date.map(Timestamp::from).unwrap_or_default(),
            meta_range_id: MetaRangeId::from_stored(&data.meta_range_id),
            metadata: data.metadata,
            parents: data.parents.iter().map(|id| CommitId::from_stored(id)).collect(),
            version: data.version,
            generation: data.generation,
        }
    }

    fn to_record(&self) -> CommitData {
        CommitData {
            id: self.id.as_str().to_owned(),
            committer: self.committer.clone(),
            message: self.message.clone(),
            creation_date: Some(self.creation_date.into()),
            meta_range_id: self.meta_range_id.as_str().to_owned(),
            metadata: self.metadata.clone(),
            parents: self.parents.iter().map(|id| id.as_str().to_owned()).collect(),
            version: self.version,
            generation: self.generation,
        }
    }

    /// The write that stores the commit. One that is there already says the same: it stays.
    pub(crate) fn to_write(&self, repository: &Repository) -> Write {
        Write {
            partition: repository.partition.clone(),
            key: keys::commit(&self.id),
            value: Some(self.to_stored()),
            precondition: Precondition::Absent,
        }
    }
}

impl Engine {
    /// The moment that a commit of `date`, in Unix seconds, is made at; now, where none is given.
    pub(crate) fn date_or_now(&self, date: Option<i64>) -> Timestamp {
        date.map_or_else(|| self.parts.runtime.now(), Timestamp::from_seconds)
    }

    /// Commits what is staged on `branch`.
    ///
    /// Fails with [`EngineError::ProtectedBranch`], [`EngineError::ReadOnlyRepository`],
    /// [`EngineError::NoChanges`], or with what a hook says. Of two commits at once one takes what
    /// both wanted, and the other finds nothing left.
    pub async fn commit(
        &self,
        repository: &Repository,
        branch: &BranchId,
        request: CommitRequest,
    ) -> Result<Arc<Commit>> {
        self.check_unprotected(repository, branch, BlockedAction::Commit).await?;
        repository.check_writable(request.force)?;
        self.branch_state(repository, branch).await?;
        self.ask_hooks(repository, || prepare_event(repository, branch, &request)).await?;
        let draft = self.advance(repository, branch, &CommitStaged(request)).await?;
        Ok(Arc::new(draft.commit))
    }
}

/// Before anything is sealed, so that such a hook may still change what is staged.
fn prepare_event(repository: &Repository, branch: &BranchId, request: &CommitRequest) -> HookEvent {
    let says = Says {
        committer: request.committer.clone(),
        message: request.message.clone(),
        metadata: request.metadata.clone(),
        date: Timestamp::default(),
    };
    let commit = Commit::following(says, MetaRangeId::default(), &[]);
    let commit = Commit { id: CommitId::from_stored(""), ..commit };
    let event = HookEvent::new("prepare-commit", repository, branch.as_str());
    event.on_branch(branch).with_commit(&commit)
}

/// The step of a commit.
struct CommitStaged(CommitRequest);

#[async_trait]
impl Step for CommitStaged {
    const EVENTS: (&'static str, &'static str) = ("pre-commit", "post-commit");

    async fn prepare(
        &self,
        engine: &Engine,
        repository: &Repository,
        branch: &BranchId,
    ) -> Result<BranchState> {
        if self.0.source_meta_range.is_none() {
            return engine.seal(repository, branch).await;
        }
        engine.seal_clean(repository, branch).await.map_err(|error| match error {
            EngineError::DirtyBranch(branch) => EngineError::SourceMetaRangeOnDirtyBranch(branch),
            other => other,
        })
    }

    async fn draft(
        &self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Draft> {
        let Self(request) = self;
        let head = engine.head(repository, state).await?;
        let base = head.as_ref().map(|head| head.meta_range_id.clone()).unwrap_or_default();
        let (tree, summary) = match &request.source_meta_range {
            Some(tree) => (engine.check_tree(repository, tree).await?, Summary::default()),
            None => engine.apply_sealed(repository, state, &base, request.allow_empty).await?,
        };
        let says = Says {
            committer: request.committer.clone(),
            message: request.message.clone(),
            metadata: request.metadata.clone(),
            date: engine.date_or_now(request.date),
        };
        let parents: Vec<&Commit> = head.iter().map(AsRef::as_ref).collect();
        let commit = Commit::following(says, tree, &parents);
        Ok(Draft { commit, summary, hooks_from: state.id.as_str().to_owned() })
    }
}

impl Engine {
    async fn check_tree(&self, repository: &Repository, id: &MetaRangeId) -> Result<MetaRangeId> {
        if self.parts.trees.contains(&repository.storage_namespace, id).await? {
            Ok(id.clone())
        } else {
            Err(EngineError::MetaRangeNotFound(id.clone()))
        }
    }

    /// Writes the tree `base` with what is sealed on the branch.
    async fn apply_sealed(
        &self,
        repository: &Repository,
        state: &BranchState,
        base: &MetaRangeId,
        allow_empty: bool,
    ) -> Result<(MetaRangeId, Summary)> {
        let is_nothing_sealed = state.sealed_count() == 0;
        if is_nothing_sealed && !allow_empty {
            return Err(EngineError::NoChanges);
        }
        // The tree without content has no file; even an empty commit on top of it writes one.
        if is_nothing_sealed && !base.is_none() {
            return Ok((base.clone(), Summary::default()));
        }
        let mut changes = self.staged(state.sealed());
        let namespace = &repository.storage_namespace;
        let written = self.parts.trees.apply(namespace, base, &mut changes, allow_empty).await?;
        Ok((written.meta_range, written.summary))
    }
}

#[cfg(test)]
mod tests;
