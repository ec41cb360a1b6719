//! Answers: what a server says must have been so at some moment between question and answer.

use lakehold_catalog::CatalogError;

use super::Ending;
use super::Ledger;
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
            (Request::List { at, prefix, after, amount }, Answer::Listing(rows, has_more)) => {
                self.could_list(at, prefix, after, *amount, since, rows, *has_more)
            }
            (Request::Log { at }, Answer::History(ids)) => self.could_log(at, since, ids),
            (
                Request::Commit { .. }
                | Request::Merge { .. }
                | Request::Revert { .. }
                | Request::CherryPick { .. },
                Answer::Moved(id),
            ) => {
                self.operations[operation].moved.as_ref() == Some(id) || self.is_twin(operation, id)
            }
            (Request::HardReset { branch, reference }, Answer::Done) => {
                self.was_at(branch, reference, since)
            }
            (Request::Reset { branch, scope }, Answer::Done) => {
                self.is_reset(operation, branch, scope)
            }
            (
                Request::CreateBranch { .. } | Request::CreateTag { .. } | Request::Protect { .. },
                _,
            ) => self.operations[operation].is_carried_out || self.may_be_anothers(operation),
            (Request::DeleteBranch { branch: name } | Request::DeleteTag { tag: name }, _) => {
                self.operations[operation].is_carried_out
                    || (self.may_be_anothers(operation) && self.was_absent(name, since))
            }
            _ => false,
        };
        if !is_so {
            self.accuse_operation(operation, &format!("is answered {answer:?}"));
        }
    }

    /// Whether somebody else has made the very same commit: the same of the same in the same second.
    /// Whoever lost the answer cannot tell, and need not.
    fn is_twin(&self, operation: usize, id: &str) -> bool {
        let asked = &self.operations[operation];
        let branch = asked.request.branch().unwrap_or_default();
        asked.lost_answers > 0 && self.commits_at(branch, asked.since).iter().any(|head| head == id)
    }

    /// Whether the record may hold what was asked for because somebody else wrote just that: only
    /// looked at by whoever lost an answer.
    fn may_be_anothers(&self, operation: usize) -> bool {
        let asked = &self.operations[operation];
        let is_about_names = !matches!(asked.request, Request::CreateBranch { .. });
        is_about_names && asked.lost_answers > 0
    }

    /// Whether a value was seen since the operation began, and since its entry went with a token that
    /// was sealed, if it did.
    fn is_staged(&self, operation: usize, branch: &str, key: &str, value: Option<Val>) -> bool {
        let asked = &self.operations[operation];
        let since = asked.lost.get(key).copied().unwrap_or(asked.since);
        let place = (branch.to_owned(), key.to_owned());
        self.visible.get(&place).is_none_or(|seen| seen.was(since, &value))
    }

    /// Whether `value` could be read at `key` since `since`: it was seen there, or is that of somebody
    /// who was not answered yet and may have been seen between two looks.
    pub(super) fn could_read(
        &mut self,
        reference: &str,
        key: &str,
        since: u64,
        value: Option<Val>,
    ) -> bool {
        self.seen_at(reference, key, since).contains(&value)
            || self.could_be_between(reference, key, since, value)
    }

    fn could_be_between(&self, branch: &str, at: &str, since: u64, read: Option<Val>) -> bool {
        let writes = |asked: &super::Operation| match &asked.request {
            Request::Delete { branch: on, keys, .. } => {
                on == branch && read.is_none() && keys.iter().any(|key| key == at)
            }
            other => read.is_some() && other.stages(branch, at, asked.copied) == read,
        };
        let overlaps = |asked: &super::Operation| asked.may_act_after(since);
        self.operations.iter().any(|asked| overlaps(asked) && writes(asked))
    }

    #[expect(clippy::too_many_arguments, reason = "a page has so many sides")]
    fn could_list(
        &mut self,
        at: &str,
        prefix: &str,
        after: &str,
        amount: usize,
        since: u64,
        rows: &[(String, Val)],
        has_more: bool,
    ) -> bool {
        let is_sorted = rows.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let is_full = rows.len() == amount;
        if !is_sorted || rows.len() > amount || (has_more && !is_full) {
            return false;
        }
        let last = rows.last().map(|(key, _)| key.clone());
        let is_asked_for = |key: &str| {
            let is_beyond = is_full && last.as_deref().is_some_and(|last| key > last);
            key.starts_with(prefix) && (after.is_empty() || key > after) && !is_beyond
        };
        let mut keys = self.keys_at(at, since);
        keys.extend(rows.iter().map(|(key, _)| key.clone()));
        keys.into_iter().all(|key| {
            let listed = rows.iter().find(|(listed, _)| *listed == key).map(|(_, value)| *value);
            match is_asked_for(&key) {
                true => self.could_read(at, &key, since, listed),
                false => listed.is_none(),
            }
        })
    }

    /// Keys that may have had a value at `reference` since `since`.
    fn keys_at(&mut self, reference: &str, since: u64) -> std::collections::BTreeSet<String> {
        let places = self.visible.keys().filter(|(branch, _)| branch == reference);
        let mut keys: std::collections::BTreeSet<String> =
            places.map(|(_, key)| key.clone()).collect();
        for commit in self.commits_at(reference, since) {
            match self.commits.content(&commit) {
                Ok(content) => keys.extend(content.keys().cloned()),
                Err(problem) => self.accuse(problem),
            }
        }
        keys
    }

    fn could_log(&self, at: &str, since: u64, ids: &[String]) -> bool {
        let listed: std::collections::BTreeSet<String> = ids.iter().cloned().collect();
        let mut heads = self.commits_at(at, since).into_iter();
        listed.len() == ids.len() && heads.any(|head| self.commits.ancestors(&head) == listed)
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
