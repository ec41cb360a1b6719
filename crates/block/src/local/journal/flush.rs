//! From the waiting puts to a segment: one write and one sync for all of them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::Error;
use crate::local::journal::Journal;
use crate::local::journal::format::BatchWriter;
use crate::local::journal::format::SegmentId;
use crate::local::journal::segment::AppendError;
use crate::local::journal::segment::Appended;
use crate::local::journal::segment::Segment;
use crate::local::journal::state::State;

/// A batch takes no more once it has this many bytes: those who wait for it wait for the disk to
/// write them.
const BATCH_BYTES: usize = 1 << 20;

/// A put that waits to be written.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) place: Arc<str>,
    pub(super) body: Bytes,
    /// Told whether the body is durable; dropped where the journal does not take it.
    pub(super) answer: oneshot::Sender<bool>,
}

/// What a flush does next.
struct Work {
    puts: Vec<Waiting>,
    segment: Option<Segment>,
    number: u64,
}

impl Journal {
    /// Writes what waits until nothing does.
    pub(super) fn flush(self: &Arc<Self>) {
        while let Some(work) = self.change(State::next_work) {
            let segment = self.write(work);
            self.give_back(segment);
        }
    }

    /// Writes one batch, and returns the segment that takes the next.
    fn write(self: &Arc<Self>, work: Work) -> Option<Segment> {
        let Work { puts, segment, number } = work;
        let mut segment = match segment {
            Some(segment) => segment,
            None => self.begin_segment(number).inspect_err(refused).ok()?,
        };
        let (batch, puts) = encode(puts);
        match segment.append(batch) {
            Ok(appended) => self.acknowledge(&mut segment, appended, puts),
            Err(AppendError::Undone(error)) => refused(&error),
            Err(AppendError::Broken(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the block journal is not used until the next start"
                );
                self.change(|state| state.broken = true);
            }
        }
        Some(segment)
    }

    /// Begins the segment `number`, and has it sealed when its time has come.
    fn begin_segment(self: &Arc<Self>, number: u64) -> Result<Segment, Error> {
        let salt = u64::from_le_bytes(self.runtime.random_bytes());
        let segment = Segment::create(&self.folder, SegmentId { number, salt })?;
        let journal = Arc::downgrade(self);
        let age = self.runtime.sleep(self.tuning.segment_age);
        self.runtime.spawn("block journal age", async move {
            age.await;
            if let Some(journal) = journal.upgrade() {
                journal.change(|state| state.seal_if_current(number));
            }
        });
        Ok(segment)
    }

    /// Makes durable bodies visible and says so to those who stored them.
    fn acknowledge(
        &self,
        segment: &mut Segment,
        appended: Appended,
        mut puts: Vec<(Waiting, Range<usize>)>,
    ) {
        puts.retain(|(put, _)| !put.answer.is_closed());
        segment.holds(puts.iter().map(|(put, _)| put.place.clone()));
        let bytes = Bytes::from(appended.bytes);
        let stored = puts.iter().map(|(put, body)| (put.place.clone(), bytes.slice(body.clone())));
        self.index.insert(appended.segment, self.runtime.now(), stored);
        for (put, _) in puts {
            if put.answer.send(true).is_err() {
                self.index.forget_put(&put.place);
            }
        }
    }

    /// Gives back the segment that the flush had, and seals it where it is big enough.
    fn give_back(self: &Arc<Self>, segment: Option<Segment>) {
        let is_big = segment.as_ref().is_some_and(|segment| {
            segment.length() >= self.tuning.segment_bytes
                || segment.entries() >= self.tuning.segment_entries
        });
        self.change(|state| {
            state.current_number = segment.as_ref().map(Segment::number);
            state.current = segment;
            if is_big || state.broken {
                state.seal_current();
            }
            state.answer_drains();
        });
    }
}

impl State {
    /// Takes what waits, or ends the flush.
    fn next_work(&mut self) -> Option<Work> {
        if std::mem::take(&mut self.seal) {
            self.seal_current();
        }
        let full = self.is_full();
        if self.broken || full && self.trouble.is_some() {
            // They are told by losing whom they asked; each body goes its own way.
            self.waiting.clear();
        }
        let puts = if full { Vec::new() } else { self.take_batch() };
        if puts.is_empty() {
            self.flushing = false;
            return None;
        }
        let segment = self.current.take();
        let number = segment.as_ref().map_or(self.next_number, Segment::number);
        self.current_number = Some(number);
        self.next_number = self.next_number.max(number + 1);
        Some(Work { puts, segment, number })
    }

    /// Takes the longest-waiting puts, as many as go into one batch.
    fn take_batch(&mut self) -> Vec<Waiting> {
        let mut puts = Vec::with_capacity(self.waiting.len());
        let mut length = 0;
        while length < BATCH_BYTES
            && let Some(put) = self.waiting.pop_front()
        {
            // Whoever is gone already costs nothing.
            if !put.answer.is_closed() {
                length += BatchWriter::record_length(&put.place, &put.body);
                puts.push(put);
            }
        }
        puts
    }

    /// Seals the segment `number`, unless it is sealed by now.
    fn seal_if_current(&mut self, number: u64) {
        if self.current_number == Some(number) {
            self.seal_soon();
        }
    }
}

/// Makes a batch of those `puts` that fit into one; returns them and where their bodies lie in it.
fn encode(puts: Vec<Waiting>) -> (BatchWriter, Vec<(Waiting, Range<usize>)>) {
    let length = puts.iter().map(|put| BatchWriter::record_length(&put.place, &put.body)).sum();
    let mut batch = BatchWriter::with_capacity(length);
    let mut taken = Vec::with_capacity(puts.len());
    for put in puts {
        // Dropping what does not fit tells its caller so.
        if let Some(body) = batch.push(&put.place, &put.body) {
            taken.push((put, body));
        }
    }
    (batch, taken)
}

fn refused(error: &Error) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the block journal could not be written; bodies are stored one by one meanwhile"
    );
}
