//! The real clock, random source and spawner: the one place that touches the system's.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rand::TryRng as _;
use rand::rngs::SysRng;

use crate::Clock;
use crate::Random;
use crate::Spawner;
use crate::Timestamp;

/// The system's clock.
#[derive(Debug)]
pub(crate) struct RealClock {
    start: Instant,
}

impl RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the others are sent to")]
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the others are sent to")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp {
                seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                nanos: since.subsec_nanos(),
            },
            // A machine whose clock stands before 1970 is a machine without a clock.
            Err(_) => Timestamp::default(),
        }
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that the others are sent to")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// The operating system's random numbers.
#[derive(Debug)]
pub(crate) struct RealRandom;

impl Random for RealRandom {
    fn fill(&self, bytes: &mut [u8]) {
        SysRng.try_fill_bytes(bytes).expect("the operating system has random numbers");
    }
}

/// The tokio runtime that the caller runs in.
#[derive(Debug)]
pub(crate) struct TokioSpawner;

impl Spawner for TokioSpawner {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the spawner that the others are sent to"
    )]
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        drop(tokio::spawn(task));
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the spawner that the others are sent to"
    )]
    fn blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) {
        drop(tokio::task::spawn_blocking(work));
    }
}
