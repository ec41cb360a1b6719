//! Queues: one at a time moves a branch, first come, first served.
//!
//! A queue is there while someone stands in it and gone afterwards, so that a million branches cost
//! nothing. Standing in a queue is no promise about the record of the branch: on a shared store other
//! servers change it all the same, and writers of staged data never queue (unless commits keep
//! overtaking them). It only saves work that would be lost, and in one process all conflicts
//! (docs/design/0004-branch-queue.md).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::Weak;

use bytes::Bytes;
use tokio::sync::Mutex as FairMutex;
use tokio::sync::OwnedMutexGuard;

use crate::BranchId;
use crate::Repository;

/// The queues of all branches in which someone stands.
#[derive(Debug, Default)]
pub(crate) struct BranchQueues {
    queues: Arc<Mutex<Queues>>,
}

type Queues = HashMap<QueueKey, Queue>;
type QueueKey = (Bytes, BranchId);

#[derive(Debug, Default)]
struct Queue {
    /// Tokio's mutex lets waiters in in the order in which they came.
    lock: Arc<FairMutex<()>>,
    /// How many stand here, the one whose turn it is included.
    standing: usize,
    /// The turn of the one whose turn it is.
    present: Weak<Held>,
}

/// One's turn to move a branch; it ends when this is dropped, and all that prolongs it.
#[derive(Debug)]
#[must_use]
pub(crate) struct Turn {
    _held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    // Fields drop in this order: first the turn ends, then the place is given up.
    _lock: OwnedMutexGuard<()>,
    _place: Place,
}

/// A place in a queue, given up when dropped, also by those who stop waiting.
#[derive(Debug)]
struct Place {
    queues: Arc<Mutex<Queues>>,
    key: QueueKey,
}

impl BranchQueues {
    /// Waits for one's turn.
    pub(crate) async fn enter(&self, repository: &Repository, branch: &BranchId) -> Turn {
        self.enter_at(key(repository, branch)).await
    }

    /// Makes the present turn last until this is dropped, too: for a write that goes on although the
    /// one whose turn it is has gone away. `None` if it is nobody's turn.
    pub(crate) fn prolong(&self, repository: &Repository, branch: &BranchId) -> Option<Turn> {
        self.prolong_at(&key(repository, branch))
    }

    async fn enter_at(&self, key: QueueKey) -> Turn {
        let (lock, place) = self.stand(key.clone());
        let held = Arc::new(Held { _lock: lock.lock_owned().await, _place: place });
        if let Some(queue) = locked(&self.queues).get_mut(&key) {
            queue.present = Arc::downgrade(&held);
        }
        Turn { _held: held }
    }

    fn prolong_at(&self, key: &QueueKey) -> Option<Turn> {
        let held = locked(&self.queues).get(key)?.present.upgrade()?;
        Some(Turn { _held: held })
    }

    fn stand(&self, key: QueueKey) -> (Arc<FairMutex<()>>, Place) {
        let mut queues = locked(&self.queues);
        let queue = queues.entry(key.clone()).or_default();
        queue.standing += 1;
        (queue.lock.clone(), Place { queues: self.queues.clone(), key })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queues = locked(&self.queues);
        if let Some(queue) = queues.get_mut(&self.key) {
            queue.standing -= 1;
            if queue.standing == 0 {
                queues.remove(&self.key);
            }
        }
    }
}

fn key(repository: &Repository, branch: &BranchId) -> QueueKey {
    (repository.partition.clone(), branch.clone())
}

fn locked(queues: &Mutex<Queues>) -> MutexGuard<'_, Queues> {
    queues.lock().expect("no code panics while holding the lock")
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn main() -> QueueKey {
        (Bytes::from_static(b"lake-1"), BranchId::from_stored("main"))
    }

    #[tokio::test]
    async fn turns_come_in_the_order_of_arrival_and_queues_go_with_the_last() {
        let queues = BranchQueues::default();
        let first = queues.enter_at(main()).await;
        let mut second = Box::pin(queues.enter_at(main()));
        let mut third = Box::pin(queues.enter_at(main()));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());

        drop(first);
        assert!((&mut third).now_or_never().is_none(), "third must not overtake second");
        let second = second.await;
        drop(third);
        assert_eq!(locked(&queues.queues).len(), 1);
        drop(second);
        assert!(locked(&queues.queues).is_empty());
    }

    #[tokio::test]
    async fn a_turn_lasts_until_what_prolongs_it_has_ended() {
        let queues = BranchQueues::default();
        assert!(queues.prolong_at(&main()).is_none(), "it is nobody's turn");
        let first = queues.enter_at(main()).await;
        let write = queues.prolong_at(&main());
        let mut second = Box::pin(queues.enter_at(main()));

        drop(first);
        assert!((&mut second).now_or_never().is_none(), "its write is still on its way");
        drop(write);
        drop(second.await);
        assert!(locked(&queues.queues).is_empty());
    }
}
