//! Refusals: what a server says it did not do must not be done, and there must be a reason.

use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::ErrorKind;

use super::Ending;
use super::Ledger;
use crate::simulation::request::Request;

/// How often rules have to change under whoever gives up changing them.
const RULES_ATTEMPTS: usize = 10;

impl Ledger {
    /// Checks an error that an operation is answered with, and returns what its client knows then.
    pub(super) fn check_refusal(&mut self, operation: usize, error: &CatalogError) -> Ending {
        if error.kind() == ErrorKind::OutcomeUnknown {
            if !self.may_not_know(operation) {
                self.accuse_operation(operation, &format!("does not know for no reason: {error}"));
            }
            return Ending::Unknown;
        }
        if !self.has_reason(operation, error) {
            self.accuse_operation(
                operation,
                &format!("fails without a reason: {error}: {error:?}"),
            );
        }
        // "Busy" says: send it again, whatever of it was done does no harm.
        let is_repeatable = self.operations[operation].request.is_repeatable();
        if error.kind() == ErrorKind::Busy && is_repeatable {
            return Ending::Unknown;
        }
        if self.is_done(operation) {
            self.accuse_operation(operation, &format!("is done and fails: {error}: {error:?}"));
        }
        Ending::Failed
    }

    fn is_done(&self, operation: usize) -> bool {
        let asked = &self.operations[operation];
        !asked.applied.is_empty() || asked.moved.is_some() || asked.is_carried_out
    }

    /// Whether an operation may be unable to tell whether it is done: the answer of a write was lost, or
    /// it has staged something, and then could not see whether that counts, or found the branch moved
    /// and another value in the place of what it created.
    fn may_not_know(&self, operation: usize) -> bool {
        let asked = &self.operations[operation];
        let was_moved = asked.is_creation() && self.record_changes(operation) > 0;
        let saw_nothing = asked.faults() > 0 || self.shares_a_fault(operation) || was_moved;
        // A deletion of a repository that was cut off after it had begun.
        let is_begun = asked.faults() > 0 && self.has_begun_to_delete(operation);
        let is_left_open = asked.lost_answers > 0 || is_begun || (asked.has_written && saw_nothing);
        !asked.request.is_read() && is_left_open
    }

    fn has_begun_to_delete(&self, operation: usize) -> bool {
        match &self.operations[operation].request {
            Request::DeletePond { pond } => self.could_find_going(operation, pond),
            _ => false,
        }
    }

    fn has_reason(&mut self, operation: usize, error: &CatalogError) -> bool {
        use EngineError as E;
        let asked = &self.operations[operation];
        let (request, since) = (asked.request.clone(), asked.since);
        if let Some(pond) = request.pond() {
            return self.has_pond_reason(operation, pond, error);
        }
        let engine = match error {
            CatalogError::Engine(engine) => engine,
            CatalogError::Block(_) => return asked.faults() > 0,
            _ => return false,
        };
        match engine {
            E::BranchNotFound(name) => self.was_absent(name.as_str(), since),
            E::TagNotFound(name) => self.was_absent(name.as_str(), since),
            E::RefNotFound(name) => {
                self.was_absent(name.as_str().trim_end_matches(['@', '$']), since)
            }
            E::BranchExists(name) => self.was_present(name.as_str(), since),
            E::TagExists(name) => self.was_present(name.as_str(), since),
            E::ProtectedBranch { .. } => {
                self.check_rules(operation, true);
                request.is_subject_to_rules()
            }
            E::BranchBusy { attempts, .. } => {
                self.record_changes(operation) + self.entry_changes(operation) >= *attempts as usize
            }
            E::PreconditionFailed(_) => self.is_taken(operation),
            E::DirtyBranch(name) => request.is_merge_like() && self.was_dirty(name.as_str(), since),
            E::NoChanges => {
                let sealed = asked.sealed;
                self.has_no_changes(&request, since, sealed)
            }
            E::Conflict { .. } => {
                self.inputs_since(&request, since).iter().any(|inputs| inputs.merged().is_none())
            }
            E::KeyNotFound(key) => match &request {
                Request::Copy { source, .. } => self.could_read(source, key, since, None),
                _ => false,
            },
            E::RevertMergeWithoutParent(_) | E::CherryPickMergeWithoutParent(_) => {
                self.could_name_commit(&request, since, |parents| parents > 1)
            }
            E::ParentOutOfRange(_) => {
                self.could_name_commit(&request, since, |parents| parents == 0)
            }
            E::Kv(_) => asked.faults() > 0,
            E::Tree(_) => asked.faults() > 0 || self.shares_a_fault(operation),
            _ => false,
        }
    }

    /// Whether a call of the store has failed since an operation began, or just before: one load of a
    /// file serves all who wait for it.
    pub(super) fn shares_a_fault(&self, operation: usize) -> bool {
        let since = self.operations[operation].since_time;
        self.last_fault.is_some_and(|fault| fault + self.slowest >= since)
    }

    /// How often the record of its branch was changed since an operation began.
    fn record_changes(&self, operation: usize) -> usize {
        let asked = &self.operations[operation];
        let branch = asked.request.branch().unwrap_or_default();
        self.records.get(branch).map_or(0, |records| records.changes(asked.since))
    }

    /// How often an entry of its branch was changed since an operation began.
    fn entry_changes(&self, operation: usize) -> usize {
        let asked = &self.operations[operation];
        let touched = self.touched.get(asked.request.branch().unwrap_or_default());
        touched.map_or(0, |ticks| ticks.iter().filter(|tick| **tick >= asked.since).count())
    }

    fn has_no_changes(&mut self, request: &Request, since: u64, sealed: Option<u64>) -> bool {
        match request {
            Request::Commit { branch } => self.had_nothing_to_commit(branch, since, sealed),
            Request::Merge { .. } | Request::CherryPick { .. } => {
                let mut inputs = self.inputs_since(request, since).into_iter();
                inputs.any(|inputs| inputs.source == inputs.base)
            }
            Request::Revert { .. } => {
                let mut inputs = self.inputs_since(request, since).into_iter();
                inputs.any(|inputs| inputs.merged().as_ref() == Some(&*inputs.destination))
            }
            _ => false,
        }
    }

    /// Whether a request to revert or to pick could name a commit with such a number of parents.
    fn could_name_commit(
        &self,
        request: &Request,
        since: u64,
        is_such: impl Fn(usize) -> bool,
    ) -> bool {
        let (Request::Revert { reference, .. } | Request::CherryPick { reference, .. }) = request
        else {
            return false;
        };
        let commits = self.commits_at(reference, since);
        let mut records = commits.iter().filter_map(|commit| self.commits.get(commit));
        records.any(|record| is_such(record.parents.len()))
    }

    /// Whether somebody else's value was where one was to be created.
    fn is_taken(&mut self, operation: usize) -> bool {
        let asked = &self.operations[operation];
        let since = asked.since;
        match asked.request.clone() {
            Request::Upload { branch, key, value, if_absent: true }
            | Request::Stage { branch, key, value, if_absent: true } => {
                let found = self.readable(&branch, &key, since);
                found.into_iter().flatten().any(|found| found != value)
            }
            Request::Protect { .. } => {
                self.rules.iter().filter(|rules| rules.tick >= since).count() >= RULES_ATTEMPTS
            }
            _ => false,
        }
    }

    fn was_dirty(&self, name: &str, since: u64) -> bool {
        self.clean_branches.get(name).is_some_and(|history| history.was(since, &false))
    }
}
