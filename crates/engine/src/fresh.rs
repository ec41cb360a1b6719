//! A cache of records that change: exact where only this process changes them.
//!
//! On an exclusive store every change goes through the engine, which forgets the entry when the
//! change is done, before it acknowledges it. The danger is a reader that read the store before the
//! change and remembers what it read after the entry was forgotten. A reader therefore takes the
//! generation *before* it reads, and may remember only while no change has been made since:
//!
//! ```text
//! reader:   begin (7) ── read store: old ──────────────────────── remember(7)? no, it is 8 now
//! changer:                    write store: new ── forget: 8 ── acknowledge
//! ```
//!
//! On a shared store other processes change records too; there an entry is used for at most
//! [`LONGEST_ON_SHARED`] (docs/design/0005-caches.md).

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use foldhash::fast::RandomState;
use lakehold_clock::Runtime;
use lakehold_kv::Ownership;
use moka::sync::Cache;

/// How old an entry may become that another process may have changed: what lakeFS allows, too.
const LONGEST_ON_SHARED: Duration = Duration::from_secs(5);

/// Values by key that are forgotten when they change.
#[derive(Debug)]
pub(crate) struct FreshCache<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static>
{
    entries: Cache<K, Remembered<V>, RandomState>,
    /// Number of changes so far.
    generation: Mutex<u64>,
    longest: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Remembered<V> {
    value: V,
    since: Duration,
}

/// When a read of the store began: what it finds may be as old as that, however long it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    generation: u64,
    at: Duration,
}

impl<K, V> FreshCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// An empty cache of at most `capacity` entries.
    pub(crate) fn new(ownership: Ownership, capacity: u64) -> Self {
        let longest = match ownership {
            Ownership::Exclusive => None,
            Ownership::Shared => Some(LONGEST_ON_SHARED),
        };
        let entries =
            Cache::builder().max_capacity(capacity).build_with_hasher(RandomState::default());
        Self { entries, generation: Mutex::new(0), longest }
    }

    /// Returns what is remembered of `key` and still holds.
    pub(crate) fn find<Q>(&self, key: &Q, runtime: &Runtime) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let found = self.entries.get(key)?;
        let fresh = self.longest.is_none_or(|longest| runtime.monotonic() - found.since <= longest);
        fresh.then_some(found.value)
    }

    /// Says that a read of the store begins now.
    pub(crate) fn begin(&self, runtime: &Runtime) -> Begun {
        let at = self.longest.map_or(Duration::ZERO, |_| runtime.monotonic());
        Begun { generation: *self.generation(), at }
    }

    /// Remembers what a read that began at `begun` found, unless something was changed since.
    pub(crate) fn remember(&self, begun: Begun, key: K, value: V) {
        let generation = self.generation();
        if *generation == begun.generation {
            self.entries.insert(key, Remembered { value, since: begun.at });
        }
    }

    /// Forgets `key`: it was changed.
    pub(crate) fn forget<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut generation = self.generation();
        *generation += 1;
        self.entries.invalidate(key);
    }

    fn generation(&self) -> MutexGuard<'_, u64> {
        self.generation.lock().expect("no code panics while holding the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let (runtime, _clock) = Runtime::seeded(1);
        let cache = FreshCache::new(Ownership::Exclusive, 10);
        let begun = cache.begin(&runtime);
        cache.forget("a");
        cache.remember(begun, "a", 1);
        assert_eq!(cache.find("a", &runtime), None);
        cache.remember(cache.begin(&runtime), "a", 2);
        assert_eq!(cache.find("a", &runtime), Some(2));
    }

    #[test]
    fn on_a_shared_store_nothing_is_believed_for_more_than_five_seconds() {
        let (runtime, clock) = Runtime::seeded(1);
        let shared = FreshCache::new(Ownership::Shared, 10);
        let exclusive = FreshCache::new(Ownership::Exclusive, 10);
        let (begun, known) = (shared.begin(&runtime), exclusive.begin(&runtime));
        clock.advance(Duration::from_secs(2));
        shared.remember(begun, "a", 1);
        exclusive.remember(known, "a", 1);
        clock.advance(Duration::from_secs(3));
        assert_eq!(shared.find("a", &runtime), Some(1));
        clock.advance(Duration::from_millis(1));
        assert_eq!(shared.find("a", &runtime), None);
        assert_eq!(exclusive.find("a", &runtime), Some(1));
    }
}
