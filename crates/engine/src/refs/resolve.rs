//! From an expression to what it names.
//!
//! The base is the first of: a full commit id, a branch, a tag, the beginning of exactly one commit
//! id. A bare branch means two things: where a commit is needed, the commit it is at; where keys are
//! read, that commit with what is staged on top.

use std::sync::Arc;

use lakehold_kv::Entry;

use crate::BranchId;
use crate::Commit;
use crate::CommitId;
use crate::Engine;
use crate::EngineError;
use crate::RefExpr;
use crate::Repository;
use crate::TagId;
use crate::branch::BranchState;
use crate::error::Result;
use crate::keys;
use crate::refs::expr;
use crate::refs::expr::Suffix;
use crate::refs::expr::Walk;
use crate::refs::expr::invalid;

/// What an expression names.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    /// A commit, and nothing staged.
    Commit(CommitId),
    /// A branch by its bare name.
    Branch(BranchState),
    /// A branch with `$`: its staging area is meant.
    Staging(BranchState),
}

impl Engine {
    /// Resolves any expression to a commit (`main$` fails with [`EngineError::NotACommit`]).
    pub async fn commit_at(
        &self,
        repository: &Repository,
        reference: &RefExpr,
    ) -> Result<Arc<Commit>> {
        if let Some(known) = self.known_commit(repository, reference) {
            return Ok(known);
        }
        let id = self.resolve_commit(repository, reference).await?;
        self.get_commit(repository, &id).await
    }

    /// The commit of which `reference` is the full id, if it is in memory.
    pub(crate) fn known_commit(
        &self,
        repository: &Repository,
        reference: &RefExpr,
    ) -> Option<Arc<Commit>> {
        let id = CommitId::from_expr(reference)?;
        self.parts.commits.find(repository, &id)
    }

    /// Resolves an expression where a commit is needed.
    pub(crate) async fn resolve_commit(
        &self,
        repository: &Repository,
        reference: &RefExpr,
    ) -> Result<CommitId> {
        match self.resolve(repository, reference).await? {
            Named::Commit(id) => Ok(id),
            Named::Branch(state) if state.commit_id.as_str().is_empty() => {
                Err(EngineError::RefNotFound(reference.clone()))
            }
            Named::Branch(state) => Ok(state.commit_id),
            Named::Staging(_) => Err(EngineError::NotACommit(reference.clone())),
        }
    }

    /// Resolves an expression.
    pub(crate) async fn resolve(
        &self,
        repository: &Repository,
        reference: &RefExpr,
    ) -> Result<Named> {
        let parsed = expr::parse(reference)?;
        let base = self.resolve_base(repository, reference, parsed.base).await?;
        match (parsed.suffix, base) {
            (Suffix::Steps(steps), base) if steps.is_empty() => Ok(base),
            (Suffix::Steps(steps), Named::Commit(id)) => {
                self.walk(repository, reference, id, &steps).await
            }
            (Suffix::Steps(steps), Named::Branch(state) | Named::Staging(state)) => {
                self.walk(repository, reference, state.commit_id, &steps).await
            }
            (Suffix::Committed, Named::Branch(state) | Named::Staging(state)) => {
                Ok(Named::Commit(state.commit_id))
            }
            (Suffix::Staged, Named::Branch(state) | Named::Staging(state)) => {
                Ok(Named::Staging(state))
            }
            (Suffix::Committed | Suffix::Staged, Named::Commit(_)) => {
                Err(invalid(reference, "only a branch has a staging area"))
            }
        }
    }

    async fn resolve_base(
        &self,
        repository: &Repository,
        reference: &RefExpr,
        base: &str,
    ) -> Result<Named> {
        if let Ok(id) = CommitId::parse(base)
            && let Some(commit) = self.find_commit(repository, &id).await?
        {
            return Ok(Named::Commit(commit.id.clone()));
        }
        let branch = BranchId::from_stored(base);
        if let Some(state) = self.find_branch(repository, &branch).await? {
            return Ok(Named::Branch(state));
        }
        if let Some((tag, _)) = self.find_tag(repository, &TagId::from_stored(base)).await? {
            return Ok(Named::Commit(tag.commit_id));
        }
        let found = self.find_by_prefix(repository, base).await?;
        found.map(Named::Commit).ok_or_else(|| EngineError::RefNotFound(reference.clone()))
    }

    /// The only commit whose id begins with `prefix`; `None` where there are several.
    async fn find_by_prefix(
        &self,
        repository: &Repository,
        prefix: &str,
    ) -> Result<Option<CommitId>> {
        let is_hex = prefix.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex || prefix.len() > 64 {
            return Ok(None);
        }
        let from = keys::joined(keys::COMMIT_PREFIX, prefix);
        let page = self.parts.kv.scan(repository.partition.clone(), from.clone(), 2).await?;
        let mut found = page.entries.iter().filter(|entry| entry.key.starts_with(&from));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(commit_id_of(only)),
            _ => Ok(None),
        }
    }

    async fn walk(
        &self,
        repository: &Repository,
        reference: &RefExpr,
        from: CommitId,
        steps: &[Walk],
    ) -> Result<Named> {
        let mut id = from;
        for step in steps {
            id = match step {
                Walk::Back(count) => self.walk_back(repository, reference, id, *count).await?,
                Walk::Parent(number) => {
                    self.walk_to_parent(repository, reference, id, *number).await?
                }
            };
        }
        Ok(Named::Commit(id))
    }

    async fn walk_back(
        &self,
        repository: &Repository,
        reference: &RefExpr,
        from: CommitId,
        count: u64,
    ) -> Result<CommitId> {
        let mut id = from;
        for _ in 0..count {
            let commit = self.get_commit(repository, &id).await?;
            let parent = commit.main_parent();
            id = parent.ok_or_else(|| EngineError::RefNotFound(reference.clone()))?.clone();
        }
        Ok(id)
    }

    async fn walk_to_parent(
        &self,
        repository: &Repository,
        reference: &RefExpr,
        from: CommitId,
        number: u64,
    ) -> Result<CommitId> {
        let Some(index) = number.checked_sub(1) else { return Ok(from) };
        let commit = self.get_commit(repository, &from).await?;
        let parent = usize::try_from(index).ok().and_then(|index| commit.parents.get(index));
        parent.cloned().ok_or_else(|| invalid(reference, "the commit has no such parent"))
    }
}

fn commit_id_of(entry: &Entry) -> Option<CommitId> {
    let id = entry.key.strip_prefix(keys::COMMIT_PREFIX.as_bytes())?;
    std::str::from_utf8(id).ok().map(CommitId::from_stored)
}
