//! Conditional writes whose answer may be lost.
//!
//! A store that loses an answer leaves its caller not knowing whether the write was carried out. The
//! records written here say whose they are (a fresh staging token, a commit id, an instance id), so
//! looking again settles it:
//!
//! ```text
//! the key now holds ...           so ...
//! what we wrote                   it was carried out
//! what the condition asked for    it was not (yet): write again
//! something else                  someone else wrote since, before or after us: nobody can tell
//! ```
//!
//! Only the last case surfaces, as [`EngineError::OutcomeUnknown`]. A lost answer is never taken for
//! a conflict: the "already exists" that a blind repetition meets may be our own first attempt.

use bytes::Bytes;
use lakehold_kv::Error as KvError;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Write;

use crate::Engine;
use crate::EngineError;
use crate::error::Result;

/// How often a write is sent whose answer is lost each time.
const ATTEMPTS: u32 = 3;

/// What a look at the key tells about a write without an answer.
enum Looked {
    Ours,
    NotYet,
    SomeoneElses,
}

impl Engine {
    /// Carries out `write`, finding out what became of it where the answer is lost: its value should be
    /// one that nobody else writes. Fails with [`EngineError::OutcomeUnknown`] where nobody can tell.
    pub async fn write_if(&self, write: Write) -> Result<Outcome> {
        self.write_after(Vec::new(), write).await
    }

    /// Carries out `before`, which may be repeated without harm, and then `last`, which must never be
    /// seen without them. Returns what became of `last`.
    ///
    /// The embedded store carries out one call's writes in order and keeps a prefix of them in a
    /// crash, so that one call and one wait do for all. A shared store promises nothing between the
    /// writes of a call: there `before` is awaited first.
    pub async fn write_after(&self, before: Vec<Write>, last: Write) -> Result<Outcome> {
        let mut attempt = 1;
        loop {
            let lost = match self.send(&before, &last).await {
                Err(lost @ KvError::Unknown(_)) => lost,
                // An earlier attempt may have been carried out, and written over since.
                Err(error) if attempt > 1 => return Err(unknown(error)),
                answered => return Ok(answered?),
            };
            let looked = self.look(&last).await?;
            if matches!(looked, Looked::Ours) {
                self.write_always(before).await.map_err(EngineError::after_writing)?;
                return Ok(Outcome::Applied);
            }
            if attempt == ATTEMPTS || matches!(looked, Looked::SomeoneElses) {
                return Err(unknown(lost));
            }
            attempt += 1;
        }
    }

    /// Carries out `writes`, which may be repeated without harm, until they are answered.
    pub async fn write_always(&self, writes: Vec<Write>) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        let mut lost = None;
        for _ in 0..ATTEMPTS {
            match self.parts.kv.write(writes.clone()).await {
                Ok(_) => return Ok(()),
                Err(error @ KvError::Unknown(_)) => lost = Some(error),
                // What this attempt did not do an earlier one may have done.
                Err(error) => return Err(lost.map_or_else(|| error.into(), unknown)),
            }
        }
        lost.map_or(Ok(()), |lost| Err(unknown(lost)))
    }

    async fn send(&self, before: &[Write], last: &Write) -> Result<Outcome, KvError> {
        let mut writes = before.to_vec();
        if !self.is_exclusive() && !writes.is_empty() {
            drop(self.parts.kv.write(std::mem::take(&mut writes)).await?);
        }
        writes.push(last.clone());
        let expected = writes.len();
        let outcomes = self.parts.kv.write(writes).await?;
        match outcomes.last() {
            Some(outcome) if outcomes.len() == expected => Ok(*outcome),
            _ => Err(KvError::Unknown("an answer of the wrong length".into())),
        }
    }

    async fn look(&self, write: &Write) -> Result<Looked> {
        // A failure to look is not "nothing was written", which is what the error itself would say.
        let now = self.parts.kv.get(write.partition.clone(), write.key.clone());
        let now = now.await.map_err(unknown)?;
        let value: Option<&Bytes> = now.as_ref().map(|found| &found.value);
        if value == write.value.as_ref() {
            return Ok(Looked::Ours);
        }
        let not_yet = match &write.precondition {
            Precondition::Always | Precondition::Exists => true,
            Precondition::Absent => now.is_none(),
            Precondition::Unchanged(version) => {
                now.as_ref().is_some_and(|found| found.version == *version)
            }
        };
        Ok(if not_yet { Looked::NotYet } else { Looked::SomeoneElses })
    }
}

fn unknown(lost: KvError) -> EngineError {
    EngineError::OutcomeUnknown("the answer of the key-value store was lost", lost)
}
