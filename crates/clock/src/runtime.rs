//! The seam itself: three traits and the bundle of them that components hold.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::ManualClock;
use crate::SeededRandom;
use crate::Timestamp;
use crate::real::RealClock;
use crate::real::RealRandom;
use crate::real::TokioSpawner;

/// What time it is, and how to wait.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment by the calendar. May jump, also backwards.
    fn now(&self) -> Timestamp;

    /// Time since some fixed start. Never goes backwards.
    fn monotonic(&self) -> Duration;

    /// Completes once `duration` has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// A source of bytes that nobody can foresee (the real one) or that a seed decides (in tests).
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Overwrites `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// Runs tasks and CPU-bound work.
pub trait Spawner: fmt::Debug + Send + Sync + 'static {
    /// Runs `task` until it completes, beside the caller. `name` is for logs.
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>);

    /// Runs `work`, which may block or compute for long, where it holds up no task.
    fn blocking(&self, work: Box<dyn FnOnce() + Send + 'static>);
}

/// A wait that was cut off by its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not done after {0:?}")]
pub struct Elapsed(pub Duration);

/// The clock, the random source and the spawner that a component uses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Runtime {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    spawner: Arc<dyn Spawner>,
}

impl Runtime {
    /// The real thing: system clock, the operating system's random numbers, the tokio runtime that
    /// the caller runs in.
    pub fn real() -> Self {
        Self::new(Arc::new(RealClock::start()), Arc::new(RealRandom), Arc::new(TokioSpawner))
    }

    /// A runtime whose time stands still until [`ManualClock::advance`] and whose random numbers
    /// follow from `seed`. Tasks run on the caller's tokio runtime.
    pub fn seeded(seed: u64) -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_seconds(1_700_000_000)));
        let random = Arc::new(SeededRandom::new(seed));
        (Self::new(clock.clone(), random, Arc::new(TokioSpawner)), clock)
    }

    /// A runtime of the given parts.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, spawner: Arc<dyn Spawner>) -> Self {
        Self { clock, random, spawner }
    }

    /// The present moment by the calendar.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time since some fixed start; for measuring how long something took.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Completes once `duration` has passed.
    pub fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }

    /// Awaits `work` for at most `limit`; dropping it then.
    pub async fn timeout<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.sleep(limit) => Err(Elapsed(limit)),
        }
    }

    /// Overwrites `bytes` with random ones.
    pub fn fill_random(&self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }

    /// Returns random bytes.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// Runs `task` beside the caller until it completes. `name` is for logs.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.spawner.spawn(name, task.boxed());
    }

    /// Runs `work`, which may block or compute for longer than half a millisecond, off the tasks'
    /// threads and returns what it returned. A panic of `work` goes on in the caller.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let (answer, wait) = oneshot::channel();
        self.spawner.blocking(Box::new(move || {
            // Nobody left to tell is no error: the caller was dropped.
            drop(answer.send(catch_unwind(AssertUnwindSafe(work))));
        }));
        match wait.await {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => resume_unwind(panic),
            // The runtime is shutting down and dropped the work; nothing awaits this any more.
            Err(_) => std::future::pending().await,
        }
    }
}
