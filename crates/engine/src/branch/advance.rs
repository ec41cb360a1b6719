//! How a branch moves on to a new commit: what commit, merge, revert and cherry-pick share.
//!
//! ```text
//! queue ─► prepare ─► draft ──────────► hook ─► install ─────────────────► drop sealed tokens
//!          seal what   ranges, metarange         commit record, then the
//!          is staged   durable                   branch, if still as read
//!             ▲                                     │ moved by another server
//!             └─────────────── wait a little ◄──────┘
//! ```
//!
//! *Prepare* decides what is taken along: a commit seals the staging area, the others insist on a
//! clean branch and seal what little does not count. *Install* takes effect at one moment: the
//! conditional write of the branch record that names the new commit and no sealed tokens. Whatever
//! happens before it, the branch is as it was; a commit record that no branch reaches harms nobody.

use async_trait::async_trait;
use lakehold_kv::Outcome;

use crate::BranchId;
use crate::Commit;
use crate::CommitId;
use crate::Engine;
use crate::EngineError;
use crate::HookEvent;
use crate::RefExpr;
use crate::Repository;
use crate::Summary;
use crate::branch::BranchState;
use crate::branch::UPDATE_ATTEMPTS;
use crate::error::Result;
use crate::staging::StagingToken;

/// What moves a branch on.
#[async_trait]
pub(crate) trait Step: Send + Sync {
    /// The events before and after, such as `pre-commit` and `post-commit`.
    const EVENTS: (&'static str, &'static str);

    /// Brings the branch into the state that the new commit starts from: clean, unless the step says
    /// otherwise.
    async fn prepare(
        &self,
        engine: &Engine,
        repository: &Repository,
        branch: &BranchId,
    ) -> Result<BranchState> {
        engine.seal_clean(repository, branch).await
    }

    /// Makes the commit to follow `state`, its tree durable, its record not yet stored.
    async fn draft(
        &self,
        engine: &Engine,
        repository: &Repository,
        state: &BranchState,
    ) -> Result<Draft>;

    /// What is merged, as the caller named it.
    fn merge_source(&self) -> Option<&RefExpr> {
        None
    }
}

/// A commit to be.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The commit.
    pub(crate) commit: Commit,
    /// How its tree differs from the branch's.
    pub(crate) summary: Summary,
    /// Where the actions of the event before are read.
    pub(crate) hooks_from: String,
}

/// What a hook has approved: a change of it is another question.
#[derive(PartialEq, Eq)]
struct Inputs {
    head: CommitId,
    sealed: Vec<StagingToken>,
}

impl Engine {
    /// Moves `branch` on by `step`.
    pub(crate) async fn advance<S: Step>(
        &self,
        repository: &Repository,
        branch: &BranchId,
        step: &S,
    ) -> Result<Draft> {
        let _turn = self.parts.queues.enter(repository, branch).await;
        let mut approved = None;
        for attempt in 1..=UPDATE_ATTEMPTS {
            let state = step.prepare(self, repository, branch).await?;
            let inputs = Inputs { head: state.commit_id.clone(), sealed: state.sealed().collect() };
            let ask = approved.as_ref() != Some(&inputs);
            let draft = match self.draft_approved(repository, &state, step, ask).await {
                Ok(draft) => draft,
                Err(error) if self.is_of_the_past(repository, &state, &error).await? => {
                    self.back_off(attempt).await;
                    continue;
                }
                Err(error) => {
                    self.tidy_after_failure(repository, &state, &error).await;
                    return Err(error);
                }
            };
            approved = Some(inputs);
            match self.install(repository, &state, &draft).await? {
                Outcome::Applied => {
                    let commit = &draft.commit.id;
                    tracing::info!(
                        repository.id = %repository.id, branch.id = %branch, commit.id = %commit,
                        "moved {branch} to {commit}"
                    );
                    self.tell_of(repository, branch, step, &draft);
                    return Ok(draft);
                }
                Outcome::PreconditionFailed => self.back_off(attempt).await,
            }
        }
        Err(EngineError::BranchBusy { branch: branch.clone(), attempts: UPDATE_ATTEMPTS })
    }

    /// Whether an error is a finding about `state` that another server has made obsolete: it may have
    /// moved the branch on and wiped the tokens under our eyes, so that we found nothing in them.
    async fn is_of_the_past(
        &self,
        repository: &Repository,
        state: &BranchState,
        error: &EngineError,
    ) -> Result<bool> {
        match error {
            EngineError::NoChanges | EngineError::Conflict { .. } => {
                Ok(!self.is_unmoved(repository, state).await?)
            }
            _ => Ok(false),
        }
    }

    async fn draft_approved<S: Step>(
        &self,
        repository: &Repository,
        state: &BranchState,
        step: &S,
        ask: bool,
    ) -> Result<Draft> {
        let draft = step.draft(self, repository, state).await?;
        if !ask || !self.has_hooks(repository) {
            return Ok(draft);
        }
        if step.merge_source().is_some() {
            // A hook of a merge may look the commit up by its id.
            self.write_always(vec![draft.commit.to_write(repository)]).await?;
        }
        let event = HookEvent {
            merge_source: step.merge_source().cloned(),
            ..HookEvent::new(S::EVENTS.0, repository, draft.hooks_from.as_str())
        };
        let event = event.on_branch(&state.id).with_commit(&draft.commit);
        self.ask_hooks(repository, || event).await?;
        Ok(draft)
    }

    /// Stores the commit and moves the branch to it, if the branch is still as it was read.
    async fn install(
        &self,
        repository: &Repository,
        state: &BranchState,
        draft: &Draft,
    ) -> Result<Outcome> {
        let next = state.moving_to(&draft.commit.id);
        let record = draft.commit.to_write(repository);
        let outcome = self.replace_branch(repository, vec![record], state, next).await?;
        if outcome == Outcome::Applied {
            self.parts.commits.remember(repository, &draft.commit);
        }
        Ok(outcome)
    }

    fn tell_of<S: Step>(
        &self,
        repository: &Repository,
        branch: &BranchId,
        step: &S,
        draft: &Draft,
    ) {
        self.tell_hooks(repository, || {
            let event = HookEvent {
                merge_source: step.merge_source().cloned(),
                ..HookEvent::new(S::EVENTS.1, repository, draft.commit.id.as_str())
            };
            event.on_branch(branch).with_commit(&draft.commit)
        });
    }
}
