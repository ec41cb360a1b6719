//! A tree in which some keys are replaced by another tree: what an import writes.
//!
//! The replaced keys are a [`KeySet`]; all keys of the other tree, the source, are in it. Both trees are
//! walked side by side. A range of the destination whose keys are all replaced is left out unread; one
//! that has none of them, and one of the source, is taken over unread unless they overlap. So an import
//! of many objects reads and writes a handful of ranges: those at the edges of what it replaces.
//!
//! Two ranges that overlap are both entered, also where one of them could stay whole: the order of these
//! decisions is the real writer's, and decides where ranges begin and end, that is, the tree's name
//! (docs/formats/trees.md).

use std::sync::Arc;

use crate::Error;
use crate::KeySet;
use crate::Record;
use crate::Summary;
use crate::meta_range::MetaRange;
use crate::meta_range::RangeRef;
use crate::plan::Need;
use crate::plan::Piece;
use crate::plan::Plan;
use crate::plan::RangeNeed;
use crate::plan::Side;
use crate::plan::Step;
use crate::plan::Supply;
use crate::walk::At;
use crate::walk::Walk;

/// The plan of a tree with some keys replaced.
#[derive(Debug)]
pub(crate) struct Replace {
    source: Walk,
    destination: Walk,
    replaced: Arc<KeySet>,
    summary: Summary,
}

/// What to do about where source and destination are.
#[derive(Clone, Copy)]
enum Decision {
    End,
    DropRange,
    DropRecord,
    Whole(Side),
    Enter(Side),
    EnterBoth,
    Record(Side),
}

impl Replace {
    /// The plan of `destination` with all of `source` in the place of the keys `replaced`.
    pub(crate) fn new(
        source: Arc<MetaRange>,
        destination: Arc<MetaRange>,
        replaced: Arc<KeySet>,
    ) -> Self {
        let (source, destination) = (Walk::new(source), Walk::new(destination));
        Self { source, destination, replaced, summary: Summary::default() }
    }

    fn settle(&mut self) -> Result<Option<Need>, Error> {
        let sides = [(Side::Source, &mut self.source), (Side::Destination, &mut self.destination)];
        for (side, walk) in sides {
            if let Some(range) = walk.settle()? {
                return Ok(Some(Need::Range(RangeNeed { side, range })));
            }
        }
        Ok(None)
    }

    fn walk(&mut self, side: Side) -> &mut Walk {
        match side {
            Side::Source => &mut self.source,
            _ => &mut self.destination,
        }
    }

    /// What to do about the destination alone, before the source is looked at.
    fn decide_on_destination(&self) -> Option<Decision> {
        match self.destination.at() {
            At::Head(RangeRef { min, max, .. }) if self.replaced.covers(min, max) => {
                Some(Decision::DropRange)
            }
            At::Head(RangeRef { min, max, .. }) if self.replaced.touches(min, max) => {
                Some(Decision::Enter(Side::Destination))
            }
            At::Record(record) if self.replaced.contains(&record.key) => Some(Decision::DropRecord),
            _ => None,
        }
    }

    fn whole(&mut self, side: Side) -> Option<Piece> {
        let range = self.walk(side).skip()?;
        if side == Side::Source {
            self.summary.added += range.count;
        }
        Some(Piece::Whole(range))
    }

    fn record(&mut self, side: Side) -> Option<Piece> {
        let record = self.walk(side).take()?;
        self.summary.added += u64::from(side == Side::Source);
        Some(Piece::Record(record))
    }

    fn drop_range(&mut self) -> Option<Piece> {
        self.summary.removed += self.destination.skip().map_or(0, |range| range.count);
        None
    }

    fn drop_record(&mut self) -> Option<Piece> {
        self.summary.removed += u64::from(self.destination.take().is_some());
        None
    }

    fn enter(&mut self, side: Side) -> Option<Piece> {
        self.walk(side).enter();
        None
    }
}

impl Plan for Replace {
    fn step(&mut self) -> Result<Step<Piece>, Error> {
        if let Some(need) = self.settle()? {
            return Ok(Step::Need(need));
        }
        let both = || decide(&self.source.at(), &self.destination.at());
        let piece = match self.decide_on_destination().unwrap_or_else(both) {
            Decision::End => return Ok(Step::End),
            Decision::DropRange => self.drop_range(),
            Decision::DropRecord => self.drop_record(),
            Decision::Whole(side) => self.whole(side),
            Decision::Enter(side) => self.enter(side),
            Decision::EnterBoth => {
                self.source.enter();
                self.enter(Side::Destination)
            }
            Decision::Record(side) => self.record(side),
        };
        Ok(piece.map_or(Step::Nothing, Step::Item))
    }

    fn supply(&mut self, supply: Supply) {
        if let Supply::Range(side, range) = supply {
            self.walk(side).supply(&range);
        }
    }

    /// A key that is replaced counts as removed and as added.
    fn summary(&self) -> Summary {
        self.summary
    }
}

/// Which side comes first, and whether all of its range can be taken over: `destination` has none of
/// the replaced keys here.
fn decide(source: &At<'_>, destination: &At<'_>) -> Decision {
    use Side::Destination;
    use Side::Source;
    match (source, destination) {
        (At::End, At::End) => Decision::End,
        _ if source.is_range_before(destination) => Decision::Whole(Source),
        _ if destination.is_range_before(source) => Decision::Whole(Destination),
        (At::Head(_), At::Head(_)) => Decision::EnterBoth,
        (At::Head(range), At::Record(record)) if range.min <= record.key => Decision::Enter(Source),
        (At::Record(record), At::Head(range)) if range.min <= record.key => {
            Decision::Enter(Destination)
        }
        (At::Record(record), other) if is_first(record, other) => Decision::Record(Source),
        _ => Decision::Record(Destination),
    }
}

/// Whether the source's `record` comes before everything of the destination.
fn is_first(record: &Record, destination: &At<'_>) -> bool {
    match destination {
        At::Head(range) => record.key < range.min,
        At::Record(other) => record.key < other.key,
        At::End => true,
    }
}

#[cfg(test)]
mod tests;
