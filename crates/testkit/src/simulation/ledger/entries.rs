//! An entry of a staging area changes: who may do that, and what is seen then.

use bytes::Bytes;

use super::Ending;
use super::History;
use super::Ledger;
use super::records;
use super::records::BranchRecord;
use super::staging::Change;
use super::staging::Entry;
use crate::simulation::request::Request;
use crate::simulation::request::Scope;
use crate::simulation::request::Val;

/// Where an entry is changed.
struct Place<'a> {
    branch: &'a str,
    token: &'a Bytes,
    key: &'a str,
}

impl Ledger {
    pub(super) fn entry_written(
        &mut self,
        operation: Option<usize>,
        token: &Bytes,
        key: &str,
        stored: Option<&Bytes>,
    ) {
        let entry = stored.map(|stored| records::staged(stored));
        let names = |branch: &BranchRecord| branch.tokens().any(|named| named == token);
        let named = self.branches.iter().find(|(_, branch)| names(branch));
        let branch = named.map(|(branch, _)| branch.clone());
        let takes_back =
            operation.is_some_and(|operation| self.takes_back(operation, token, key, entry));
        if let Some(branch) = &branch {
            let place = Place { branch, token, key };
            match operation {
                Some(operation) => self.check_entry(operation, &place, entry, takes_back),
                None => self.accuse(format!("an entry of {branch} at {key} changes by itself")),
            }
        }
        let is_wiped = entry.is_none() && branch.is_none() && !takes_back;
        self.tokens.set(token, key, Change::new(entry, operation, self.tick, is_wiped));
        if let Some(operation) = operation {
            let asked = &mut self.operations[operation];
            asked.has_written |= entry.is_some() || matches!(asked.request, Request::Delete { .. });
        }
        if let (Some(branch), Some(operation)) = (&branch, operation) {
            self.note_entry(operation, branch, key, takes_back);
        }
    }

    fn note_entry(&mut self, operation: usize, branch: &str, key: &str, takes_back: bool) {
        let tick = self.tick;
        let changed = &mut self.operations[operation];
        if takes_back {
            changed.applied.remove(key);
            changed.hides_another = false;
        } else {
            changed.applied.insert(key.to_owned(), tick);
        }
        changed.lost.remove(key);
        self.touched.entry(branch.to_owned()).or_default().push(tick);
        self.look_at_key(branch, key);
        self.look_at_branch(branch);
    }

    /// Whether an operation that was to write only where nothing is removes what it has written.
    fn takes_back(&self, operation: usize, token: &Bytes, key: &str, entry: Entry) -> bool {
        let asked = &self.operations[operation];
        let is_own = self.tokens.entry(token, key).flatten() == asked.own_value();
        entry.is_none() && asked.is_creation() && asked.own_value().is_some() && is_own
    }

    fn check_entry(&mut self, operation: usize, place: &Place<'_>, entry: Entry, takes_back: bool) {
        let Place { branch, key, .. } = place;
        if takes_back {
            self.check_taken_back(operation, place);
        } else if !self.may_stage(operation, place, entry) {
            let what = format!("stages {entry:?} at {key} of {branch}");
            self.accuse_operation(operation, &what);
        }
        self.check_open(operation);
    }

    /// Who takes back what it created must not undo a deletion that it was put in the place of.
    fn check_taken_back(&mut self, operation: usize, place: &Place<'_>) {
        let before = self.tokens.before(place.token, place.key, operation);
        if before.is_some_and(|before| before.entry == Some(None)) {
            let what = format!("undoes the deletion of {} on {}", place.key, place.branch);
            self.accuse_operation(operation, &what);
        }
    }

    /// Whether an operation may make an entry say this.
    fn may_stage(&mut self, operation: usize, place: &Place<'_>, entry: Entry) -> bool {
        let (on, at) = (place.branch, place.key);
        let since = self.operations[operation].since;
        match self.operations[operation].request.clone() {
            Request::Upload { branch, key, value, if_absent }
            | Request::Stage { branch, key, value, if_absent } => {
                if if_absent {
                    self.note_hidden(operation, place, value);
                }
                branch == on && key == at && entry == Some(Some(value))
            }
            Request::Delete { branch, keys, no_tombstone } => {
                let is_deletion = entry == Some(None) || (entry.is_none() && no_tombstone);
                branch == on && is_deletion && keys.iter().any(|key| key == at)
            }
            Request::Copy { source, from, branch, key } => {
                let staged = entry.flatten();
                self.operations[operation].copied = staged;
                branch == on
                    && key == at
                    && staged.is_some()
                    && self.could_read(&source, &from, since, staged)
            }
            Request::Reset { branch, scope: Scope::Key(key) } => {
                branch == on && key == at && entry == Some(self.committed(on, at))
            }
            _ => false,
        }
    }

    /// Notes whether a creation puts `value` where another one is seen. Only what was written after its
    /// token had been sealed may be hidden so, and its writer must not be content with that.
    fn note_hidden(&mut self, operation: usize, place: &Place<'_>, value: Val) {
        let Place { branch, token, key } = *place;
        let Some(record) = self.branches.get(branch) else { return };
        let is_on_top = record
            .tokens()
            .take_while(|above| *above != token)
            .all(|above| self.tokens.entry(above, key).is_none());
        let seen = self.visible.get(&(branch.to_owned(), key.to_owned()));
        let seen = seen.and_then(|seen| *seen.now());
        if seen == Some(value) || !is_on_top {
            return;
        }
        let late = self.tokens.late_on_top(record.tokens(), key);
        let late = late.filter(|late| self.operations[*late].ending != Ending::Done);
        self.operations[operation].hides_another = seen.is_some() && late.is_none();
        if let Some(late) = late.filter(|_| seen.is_some()) {
            self.lose(late, key);
        }
    }

    /// Notes that what an operation has written at a key does not count any more.
    pub(super) fn lose(&mut self, writer: usize, key: &str) {
        let writer = &mut self.operations[writer];
        writer.applied.remove(key);
        writer.lost.insert(key.to_owned(), self.tick);
    }

    /// What the head of a branch has at a key.
    pub(super) fn committed(&mut self, branch: &str, key: &str) -> Option<Val> {
        let head = self.branches.get(branch)?.head.clone();
        match self.commits.content(&head) {
            Ok(content) => content.get(key).copied(),
            Err(problem) => {
                self.accuse(problem);
                None
            }
        }
    }

    /// Notes what can be seen at a key now.
    pub(super) fn look_at_key(&mut self, branch: &str, key: &str) {
        let committed = self.committed(branch, key);
        let record = self.branches.get(branch);
        let staged = record.and_then(|record| self.tokens.staged(record, key));
        let seen = staged.unwrap_or(committed);
        let place = (branch.to_owned(), key.to_owned());
        let tick = self.tick;
        let visible = self.visible.entry(place.clone());
        visible.or_insert_with(|| History::beginning_with(None)).set(tick, seen);
        let clean = self.clean.entry(place);
        clean.or_insert_with(|| History::beginning_with(true)).set(tick, seen == committed);
    }

    /// Notes whether anything is staged on a branch.
    pub(super) fn look_at_branch(&mut self, branch: &str) {
        let is_clean = self
            .clean
            .range((branch.to_owned(), String::new())..)
            .take_while(|((name, _), _)| name == branch)
            .all(|(_, clean)| *clean.now());
        let tick = self.tick;
        let history = self.clean_branches.entry(branch.to_owned());
        history.or_insert_with(|| History::beginning_with(true)).set(tick, is_clean);
    }
}
