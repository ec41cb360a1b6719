//! A tree with some changes applied: what a commit writes.
//!
//! The base is walked along the changes. A range that ends before the next change is taken over
//! whole and unread; any other is entered, even if it begins behind the change, for so the real
//! writer does and the ranges, and their names, shall come out the same (docs/formats/trees.md).
//! Inside, record by record:
//!
//! | the next change is | to remove | to set |
//! | --- | --- | --- |
//! | behind the record | the record stays | the record stays |
//! | at the record | the record goes | the record stays if identities are equal, else it is replaced |
//! | before the record | nothing | it is added |

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::Change;
use crate::Error;
use crate::Record;
use crate::Summary;
use crate::meta_range::MetaRange;
use crate::plan::Need;
use crate::plan::Piece;
use crate::plan::Plan;
use crate::plan::RangeNeed;
use crate::plan::Side;
use crate::plan::Step;
use crate::plan::Supply;
use crate::walk::At;
use crate::walk::Walk;

/// The plan of a tree with changes applied.
#[derive(Debug)]
pub(crate) struct Apply {
    base: Walk,
    changes: VecDeque<Change>,
    /// Whether no change comes after those in `changes`.
    all_here: bool,
    /// The key of the change taken last, to see that they ascend.
    last_key: Option<Bytes>,
    summary: Summary,
}

/// What to do about where base and changes are.
enum Decision {
    End,
    Whole,
    Enter,
    Keep,
    Add,
    Replace,
}

impl Apply {
    /// The plan of `base` with changes that are yet to be supplied.
    pub(crate) fn new(base: Arc<MetaRange>) -> Self {
        Self {
            base: Walk::new(base),
            changes: VecDeque::new(),
            all_here: false,
            last_key: None,
            summary: Summary::default(),
        }
    }

    /// Adds the change, of a key that the base does not have.
    fn add(&mut self) -> Result<Option<Record>, Error> {
        let change = self.next_change()?;
        let record = change.and_then(|Change { key, value }| Some(Record { key, value: value? }));
        self.summary.added += u64::from(record.is_some());
        Ok(record)
    }

    /// Sets the change in the place of the base's record.
    fn replace(&mut self) -> Result<Option<Record>, Error> {
        let base = self.base.take();
        let value = self.next_change()?.and_then(|change| change.value);
        let Some((base, value)) = base.zip(value) else {
            self.summary.removed += 1;
            return Ok(None);
        };
        if value.identity == base.value.identity {
            return Ok(Some(base));
        }
        self.summary.changed += 1;
        Ok(Some(Record { key: base.key, value }))
    }

    /// Takes the next change, which must be behind the one before it.
    fn next_change(&mut self) -> Result<Option<Change>, Error> {
        let Some(change) = self.changes.pop_front() else { return Ok(None) };
        if self.last_key.as_ref().is_some_and(|last| *last >= change.key) {
            let key = String::from_utf8_lossy(&change.key);
            return Err(Error::Changes(format!("change of {key:?} is out of order").into()));
        }
        self.last_key = Some(change.key.clone());
        Ok(Some(change))
    }
}

impl Plan for Apply {
    fn step(&mut self) -> Result<Step<Piece>, Error> {
        if let Some(range) = self.base.settle()? {
            return Ok(Step::Need(Need::Range(RangeNeed { side: Side::Base, range })));
        }
        if self.changes.is_empty() && !self.all_here {
            return Ok(Step::Need(Need::Changes));
        }
        let record = match decide(&self.base.at(), self.changes.front()) {
            Decision::End => return Ok(Step::End),
            Decision::Whole => {
                return Ok(self.base.skip().map_or(Step::Nothing, |r| Step::Item(Piece::Whole(r))));
            }
            Decision::Enter => {
                self.base.enter();
                None
            }
            Decision::Keep => self.base.take(),
            Decision::Add => self.add()?,
            Decision::Replace => self.replace()?,
        };
        Ok(record.map_or(Step::Nothing, |record| Step::Item(Piece::Record(record))))
    }

    fn supply(&mut self, supply: Supply) {
        match supply {
            Supply::Range(_, range) => self.base.supply(&range),
            Supply::Changes(changes, all_here) => {
                self.changes.extend(changes);
                self.all_here = all_here;
            }
        }
    }

    fn summary(&self) -> Summary {
        self.summary
    }
}

fn decide(base: &At<'_>, change: Option<&Change>) -> Decision {
    match (base, change) {
        (At::End, None) => Decision::End,
        (At::End, Some(_)) => Decision::Add,
        (At::Head(_), None) => Decision::Whole,
        (At::Head(range), Some(change)) if range.max < change.key => Decision::Whole,
        (At::Head(_), Some(_)) => Decision::Enter,
        (At::Record(_), None) => Decision::Keep,
        (At::Record(record), Some(change)) => match record.key.cmp(&change.key) {
            Ordering::Less => Decision::Keep,
            Ordering::Equal => Decision::Replace,
            Ordering::Greater => Decision::Add,
        },
    }
}

#[cfg(test)]
mod tests;
