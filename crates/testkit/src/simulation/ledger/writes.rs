//! Writes as the store carries them out: to which record they go, and whether they may.

use std::collections::BTreeSet;
use std::time::Duration;

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

/// What partitions of the repository and of its tokens begin with.
const LAKE: &[u8] = b"lake-";

impl Ledger {
    /// Puts down a write that the store was asked for.
    pub(crate) fn written(&mut self, now: Duration, tag: Tag, write: &Write, outcome: Outcome) {
        self.tick += 1;
        self.now = now;
        let is_carried_out = outcome == Outcome::Applied;
        if !is_carried_out || self.pond_written(tag.operation, write) {
            return;
        }
        if !write.partition.starts_with(LAKE) {
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
        self.branch_changed(operation, name, before.as_ref(), after.as_ref());
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
        let (time, tick) = (self.now, self.tick);
        self.rules.push(Rules { time, tick, by: operation, protected: rules });
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
}

fn is_compare_and_set(write: &Write) -> bool {
    match write.precondition {
        Precondition::Unchanged(_) => true,
        Precondition::Absent => write.value.is_some(),
        Precondition::Always | Precondition::Exists => false,
    }
}
