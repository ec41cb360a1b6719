//! A seeded simulation: engine and catalog on one thread, in bad weather, watched by a book.
//!
//! One number, the *seed*, decides everything: which task runs next, how long calls of the stores
//! take, which of them are refused or lose their answers, what clients ask for and when they lose
//! patience, and when servers are killed. Time is virtual. The same seed does the same again, so that
//! whatever is found can be looked at as often as needed.
//!
//! ```text
//! clients ── Request ──► Server 1 ─┐                    ┌─ kv, blocks: in memory, for all
//! operator ─ kills ───►  Server 2 ─┴─ FarStore, Fates ──┤
//!                                      (the weather)    └─ Ledger: every write, every answer
//! Executor: one task at a time, in an order that the seed decides
//! ```
//!
//! Half of the seeds have one server with a store of its own, half have two servers that share one.
//! What must hold is written at the head of `ledger.rs` (docs/design/0016-simulation.md).

mod choose;
mod dice;
mod executor;
mod ledger;
mod perform;
mod request;
mod sabotage;
mod server;
mod store;
mod trace;
mod weather;
mod world;

#[cfg(test)]
pub(crate) use dice::Dice;
#[cfg(test)]
pub(crate) use executor::Executor;
#[cfg(test)]
pub(crate) use executor::Tag;
#[cfg(test)]
pub(crate) use trace::Trace;

use std::collections::BTreeMap;
use std::fmt;

use futures::FutureExt as _;

pub use sabotage::Sabotage;

use ledger::Ending;
use world::World;

/// Steps after which a simulation that has not come to an end never will.
const MOST_STEPS_PER_REQUEST: u64 = 100_000;

/// Which simulation, and how long.
#[derive(Clone, Copy, Debug)]
pub struct SimulationSettings {
    /// What decides everything.
    pub seed: u64,
    /// How many requests the clients make.
    pub requests: usize,
    /// Whether to keep a text of what happens.
    pub trace: bool,
    /// A promise that the stores break, so that something must be found.
    pub sabotage: Option<Sabotage>,
}

/// What happened in a simulation in which nothing was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimulationReport {
    /// How often a task ran up to its next wait, or time passed.
    pub steps: u64,
    /// Requests by kind: done, failed, unknown.
    pub requests: BTreeMap<&'static str, [u64; 3]>,
    /// Calls of the stores that were refused.
    pub refused: u64,
    /// Calls of the stores whose answer was lost.
    pub lost: u64,
    /// Servers that were killed.
    pub crashes: u64,
    /// A number that follows from everything that happened, in order.
    pub hash: u64,
    /// What happened, if that was asked for.
    pub trace: Vec<String>,
}

/// A simulation in which something was wrong. Its text says what, and how to see it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulationFailure {
    /// The seed.
    pub seed: u64,
    /// Number of requests.
    pub requests: usize,
    /// What was wrong.
    pub what: String,
    /// What happened before, if that was asked for.
    pub trace: Vec<String>,
}

impl fmt::Display for SimulationFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, requests, what, trace } = self;
        for line in trace {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "seed {seed}: {what}")?;
        write!(out, "again: lakehold-sim --from {seed} --seeds 1 --steps {requests} --trace")
    }
}

impl std::error::Error for SimulationFailure {}

/// Runs a simulation to its end, or to the first thing that must not be.
pub fn simulate(settings: SimulationSettings) -> Result<SimulationReport, Box<SimulationFailure>> {
    let world = World::new(settings);
    let mut run = Run { world: world.clone(), settings, steps: 0 };
    let done = run.all();
    world.stores().executor.end();
    done.map(|()| run.report()).map_err(|what| {
        let SimulationSettings { seed, requests, .. } = settings;
        Box::new(SimulationFailure { seed, requests, what, trace: world.trace().lines() })
    })
}

struct Run {
    world: World,
    settings: SimulationSettings,
    steps: u64,
}

impl Run {
    fn all(&mut self) -> Result<(), String> {
        self.world.spawn(self.world.clone().set_up().boxed());
        self.until_idle()?;
        self.world.begin();
        self.until_idle()?;
        if self.world.clients() > 0 {
            return Err(format!("{} clients wait for ever", self.world.clients()));
        }
        self.world.stores().weather.set_calm(true);
        self.world.spawn(self.world.clone().finish().boxed());
        self.until_idle()
    }

    fn until_idle(&mut self) -> Result<(), String> {
        let most = MOST_STEPS_PER_REQUEST * (self.settings.requests as u64 + 10);
        let stores = self.world.stores();
        while stores.executor.step() {
            self.steps += 1;
            if let Some(violation) = stores.book.lock().violation() {
                return Err(violation.clone());
            }
            if self.steps > most {
                return Err(format!("no end after {most} steps"));
            }
        }
        Ok(())
    }

    fn report(&self) -> SimulationReport {
        let stores = self.world.stores();
        let (refused, lost) = stores.weather.faults();
        let mut report = SimulationReport {
            steps: self.steps,
            refused,
            lost,
            crashes: self.world.crashes(),
            hash: self.world.trace().hash(),
            trace: self.world.trace().lines(),
            ..SimulationReport::default()
        };
        for operation in stores.book.lock().operations() {
            let counts = report.requests.entry(operation.request.kind()).or_default();
            match operation.ending {
                Ending::Done => counts[0] += 1,
                Ending::Failed => counts[1] += 1,
                Ending::Open | Ending::Unknown => counts[2] += 1,
            }
        }
        report
    }
}
