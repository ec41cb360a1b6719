//! The base of a merge: looked up at single keys, which ascend.

use std::sync::Arc;

use bytes::Bytes;

use crate::Error;
use crate::Record;
use crate::meta_range::MetaRange;
use crate::meta_range::RangeRef;
use crate::range::Range;
use crate::range::RangeReader;

/// How many records are read past before the reader seeks: a seek costs about as much.
const STEPS_BEFORE_SEEK: u32 = 8;

/// The tree that both sides of a merge come from.
#[derive(Debug)]
pub(super) struct Base {
    tree: Arc<MetaRange>,
    /// The range wanted or being read.
    index: usize,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    reader: RangeReader,
    /// The record read last; none if the range ended.
    record: Option<Record>,
}

/// What the base has at a key.
#[derive(Debug)]
pub(super) enum Lookup {
    /// It cannot tell without this range.
    Need(RangeRef),
    /// This identity, or nothing.
    Found(Option<Bytes>),
}

impl Base {
    pub(super) fn new(tree: Arc<MetaRange>) -> Self {
        Self { tree, index: 0, open: None }
    }

    /// The first range that has a key within the bounds of `range`, as far as bounds tell.
    pub(super) fn first_overlap(&self, range: &RangeRef) -> Option<&RangeRef> {
        self.tree.first_overlap(range)
    }

    /// Returns the identity at exactly `key`, which is not before the key asked for last.
    pub(super) fn find(&mut self, key: &[u8]) -> Result<Lookup, Error> {
        let Some((index, range)) = self.tree.find(key) else { return Ok(Lookup::Found(None)) };
        if index != self.index {
            self.index = index;
            self.open = None;
        }
        let Some(open) = &mut self.open else { return Ok(Lookup::Need(range.clone())) };
        open.advance(key)?;
        let record = open.record.as_ref().filter(|record| record.key == key);
        Ok(Lookup::Found(record.map(|record| record.value.identity.clone())))
    }

    /// Goes on with `range`, which [`Base::find`] asked for.
    pub(super) fn supply(&mut self, range: &Range) {
        self.open = Some(Open { reader: range.reader(), record: None });
    }
}

impl Open {
    /// Moves to the first record whose key is `key` or greater.
    fn advance(&mut self, key: &[u8]) -> Result<(), Error> {
        for _ in 0..STEPS_BEFORE_SEEK {
            if self.record.as_ref().is_some_and(|record| *record.key >= *key) {
                return Ok(());
            }
            self.record = self.reader.next()?;
            if self.record.is_none() {
                return Ok(());
            }
        }
        if self.record.as_ref().is_some_and(|record| *record.key < *key) {
            self.reader.seek(key)?;
            self.record = self.reader.next()?;
        }
        Ok(())
    }
}
