//! A clock that stands still until told, and random numbers that a seed decides.

use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::watch;

use crate::Clock;
use crate::Random;
use crate::Timestamp;

/// A clock for tests: time passes only by [`ManualClock::advance`].
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    passed: watch::Sender<Duration>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, passed: watch::Sender::new(Duration::ZERO) }
    }

    /// Lets `duration` pass and wakes every sleeper whose time has come.
    pub fn advance(&self, duration: Duration) {
        self.passed.send_modify(|passed| *passed += duration);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.start.plus(*self.passed.borrow())
    }

    fn monotonic(&self) -> Duration {
        *self.passed.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut passed = self.passed.subscribe();
        let until = *passed.borrow() + duration;
        async move {
            // An error means that the clock is gone, and with it whoever could wake us.
            drop(passed.wait_for(|passed| *passed >= until).await);
        }
        .boxed()
    }
}

/// Random numbers that follow from a seed.
#[derive(Debug)]
pub struct SeededRandom(Mutex<StdRng>);

impl SeededRandom {
    /// The numbers of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().expect("no code panics while holding the lock").fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Runtime;

    #[test]
    fn equal_seeds_give_equal_numbers() {
        let (one, _) = Runtime::seeded(7);
        let (same, _) = Runtime::seeded(7);
        let (other, _) = Runtime::seeded(8);
        let numbers = one.random_bytes::<16>();
        assert_eq!(numbers, same.random_bytes::<16>());
        assert_ne!(numbers, other.random_bytes::<16>());
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_its_time_has_come_and_not_before() {
        let clock = ManualClock::starting_at(Timestamp::from_seconds(100));
        let sleeping = clock.sleep(Duration::from_secs(5));
        clock.advance(Duration::from_secs(4));
        let mut sleeping = std::pin::pin!(sleeping);
        assert!(futures::poll!(sleeping.as_mut()).is_pending());
        clock.advance(Duration::from_secs(1));
        sleeping.await;
        assert_eq!(clock.now(), Timestamp::from_seconds(105));
    }
}
