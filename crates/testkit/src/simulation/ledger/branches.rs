//! A branch record changes: what may have moved, and what must still be there.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::Ending;
use super::Ledger;
use super::Operation;
use super::commits::Content;
use super::commits::merged;
use super::history::History;
use super::records::BranchRecord;
use crate::simulation::request::Request;
use crate::simulation::request::Val;
use lakehold_catalog::Strategy;

impl Ledger {
    pub(super) fn branch_changed(
        &mut self,
        operation: Option<usize>,
        name: &str,
        before: Option<BranchRecord>,
        after: Option<BranchRecord>,
    ) {
        let keys = self.keys_of(name, before.as_ref(), after.as_ref());
        let seen_before: Vec<Option<Val>> =
            keys.iter().map(|key| self.seen_now(name, key)).collect();
        match &after {
            Some(record) => self.branches.insert(name.to_owned(), record.clone()),
            None => self.branches.remove(name),
        };
        self.note_head(name, after.as_ref());
        match (before, after) {
            (None, Some(after)) => self.branch_created(operation, name, &after),
            (Some(before), None) => self.branch_deleted(operation, name, &before),
            (Some(before), Some(after)) => {
                self.branch_replaced(operation, name, &before, &after, &keys, &seen_before);
            }
            (None, None) => self.accuse(format!("branch {name} is removed where there is none")),
        }
        for key in &keys {
            self.look_at_key(name, key);
        }
        self.look_at_branch(name);
    }

    /// Every key that can be seen on either side of a change.
    fn keys_of(
        &mut self,
        name: &str,
        before: Option<&BranchRecord>,
        after: Option<&BranchRecord>,
    ) -> BTreeSet<String> {
        let places = self.visible.range((name.to_owned(), String::new())..);
        let places = places.take_while(|((branch, _), _)| branch == name);
        let mut keys: BTreeSet<String> = places.map(|((_, key), _)| key.clone()).collect();
        for record in before.into_iter().chain(after) {
            keys.extend(self.tokens.keys(record.tokens()).into_iter().cloned());
            match self.commits.content(&record.head) {
                Ok(content) => keys.extend(content.keys().cloned()),
                Err(problem) => self.accuse(problem),
            }
        }
        keys
    }

    fn seen_now(&self, branch: &str, key: &str) -> Option<Val> {
        *self.visible.get(&(branch.to_owned(), key.to_owned()))?.now()
    }

    fn note_head(&mut self, name: &str, record: Option<&BranchRecord>) {
        let tick = self.tick;
        let heads = self.heads.entry(name.to_owned());
        let heads = heads.or_insert_with(|| History::beginning_with(None));
        heads.set(tick, record.map(|record| record.head.clone()));
    }

    fn branch_created(&mut self, operation: Option<usize>, name: &str, after: &BranchRecord) {
        if self.tokens.is_known(&after.staging) || !after.sealed.is_empty() {
            self.accuse(format!("branch {name} begins with a used token: {after:?}"));
        }
        self.tokens.get_mut(&after.staging);
        let Some(operation) = operation else { return };
        let since = self.operations[operation].since;
        let is_asked_for = match &self.operations[operation].request {
            Request::CreateBranch { branch, source } => {
                branch == name && self.commits_at(source, since).contains(&after.head)
            }
            _ => false,
        };
        if !is_asked_for {
            self.accuse_operation(operation, &format!("creates branch {name} at {}", after.head));
        }
        self.carried_out(Some(operation));
    }

    fn branch_deleted(&mut self, operation: Option<usize>, name: &str, before: &BranchRecord) {
        let is_asked_for = operation.is_some_and(|operation| {
            matches!(&self.operations[operation].request, Request::DeleteBranch { branch } if branch == name)
        });
        if !is_asked_for {
            self.accuse(format!("nobody asked for branch {name} to be deleted"));
        }
        // What was staged is gone with it. Its writer may have seen before that it counted.
        let tokens: Vec<Bytes> = before.tokens().cloned().collect();
        let keys: BTreeSet<String> = self.tokens.keys(tokens.iter()).into_iter().cloned().collect();
        for key in keys {
            self.lose_late(&tokens, &key);
        }
        let on_branch = |asked: &&mut Operation| asked.request.branch() == Some(name);
        self.operations.iter_mut().filter(on_branch).for_each(|asked| asked.applied.clear());
        self.carried_out(operation);
    }

    fn branch_replaced(
        &mut self,
        operation: Option<usize>,
        name: &str,
        before: &BranchRecord,
        after: &BranchRecord,
        keys: &BTreeSet<String>,
        seen_before: &[Option<Val>],
    ) {
        let Some(operation) = operation else {
            return self.accuse(format!("branch {name} changes by itself"));
        };
        if self.operations[operation].request.branch() != Some(name) {
            self.accuse_operation(operation, &format!("changes branch {name}"));
        }
        self.check_open(operation);
        self.check_tokens(name, before, after);
        if before.head != after.head {
            self.check_move(operation, before, after);
        }
        let dropped: Vec<Bytes> = before
            .tokens()
            .filter(|token| after.tokens().all(|kept| kept != *token))
            .cloned()
            .collect();
        for (key, seen) in keys.iter().zip(seen_before) {
            self.check_key(operation, before, after, &dropped, key, *seen);
        }
        for sealed in &after.sealed {
            self.tokens.get_mut(sealed).is_sealed = true;
        }
        if matches!(self.operations[operation].request, Request::Reset { .. }) {
            self.operations[operation].is_carried_out = true;
        }
    }

    fn check_tokens(&mut self, name: &str, before: &BranchRecord, after: &BranchRecord) {
        let fresh = after.staging != before.staging;
        let is_reused =
            fresh && self.tokens.get(&after.staging).is_some_and(|token| token.is_sealed);
        let is_taken = |other: &BranchRecord| other.tokens().any(|token| *token == after.staging);
        let is_shared =
            self.branches.iter().any(|(other, record)| other != name && is_taken(record));
        if is_reused || is_shared {
            self.accuse(format!("branch {name} takes writes into a used token: {after:?}"));
        }
        self.tokens.get_mut(&after.staging);
    }

    /// What can be seen at one key must not change, but for what was asked for.
    fn check_key(
        &mut self,
        operation: usize,
        before: &BranchRecord,
        after: &BranchRecord,
        dropped: &[Bytes],
        key: &str,
        seen_before: Option<Val>,
    ) {
        let (Ok(old), Ok(new)) =
            (self.commits.content(&before.head), self.commits.content(&after.head))
        else {
            return;
        };
        let (old, new) = (old.get(key).copied(), new.get(key).copied());
        let request = self.operations[operation].request.clone();
        let staged = self.tokens.staged(after, key);
        let seen = staged.unwrap_or(new);

        // Nothing that says anything may go with the tokens of a branch that had to be clean.
        if request.is_merge_like() && before.head != after.head {
            let candidates = self.tokens.candidates(dropped.iter(), key, old);
            if !candidates.contains(&old) {
                self.accuse_operation(operation, &format!("drops {candidates:?} staged at {key}"));
            }
        }
        if seen == seen_before {
            return;
        }
        let is_reset = matches!(&request, Request::Reset { scope, .. } if scope.includes(key));
        if is_reset && seen == new {
            return;
        }
        let is_merged = request.is_merge_like() && before.head != after.head;
        if is_merged && seen_before == old && staged.is_none() {
            return;
        }
        if !self.lose_late(dropped, key) {
            let what = format!("changes what is seen at {key} from {seen_before:?} to {seen:?}");
            self.accuse_operation(operation, &what);
        }
    }

    /// Marks entries lost that were written after their token was sealed. Returns whether there was
    /// one that nobody relies on.
    fn lose_late(&mut self, dropped: &[Bytes], key: &str) -> bool {
        let tick = self.tick;
        let mut is_excused = false;
        for (writer, late) in self.tokens.late(dropped.iter(), key) {
            let writer = &mut self.operations[writer];
            // Unless it was written again since.
            let is_last = writer.applied.get(key).is_some_and(|applied| *applied <= late);
            if writer.ending != Ending::Done && is_last {
                writer.applied.remove(key);
                writer.lost.insert(key.to_owned(), tick);
                is_excused = true;
            }
        }
        is_excused
    }

    /// The head of a branch has changed: by whom, from what, and to what content.
    fn check_move(&mut self, operation: usize, before: &BranchRecord, after: &BranchRecord) {
        let head = after.head.clone();
        self.operations[operation].moved = Some(head.clone());
        let request = self.operations[operation].request.clone();
        let since = self.operations[operation].since;
        if let Request::HardReset { reference, .. } = &request {
            if !self.commits_at(reference, since).contains(&head) {
                self.accuse_operation(operation, &format!("resets to {head}"));
            }
            return;
        }
        let Some(record) = self.commits.get(&head).cloned() else {
            return self
                .accuse_operation(operation, &format!("moves to {head}, which is not stored"));
        };
        if record.parents.first() != Some(&before.head) {
            let what = format!("makes {head}, which follows {:?}", record.parents);
            self.accuse_operation(operation, &what);
        }
        let is_right = match self.commits.content(&head) {
            Ok(content) => {
                self.is_content_right(&request, since, before, &record.parents, &content)
            }
            Err(_) => true,
        };
        if !is_right {
            self.accuse_operation(operation, &format!("makes {head} with the wrong content"));
        }
    }

    fn is_content_right(
        &mut self,
        request: &Request,
        since: u64,
        before: &BranchRecord,
        parents: &[String],
        content: &Arc<Content>,
    ) -> bool {
        let Ok(old) = self.commits.content(&before.head) else { return true };
        match request {
            Request::Commit { .. } => {
                parents.len() == 1 && self.is_all_staged(before, &old, content)
            }
            Request::Merge { source, strategy, squash, .. } => {
                let sources = match (squash, parents) {
                    (false, [_, source]) => vec![source.clone()],
                    (true, [_]) => self.commits_at(source, since),
                    _ => return false,
                };
                let named = self.commits_at(source, since);
                let mut named = sources.iter().filter(|source| named.contains(source));
                named.any(|source| self.is_merge_of(source, &before.head, *strategy, content))
            }
            Request::Revert { reference, .. } => {
                parents.len() == 1
                    && self.is_difference(reference, since, content, |commit, parent| {
                        merged(commit, parent, &old, Strategy::Fail)
                    })
            }
            Request::CherryPick { reference, .. } => {
                parents.len() == 1
                    && self.is_difference(reference, since, content, |commit, parent| {
                        merged(parent, commit, &old, Strategy::Fail)
                    })
            }
            _ => false,
        }
    }

    /// Whether a commit took along all that was sealed, each key as it was at some moment since.
    fn is_all_staged(&self, before: &BranchRecord, old: &Content, content: &Content) -> bool {
        let staged = self.tokens.keys(before.sealed.iter()).into_iter();
        let keys: BTreeSet<&String> = staged.chain(old.keys()).chain(content.keys()).collect();
        keys.into_iter().all(|key| {
            let committed = old.get(key).copied();
            let candidates = self.tokens.candidates(before.sealed.iter(), key, committed);
            candidates.contains(&content.get(key).copied())
        })
    }

    fn is_merge_of(
        &mut self,
        source: &str,
        destination: &str,
        strategy: Strategy,
        content: &Content,
    ) -> bool {
        let bases = self.commits.merge_bases(source, destination);
        bases.iter().any(|base| {
            let base = self.commits.content(base);
            let source = self.commits.content(source);
            let destination = self.commits.content(destination);
            match (base, source, destination) {
                (Ok(base), Ok(source), Ok(destination)) => {
                    merged(&base, &source, &destination, strategy).as_ref() == Some(content)
                }
                _ => true,
            }
        })
    }

    /// Whether `content` is what `apply` makes of a commit that `reference` names and its parent.
    fn is_difference(
        &mut self,
        reference: &str,
        since: u64,
        content: &Content,
        apply: impl Fn(&Content, &Content) -> Option<Content>,
    ) -> bool {
        let commits = self.commits_at(reference, since);
        commits.iter().any(|commit| {
            let parent =
                self.commits.get(commit).and_then(|record| record.parents.first().cloned());
            let parent = match parent {
                Some(parent) => self.commits.content(&parent),
                None => Ok(Arc::default()),
            };
            match (self.commits.content(commit), parent) {
                (Ok(commit), Ok(parent)) => apply(&commit, &parent).as_ref() == Some(content),
                _ => true,
            }
        })
    }
}
