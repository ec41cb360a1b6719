//! The three-way merge of two trees.
//!
//! For each key let `s`, `d` and `b` be what source, destination and base have at exactly that key,
//! possibly nothing; "equal" means equal identities:
//!
//! | | the merged tree has |
//! | --- | --- |
//! | `s` equals `d` | `s` |
//! | `s` equals `b` | `d`: only the destination changed it |
//! | `d` equals `b` | `s`: only the source changed it |
//! | else: a conflict | by strategy `d`, or `s`, or the merge fails |
//!
//! "Exactly that key" matters: the base's *next* record may well have an equal identity (empty marker
//! files all do), and proves nothing.
//!
//! Source and destination are walked side by side and ranges are taken over or left out whole where
//! names and bounds alone decide. The order of these decisions is the real writer's, and decides
//! where ranges begin and end, that is, the merged tree's name (docs/formats/trees.md):
//!
//! - both at heads: equal names; equal bounds and one side's range is the base's; one range before
//!   the other and apart from the base, or the base's; else both are entered;
//! - one at a head, the other inside a range or at its end: the record first, if it comes first; the
//!   range, if it comes first and is apart from the base, or the base's; else it is entered.

mod base;
mod decide;

use std::sync::Arc;

use crate::Error;
use crate::Record;
use crate::Strategy;
use crate::Summary;
use crate::count::Count;
use crate::merge::base::Base;
use crate::merge::base::Lookup;
use crate::merge::decide::Decision;
use crate::merge::decide::decide;
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

/// The plan of a merged tree.
#[derive(Debug)]
pub(crate) struct Merge {
    source: Walk,
    destination: Walk,
    base: Base,
    strategy: Strategy,
    summary: Summary,
    /// Counts how a range taken over from the source differs from the destination's that it
    /// replaces.
    replaced: Option<Count>,
}

/// Which record of a key the merged tree gets.
enum Winner {
    Source,
    Destination,
}

impl Merge {
    /// The plan of the merge of `source` into `destination`, which both come from `base`.
    pub(crate) fn new(
        source: Arc<MetaRange>,
        destination: Arc<MetaRange>,
        base: Arc<MetaRange>,
        strategy: Strategy,
    ) -> Self {
        Self {
            source: Walk::new(source),
            destination: Walk::new(destination),
            base: Base::new(base),
            strategy,
            summary: Summary::default(),
            replaced: None,
        }
    }

    /// Goes on with counting a replaced range; `None` if there is none or it is done.
    fn step_count(&mut self) -> Result<Option<Step<Piece>>, Error> {
        let Some(count) = &mut self.replaced else { return Ok(None) };
        match count.step()? {
            Step::Need(need) => Ok(Some(Step::Need(need))),
            Step::Item(()) | Step::Nothing => Ok(Some(Step::Nothing)),
            Step::End => {
                let counted = count.summary();
                self.summary.added += counted.added;
                self.summary.changed += counted.changed;
                self.summary.removed += counted.removed;
                self.replaced = None;
                Ok(None)
            }
        }
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

    fn follow(&mut self, decision: &Decision) -> Result<Step<Piece>, Error> {
        Ok(match decision {
            Decision::End => Step::End,
            Decision::TakeSame => {
                self.destination.skip();
                whole(self.source.skip())
            }
            Decision::KeepDestination => {
                self.source.skip();
                whole(self.destination.skip())
            }
            Decision::Replace => self.replace(),
            Decision::TakeLone(side) => self.take_lone(*side),
            Decision::DropLone(side) => self.drop_lone(*side),
            Decision::Enter(side) => {
                self.walk(*side).enter();
                Step::Nothing
            }
            Decision::EnterBoth => {
                self.source.enter();
                self.destination.enter();
                Step::Nothing
            }
            Decision::OnlySource => return self.only_source(),
            Decision::OnlyDestination => return self.only_destination(),
            Decision::SameKey => return self.same_key(),
        })
    }

    fn walk(&mut self, side: Side) -> &mut Walk {
        match side {
            Side::Source => &mut self.source,
            _ => &mut self.destination,
        }
    }

    fn replace(&mut self) -> Step<Piece> {
        let (before, after) = (self.destination.skip(), self.source.skip());
        if let Some((before, after)) = before.zip(after.clone()) {
            self.replaced = Some(Count::of_ranges(before, after));
        }
        whole(after)
    }

    fn take_lone(&mut self, side: Side) -> Step<Piece> {
        let range = self.walk(side).skip();
        if side == Side::Source {
            self.summary.added += range.as_ref().map_or(0, |range| range.count);
        }
        whole(range)
    }

    fn drop_lone(&mut self, side: Side) -> Step<Piece> {
        let range = self.walk(side).skip();
        if side == Side::Destination {
            self.summary.removed += range.as_ref().map_or(0, |range| range.count);
        }
        Step::Nothing
    }

    /// The destination does not have the source's key.
    fn only_source(&mut self) -> Result<Step<Piece>, Error> {
        let At::Record(source) = self.source.at() else { return Ok(Step::Nothing) };
        let winner = match self.base.find(&source.key)? {
            Lookup::Need(range) => return Ok(need_base(range)),
            Lookup::Found(None) => Winner::Source,
            Lookup::Found(Some(base)) if base == source.value.identity => Winner::Destination,
            Lookup::Found(Some(_)) => resolve(self.strategy, source)?,
        };
        let source = self.source.take();
        Ok(match winner {
            Winner::Source => {
                self.summary.added += 1;
                record(source)
            }
            Winner::Destination => Step::Nothing,
        })
    }

    /// The source does not have the destination's key.
    fn only_destination(&mut self) -> Result<Step<Piece>, Error> {
        let At::Record(destination) = self.destination.at() else { return Ok(Step::Nothing) };
        let winner = match self.base.find(&destination.key)? {
            Lookup::Need(range) => return Ok(need_base(range)),
            Lookup::Found(None) => Winner::Destination,
            Lookup::Found(Some(base)) if base == destination.value.identity => Winner::Source,
            Lookup::Found(Some(_)) => resolve(self.strategy, destination)?,
        };
        let destination = self.destination.take();
        Ok(match winner {
            Winner::Source => {
                self.summary.removed += 1;
                Step::Nothing
            }
            Winner::Destination => record(destination),
        })
    }

    /// Both have the key.
    fn same_key(&mut self) -> Result<Step<Piece>, Error> {
        let (At::Record(source), At::Record(destination)) =
            (self.source.at(), self.destination.at())
        else {
            return Ok(Step::Nothing);
        };
        let equal = source.value.identity == destination.value.identity;
        let winner = if equal {
            Winner::Source
        } else {
            match self.base.find(&source.key)? {
                Lookup::Need(range) => return Ok(need_base(range)),
                Lookup::Found(Some(b)) if b == source.value.identity => Winner::Destination,
                Lookup::Found(Some(b)) if b == destination.value.identity => Winner::Source,
                Lookup::Found(_) => resolve(self.strategy, source)?,
            }
        };
        let (source, destination) = (self.source.take(), self.destination.take());
        Ok(match winner {
            Winner::Source => {
                self.summary.changed += u64::from(!equal);
                record(source)
            }
            Winner::Destination => record(destination),
        })
    }
}

impl Plan for Merge {
    fn step(&mut self) -> Result<Step<Piece>, Error> {
        if let Some(step) = self.step_count()? {
            return Ok(step);
        }
        if let Some(need) = self.settle()? {
            return Ok(Step::Need(need));
        }
        let decision = decide(&self.source.at(), &self.destination.at(), &self.base);
        self.follow(&decision)
    }

    fn supply(&mut self, supply: Supply) {
        // A merge asks for ranges only.
        let Supply::Range(side, range) = supply else { return };
        match (side, &mut self.replaced) {
            (Side::Source, _) => self.source.supply(&range),
            (Side::Destination, _) => self.destination.supply(&range),
            (Side::Base, _) => self.base.supply(&range),
            (Side::Left | Side::Right, Some(count)) => count.supply(side, &range),
            (Side::Left | Side::Right, None) => {}
        }
    }

    fn summary(&self) -> Summary {
        self.summary
    }
}

/// Who wins the conflict at the key of `record`.
fn resolve(strategy: Strategy, record: &Record) -> Result<Winner, Error> {
    match strategy {
        Strategy::SourceWins => Ok(Winner::Source),
        Strategy::DestinationWins => Ok(Winner::Destination),
        Strategy::Fail => {
            Err(Error::Conflict { key: String::from_utf8_lossy(&record.key).into_owned() })
        }
    }
}

fn whole(range: Option<RangeRef>) -> Step<Piece> {
    range.map_or(Step::Nothing, |range| Step::Item(Piece::Whole(range)))
}

fn record(record: Option<Record>) -> Step<Piece> {
    record.map_or(Step::Nothing, |record| Step::Item(Piece::Record(record)))
}

fn need_base(range: RangeRef) -> Step<Piece> {
    Step::Need(Need::Range(RangeNeed { side: Side::Base, range }))
}

#[cfg(test)]
mod tests;
