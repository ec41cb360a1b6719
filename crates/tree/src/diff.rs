//! The difference of two trees, without reading what they share.
//!
//! Both trees are walked side by side. Two heads with the same name are passed together, unread:
//! the name is a hash of the content. Otherwise whichever range begins first is entered, both where
//! they begin together, and records are compared key by key. Ranges need not begin and end at the
//! same keys on both sides.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::Difference;
use crate::Error;
use crate::Record;
use crate::meta_range::MetaRange;
use crate::meta_range::RangeRef;
use crate::plan::Need;
use crate::plan::RangeNeed;
use crate::plan::Side;
use crate::plan::Step;
use crate::range::Range;
use crate::walk::At;
use crate::walk::Walk;

/// A position in the difference of two trees.
#[derive(Debug)]
pub(crate) struct Diff {
    left: Walk,
    right: Walk,
}

/// What to do about where the two sides are.
enum Decision {
    End,
    SkipBoth,
    Enter(Side),
    EnterBoth,
    OnlyLeft,
    OnlyRight,
    SameKey,
}

impl Diff {
    /// A position before the first difference of two trees.
    pub(crate) fn new(left: Arc<MetaRange>, right: Arc<MetaRange>) -> Self {
        Self { left: Walk::new(left), right: Walk::new(right) }
    }

    /// A position before the first difference of two trees of one range each.
    pub(crate) fn of_ranges(left: RangeRef, right: RangeRef) -> Self {
        Self { left: Walk::over_range(left), right: Walk::over_range(right) }
    }

    /// Moves, forward or back, before the first difference whose key is `key` or greater.
    pub(crate) fn seek(&mut self, key: &[u8]) {
        self.left.seek(key);
        self.right.seek(key);
    }

    /// Makes the next decision.
    pub(crate) fn step(&mut self) -> Result<Step<Difference>, Error> {
        if let Some(need) = self.settle()? {
            return Ok(Step::Need(need));
        }
        let found = match decide(&self.left.at(), &self.right.at()) {
            Decision::End => return Ok(Step::End),
            Decision::SkipBoth => self.skip_both(),
            Decision::Enter(side) => self.enter(side),
            Decision::EnterBoth => self.enter_both(),
            Decision::OnlyLeft => difference(self.left.take(), None),
            Decision::OnlyRight => difference(None, self.right.take()),
            Decision::SameKey => difference(self.left.take(), self.right.take()),
        };
        Ok(found.map_or(Step::Nothing, Step::Item))
    }

    /// Makes sure that both sides know where they are; returns what they need for that.
    pub(crate) fn settle(&mut self) -> Result<Option<Need>, Error> {
        for (side, walk) in [(Side::Left, &mut self.left), (Side::Right, &mut self.right)] {
            if let Some(range) = walk.settle()? {
                return Ok(Some(Need::Range(RangeNeed { side, range })));
            }
        }
        Ok(None)
    }

    /// Gives the range that the last step said it needs.
    pub(crate) fn supply(&mut self, side: Side, range: &Range) {
        match side {
            Side::Left => self.left.supply(range),
            _ => self.right.supply(range),
        }
    }

    /// Goes past a range on the left, or past one on the right, that lies apart from everything on
    /// the other side; returns it. Both sides must be settled.
    pub(crate) fn skip_lone(&mut self) -> Option<(Side, RangeRef)> {
        let (left, right) = (self.left.at(), self.right.at());
        if left.is_range_before(&right) {
            return self.left.skip().map(|range| (Side::Left, range));
        }
        if right.is_range_before(&left) {
            return self.right.skip().map(|range| (Side::Right, range));
        }
        None
    }

    fn skip_both(&mut self) -> Option<Difference> {
        self.left.skip();
        self.right.skip();
        None
    }

    fn enter(&mut self, side: Side) -> Option<Difference> {
        match side {
            Side::Left => self.left.enter(),
            _ => self.right.enter(),
        }
        None
    }

    fn enter_both(&mut self) -> Option<Difference> {
        self.left.enter();
        self.right.enter();
        None
    }
}

fn decide(left: &At<'_>, right: &At<'_>) -> Decision {
    match (left, right) {
        (At::End, At::End) => Decision::End,
        (At::Head(left), At::Head(right)) if left.id == right.id => Decision::SkipBoth,
        (At::Head(left), At::Head(right)) => match left.min.cmp(&right.min) {
            Ordering::Less => Decision::Enter(Side::Left),
            Ordering::Equal => Decision::EnterBoth,
            Ordering::Greater => Decision::Enter(Side::Right),
        },
        (At::Head(range), At::Record(record)) if record.key < range.min => Decision::OnlyRight,
        (At::Head(_), _) => Decision::Enter(Side::Left),
        (At::Record(record), At::Head(range)) if record.key < range.min => Decision::OnlyLeft,
        (_, At::Head(_)) => Decision::Enter(Side::Right),
        (At::Record(left), At::Record(right)) => match left.key.cmp(&right.key) {
            Ordering::Less => Decision::OnlyLeft,
            Ordering::Equal => Decision::SameKey,
            Ordering::Greater => Decision::OnlyRight,
        },
        (At::Record(_), At::End) => Decision::OnlyLeft,
        (At::End, At::Record(_)) => Decision::OnlyRight,
    }
}

/// The difference of two records of one key, if they differ; one of them may be missing.
fn difference(left: Option<Record>, right: Option<Record>) -> Option<Difference> {
    let key = left.as_ref().or(right.as_ref())?.key.clone();
    let (left, right) = (left.map(|record| record.value), right.map(|record| record.value));
    let identity =
        |value: &Option<crate::Value>| value.as_ref().map(|value| value.identity.clone());
    (identity(&left) != identity(&right)).then_some(Difference { key, left, right })
}

#[cfg(test)]
mod tests;
