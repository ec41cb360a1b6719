//! What the journal's callers and its two jobs share, and when a job is due.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::Error;
use crate::local::journal::flush::Waiting;
use crate::local::journal::segment::Sealed;
use crate::local::journal::segment::Segment;
use crate::local::journal::write_out::Trouble;

/// What the callers and the jobs share.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Puts that are not yet in a segment, oldest first.
    pub(super) waiting: VecDeque<Waiting>,
    /// Whether a flush runs, which then owns the current segment.
    pub(super) flushing: bool,
    /// The segment that takes batches, while no flush has it.
    pub(super) current: Option<Segment>,
    /// Its number, also while a flush has it.
    pub(super) current_number: Option<u64>,
    /// Whether the flush is to seal the current segment before it goes on.
    pub(super) seal: bool,
    /// Segments to be written out, oldest first.
    pub(super) sealed: VecDeque<Sealed>,
    /// How many of them there may be before puts have to wait.
    pub(super) max_sealed: usize,
    /// Whether a write-out runs.
    pub(super) writing_out: bool,
    /// Whether a write-out is wanted although the last one failed.
    pub(super) retry: bool,
    /// The number of the next segment.
    pub(super) next_number: u64,
    /// Whether nothing may be appended any more.
    pub(super) broken: bool,
    /// Why the last write-out failed.
    pub(super) trouble: Option<Trouble>,
    /// Who waits for segments to be written out.
    pub(super) drains: Vec<Drain>,
}

/// Somebody who waits until all segments up to one are written out.
#[derive(Debug)]
pub(super) struct Drain {
    pub(super) up_to: u64,
    pub(super) answer: oneshot::Sender<Result<(), Error>>,
}

impl State {
    /// Begins a flush if one is due; the caller must start it then.
    pub(super) fn begin_flush(&mut self) -> bool {
        // With no room for a segment, the end of the write-out makes the flush due again; if that
        // fails, the flush sends those who wait away.
        let stalled = self.is_full() && self.trouble.is_none();
        let due = !self.flushing && !self.waiting.is_empty() && !stalled;
        self.flushing |= due;
        due
    }

    /// Begins a write-out if one is due; the caller must start it then.
    pub(super) fn begin_write_out(&mut self) -> bool {
        let wanted = self.trouble.is_none() || self.retry;
        let due = !self.writing_out && !self.sealed.is_empty() && wanted;
        self.writing_out |= due;
        due
    }

    /// Whether there is neither a segment nor room for one.
    pub(super) fn is_full(&self) -> bool {
        self.current.is_none() && self.sealed.len() >= self.max_sealed
    }

    /// Seals the current segment, or has the flush do it that has it.
    pub(super) fn seal_soon(&mut self) {
        if self.flushing {
            self.seal = true;
        } else {
            self.seal_current();
        }
    }

    /// Seals the current segment, if no flush has it.
    pub(super) fn seal_current(&mut self) {
        if let Some(segment) = self.current.take() {
            self.current_number = None;
            self.sealed.push_back(segment.seal());
        }
    }

    /// Adds somebody who waits for all that is stored now.
    pub(super) fn drain(&mut self, answer: oneshot::Sender<Result<(), Error>>) {
        self.seal_soon();
        self.retry = true;
        self.drains.push(Drain { up_to: self.next_number, answer });
    }

    /// Answers those who wait for what is written out now.
    pub(super) fn answer_drains(&mut self) {
        let sealed = self.sealed.front().map(|segment| segment.number);
        let oldest = sealed.or(self.current_number).unwrap_or(u64::MAX);
        for drain in self.drains.extract_if(.., |drain| drain.up_to <= oldest) {
            // Whoever is gone need not know.
            drop(drain.answer.send(Ok(())));
        }
    }

    /// Tells those who wait that it goes wrong.
    pub(super) fn fail_drains(&mut self, trouble: &Trouble) {
        for drain in self.drains.drain(..) {
            drop(drain.answer.send(Err(trouble.error())));
        }
    }
}
