//! What may come of an operation whose store goes wrong once.
//!
//! ```text
//! it says           what must be seen
//! done              the same answer and the same state as without a fault
//! not done          everything as it was
//! outcome unknown   one or the other; of an operation that is several things, some of them
//! anything else     never: it would blame the request or somebody else for a fault of a store
//! ```
//!
//! A slow call is no fault at all, and a store that asks for patience is not called broken.

use std::collections::HashMap;
use std::sync::Arc;

use lakehold_catalog::ErrorKind;
use lakehold_kv::MemStore;

use super::Fault;
use super::MOST_CALLS;
use super::Nth;
use super::Place;
use super::lake::Bench;
use super::lake::Life;
use super::lake::Stored;
use super::operations::Again;
use super::operations::Operation;
use super::operations::Outcome;
use super::sight::Sight;
use crate::fates::Access;

/// An operation, and what it does where nothing goes wrong.
pub(super) struct Case {
    operation: &'static Operation,
    place: Place,
    stored: Stored,
    before: Arc<Sight>,
    after: Arc<Sight>,
    answer: String,
    calls: Vec<Access>,
    /// What can be seen of what is stored, by a hash of it.
    sights: HashMap<u64, Arc<Sight>>,
}

impl Case {
    pub(super) fn new(operation: &'static Operation, place: Place, empty: MemStore) -> Self {
        let stored = operation.prepare(empty);
        let before = Arc::new(Sight::of(&stored));
        let run = stored.copy();
        let bench = Bench::new(Life::Run);
        let fates = Nth::new(bench.executor(), None);
        let answer = bench.run(operation, &run, place, fates.clone());
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error:?}", operation.name));
        let calls = fates.calls().clone();
        assert!(calls.len() < MOST_CALLS, "{} makes {} calls", operation.name, calls.len());
        let after = Arc::new(Sight::of(&run));
        let sights = HashMap::new();
        Self { operation, place, stored, before, after, answer, calls, sights }
    }

    /// Whether the operation changes anything that can be seen.
    pub(super) fn changes_something(&self) -> bool {
        self.before != self.after
    }

    /// The calls that the operation makes where nothing goes wrong.
    pub(super) fn calls(&self) -> Vec<Access> {
        self.calls.clone()
    }

    /// Runs the operation with `fault` at its `nth` call. Returns what is wrong with what came of it.
    pub(super) fn check(&mut self, nth: usize, fault: Fault) -> Result<(), String> {
        let stored = self.stored.copy();
        let bench = Bench::new(Life::Run);
        let fates = Nth::new(bench.executor(), Some((nth, fault)));
        let outcome = bench.run(self.operation, &stored, self.place, fates.clone());
        if fates.injected() != 1 {
            return Err(format!("{} faults were injected", fates.injected()));
        }
        let now = self.sight(&stored);
        self.judge(fault, &outcome, &now).map_err(|what| format!("{what}: {outcome:?}"))?;
        self.repeat(&stored, &outcome, &now).map_err(|what| format!("{what}, after {outcome:?}"))
    }

    fn sight(&mut self, stored: &Stored) -> Arc<Sight> {
        let sight = self.sights.entry(stored.hash());
        sight.or_insert_with(|| Arc::new(Sight::of(stored))).clone()
    }

    fn judge(&self, fault: Fault, outcome: &Outcome, now: &Sight) -> Result<(), String> {
        match outcome {
            Ok(answer) if *answer != self.answer => Err(format!("not {:?}", self.answer)),
            Ok(_) if self.operation.puts_off && *now == *self.before => Ok(()),
            Ok(_) if *now != *self.after => Err(now.differences("acknowledged", &self.after)),
            Ok(_) => Ok(()),
            Err(_) if fault == Fault::Slow => Err("fails because a call was slow".to_owned()),
            Err(error) => self.judge_error(fault, error.kind, now),
        }
    }

    fn judge_error(&self, fault: Fault, kind: ErrorKind, now: &Sight) -> Result<(), String> {
        let is_untouched = *now == *self.before;
        let is_whole = is_untouched || *now == *self.after;
        match kind {
            ErrorKind::OutcomeUnknown if is_whole || self.operation.is_piecemeal => Ok(()),
            ErrorKind::OutcomeUnknown => Err(now.differences("half done", &self.before)),
            ErrorKind::Internal | ErrorKind::Throttled if !is_untouched => {
                Err(now.differences("claims that nothing was done", &self.before))
            }
            ErrorKind::Internal if fault != Fault::Throttled => Ok(()),
            ErrorKind::Throttled if fault == Fault::Throttled => Ok(()),
            blamed => Err(format!("blames something else ({blamed:?})")),
        }
    }

    /// Runs the operation again where nothing goes wrong.
    fn repeat(&mut self, stored: &Stored, first: &Outcome, now: &Sight) -> Result<(), String> {
        let was_done = *now == *self.after && self.before != self.after;
        let bench = Bench::new(Life::Repetition);
        let fates = Nth::new(bench.executor(), None);
        let again = bench.run(self.operation, stored, self.place, fates);
        if self.operation.keeps_namespace && is_unknown(first) && is_in_use(&again) {
            return Ok(());
        }
        let is_right = match (&again, self.operation.again) {
            (Ok(_), Again::Works) => true,
            (Ok(_), Again::Refused(_)) => !was_done,
            (Err(error), Again::Refused(kind)) => was_done && error.kind == kind,
            (Err(_), Again::Works) => false,
        };
        if !is_right {
            return Err(format!("repeated: {again:?}"));
        }
        let then = self.sight(stored);
        if then != self.after && !(was_done && self.operation.adds_up) {
            return Err(then.differences("repeated", &self.after));
        }
        Ok(())
    }
}

fn is_unknown(outcome: &Outcome) -> bool {
    outcome.as_ref().is_err_and(|error| error.kind == ErrorKind::OutcomeUnknown)
}

fn is_in_use(outcome: &Outcome) -> bool {
    outcome.as_ref().is_err_and(|error| error.text.starts_with("NamespaceInUse"))
}
