//! The merge base: a best common ancestor of two commits.
//!
//! Commits are taken from a queue by generation, highest first, and pass on to their parents which of
//! the two sides they were reached from. With correct generations every descendant of a commit comes
//! out before the commit itself, so what it knows of its sides when it *comes out* is all there is to
//! know, and the first that comes out with both sides is a best common ancestor. (Looking already
//! when sides are passed on finds an ancestor of a better one where histories cross.) Of several best
//! ones (criss-cross) the newest is taken, then the one with the smallest id: the answer depends on
//! the history alone.
//!
//! Commits of old may have no generation. Then one may come out before a descendant that reaches it
//! from the other side; when it does, it comes out once more. What is found is a common ancestor, if
//! not always a best one.
//!
//! Each commit is read once, but for those. Memory grows with the number of commits visited, that is with how far
//! back the two have parted.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::HashMap;
use std::sync::Arc;

use lakehold_clock::Timestamp;

use crate::Commit;
use crate::CommitId;
use crate::Engine;
use crate::EngineError;
use crate::RefExpr;
use crate::Repository;
use crate::error::Result;

const LEFT: u8 = 1;
const RIGHT: u8 = 2;
const BOTH: u8 = LEFT | RIGHT;

/// Two commits and a best common ancestor of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeBase {
    /// The commit that the source resolved to.
    pub source: CommitId,
    /// The commit that the destination resolved to.
    pub destination: CommitId,
    /// The ancestor; may be one of the two.
    pub base: CommitId,
}

impl Engine {
    /// Finds what merging `source` into `destination` would compare both with.
    ///
    /// Fails with [`EngineError::NoMergeBase`] where the two have no common ancestor.
    pub async fn merge_base(
        &self,
        repository: &Repository,
        source: &RefExpr,
        destination: &RefExpr,
    ) -> Result<MergeBase> {
        let source = self.commit_at(repository, source).await?;
        let destination = self.commit_at(repository, destination).await?;
        let base = self.merge_base_of(repository, &source, &destination).await?;
        Ok(MergeBase {
            source: source.id.clone(),
            destination: destination.id.clone(),
            base: base.id.clone(),
        })
    }

    /// Finds a best common ancestor of two commits.
    pub(crate) async fn merge_base_of(
        &self,
        repository: &Repository,
        left: &Arc<Commit>,
        right: &Arc<Commit>,
    ) -> Result<Arc<Commit>> {
        let mut queue = BinaryHeap::new();
        let mut reached: HashMap<CommitId, Reached> = HashMap::new();
        for (start, side) in [(left, LEFT), (right, RIGHT)] {
            if reached.entry(start.id.clone()).or_default().reach(side) {
                queue.push(Queued(start.clone()));
            }
        }
        while let Some(Queued(commit)) = queue.pop() {
            let sides = reached.entry(commit.id.clone()).or_default().come_out();
            if sides == BOTH {
                return Ok(commit);
            }
            for parent in &commit.parents {
                if reached.entry(parent.clone()).or_default().reach(sides) {
                    queue.push(Queued(self.get_commit(repository, parent).await?));
                }
            }
        }
        Err(EngineError::NoMergeBase {
            left: left.id.as_str().to_owned(),
            right: right.id.as_str().to_owned(),
        })
    }
}

/// What is known of a commit so far.
#[derive(Default)]
struct Reached {
    sides: u8,
    is_queued: bool,
}

impl Reached {
    /// Notes that it was reached from these sides. Returns whether it is to be queued.
    fn reach(&mut self, sides: u8) -> bool {
        let is_news = self.sides | sides != self.sides;
        self.sides |= sides;
        let queue = is_news && !self.is_queued;
        self.is_queued |= queue;
        queue
    }

    /// Notes that it comes out of the queue. Returns the sides it was reached from.
    fn come_out(&mut self) -> u8 {
        self.is_queued = false;
        self.sides
    }
}

/// A commit in the queue; the greatest comes out first.
struct Queued(Arc<Commit>);

impl Queued {
    fn rank(&self) -> (i32, Timestamp, Reverse<&CommitId>) {
        (self.0.generation, self.0.creation_date, Reverse(&self.0.id))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Queued {}

#[cfg(test)]
mod tests;
