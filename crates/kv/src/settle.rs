//! Writes whose answer may be lost, and finding out what became of them.
//!
//! A store that loses an answer leaves its caller not knowing whether the write was carried out. Where
//! a value says whose it is (a fresh staging token, a commit id, an instance id), looking again settles
//! it:
//!
//! ```text
//! the key now holds ...           so ...
//! what we wrote                   it was carried out
//! what the condition asked for    it was not (yet): write again
//! something else                  someone else wrote since, before or after us: nobody can tell
//! ```
//!
//! Only the last case surfaces, as [`Error::Unknown`]. A lost answer is never taken for a conflict: the
//! "already there" that a blind repetition meets may be our own first attempt.

use bytes::Bytes;

use crate::Error;
use crate::Outcome;
use crate::Ownership;
use crate::Precondition;
use crate::Store;
use crate::Write;

/// How often a write is sent whose answer is lost each time.
const ATTEMPTS: usize = 3;

/// What a look at the key tells about a write without an answer.
enum Looked {
    Ours,
    NotYet,
    SomeoneElses,
}

/// What came of an attempt to write.
enum Attempted {
    /// It was answered, or what it did could be seen.
    Answered(Outcome),
    /// The answer was lost, and nothing of it is to be seen.
    NotYet(Error),
}

/// Carries out `before`, which may be repeated without harm, and then `last`, which must never be seen
/// without them and whose value should be one that nobody else writes. Returns what became of `last`.
///
/// The embedded store carries out one call's writes in order and keeps a prefix of them in a crash, so
/// that one call and one wait do for all. A shared store promises nothing between the writes of a call:
/// there `before` is awaited first.
///
/// Fails with [`Error::Unknown`] where nobody can tell what became of `last`; every other error says
/// that it was not carried out.
pub async fn write_after(
    store: &dyn Store,
    before: Vec<Write>,
    last: Write,
) -> Result<Outcome, Error> {
    let mut tried = Vec::new();
    loop {
        tried.push(last.value.clone());
        match attempt(store, &before, &last, &tried).await? {
            Attempted::Answered(outcome) => return Ok(outcome),
            Attempted::NotYet(lost) if tried.len() == ATTEMPTS => return Err(lost),
            Attempted::NotYet(_) => {}
        }
    }
}

/// Like [`write_after`] for a new record that names a partition of its own, but never writes it again:
/// where there is no such record it may have been there, and somebody may have removed it, and be
/// wiping its partition. Fails with [`Error::Unknown`] then, too.
pub async fn write_new_after(
    store: &dyn Store,
    before: Vec<Write>,
    new: Write,
) -> Result<Outcome, Error> {
    match attempt(store, &before, &new, std::slice::from_ref(&new.value)).await? {
        Attempted::Answered(outcome) => Ok(outcome),
        Attempted::NotYet(lost) => Err(lost),
    }
}

/// Like [`write_new_after`] for a record that can be made anew: each attempt writes another one, with a
/// partition of its own.
pub async fn write_new(
    store: &dyn Store,
    make: impl Fn() -> Write + Send,
) -> Result<Outcome, Error> {
    let mut tried = Vec::new();
    loop {
        let new = make();
        tried.push(new.value.clone());
        match attempt(store, &[], &new, &tried).await? {
            Attempted::Answered(outcome) => return Ok(outcome),
            Attempted::NotYet(lost) if tried.len() == ATTEMPTS => return Err(lost),
            Attempted::NotYet(_) => {}
        }
    }
}

/// Sends `last`, the last one of those whose values were `tried`.
async fn attempt(
    store: &dyn Store,
    before: &[Write],
    last: &Write,
    tried: &[Option<Bytes>],
) -> Result<Attempted, Error> {
    let is_first = tried.len() == 1;
    let lost = match send(store, before, last).await {
        Err(lost @ Error::Unknown(_)) => lost,
        // An earlier attempt may have been carried out, and written over since.
        Err(error) if !is_first => return Err(unknown(error)),
        // Or only now: what is in the way may be our own.
        Ok(Outcome::PreconditionFailed) if !is_first => {
            Error::Unknown("an earlier attempt may have been carried out".into())
        }
        answered => return answered.map(Attempted::Answered),
    };
    // A failure to look is not "nothing was written", which is what the error itself would say.
    match look(store, last, tried).await.map_err(unknown)? {
        Looked::Ours => {
            write_always(store, before.to_vec()).await.map_err(unknown)?;
            Ok(Attempted::Answered(Outcome::Applied))
        }
        Looked::NotYet => Ok(Attempted::NotYet(lost)),
        Looked::SomeoneElses => Err(lost),
    }
}

/// Carries out `writes`, which may be repeated without harm, until they are answered.
///
/// Fails with [`Error::Unknown`] where some of them may have been carried out.
pub async fn write_always(store: &dyn Store, writes: Vec<Write>) -> Result<(), Error> {
    if writes.is_empty() {
        return Ok(());
    }
    let mut lost = None;
    for _ in 0..ATTEMPTS {
        match store.write(writes.clone()).await {
            Ok(_) => return Ok(()),
            Err(error @ Error::Unknown(_)) => lost = Some(error),
            // What this attempt did not do an earlier one may have done.
            Err(error) if lost.is_some() => return Err(unknown(error)),
            Err(error) => return Err(error),
        }
    }
    lost.map_or(Ok(()), Err)
}

async fn send(store: &dyn Store, before: &[Write], last: &Write) -> Result<Outcome, Error> {
    let mut writes = before.to_vec();
    if store.ownership() == Ownership::Shared && !writes.is_empty() {
        let done = write_always(store, std::mem::take(&mut writes)).await;
        // Whatever became of them, `last` was not sent.
        done.map_err(not_sent)?;
    }
    writes.push(last.clone());
    let expected = writes.len();
    let outcomes = store.write(writes).await?;
    match outcomes.last() {
        Some(outcome) if outcomes.len() == expected => Ok(*outcome),
        _ => Err(Error::Unknown("an answer of the wrong length".into())),
    }
}

async fn look(store: &dyn Store, write: &Write, tried: &[Option<Bytes>]) -> Result<Looked, Error> {
    let now = store.get(write.partition.clone(), write.key.clone()).await?;
    let value: Option<&Bytes> = now.as_ref().map(|found| &found.value);
    if tried.iter().any(|tried| tried.as_ref() == value) {
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

fn unknown(error: Error) -> Error {
    match error {
        unknown @ Error::Unknown(_) => unknown,
        other => Error::Unknown(other.into()),
    }
}

fn not_sent(error: Error) -> Error {
    match error {
        lost @ Error::Unknown(_) => Error::Unavailable(lost.into()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
