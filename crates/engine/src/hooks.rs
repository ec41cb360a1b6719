//! What happens around operations: the seam that actions attach to.
//!
//! A `pre-` hook runs before its event takes effect and may refuse it; it runs once per operation,
//! inside the branch's queue, and again only if another server changed what it had approved. A hook
//! that moves the very branch it runs for therefore waits for itself, until its own time limit.
//! Writing objects to that branch is fine. A `post-` hook runs beside the caller, after the fact.
//! Repositories that are read-only have no hooks.

use std::sync::Arc;

use async_trait::async_trait;

use crate::BranchId;
use crate::Commit;
use crate::Engine;
use crate::EngineError;
use crate::RefExpr;
use crate::Repository;
use crate::TagId;
use crate::error::Result;

/// What happens around operations (actions implement it; [`NoHooks`] does nothing).
#[async_trait]
pub trait Hooks: std::fmt::Debug + Send + Sync + 'static {
    /// Whether there can be anything to call. Where not, events are not even made.
    fn listens(&self) -> bool {
        true
    }

    /// Called before the event takes effect; an `Err` text refuses it.
    async fn before(&self, event: &HookEvent) -> Result<(), String>;

    /// Called after it took effect.
    async fn after(&self, event: &HookEvent);
}

/// One of `prepare-commit`, `pre-commit`, ... with what is known of it.
#[derive(Clone, Debug)]
pub struct HookEvent {
    /// Name of the event, such as `pre-commit`.
    pub name: &'static str,
    /// Where it happens.
    pub repository: Arc<Repository>,
    /// The branch it happens to; none for events of tags.
    pub branch: Option<BranchId>,
    /// The tag it happens to; only for events of tags.
    pub tag: Option<TagId>,
    /// Where the actions to run are read.
    pub source_ref: String,
    /// The commit made, or to be made: before `pre-merge` it is already stored; for `prepare-commit`
    /// only message, committer and metadata are known. For events that make none, the commit named.
    pub commit: Option<Commit>,
    /// What is merged, as the caller named it; only for merges.
    pub merge_source: Option<RefExpr>,
}

impl HookEvent {
    pub(crate) fn new(
        name: &'static str,
        repository: &Repository,
        source_ref: impl Into<String>,
    ) -> Self {
        Self {
            name,
            repository: Arc::new(repository.clone()),
            branch: None,
            tag: None,
            source_ref: source_ref.into(),
            commit: None,
            merge_source: None,
        }
    }

    pub(crate) fn on_branch(self, branch: &BranchId) -> Self {
        Self { branch: Some(branch.clone()), ..self }
    }

    pub(crate) fn on_tag(self, tag: &TagId) -> Self {
        Self { tag: Some(tag.clone()), ..self }
    }

    pub(crate) fn with_commit(self, commit: &Commit) -> Self {
        Self { commit: Some(commit.clone()), ..self }
    }
}

/// No hooks.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

#[async_trait]
impl Hooks for NoHooks {
    fn listens(&self) -> bool {
        false
    }

    async fn before(&self, _event: &HookEvent) -> Result<(), String> {
        Ok(())
    }

    async fn after(&self, _event: &HookEvent) {}
}

impl Engine {
    /// Whether hooks run in `repository`.
    pub(crate) fn has_hooks(&self, repository: &Repository) -> bool {
        !repository.read_only && self.parts.hooks.listens()
    }

    /// Asks the hooks whether the event may take effect.
    pub(crate) async fn ask_hooks(
        &self,
        repository: &Repository,
        event: impl FnOnce() -> HookEvent + Send,
    ) -> Result<()> {
        if !self.has_hooks(repository) {
            return Ok(());
        }
        let event = event();
        self.parts.hooks.before(&event).await.map_err(EngineError::HookRefused)
    }

    /// Tells the hooks, beside the caller, that the event took effect.
    pub(crate) fn tell_hooks(&self, repository: &Repository, event: impl FnOnce() -> HookEvent) {
        if !self.has_hooks(repository) {
            return;
        }
        let event = event();
        let hooks = self.parts.hooks.clone();
        self.parts.runtime.spawn(event.name, async move { hooks.after(&event).await });
    }
}
