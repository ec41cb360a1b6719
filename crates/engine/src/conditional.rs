//! Conditional writes whose answer may be lost.
//!
//! The records written here say whose they are (a fresh staging token, a commit id, an instance id), so
//! that looking again settles what became of a write without an answer ([`lakehold_kv::settle`]). Where
//! it does not, that is said: [`EngineError::OutcomeUnknown`].

use lakehold_kv::Error as KvError;
use lakehold_kv::Outcome;
use lakehold_kv::Write;
use lakehold_kv::settle;

use crate::Engine;
use crate::EngineError;
use crate::error::Result;

impl Engine {
    /// Carries out `write`, finding out what became of it where the answer is lost: its value should be
    /// one that nobody else writes. Fails with [`EngineError::OutcomeUnknown`] where nobody can tell.
    pub async fn write_if(&self, write: Write) -> Result<Outcome> {
        self.write_after(Vec::new(), write).await
    }

    /// Carries out `before`, which may be repeated without harm, and then `last`, which must never be
    /// seen without them. Returns what became of `last` ([`settle::write_after`]).
    pub async fn write_after(&self, before: Vec<Write>, last: Write) -> Result<Outcome> {
        settle::write_after(&*self.parts.kv, before, last).await.map_err(told)
    }

    /// Like [`Engine::write_after`] for a new record that names a partition of its own
    /// ([`settle::write_new_after`]).
    pub(crate) async fn write_new_after(&self, before: Vec<Write>, new: Write) -> Result<Outcome> {
        settle::write_new_after(&*self.parts.kv, before, new).await.map_err(told)
    }

    /// The same for a record that can be made anew for each attempt ([`settle::write_new`]).
    pub(crate) async fn write_new(&self, make: impl Fn() -> Write + Send) -> Result<Outcome> {
        settle::write_new(&*self.parts.kv, make).await.map_err(told)
    }

    /// Carries out `writes`, which may be repeated without harm, until they are answered.
    pub async fn write_always(&self, writes: Vec<Write>) -> Result<()> {
        settle::write_always(&*self.parts.kv, writes).await.map_err(told)
    }
}

fn told(error: KvError) -> EngineError {
    match error {
        lost @ KvError::Unknown(_) => {
            EngineError::OutcomeUnknown("the answer of the key-value store was lost", lost)
        }
        other => other.into(),
    }
}
