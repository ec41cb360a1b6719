//! What a new commit has to contain, and what there is to merge, revert and pick.

use std::collections::BTreeSet;
use std::sync::Arc;

use lakehold_catalog::Strategy;

use super::Ledger;
use super::commits::Content;
use super::commits::merged;
use super::history::Period;
use super::records::BranchRecord;
use crate::simulation::request::Request;

/// A three-way merge that an operation may have to make.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) base: Arc<Content>,
    pub(super) source: Arc<Content>,
    pub(super) destination: Arc<Content>,
    strategy: Strategy,
}

impl Inputs {
    /// What it makes; `None` if it has to be refused.
    pub(super) fn merged(&self) -> Option<Content> {
        merged(&self.base, &self.source, &self.destination, self.strategy)
    }
}

impl Ledger {
    /// Whether `content` is what `request` had to make of the branch `before`, which it has read during
    /// `period`.
    pub(super) fn is_content_right(
        &mut self,
        request: &Request,
        since: u64,
        (before, period): (&BranchRecord, Period),
        parents: &[String],
        content: &Content,
    ) -> bool {
        match request {
            Request::Commit { .. } => {
                parents.len() == 1 && self.is_all_staged(before, period, content)
            }
            Request::Merge { source, squash, .. } => {
                let sources = match (squash, parents) {
                    (false, [_, source]) => vec![source.clone()],
                    (true, [_]) => self.commits_at(source, since),
                    _ => return false,
                };
                let named = self.commits_at(source, since);
                sources.iter().filter(|source| named.contains(source)).any(|source| {
                    let inputs = self.merge_inputs(request, source, &before.head);
                    inputs.iter().any(|inputs| inputs.merged().as_ref() == Some(content))
                })
            }
            Request::Revert { reference, .. } | Request::CherryPick { reference, .. } => {
                parents.len() == 1
                    && self.commits_at(reference, since).iter().any(|commit| {
                        let inputs = self.merge_inputs(request, commit, &before.head);
                        inputs.iter().any(|inputs| inputs.merged().as_ref() == Some(content))
                    })
            }
            _ => false,
        }
    }

    /// Whether a commit took along all that was sealed, each key as it was at some moment of `period`.
    fn is_all_staged(&mut self, before: &BranchRecord, period: Period, content: &Content) -> bool {
        let Ok(old) = self.commits.content(&before.head) else { return true };
        let staged = self.tokens.keys(before.sealed.iter()).into_iter();
        let keys: BTreeSet<&String> = staged.chain(old.keys()).chain(content.keys()).collect();
        keys.into_iter().all(|key| {
            let committed = old.get(key).copied();
            let sealed = before.sealed.iter();
            let candidates = self.tokens.candidates(sealed, key, committed, period);
            candidates.contains(&content.get(key).copied())
        })
    }

    /// What `request` merges if `commit` is what it is to merge, revert or pick, and `head` where the
    /// branch is.
    fn merge_inputs(&mut self, request: &Request, commit: &str, head: &str) -> Vec<Inputs> {
        let Ok(destination) = self.commits.content(head) else { return Vec::new() };
        let Ok(named) = self.commits.content(commit) else { return Vec::new() };
        let inputs = |base, source, strategy| {
            let destination = destination.clone();
            Inputs { base, source, destination, strategy }
        };
        match request {
            Request::Merge { strategy, .. } => {
                let bases = self.commits.merge_bases(commit, head);
                let bases = bases.iter().filter_map(|base| self.commits.content(base).ok());
                bases.map(|base| inputs(base, named.clone(), *strategy)).collect()
            }
            Request::Revert { .. } => {
                let parent = self.content_before(commit);
                vec![inputs(named, parent, Strategy::Fail)]
            }
            Request::CherryPick { .. } => {
                let parent = self.content_before(commit);
                vec![inputs(parent, named, Strategy::Fail)]
            }
            _ => Vec::new(),
        }
    }

    /// All that `request` may have met since it began.
    pub(super) fn inputs_since(&mut self, request: &Request, since: u64) -> Vec<Inputs> {
        let (Request::Merge { branch, source: reference, .. }
        | Request::Revert { branch, reference }
        | Request::CherryPick { branch, reference }) = request
        else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for commit in self.commits_at(reference, since) {
            for head in self.commits_at(branch, since) {
                found.extend(self.merge_inputs(request, &commit, &head));
            }
        }
        found
    }

    /// The content of the first parent; none for a first commit.
    fn content_before(&mut self, commit: &str) -> Arc<Content> {
        let record = self.commits.get(commit);
        let parent = record.and_then(|record| record.parents.first().cloned());
        parent.and_then(|parent| self.commits.content(&parent).ok()).unwrap_or_default()
    }

    /// Whether a commit of `branch` could find nothing to commit: at one moment nothing lay in the token
    /// that takes writes, or only what came after the commit had `sealed` what was there, and what was
    /// sealed said what is committed. (Of two commits one may take along what both have sealed.)
    pub(super) fn had_nothing_to_commit(
        &mut self,
        branch: &str,
        since: u64,
        sealed: Option<u64>,
    ) -> bool {
        let Self { records, tokens, commits, .. } = self;
        let Some(records) = records.get(branch) else { return false };
        records.periods(since).any(|(period, record)| {
            let Some(record) = record else { return false };
            let Ok(old) = commits.content(&record.head) else { return false };
            let says_nothing = |key: &String| {
                let committed = old.get(key).copied();
                let sealed = record.sealed.iter();
                tokens.candidates(sealed, key, committed, period).contains(&committed)
            };
            let is_sealed = sealed.is_some_and(|sealed| sealed <= period.from);
            (is_sealed || tokens.was_empty(&record.staging, period))
                && tokens.keys(record.sealed.iter()).into_iter().all(says_nothing)
        })
    }
}
