//! From the pieces of a tree to its files.
//!
//! [`Layout`] puts records into new ranges, cut as [`crate::limits`] says, and notes ranges that are
//! taken over whole, before which the range being written is closed however small it is. [`Build`]
//! joins it to the plan that decides the pieces; it runs until it needs something, has made a table,
//! or has done a given amount of work, so that its driver can choose where long work runs.

use lakehold_sstable::FinishedTable;
use lakehold_sstable::TableWriter;

use crate::Error;
use crate::Record;
use crate::Summary;
use crate::limits::RangeLimits;
use crate::meta_range::MetaRange;
use crate::meta_range::RangeRef;
use crate::plan::Need;
use crate::plan::Piece;
use crate::plan::Plan;
use crate::plan::Step;
use crate::plan::Supply;

/// What a step costs beside the bytes of its record, in the unit of [`Build::run`]'s effort.
const STEP_EFFORT: usize = 64;

/// The ranges of a tree being written.
#[derive(Debug)]
pub(crate) struct Layout {
    limits: RangeLimits,
    open: Option<TableWriter>,
    ranges: Vec<RangeRef>,
    /// The stored form of a value, kept to be filled again.
    stored: Vec<u8>,
}

impl Layout {
    pub(crate) fn new(limits: RangeLimits) -> Self {
        Self { limits, open: None, ranges: Vec::new(), stored: Vec::new() }
    }

    /// Adds the next piece; returns the range that it ended, if it did.
    pub(crate) fn add(&mut self, piece: Piece) -> Result<Option<FinishedTable>, Error> {
        match piece {
            Piece::Record(record) => self.add_record(&record),
            Piece::Whole(range) => {
                let closed = self.close();
                self.ranges.push(range);
                Ok(closed)
            }
        }
    }

    /// Ends the range being written, if there is one.
    pub(crate) fn close(&mut self) -> Option<FinishedTable> {
        let table = self.open.take()?.finish();
        self.ranges.push(RangeRef::from(&table));
        Some(table)
    }

    /// The tree, once [`Layout::close`] was called.
    pub(crate) fn into_meta_range(self) -> MetaRange {
        MetaRange::new(self.ranges)
    }

    fn add_record(&mut self, record: &Record) -> Result<Option<FinishedTable>, Error> {
        self.stored.clear();
        record.value.encode(&mut self.stored);
        let open = self.open.get_or_insert_with(|| TableWriter::new(&[("type", "ranges")]));
        // Records come in order; if they do not, then because a table that was read is not sorted.
        open.append(&record.key, &self.stored)
            .map_err(|source| Error::corrupt("range", "the tree being written", source))?;
        if self.limits.cut_after(&record.key, open.estimated_size()) {
            return Ok(self.close());
        }
        Ok(None)
    }
}

/// A plan being carried out.
#[derive(Debug)]
pub(crate) struct Build<P> {
    plan: P,
    layout: Layout,
}

/// Why a [`Build`] stopped.
#[derive(Debug)]
pub(crate) enum Pause {
    /// It cannot go on without this.
    Need(Need),
    /// This range is complete and has to be stored.
    Finished(FinishedTable),
    /// It has done as much as it was told to.
    Tired,
    /// All pieces are in their ranges.
    Done,
}

impl<P: Plan> Build<P> {
    pub(crate) fn new(plan: P, limits: RangeLimits) -> Self {
        Self { plan, layout: Layout::new(limits) }
    }

    /// Goes on, for about as long as it takes to write `effort` bytes of records.
    pub(crate) fn run(&mut self, effort: usize) -> Result<Pause, Error> {
        let mut done = 0;
        while done < effort {
            done += STEP_EFFORT;
            match self.plan.step()? {
                Step::Need(need) => return Ok(Pause::Need(need)),
                Step::Nothing => {}
                Step::Item(piece) => {
                    done += effort_of(&piece);
                    if let Some(table) = self.layout.add(piece)? {
                        return Ok(Pause::Finished(table));
                    }
                }
                Step::End => return Ok(self.layout.close().map_or(Pause::Done, Pause::Finished)),
            }
        }
        Ok(Pause::Tired)
    }

    /// Gives what [`Pause::Need`] asked for.
    pub(crate) fn supply(&mut self, supply: Supply) {
        self.plan.supply(supply);
    }

    /// The tree and how it differs from the one that the plan began with, after [`Pause::Done`].
    pub(crate) fn finish(self) -> (MetaRange, Summary) {
        (self.layout.into_meta_range(), self.plan.summary())
    }
}

fn effort_of(piece: &Piece) -> usize {
    match piece {
        Piece::Record(Record { key, value }) => key.len() + value.identity.len() + value.data.len(),
        Piece::Whole(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use crate::testing::whole_range;

    const SMOOTH: RangeLimits =
        RangeLimits { min_bytes: 0, max_bytes: 1 << 20, raggedness: u64::MAX };

    fn bounds(layout: Layout) -> Vec<(String, String, u64)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let tree = layout.into_meta_range();
        tree.ranges().iter().map(|r| (text(&r.min), text(&r.max), r.count)).collect()
    }

    #[test]
    fn a_whole_range_ends_the_range_before_it_however_small() {
        let mut layout = Layout::new(SMOOTH);
        assert!(layout.add(Piece::Record(record("a", "1", "x"))).unwrap().is_none());
        assert!(layout.add(Piece::Whole(whole_range("b", "d", 3))).unwrap().is_some());
        assert!(layout.add(Piece::Whole(whole_range("e", "f", 2))).unwrap().is_none());
        assert!(layout.add(Piece::Record(record("g", "1", "x"))).unwrap().is_none());
        assert!(layout.close().is_some());
        assert!(layout.close().is_none());
        let range = |min: &str, max: &str, count| (min.to_owned(), max.to_owned(), count);
        assert_eq!(
            bounds(layout),
            [range("a", "a", 1), range("b", "d", 3), range("e", "f", 2), range("g", "g", 1)]
        );
    }

    #[test]
    fn a_range_ends_with_the_record_that_makes_it_too_big() {
        let mut layout = Layout::new(RangeLimits { max_bytes: 200, ..SMOOTH });
        let mut sizes = Vec::new();
        for number in 0..100 {
            let record = record(&format!("{number:03}"), "identity", "data");
            if let Some(table) = layout.add(Piece::Record(record)).unwrap() {
                sizes.push(table.estimated_size);
            }
        }
        assert!(sizes.len() > 5, "{sizes:?}");
        assert!(sizes.iter().all(|size| (200..300).contains(size)), "{sizes:?}");
    }

    #[test]
    fn records_out_of_order_are_an_error() {
        let mut layout = Layout::new(SMOOTH);
        layout.add(Piece::Record(record("b", "1", "x"))).unwrap();
        let refused = layout.add(Piece::Record(record("a", "1", "x")));
        assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
    }
}
