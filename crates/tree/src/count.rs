//! How much two trees differ, without the differences.
//!
//! Like [`Diff`], but a range that lies apart from everything on the other side is not entered: the
//! metarange says how many records it has.

use std::sync::Arc;

use crate::Error;
use crate::Summary;
use crate::diff::Diff;
use crate::meta_range::MetaRange;
use crate::meta_range::RangeRef;
use crate::plan::Side;
use crate::plan::Step;
use crate::range::Range;

/// Counts what turns the left tree into the right one.
#[derive(Debug)]
pub(crate) struct Count {
    diff: Diff,
    summary: Summary,
}

impl Count {
    pub(crate) fn new(left: Arc<MetaRange>, right: Arc<MetaRange>) -> Self {
        Self { diff: Diff::new(left, right), summary: Summary::default() }
    }

    /// The same for trees of one range each.
    pub(crate) fn of_ranges(left: RangeRef, right: RangeRef) -> Self {
        Self { diff: Diff::of_ranges(left, right), summary: Summary::default() }
    }

    /// What was counted so far: everything, once [`Count::step`] has returned [`Step::End`].
    pub(crate) fn summary(&self) -> Summary {
        self.summary
    }

    /// Makes the next decision.
    pub(crate) fn step(&mut self) -> Result<Step<()>, Error> {
        if let Some(need) = self.diff.settle()? {
            return Ok(Step::Need(need));
        }
        match self.diff.skip_lone() {
            Some((Side::Left, range)) => self.summary.removed += range.count,
            Some((_, range)) => self.summary.added += range.count,
            None => return self.step_into(),
        }
        Ok(Step::Nothing)
    }

    fn step_into(&mut self) -> Result<Step<()>, Error> {
        let difference = match self.diff.step()? {
            Step::Item(difference) => difference,
            Step::Nothing => return Ok(Step::Nothing),
            Step::Need(need) => return Ok(Step::Need(need)),
            Step::End => return Ok(Step::End),
        };
        match (difference.left, difference.right) {
            (None, _) => self.summary.added += 1,
            (Some(_), Some(_)) => self.summary.changed += 1,
            (Some(_), None) => self.summary.removed += 1,
        }
        Ok(Step::Nothing)
    }

    /// Gives the range that the last step said it needs.
    pub(crate) fn supply(&mut self, side: Side, range: &Range) {
        self.diff.supply(side, range);
    }
}
