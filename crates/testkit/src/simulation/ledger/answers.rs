//! Answers: what a server says must have been so at some moment between question and answer.

use lakehold_catalog::CatalogError;

use super::Ending;
use super::Ledger;
use super::Operation;
use crate::simulation::request::Answer;
use crate::simulation::request::Request;
use crate::simulation::request::Scope;
use crate::simulation::request::Val;

impl Ledger {
    /// Notes how a server answers an operation, at the moment it does.
    pub(crate) fn answered(&mut self, operation: usize, answer: &Result<Answer, CatalogError>) {
        self.tick += 1;
        match answer {
            Ok(answer) => {
                self.check_done(operation, answer);
                self.check_rules(operation, false);
                self.end(operation, Ending::Done);
            }
            Err(error) => {
                let ending = self.check_refusal(operation, error);
                self.end(operation, ending);
            }
        }
    }

    fn end(&mut self, operation: usize, ending: Ending) {
        let asked = &mut self.operations[operation];
        if asked.ending == Ending::Open {
            asked.ending = ending;
        }
        if ending != Ending::Unknown {
            asked.until = self.tick;
        }
    }

    fn check_done(&mut self, operation: usize, answer: &Answer) {
        let since = self.operations[operation].since;
        let request = self.operations[operation].request.clone();
        let is_so = match (&request, answer) {
            (
                Request::Upload { branch, key, value, .. }
                | Request::Stage { branch, key, value, .. },
                Answer::Done,
            ) => {
                self.is_staged(operation, branch, key, Some(*value))
                    && !self.operations[operation].hides_another
            }
            (Request::Copy { branch, key, .. }, Answer::Done) => {
                let copied = self.operations[operation].copied;
                copied.is_some() && self.is_staged(operation, branch, key, copied)
            }
            (Request::Delete { branch, keys, .. }, Answer::Done) => {
                keys.iter().all(|key| self.is_staged(operation, branch, key, None))
            }
            (Request::Get { at, key }, Answer::Value(value)) => {
                self.could_read(at, key, since, *value)
            }
            (Request::List { at, paging }, Answer::Listing(rows, has_more)) => {
                self.could_list(at, paging, since, rows, *has_more)
            }
            (Request::Diff { left, right, kind, paging }, Answer::Differences(rows, has_more)) => {
                self.could_differ((left, right, *kind), paging, since, rows, *has_more)
            }
            (Request::DiffStaged { left, branch }, Answer::Differences(rows, false)) => {
                self.could_differ_from(left, branch, since, rows)
            }
            (Request::Uncommitted { branch }, Answer::Differences(rows, false)) => {
                self.could_differ_from(&format!("{branch}@"), branch, since, rows)
            }
            (Request::Log { at }, Answer::History(ids)) => self.could_log(at, since, ids),
            (
                Request::Commit { .. }
                | Request::Merge { .. }
                | Request::Revert { .. }
                | Request::CherryPick { .. },
                Answer::Moved(id),
            ) => self.has_moved_to(operation, id) || self.is_twin(operation, id),
            (Request::CreatePond { .. }, Answer::Done) => self.operations[operation].is_carried_out,
            (Request::DeletePond { pond }, Answer::Done) => self.could_miss_pond(operation, pond),
            (Request::PutInPond { pond, key, value }, Answer::Done) => {
                self.could_read_in_pond(operation, pond, key, Some(*value))
            }
            (Request::ReadPond { pond, key }, Answer::Value(value)) => {
                self.could_read_in_pond(operation, pond, key, *value)
            }
            (Request::HardReset { branch, reference }, Answer::Done) => {
                self.was_at(branch, reference, since)
            }
            (Request::Reset { branch, scope }, Answer::Done) => {
                self.is_reset(operation, branch, scope)
            }
            (
                Request::CreateBranch { .. }
                | Request::DeleteBranch { .. }
                | Request::CreateTag { .. }
                | Request::DeleteTag { .. }
                | Request::Protect { .. },
                Answer::Done,
            ) => self.operations[operation].is_carried_out || self.is_done_by_another(operation),
            _ => false,
        };
        if !is_so {
            self.accuse_operation(operation, &format!("is answered {answer:?}"));
        }
    }

    fn has_moved_to(&self, operation: usize, id: &str) -> bool {
        let moved = self.operations[operation].moved.as_ref();
        moved.is_some_and(|(head, _)| head == id)
    }

    /// Whether somebody else has made the very same commit meanwhile: the same of the same in the same
    /// second. Whoever lost the answer cannot tell, and need not.
    fn is_twin(&self, operation: usize, id: &str) -> bool {
        let asked = &self.operations[operation];
        let is_same = |other: &Operation| {
            let moved = other.moved.as_ref();
            other.request.kind() == asked.request.kind()
                && other.request.branch() == asked.request.branch()
                && moved.is_some_and(|(head, tick)| head == id && *tick >= asked.since)
        };
        asked.lost_answers > 0 && self.operations.iter().any(is_same)
    }

    /// Whether the record may say what was asked for because somebody else wrote just that: only
    /// looked at by whoever lost an answer.
    fn is_done_by_another(&self, operation: usize) -> bool {
        let asked = &self.operations[operation];
        let is_so = match &asked.request {
            Request::CreateTag { tag, source } => {
                let named = self.commits_at(source, asked.since);
                self.commits_at(tag, asked.since).iter().any(|commit| named.contains(commit))
            }
            Request::DeleteBranch { branch: name } | Request::DeleteTag { tag: name } => {
                self.was_absent(name, asked.since)
            }
            Request::Protect { branches } => {
                let in_force = self.rules.iter().rposition(|rules| rules.tick <= asked.since);
                self.rules[in_force.unwrap_or(0)..].iter().any(|rules| rules.protected == *branches)
            }
            _ => false,
        };
        is_so && asked.lost_answers > 0
    }

    /// Whether a value was seen since the operation began, and since its entry went with a token that
    /// was sealed, if it did.
    fn is_staged(&self, operation: usize, branch: &str, key: &str, value: Option<Val>) -> bool {
        let asked = &self.operations[operation];
        let since = asked.lost.get(key).copied().unwrap_or(asked.since);
        let place = (branch.to_owned(), key.to_owned());
        self.visible.get(&place).map_or(value.is_none(), |seen| seen.was(since, &value))
    }

    fn was_at(&self, branch: &str, reference: &str, since: u64) -> bool {
        let targets = self.commits_at(reference, since);
        self.commits_at(branch, since).iter().any(|head| targets.contains(head))
    }

    fn is_reset(&self, operation: usize, branch: &str, scope: &Scope) -> bool {
        let asked = &self.operations[operation];
        let of_branch = self.clean.iter().filter(|((name, _), _)| name == branch);
        let mut in_scope = of_branch.filter(|((_, key), _)| scope.includes(key));
        in_scope.all(|((_, key), clean)| {
            let since = asked.applied.get(key).copied().unwrap_or(asked.since);
            clean.was(since, &true)
        })
    }

    pub(super) fn was_absent(&self, name: &str, since: u64) -> bool {
        let known = self.heads.get(name).or_else(|| self.tags.get(name));
        known.is_none_or(|heads| heads.was(since, &None))
    }

    pub(super) fn was_present(&self, name: &str, since: u64) -> bool {
        let known = self.heads.get(name).or_else(|| self.tags.get(name));
        known.is_some_and(|heads| heads.within(since).any(Option::is_some))
    }

    /// Which rules an operation may still have met, the oldest of them: on an exclusive store those
    /// that were acknowledged, on a shared one those that are as old as a server may remember.
    fn oldest_rules(&self, asked: &super::Operation) -> usize {
        let binds = |rules: &super::Rules| match self.staleness.is_zero() {
            true => rules.by.is_none_or(|by| self.operations[by].is_done_before(asked.since)),
            false => rules.time + self.staleness <= asked.since_time,
        };
        self.rules.iter().rposition(binds).unwrap_or(0)
    }

    /// Rules must have allowed, or forbidden, an operation as recently as a server may remember.
    pub(super) fn check_rules(&mut self, operation: usize, was_forbidden: bool) {
        let asked = &self.operations[operation];
        if !asked.request.is_subject_to_rules() {
            return;
        }
        let Some(branch) = asked.request.branch() else { return };
        let first = self.oldest_rules(asked);
        let mut in_force = self.rules[first..].iter();
        if !in_force.any(|rules| rules.protected.contains(branch) == was_forbidden) {
            let what = if was_forbidden {
                "forbidden without a rule"
            } else {
                "allowed against the rules"
            };
            self.accuse_operation(operation, what);
        }
    }
}
