//! The bodies that lie in the journal and not yet in their places.
//!
//! A reader looks here first. A body leaves only after its file is in place and durable, so it is
//! always found in one of the two.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use bytes::Bytes;
use lakehold_clock::Timestamp;

use crate::Head;
use crate::local::listing::Wanted;

/// Removing many bodies gives way to readers after so many.
const REMOVED_AT_ONCE: usize = 256;

/// The bodies that are not yet in their places, by place.
#[derive(Debug, Default)]
pub(super) struct Index {
    pending: Mutex<HashMap<Arc<str>, Pending>>,
}

#[derive(Debug)]
struct Pending {
    body: Bytes,
    modified: Timestamp,
    /// The segment that it leaves with.
    segment: u64,
    /// How many have stored it.
    puts: u32,
}

impl Pending {
    fn head(&self) -> Head {
        Head { size: self.body.len() as u64, modified: self.modified }
    }
}

impl Index {
    /// Makes bodies visible that are durable in `segment`.
    pub(super) fn insert(
        &self,
        segment: u64,
        modified: Timestamp,
        stored: impl Iterator<Item = (Arc<str>, Bytes)>,
    ) {
        let mut pending = self.pending();
        for (place, body) in stored {
            let fresh = Pending { body, modified, segment, puts: 0 };
            // Whoever stored it before stored the same bytes.
            pending.entry(place).or_insert(fresh).puts += 1;
        }
    }

    /// The body at `place` and what is known of it.
    pub(super) fn find(&self, place: &str) -> Option<(Bytes, Head)> {
        self.pending().get(place).map(|found| (found.body.clone(), found.head()))
    }

    /// What is known of the body at `place`.
    pub(super) fn head(&self, place: &str) -> Option<Head> {
        self.pending().get(place).map(Pending::head)
    }

    /// Takes back one put to `place` whose caller has gone.
    pub(super) fn forget_put(&self, place: &str) {
        let mut pending = self.pending();
        if let Some(found) = pending.get_mut(place) {
            found.puts -= 1;
            if found.puts == 0 {
                pending.remove(place);
            }
        }
    }

    /// The bodies that leave with `segment`, of those at `places`.
    pub(super) fn bodies_of(&self, segment: u64, places: &[Arc<str>]) -> Vec<(Arc<str>, Bytes)> {
        let pending = self.pending();
        let leaving = |place: &Arc<str>| {
            let found = pending.get(place).filter(|found| found.segment == segment)?;
            Some((place.clone(), found.body.clone()))
        };
        places.iter().filter_map(leaving).collect()
    }

    /// Removes the bodies at `places` that leave with `segment`.
    pub(super) fn remove(&self, segment: u64, places: &[Arc<str>]) {
        for some in places.chunks(REMOVED_AT_ONCE) {
            let mut pending = self.pending();
            for place in some {
                if pending.get(place).is_some_and(|found| found.segment == segment) {
                    pending.remove(place);
                }
            }
        }
    }

    /// The names in `folder` that are wanted, in no order.
    pub(super) fn names(&self, folder: &str, wanted: Wanted<'_>) -> Vec<String> {
        let name_of = |place: &Arc<str>| {
            let name = match folder {
                "" => place.as_ref(),
                _ => place.strip_prefix(folder)?.strip_prefix('/')?,
            };
            wanted.takes(name).then(|| name.to_owned())
        };
        self.pending().keys().filter_map(name_of).collect()
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<Arc<str>, Pending>> {
        self.pending.lock().expect("no code panics while holding the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_stays_until_every_put_of_it_is_taken_back() {
        let index = Index::default();
        let stored = || [(Arc::from("a/1"), Bytes::from("one"))].into_iter();
        index.insert(1, Timestamp::default(), stored());
        index.insert(2, Timestamp::default(), stored());
        index.forget_put("a/1");
        assert!(index.find("a/1").is_some());
        index.forget_put("a/1");
        assert!(index.find("a/1").is_none());
        index.forget_put("a/1");
    }

    #[test]
    fn a_body_leaves_with_the_segment_that_it_came_with_first() {
        let index = Index::default();
        let place: Arc<str> = "a/1".into();
        let places = [place.clone()];
        for segment in [1, 2] {
            let stored = [(place.clone(), Bytes::from("one"))];
            index.insert(segment, Timestamp::default(), stored.into_iter());
        }
        assert!(index.bodies_of(2, &places).is_empty());
        assert_eq!(index.bodies_of(1, &places).len(), 1);
        index.remove(2, &places);
        assert!(index.head("a/1").is_some());
        index.remove(1, &places);
        assert!(index.head("a/1").is_none());
    }
}
