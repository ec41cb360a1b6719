//! Writes as the store carries them out: to which record they go, and whether they may.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Write;

use super::Ending;
use super::History;
use super::Ledger;
use super::Rules;
use super::records;
use super::records::BranchRecord;
use super::records::CommitRecord;
use super::records::RulesRecord;
use super::records::TagRecord;
use crate::simulation::executor::Tag;
use crate::simulation::request::Request;
use crate::simulation::request::Scope;
use crate::simulation::request::Val;

/// What partitions of the repository and of its tokens begin with.
const LAKE: &[u8] = b"lake-";

impl Ledger {
    /// Puts down a write that the store was asked for.
    pub(crate) fn written(&mut self, now: Duration, tag: Tag, write: &Write, outcome: Outcome) {
        self.tick += 1;
        self.now = now;
        if outcome == Outcome::PreconditionFailed || !write.partition.starts_with(LAKE) {
            return;
        }
        let key = String::from_utf8_lossy(&write.key).into_owned();
        if write.partition.contains(&b':') {
            return self.entry_written(tag.operation, &write.partition, &key, write.value.as_ref());
        }
        match key.split_once('/') {
            Some(("branches", name)) => self.branch_record_written(tag.operation, name, write),
            Some(("tags", name)) => self.tag_written(tag.operation, name, write),
            Some(("commits", id)) => self.commit_written(id, write),
            Some(("settings", _)) => self.rules_written(tag.operation, write),
            _ => {}
        }
    }

    fn branch_record_written(&mut self, operation: Option<usize>, name: &str, write: &Write) {
        let before = self.branches.get(name).cloned();
        let after = write.value.as_ref().map(|value| records::decode::<BranchRecord>(value));
        // The creation of the repository is no operation of a client.
        let is_first = operation.is_none() && before.is_none();
        if !is_first && !is_compare_and_set(write) {
            self.accuse(format!("branch {name} is written without a condition: {write:?}"));
        }
        self.branch_changed(operation, name, before, after);
    }

    fn tag_written(&mut self, operation: Option<usize>, name: &str, write: &Write) {
        if !is_compare_and_set(write) {
            self.accuse(format!("tag {name} is written without a condition: {write:?}"));
        }
        let head = write.value.as_ref().map(|value| records::decode::<TagRecord>(value).head);
        let is_asked_for = operation.is_some_and(|operation| {
            let since = self.operations[operation].since;
            match (&self.operations[operation].request, &head) {
                (Request::CreateTag { tag, source }, Some(head)) => {
                    tag == name && self.commits_at(source, since).contains(head)
                }
                (Request::DeleteTag { tag }, None) => tag == name,
                _ => false,
            }
        });
        if !is_asked_for {
            self.accuse(format!("nobody asked for tag {name} to be {head:?}"));
        }
        if let Some(head) = &head {
            self.check_complete(head);
        }
        self.carried_out(operation);
        let tick = self.tick;
        let history = self.tags.entry(name.to_owned());
        history.or_insert_with(|| History::beginning_with(None)).set(tick, head);
    }

    fn commit_written(&mut self, id: &str, write: &Write) {
        match &write.value {
            Some(value) => self.commits.add(id, records::decode::<CommitRecord>(value)),
            None => self.accuse(format!("commit {id} is removed")),
        }
    }

    fn rules_written(&mut self, operation: Option<usize>, write: &Write) {
        let value = write.value.clone().unwrap_or_default();
        let rules: BTreeSet<String> =
            records::decode::<RulesRecord>(&value).rules.into_keys().collect();
        let is_asked_for = operation.is_some_and(|operation| {
            matches!(&self.operations[operation].request, Request::Protect { branches } if *branches == rules)
        });
        if !is_asked_for {
            self.accuse(format!("nobody asked for the rules {rules:?}"));
        }
        self.carried_out(operation);
        self.rules.push(Rules { time: self.now, by: operation, protected: rules });
    }

    /// Notes that an operation has changed the record it was to change, which it may do only before
    /// it is answered.
    pub(super) fn carried_out(&mut self, operation: Option<usize>) {
        let Some(operation) = operation else { return };
        self.operations[operation].is_carried_out = true;
        self.check_open(operation);
    }

    /// An operation whose client was told how it ended changes nothing any more.
    pub(super) fn check_open(&mut self, operation: usize) {
        if matches!(self.operations[operation].ending, Ending::Done | Ending::Failed) {
            self.accuse_operation(operation, "goes on after it was answered");
        }
    }

    /// Every file of the tree of a commit that a reference leads to must be there.
    pub(super) fn check_complete(&mut self, commit: &str) {
        if let Err(problem) = self.commits.content(commit) {
            self.accuse(problem);
        }
    }

    fn entry_written(
        &mut self,
        operation: Option<usize>,
        token: &Bytes,
        key: &str,
        stored: Option<&Bytes>,
    ) {
        let entry = stored.map(|stored| records::staged(stored));
        self.tokens.set(token, key, entry, operation, self.tick);
        if let Some(operation) = operation {
            self.operations[operation].has_written |= entry.is_some();
        }
        let names = |branch: &BranchRecord| branch.tokens().any(|named| named == token);
        let named = self.branches.iter().find(|(_, branch)| names(branch));
        let Some((branch, _)) = named else { return };
        let branch = branch.clone();
        let Some(operation) = operation else {
            return self.accuse(format!("an entry of {branch} at {key} changes by itself"));
        };
        let takes_back = entry.is_none() && self.operations[operation].has_created(key);
        if !takes_back && !self.may_stage(operation, &branch, key, entry.flatten()) {
            let what = format!("stages {entry:?} at {key} of {branch}");
            self.accuse_operation(operation, &what);
        }
        self.check_open(operation);
        let tick = self.tick;
        if self.tokens.get(token).is_some_and(|token| token.is_sealed) {
            self.late.insert(branch.clone(), tick);
        }
        let changed = &mut self.operations[operation];
        if takes_back {
            changed.applied.remove(key);
        } else {
            changed.applied.insert(key.to_owned(), tick);
        }
        changed.lost.remove(key);
        self.look_at_key(&branch, key);
        self.look_at_branch(&branch);
    }

    /// Whether an operation may put `value` at a key of a branch.
    fn may_stage(&mut self, operation: usize, on: &str, at: &str, staged: Option<Val>) -> bool {
        let since = self.operations[operation].since;
        match self.operations[operation].request.clone() {
            Request::Upload { branch, key, value, if_absent }
            | Request::Stage { branch, key, value, if_absent } => {
                let hides = if_absent && self.hides_another(on, at, value);
                self.operations[operation].hides_another = hides;
                branch == on && key == at && staged == Some(value)
            }
            Request::Delete { branch, keys, .. } => {
                branch == on && staged.is_none() && keys.iter().any(|key| key == at)
            }
            Request::Copy { source, from, branch, key } => {
                self.operations[operation].copied = staged;
                branch == on
                    && key == at
                    && staged.is_some()
                    && self.could_read(&source, &from, since, staged)
            }
            Request::Reset { branch, scope: Scope::Key(key) } => {
                branch == on && key == at && staged == self.committed(on, at)
            }
            _ => false,
        }
    }

    /// Whether `value` is seen from now on where another one was, whose writer was answered.
    fn hides_another(&self, branch: &str, key: &str, value: Val) -> bool {
        let seen = self.visible.get(&(branch.to_owned(), key.to_owned()));
        let was_another = seen
            .and_then(|seen| *seen.now())
            .is_some_and(|seen| seen != value && !self.is_of_open_operation(branch, key, seen));
        let record = self.branches.get(branch);
        let staged = record.and_then(|record| self.tokens.staged(record, key));
        was_another && staged == Some(Some(value))
    }

    /// Whether `value` is what somebody stages at a key who was not told yet that it is done.
    fn is_of_open_operation(&self, branch: &str, key: &str, value: Val) -> bool {
        self.operations.iter().any(|asked| {
            asked.ending != Ending::Done
                && asked.request.stages(branch, key, asked.copied) == Some(value)
        })
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

fn is_compare_and_set(write: &Write) -> bool {
    match write.precondition {
        Precondition::Unchanged(_) => true,
        Precondition::Absent => write.value.is_some(),
        Precondition::Always | Precondition::Exists => false,
    }
}
