//! A position in a tree that sees ranges before it sees records.
//!
//! All algorithms stand on this. A [`Walk`] is either at the *head* of a range, where the range's
//! name and bounds are known and nothing was read, or at a *record* inside one. From a head one goes
//! past the range ([`Walk::skip`]) or into it ([`Walk::enter`]):
//!
//! ```text
//! Head(R1) ──skip──► Head(R2) ──enter──► (needs R2) ──supply──► Record ──take──► Record ─ … ─► Head(R3) ─► End
//! ```
//!
//! [`Walk::settle`] comes before every look: it says which range has to be supplied first, if one
//! has to.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use crate::Error;
use crate::Record;
use crate::meta_range::MetaRange;
use crate::meta_range::RangeRef;
use crate::range::Range;
use crate::range::RangeReader;

/// Where a [`Walk`] is.
#[derive(Debug)]
pub(crate) enum At<'a> {
    /// Before a range of which nothing was read.
    Head(&'a RangeRef),
    /// Before a record.
    Record(&'a Record),
    /// Behind the last range.
    End,
}

impl At<'_> {
    /// Whether this is a range that ends before everything that is still to come in `other`.
    pub(crate) fn is_range_before(&self, other: &Self) -> bool {
        match (self, other) {
            (At::Head(range), At::Head(other)) => range.max < other.min,
            (At::Head(range), At::Record(record)) => range.max < record.key,
            (At::Head(_), At::End) => true,
            _ => false,
        }
    }
}

/// A position in a tree.
#[derive(Debug)]
pub(crate) struct Walk {
    tree: Arc<MetaRange>,
    /// The range it is at or in.
    index: usize,
    state: State,
    /// Where reading begins in the range entered next, if not at its first record.
    from: Option<Bytes>,
}

#[derive(Debug)]
enum State {
    /// At the head of the range.
    Head,
    /// To be inside the range once it is supplied.
    Wanted,
    /// Inside: what is yet to be read, and the record read last.
    Inside(RangeReader, Option<Record>),
    /// Inside, and reading failed: never to be read on from, lest records be missing.
    Broken(RangeReader),
}

impl Walk {
    /// A position before the first record of `tree`.
    pub(crate) fn new(tree: Arc<MetaRange>) -> Self {
        Self { tree, index: 0, state: State::Head, from: None }
    }

    /// A position before the first record of a tree of one range.
    pub(crate) fn over_range(range: RangeRef) -> Self {
        Self::new(Arc::new(MetaRange::new(vec![range])))
    }

    /// Moves, forward or back, before the first record whose key is `key` or greater.
    pub(crate) fn seek(&mut self, key: &[u8]) {
        let index = self.tree.index_from(key);
        self.from = Some(Bytes::copy_from_slice(key));
        match &mut self.state {
            // Stay inside. The reader is moved by `settle`, as that may fail.
            State::Inside(_, record) if index == self.index => *record = None,
            state => {
                *state = State::Head;
                self.index = index;
            }
        }
    }

    /// Makes sure that [`Walk::at`] knows where this is; returns the range it needs for that.
    pub(crate) fn settle(&mut self) -> Result<Option<RangeRef>, Error> {
        match &self.state {
            State::Wanted => return Ok(self.tree.ranges().get(self.index).cloned()),
            State::Inside(_, None) => self.read()?,
            State::Broken(reader) => return Err(reader.broken()),
            State::Head | State::Inside(_, Some(_)) => {}
        }
        Ok(None)
    }

    /// Reads the next record of the range this is inside of.
    fn read(&mut self) -> Result<(), Error> {
        if let State::Inside(mut reader, _) = mem::replace(&mut self.state, State::Head) {
            let next = read_from(&mut reader, &mut self.from);
            match next {
                Ok(Some(record)) => self.state = State::Inside(reader, Some(record)),
                Ok(None) => self.leave(),
                Err(error) => {
                    self.state = State::Broken(reader);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Where this is, which must be settled.
    pub(crate) fn at(&self) -> At<'_> {
        match (&self.state, self.tree.ranges().get(self.index)) {
            (State::Inside(_, Some(record)), _) => At::Record(record),
            (_, Some(range)) => At::Head(range),
            (_, None) => At::End,
        }
    }

    /// Goes into the range whose head this is at.
    pub(crate) fn enter(&mut self) {
        if matches!(self.state, State::Head) && self.index < self.tree.ranges().len() {
            self.state = State::Wanted;
        }
    }

    /// Goes on with `range`, which [`Walk::settle`] asked for.
    pub(crate) fn supply(&mut self, range: &Range) {
        if matches!(self.state, State::Wanted) {
            self.state = State::Inside(range.reader(), None);
        }
    }

    /// Goes past the range whose head this is at and returns it.
    pub(crate) fn skip(&mut self) -> Option<RangeRef> {
        let range = self.tree.ranges().get(self.index).cloned();
        self.leave();
        range
    }

    /// Goes past the record that this is at and returns it.
    pub(crate) fn take(&mut self) -> Option<Record> {
        match &mut self.state {
            State::Inside(_, record) => record.take(),
            State::Head | State::Wanted | State::Broken(_) => None,
        }
    }

    fn leave(&mut self) {
        self.index += 1;
        self.state = State::Head;
        self.from = None;
    }
}

fn read_from(reader: &mut RangeReader, from: &mut Option<Bytes>) -> Result<Option<Record>, Error> {
    if let Some(key) = from {
        reader.seek(key)?;
        *from = None;
    }
    reader.next()
}
