//! The bytes of objects: that they are there, as many as they should be, and, on request, the same.
//!
//! An object is mostly listed in many ranges, one for each commit that changed one of its neighbours.
//! What was asked for is therefore remembered: 64 bits of a keyed hash over address, size and checksum,
//! for the last two to four million objects (some 40 MiB). That two hashes are equal by chance is as
//! likely as one in a million millions.

mod claim;
mod content;
mod seen;

pub(crate) use claim::Claim;

use std::sync::Arc;
use std::sync::Mutex;

use lakehold_block::BlockStore;
use lakehold_block::Error;
use lakehold_clock::Runtime;
use tokio::sync::Semaphore;

use crate::Finding;
use crate::Kind;
use crate::Options;
use crate::Place;
use crate::counts::Counters;
use content::Verdict;
use seen::Seen;

/// Looks for the bytes of objects, a bounded number at a time.
#[derive(Debug)]
pub(crate) struct Objects {
    blocks: Arc<dyn BlockStore>,
    runtime: Runtime,
    is_deep: bool,
    permits: Semaphore,
    seen: Mutex<Seen>,
    /// Makes the hashes of this examination its own.
    seed: u64,
}

/// What is wrong with the bytes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl Problem {
    fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The finding of this at `place`.
    pub(crate) fn at(self, place: Place) -> Finding {
        Finding::new(self.kind, place, self.text)
    }
}

impl Objects {
    pub(crate) fn new(blocks: Arc<dyn BlockStore>, runtime: &Runtime, options: &Options) -> Self {
        Self {
            blocks,
            runtime: runtime.clone(),
            is_deep: options.deep,
            permits: Semaphore::new(options.concurrency.max(1)),
            seen: Mutex::default(),
            seed: u64::from_ne_bytes(runtime.random_bytes()),
        }
    }

    /// Whether these bytes were not looked for yet. From now on they count as looked for.
    pub(crate) fn is_new(&self, claim: &Claim) -> bool {
        let hash = claim.hash(self.seed);
        self.seen.lock().expect("no code panics while holding the lock").insert(hash)
    }

    /// Looks for the bytes that an entry claims to have.
    pub(crate) async fn look(&self, claim: &Claim, counters: &Counters) -> Option<Problem> {
        counters.objects.add(1);
        let _permit = self.permits.acquire().await;
        self.look_now(claim, counters).await.err()
    }

    async fn look_now(&self, claim: &Claim, counters: &Counters) -> Result<(), Problem> {
        let size = u64::try_from(claim.size).map_err(|_| {
            let text = format!("Its size is said to be {}, which is negative.", claim.size);
            Problem::new(Kind::EntryCorrupt, text)
        })?;
        let head = self.blocks.head(&claim.address).await;
        let head = head.map_err(|error| refusal(claim, &error))?;
        let head = head.ok_or_else(|| missing(claim))?;
        if head.size != size {
            let text = format!("It should have {size} bytes and has {}.", head.size);
            return Err(Problem::new(Kind::ObjectSizeMismatch, text));
        }
        if !self.is_deep {
            return Ok(());
        }
        match content::compare(&*self.blocks, &self.runtime, claim, counters).await? {
            Verdict::Same => counters.objects_compared.add(1),
            Verdict::NotComparable => counters.objects_not_comparable.add(1),
        }
        Ok(())
    }
}

fn missing(claim: &Claim) -> Problem {
    let text = format!("Its {} bytes are not there.", claim.size);
    Problem::new(Kind::ObjectMissing, text)
}

/// Whether the store refused the address itself: it cannot be one of its own, or leads where it must
/// not go.
pub(crate) fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::InvalidAddress { .. } | Error::Forbidden(_) | Error::NotSupported(_))
}

/// What it means that the store did not answer.
fn refusal(claim: &Claim, error: &Error) -> Problem {
    let kind = match error {
        Error::NotFound(_) => return missing(claim),
        error if !is_refusal(error) => Kind::StoreFailed,
        // Below the repository's own namespace there is nothing that may not be touched.
        _ if claim.is_relative() => Kind::AddressInvalid,
        _ => Kind::AddressOutOfReach,
    };
    Problem::new(kind, format!("The block store says: {}.", with_causes(error)))
}

/// An error and what caused it, as one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text.push_str(": ");
        text.push_str(&deeper.to_string());
        cause = deeper.source();
    }
    text
}
