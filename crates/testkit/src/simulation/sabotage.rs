//! Stores that do not keep their promises: proof that the book notices it when something is lost.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use bytes::Bytes;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Write;

use super::dice::Dice;

/// How often a promise is broken that is kept otherwise, in a thousand.
const BROKEN_PER_MILLE: usize = 20;

/// A promise that a store breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// Conditional writes are carried out whether their condition holds or not.
    IgnoredConditions,
    /// Some writes are answered and not carried out.
    LostWrites,
    /// Some conditional writes are carried out and answered as if their condition had not held.
    InventedConflicts,
    /// Some reads find the value that was there before the present one.
    StaleReads,
    /// Files of committed trees go.
    LostFiles,
}

impl Sabotage {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::IgnoredConditions,
        Self::LostWrites,
        Self::InventedConflicts,
        Self::StaleReads,
        Self::LostFiles,
    ];
}

impl fmt::Display for Sabotage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::IgnoredConditions => "conditions are ignored",
            Self::LostWrites => "writes are answered and not carried out",
            Self::InventedConflicts => "conflicts are invented",
            Self::StaleReads => "reads are stale",
            Self::LostFiles => "files of trees go",
        })
    }
}

/// Breaks one promise of the record store, or none. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Saboteur(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    sabotage: Option<Sabotage>,
    dice: Dice,
    /// What was there before the present value.
    earlier: BTreeMap<(Bytes, Bytes), Option<Bytes>>,
}

impl Saboteur {
    pub(crate) fn new(sabotage: Option<Sabotage>, seed: u64) -> Self {
        let dice = Dice::new(!seed);
        Self(Arc::new(Mutex::new(State { sabotage, dice, earlier: BTreeMap::new() })))
    }

    /// The write that is carried out instead of `write`; `None`: none.
    pub(crate) fn tampered(&self, write: &Write) -> Option<Write> {
        let mut state = self.state();
        let sabotage = state.sabotage;
        match sabotage {
            Some(Sabotage::IgnoredConditions) => {
                Some(Write { precondition: Precondition::Always, ..write.clone() })
            }
            Some(Sabotage::LostWrites) if state.is_time() => None,
            _ => Some(write.clone()),
        }
    }

    /// What is answered about a write that ended so.
    pub(crate) fn told(&self, write: &Write, outcome: Outcome) -> Outcome {
        let mut state = self.state();
        let is_conditional = write.precondition != Precondition::Always;
        let lies = state.sabotage == Some(Sabotage::InventedConflicts);
        if lies && is_conditional && state.is_time() {
            return Outcome::PreconditionFailed;
        }
        outcome
    }

    /// Remembers what is at a place before something else is.
    pub(crate) fn remember(&self, write: &Write, value: Option<Bytes>) {
        let mut state = self.state();
        if state.sabotage == Some(Sabotage::StaleReads) {
            state.earlier.insert((write.partition.clone(), write.key.clone()), value);
        }
    }

    /// What is to be found at a place instead of what is there, if anything.
    pub(crate) fn found(&self, partition: &Bytes, key: &Bytes) -> Option<Option<Bytes>> {
        let mut state = self.state();
        if state.sabotage != Some(Sabotage::StaleReads) || !state.is_time() {
            return None;
        }
        state.earlier.get(&(partition.clone(), key.clone())).cloned()
    }

    /// Whether files are to go.
    pub(crate) fn takes_files(&self) -> bool {
        self.state().sabotage == Some(Sabotage::LostFiles)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no code panics while holding the lock")
    }
}

impl State {
    fn is_time(&mut self) -> bool {
        self.dice.per_mille(BROKEN_PER_MILLE)
    }
}
