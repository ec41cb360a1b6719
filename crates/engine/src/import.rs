//! Importing: a commit that puts a whole tree in the place of some of a branch's keys.
//!
//! It comes in two steps, because the first may take hours. [`Engine::write_tree`] writes what is
//! imported as a tree of its own, while it is being found, and nobody waits for it. [`Engine::import`]
//! then joins it to the branch: a step like that of a merge, which reads and writes only the ranges at
//! the edges of what is replaced, so that neither the branch's queue nor another attempt costs much.
//!
//! Protection rules do not forbid an import; who may import is decided above.

use std::sync::Arc;

use async_trait::async_trait;
use lakehold_tree::ChangeSource;
use lakehold_tree::KeySet;

use crate::BranchId;
use crate::Commit;
use crate::Engine;
use crate::MetaRangeId;
use crate::Metadata;
use crate::Repository;
use crate::branch::BranchState;
use crate::branch::advance::Draft;
use crate::branch::advance::Step;
use crate::commit::Says;
use crate::error::Result;
use crate::merge::SOURCE_WINS;
use crate::merge::STRATEGY_KEY;

/// What makes an import.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// Who imports.
    pub committer: String,
    /// Why.
    pub message: String,
    /// What else the committer has to say.
    pub metadata: Metadata,
    /// Unix seconds instead of now.
    pub date: Option<i64>,
    /// What is imported ([`Engine::write_tree`]); all its keys are among the replaced ones.
    pub imported: MetaRangeId,
    /// The keys of the branch that go.
    pub replaced: Arc<KeySet>,
    /// Import into a read-only repository.
    pub force: bool,
}

impl Engine {
    /// Writes `records`, which ascend, as a tree of their own in `repository`, and returns it once all
    /// its files are durable. Memory does not grow with the number of records, but for some hundred
    /// bytes per range. Dropped or failed, it leaves files that nothing names.
    ///
    /// Fails with what `records` fail with, if that is an [`EngineError`](crate::EngineError).
    pub async fn write_tree(
        &self,
        repository: &Repository,
        records: &mut dyn ChangeSource,
    ) -> Result<MetaRangeId> {
        let namespace = &repository.storage_namespace;
        let nothing = MetaRangeId::default();
        let written = self.parts.trees.apply(namespace, &nothing, records, true).await?;
        Ok(written.meta_range)
    }

    /// Fails as [`Engine::import`] would at once, for those who have much to do before it.
    pub async fn check_import(
        &self,
        repository: &Repository,
        branch: &BranchId,
        force: bool,
    ) -> Result<()> {
        repository.check_writable(force)?;
        self.branch_state(repository, branch).await?;
        Ok(())
    }

    /// Commits to `branch`, which must be clean, its tree with all imported records in the place of the
    /// replaced keys, even if that changes nothing.
    ///
    /// Fails with [`EngineError::DirtyBranch`](crate::EngineError::DirtyBranch),
    /// [`EngineError::ReadOnlyRepository`](crate::EngineError::ReadOnlyRepository), or with what a hook
    /// says.
    pub async fn import(
        &self,
        repository: &Repository,
        branch: &BranchId,
        request: ImportRequest,
    ) -> Result<Arc<Commit>> {
        self.check_import(repository, branch, request.force).await?;
        let draft = self.advance(repository, branch, &Import(&request)).await?;
        Ok(Arc::new(draft.commit))
    }
}

/// The step of an import.
struct Import<'a>(&'a ImportRequest);

#[async_trait]
impl Step for Import<'_> {
    const EVENTS: (&'static str, &'static str) = ("pre-commit", "post-commit");

    async fn draft(
        &self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Draft> {
        let Self(request) = self;
        let head = engine.head(repository, state).await?;
        let before = head.as_ref().map(|head| head.meta_range_id.clone()).unwrap_or_default();
        let namespace = &repository.storage_namespace;
        let trees = &engine.parts.trees;
        let written =
            trees.replace(namespace, &request.imported, &before, &request.replaced).await?;
        let mut metadata = request.metadata.clone();
        metadata.insert(STRATEGY_KEY.to_owned(), SOURCE_WINS.to_owned());
        let says = Says {
            committer: request.committer.clone(),
            message: request.message.clone(),
            metadata,
            date: engine.date_or_now(request.date),
        };
        let parents: Vec<&Commit> = head.iter().map(AsRef::as_ref).collect();
        let commit = Commit::following(says, written.meta_range, &parents);
        let hooks_from = state.id.as_str().to_owned();
        Ok(Draft { commit, summary: written.summary, hooks_from })
    }
}
