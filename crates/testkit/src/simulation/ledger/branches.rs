//! A branch record changes: what may have moved, and what must still be there.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::Ending;
use super::Ledger;
use super::Operation;
use super::history::History;
use super::history::Period;
use super::records::BranchRecord;
use crate::simulation::request::Request;
use crate::simulation::request::Val;

/// A branch record that takes the place of another one.
struct Replacement<'a> {
    operation: usize,
    name: &'a str,
    before: &'a BranchRecord,
    /// When the branch was in that state.
    period: Period,
    after: &'a BranchRecord,
    /// Tokens that are not named any more, newest first.
    dropped: Vec<Bytes>,
}

impl Replacement<'_> {
    fn moves_head(&self) -> bool {
        self.before.head != self.after.head
    }
}

impl Ledger {
    pub(super) fn branch_changed(
        &mut self,
        operation: Option<usize>,
        name: &str,
        before: Option<&BranchRecord>,
        after: Option<&BranchRecord>,
    ) {
        let keys = self.keys_of(name, before, after);
        let seen_before: Vec<Option<Val>> =
            keys.iter().map(|key| self.seen_now(name, key)).collect();
        match after {
            Some(record) => self.branches.insert(name.to_owned(), record.clone()),
            None => self.branches.remove(name),
        };
        let period = self.note_record(name, after);
        match (before, after) {
            (None, Some(after)) => self.branch_created(operation, name, after),
            (Some(before), None) => self.branch_deleted(operation, name, before),
            (Some(before), Some(after)) => match operation {
                None => self.accuse(format!("branch {name} changes by itself")),
                Some(operation) => {
                    let is_kept = |token: &Bytes| after.tokens().any(|kept| kept == token);
                    let dropped = before.tokens().filter(|token| !is_kept(token)).cloned();
                    let dropped = dropped.collect();
                    let change = Replacement { operation, name, before, period, after, dropped };
                    self.branch_replaced(&change, &keys, &seen_before);
                }
            },
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

    /// Puts down the record of a branch. Returns when the one before was in force.
    fn note_record(&mut self, name: &str, record: Option<&BranchRecord>) -> Period {
        let tick = self.tick;
        let heads = self.heads.entry(name.to_owned());
        let heads = heads.or_insert_with(|| History::beginning_with(None));
        heads.set(tick, record.map(|record| record.head.clone()));
        let records = self.records.entry(name.to_owned());
        let records = records.or_insert_with(|| History::beginning_with(None));
        let period = Period { from: records.since(), to: tick };
        records.set(tick, record.cloned());
        period
    }

    fn branch_created(&mut self, operation: Option<usize>, name: &str, after: &BranchRecord) {
        self.check_fresh(name, after, after.tokens());
        if !after.sealed.is_empty() {
            self.accuse(format!("branch {name} begins with something sealed: {after:?}"));
        }
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
        self.check_complete(&after.head);
        self.carried_out(Some(operation));
    }

    /// Tokens that a branch names from now on must be ones that no branch ever named: those are wiped.
    fn check_fresh<'a>(
        &mut self,
        name: &str,
        after: &BranchRecord,
        named: impl Iterator<Item = &'a Bytes>,
    ) {
        for token in named {
            if self.tokens.name(token) {
                self.accuse(format!("branch {name} takes up a used token: {after:?}"));
            }
        }
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
        change: &Replacement<'_>,
        keys: &BTreeSet<String>,
        seen_before: &[Option<Val>],
    ) {
        let Replacement { operation, name, before, after, .. } = *change;
        if self.operations[operation].request.branch() != Some(name) {
            self.accuse_operation(operation, &format!("changes branch {name}"));
        }
        self.check_open(operation);
        let is_new = |token: &&Bytes| before.tokens().all(|known| known != *token);
        self.check_fresh(name, after, after.tokens().filter(is_new));
        if before.staging != after.staging && change.moves_head() {
            self.accuse_operation(operation, "moves a branch and its staging area at once");
        }
        if change.moves_head() {
            self.check_move(change);
        }
        for (key, seen) in keys.iter().zip(seen_before) {
            self.check_key(change, key, *seen);
        }
        for sealed in &after.sealed {
            self.tokens.seal(sealed);
        }
        if after.sealed.contains(&before.staging) {
            self.operations[operation].sealed = Some(self.tick);
        }
        if matches!(self.operations[operation].request, Request::Reset { .. }) {
            self.operations[operation].is_carried_out = true;
        }
    }

    /// What can be seen at one key must not change, but for what was asked for.
    fn check_key(&mut self, change: &Replacement<'_>, key: &str, seen_before: Option<Val>) {
        let Replacement { operation, before, after, period, .. } = *change;
        let (Ok(old), Ok(new)) =
            (self.commits.content(&before.head), self.commits.content(&after.head))
        else {
            return;
        };
        let (old, new) = (old.get(key).copied(), new.get(key).copied());
        let request = self.operations[operation].request.clone();
        let staged = self.tokens.staged(after, key);
        let seen = staged.unwrap_or(new);
        let is_merged = request.is_merge_like() && change.moves_head();

        // Nothing that says anything may go with the tokens of a branch that had to be clean.
        if is_merged {
            let candidates = self.tokens.candidates(change.dropped.iter(), key, old, period);
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
        if is_merged && seen_before == old && staged.is_none() {
            return;
        }
        if !self.lose_late(&change.dropped, key) {
            let what = format!("changes what is seen at {key} from {seen_before:?} to {seen:?}");
            self.accuse_operation(operation, &what);
        }
        self.check_reappears(change.name, key, seen);
    }

    /// Marks entries lost that were written after their token was sealed. Returns whether what was seen
    /// was such an entry, or what one was removed from, and nobody relies on it.
    fn lose_late(&mut self, dropped: &[Bytes], key: &str) -> bool {
        let on_top = self.tokens.late_on_top(dropped.iter(), key);
        let is_unanswered = |writer: usize| self.operations[writer].ending != Ending::Done;
        let is_excused = on_top.is_some_and(is_unanswered);
        for (writer, late) in self.tokens.late(dropped.iter(), key) {
            // Unless it was written again since.
            let applied = self.operations[writer].applied.get(key);
            let is_last = applied.is_some_and(|applied| *applied <= late);
            if is_last && self.operations[writer].ending != Ending::Done {
                self.lose(writer, key);
            }
        }
        is_excused
    }

    /// A value that its writer has taken back, or lost, can be seen again, because a commit has read it
    /// before: then it is written after all.
    fn check_reappears(&mut self, branch: &str, key: &str, seen: Option<Val>) {
        let Some(value) = seen else { return };
        let wrote = |asked: &Operation| {
            asked.own_value() == Some(value) && asked.request.stages(branch, key, None).is_some()
        };
        let Some(writer) = self.operations.iter().position(wrote) else { return };
        match self.operations[writer].ending {
            Ending::Failed => self.accuse_operation(writer, "has failed, and is seen again"),
            Ending::Open | Ending::Unknown => {
                let tick = self.tick;
                self.operations[writer].applied.insert(key.to_owned(), tick);
            }
            Ending::Done => {}
        }
    }

    /// The head of a branch has changed: by whom, from what, and to what content.
    fn check_move(&mut self, change: &Replacement<'_>) {
        let Replacement { operation, before, after, period, .. } = *change;
        let head = after.head.clone();
        let moved = self.operations[operation].moved.replace((head.clone(), self.tick));
        // Whoever has lost an answer cannot tell a record that has come back from one that never changed.
        if moved.is_some() && self.operations[operation].lost_answers == 0 {
            self.accuse_operation(operation, "moves a branch twice");
        }
        let request = self.operations[operation].request.clone();
        let since = self.operations[operation].since;
        if let Request::HardReset { reference, .. } = &request {
            self.check_complete(&head);
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
        let content = match self.commits.content(&head) {
            Ok(content) => content,
            Err(problem) => return self.accuse(problem),
        };
        let state = (before, period);
        if !self.is_content_right(&request, since, state, &record.parents, &content) {
            self.accuse_operation(operation, &format!("makes {head} with the wrong content"));
        }
    }
}
