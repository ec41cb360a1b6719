//! Every operation, with a fault at every single call that it makes to either store.
//!
//! An operation is run once on a prepared state to count its calls, those that it causes beside the
//! caller included. Then, for each call and each fault that can befall it, it is run again on a fresh
//! copy of the state, with that fault at that call:
//!
//! ```text
//! refused    nothing is done, the call fails
//! throttled  nothing is done, the store asks to be called less often
//! slow       it takes ten seconds, and everything else goes first
//! lost       a write is carried out, and its caller does not know
//! vanished   a write is not carried out, and its caller does not know
//! torn       of the writes of one call one is carried out, and their caller does not know
//! ```
//!
//! Each time the operation must be *done*, or *not done* and say so (`case.rs`). Then it is repeated on
//! a server without faults, where it must work, or be told that it was done. The faults that were
//! injected are counted: one for each run. That all this can fail is a test as well.

mod case;
mod lake;
mod operations;
mod sight;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use lakehold_kv::MemStore;

use crate::fates::Access;
use crate::fates::Fate;
use crate::fates::Fates;
use crate::simulation::Executor;
use case::Case;
use operations::Operation;

/// How long a slow call takes: longer than anything else.
const SLOW: Duration = Duration::from_secs(10);

/// More calls than any operation makes.
const MOST_CALLS: usize = 2_000;

/// Which store the fault is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Records,
    Blocks,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Refused,
    Throttled,
    Slow,
    Lost,
    Vanished,
    Torn,
    /// Not a fault but a lie: a write is carried out and called a conflict, as by a driver that repeats
    /// it blindly after its answer was lost.
    Denied,
    /// The same for a call that is carried out and called refused.
    Disowned,
}

/// What can go wrong with such a call.
fn faults_of(access: Access) -> &'static [Fault] {
    use Fault as F;
    match access {
        Access::Read => &[F::Refused, F::Throttled, F::Slow],
        Access::Write => &[F::Refused, F::Throttled, F::Slow, F::Lost, F::Vanished],
        Access::Several => &[F::Refused, F::Throttled, F::Slow, F::Lost, F::Vanished, F::Torn],
    }
}

/// Lets one call of a store go wrong, or none, and counts.
#[derive(Debug)]
struct Nth {
    executor: Executor,
    /// The call that goes wrong, counted from one, and how.
    planned: Option<(usize, Fault)>,
    calls: Mutex<Vec<Access>>,
    injected: AtomicUsize,
}

impl Nth {
    fn new(executor: &Executor, planned: Option<(usize, Fault)>) -> Arc<Self> {
        let (calls, injected) = (Mutex::default(), AtomicUsize::new(0));
        Arc::new(Self { executor: executor.clone(), planned, calls, injected })
    }

    /// The calls so far.
    fn calls(&self) -> MutexGuard<'_, Vec<Access>> {
        self.calls.lock().expect("nobody panics while holding the lock")
    }

    fn injected(&self) -> usize {
        self.injected.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Fates for Nth {
    async fn decide(&self, access: Access) -> Fate {
        let call = {
            let mut calls = self.calls();
            calls.push(access);
            calls.len()
        };
        let fault = match self.planned {
            Some((nth, fault)) if nth == call => fault,
            _ => return Fate::CarriedOut,
        };
        self.injected.fetch_add(1, Ordering::SeqCst);
        match fault {
            Fault::Refused => Fate::Refused,
            Fault::Throttled => Fate::Throttled,
            Fault::Lost => Fate::Lost,
            Fault::Vanished => Fate::Vanished,
            Fault::Torn => Fate::Torn,
            Fault::Denied => Fate::Denied,
            Fault::Disowned => Fate::Disowned,
            Fault::Slow => {
                self.executor.sleep(SLOW).await;
                Fate::CarriedOut
            }
        }
    }
}

/// What a run of many operations has found.
#[derive(Debug, Default)]
struct Findings {
    operations: usize,
    calls: usize,
    faults: usize,
    wrong: Vec<String>,
}

impl Findings {
    /// Runs `operation` with each of the faults at each of its calls.
    fn check(
        &mut self,
        operation: &'static Operation,
        (place, empty): (Place, fn() -> MemStore),
        faults: impl Fn(Access) -> &'static [Fault],
    ) {
        let mut case = Case::new(operation, place, empty());
        let calls = case.calls();
        self.operations += 1;
        self.calls += calls.len();
        for (before, access) in calls.iter().enumerate() {
            for fault in faults(*access) {
                self.faults += 1;
                if let Err(what) = case.check(before + 1, *fault) {
                    let (name, nth, of) = (operation.name, before + 1, calls.len());
                    self.wrong.push(format!("{name}, {fault:?} {place:?} {nth} of {of}: {what}"));
                }
            }
        }
    }
}

/// Runs every operation with every fault at every call, and fails with all that is wrong.
fn check_all(place: Place, empty: fn() -> MemStore) {
    let mut found = Findings::default();
    for operation in operations::all() {
        found.check(operation, (place, empty), faults_of);
    }
    let Findings { operations, calls, faults, wrong } = found;
    eprintln!("{place:?}: {operations} operations, {calls} calls, {faults} faults");
    assert!(wrong.is_empty(), "{} of {faults}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_call_of_a_record_store_of_our_own_may_go_wrong() {
    check_all(Place::Records, MemStore::new);
}

#[test]
fn every_call_of_a_shared_record_store_may_go_wrong() {
    check_all(Place::Records, MemStore::shared);
}

#[test]
fn every_call_of_a_block_store_may_go_wrong() {
    check_all(Place::Blocks, MemStore::new);
    check_all(Place::Blocks, MemStore::shared);
}

/// What comes after its answer is waited for.
#[test]
fn an_import_is_seen() {
    let import = operations::all().find(|operation| operation.name == "import");
    let case = Case::new(import.expect("is one"), Place::Records, MemStore::new());
    assert!(case.changes_something());
}

/// That it can fail: a store that says the wrong thing after a write makes a server say it, too.
#[test]
fn a_store_that_lies_about_a_write_is_noticed() {
    let lies: [fn(Access) -> &'static [Fault]; 2] = [
        |access| if access == Access::Read { &[] } else { &[Fault::Denied] },
        |access| if access == Access::Read { &[] } else { &[Fault::Disowned] },
    ];
    let names = [
        "upload if absent",
        "create branch",
        "create tag",
        "commit",
        "create repository",
        "set up",
    ];
    for name in names {
        let operation = operations::all().find(|operation| operation.name == name);
        for lie in lies {
            let mut found = Findings::default();
            found.check(operation.expect("is one"), (Place::Records, MemStore::new), lie);
            assert!(!found.wrong.is_empty(), "{name}: {} lies are believed", found.faults);
        }
    }
}
