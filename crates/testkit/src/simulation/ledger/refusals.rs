//! Refusals: what a server says it did not do must not be done, and there must be a reason.

use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::ErrorKind;

use super::Ending;
use super::Ledger;
use crate::simulation::request::Request;

impl Ledger {
    /// Checks an error that an operation is answered with, and returns what its client knows then.
    pub(super) fn check_refusal(&mut self, operation: usize, error: &CatalogError) -> Ending {
        if error.kind() == ErrorKind::OutcomeUnknown {
            let asked = &self.operations[operation];
            let is_excused = asked.has_written && self.has_bad_weather();
            if asked.faults() == 0 && !asked.is_overtaken_creation() && !is_excused {
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
        if self.is_done(operation) {
            self.accuse_operation(operation, &format!("is done and fails: {error}: {error:?}"));
        }
        Ending::Failed
    }

    fn is_done(&self, operation: usize) -> bool {
        let asked = &self.operations[operation];
        !asked.applied.is_empty() || asked.moved.is_some() || asked.is_carried_out
    }

    fn has_reason(&mut self, operation: usize, error: &CatalogError) -> bool {
        use EngineError as E;
        let asked = &self.operations[operation];
        let (request, since) = (asked.request.clone(), asked.since);
        let engine = match error {
            CatalogError::Engine(engine) => engine,
            CatalogError::Block(_) => return self.has_bad_weather(),
            _ => return false,
        };
        match engine {
            E::BranchNotFound(name) => self.was_absent(name.as_str(), since),
            E::TagNotFound(name) => self.was_absent(name.as_str(), since),
            E::RefNotFound(name) => self.was_absent(name.as_str().trim_end_matches('@'), since),
            E::BranchExists(name) => self.was_present(name.as_str(), since),
            E::TagExists(name) => self.was_present(name.as_str(), since),
            E::ProtectedBranch { .. } => {
                self.check_rules(operation, true);
                true
            }
            E::BranchBusy { .. } => !self.staleness.is_zero() || self.has_bad_weather(),
            E::PreconditionFailed(_) => self.is_taken(operation),
            E::DirtyBranch(name) => self.was_clean(name.as_str(), since, false),
            E::NoChanges => match &request {
                // Of two commits at once one takes what both wanted, the other finds nothing left.
                Request::Commit { branch } => {
                    self.was_clean(branch, since, true)
                        || self.has_moved(branch, since)
                        || self.late.get(branch).is_some_and(|late| *late >= since)
                }
                _ => request.is_merge_like(),
            },
            E::Conflict { .. } => request.is_merge_like(),
            E::KeyNotFound(key) => match &request {
                Request::Copy { source, .. } => self.could_read(source, key, since, None),
                _ => false,
            },
            E::RevertMergeWithoutParent(_)
            | E::CherryPickMergeWithoutParent(_)
            | E::ParentOutOfRange(_) => request.is_merge_like(),
            E::Kv(_) | E::Tree(_) => self.has_bad_weather(),
            _ => false,
        }
    }

    /// Whether anything was refused or lost; loads are shared, so that one refusal may fail several.
    fn has_bad_weather(&self) -> bool {
        self.weather.faults() != (0, 0)
    }

    /// Whether somebody else's value was where one was to be created.
    fn is_taken(&mut self, operation: usize) -> bool {
        let asked = &self.operations[operation];
        let since = asked.since;
        match asked.request.clone() {
            Request::Upload { branch, key, value, if_absent: true }
            | Request::Stage { branch, key, value, if_absent: true } => {
                let seen = self.seen_at(&branch, &key, since);
                seen.into_iter().flatten().any(|seen| seen != value)
            }
            Request::Protect { .. } => true,
            _ => false,
        }
    }

    fn has_moved(&self, branch: &str, since: u64) -> bool {
        self.heads.get(branch).is_some_and(|heads| heads.within(since).count() > 1)
    }

    fn was_clean(&self, branch: &str, since: u64, is_clean: bool) -> bool {
        let known = self.clean_branches.get(branch);
        known.is_none_or(|history| history.was(since, &is_clean))
    }
}
