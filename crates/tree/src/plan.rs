//! How the algorithms and their drivers talk.
//!
//! An algorithm is advanced step by step. A step makes one decision: it gives something out, or
//! nothing, or says what it cannot go on without. The driver then fetches that, which may take long
//! or fail, supplies it, and steps again; nothing was lost meanwhile. So no algorithm waits, and all
//! of them run in a test over a map of ranges (docs/design/0002-synchronous-core.md).

use crate::Change;
use crate::Error;
use crate::Record;
use crate::Summary;
use crate::meta_range::RangeRef;
use crate::range::Range;

/// What came of one step.
#[derive(Debug)]
pub(crate) enum Step<T> {
    /// The next of what the algorithm gives out.
    Item(T),
    /// A decision was made and there is nothing to show for it.
    Nothing,
    /// The algorithm cannot go on without this.
    Need(Need),
    /// There is nothing more.
    End,
}

/// What an algorithm cannot go on without.
#[derive(Debug)]
pub(crate) enum Need {
    /// The records of a range.
    Range(RangeNeed),
    /// The next changes.
    Changes,
}

/// The range that an algorithm wants to read, and for which of its trees.
#[derive(Debug)]
pub(crate) struct RangeNeed {
    pub(crate) side: Side,
    pub(crate) range: RangeRef,
}

/// Which of its trees an algorithm speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
    Source,
    Destination,
    Base,
}

/// What an algorithm is given when it said [`Step::Need`].
#[derive(Debug)]
pub(crate) enum Supply {
    Range(Side, Range),
    /// Some changes, and whether they are the last.
    Changes(Vec<Change>, bool),
}

/// A part of the tree that is being written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A record, which goes into a new range.
    Record(Record),
    /// A range that is there already, taken over unread.
    Whole(RangeRef),
}

/// An algorithm that decides, piece by piece and in key order, what a new tree is made of.
pub(crate) trait Plan: Send + 'static {
    /// Makes the next decision.
    fn step(&mut self) -> Result<Step<Piece>, Error>;

    /// Gives what the last step said it needs.
    fn supply(&mut self, supply: Supply);

    /// How the pieces given out so far differ from the tree that the plan began with.
    fn summary(&self) -> Summary;
}
