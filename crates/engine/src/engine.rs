//! The engine itself: the stores it works on, and what it remembers.

use std::sync::Arc;
use std::time::Duration;

use lakehold_clock::Runtime;
use lakehold_clock::XidGenerator;
use lakehold_kv::Ownership;
use lakehold_kv::Store;
use lakehold_tree::Trees;
use tokio::sync::oneshot;

use crate::Hooks;
use crate::Repository;
use crate::RepositoryId;
use crate::branch::queue::BranchQueues;
use crate::commit::cache::CommitCache;
use crate::fresh::FreshCache;
use crate::protection::CompiledRules;
use crate::staging::drops::TokenDrops;

/// Waits between attempts that lose against another server: first, and at most. Only met on a shared
/// store; in one process the branch queue leaves nothing to lose against.
const FIRST_BACKOFF: Duration = Duration::from_millis(5);
const LONGEST_BACKOFF: Duration = Duration::from_millis(640);

/// How many repositories are remembered.
const REPOSITORIES: u64 = 10_000;

/// The versioning engine over a key-value store and trees. Cheap to clone; clones share everything.
///
/// Operations may be called from any number of tasks. Dropping the future of one is like a crash in
/// the middle of it: what it had not finished is not done, and nothing that was acknowledged is lost.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) parts: Arc<Parts>,
}

/// What all clones of an engine share.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) kv: Arc<dyn Store>,
    pub(crate) trees: Trees,
    pub(crate) hooks: Arc<dyn Hooks>,
    pub(crate) runtime: Runtime,
    pub(crate) xids: XidGenerator,
    pub(crate) queues: BranchQueues,
    pub(crate) drops: TokenDrops,
    pub(crate) commits: CommitCache,
    pub(crate) repositories: FreshCache<RepositoryId, Arc<Repository>>,
    pub(crate) rules: FreshCache<bytes::Bytes, Arc<CompiledRules>>,
}

impl Engine {
    /// An engine over these stores.
    pub fn new(kv: Arc<dyn Store>, trees: Trees, hooks: Arc<dyn Hooks>, runtime: Runtime) -> Self {
        let ownership = kv.ownership();
        let parts = Parts {
            trees,
            hooks,
            xids: XidGenerator::new(&runtime),
            queues: BranchQueues::default(),
            drops: TokenDrops::default(),
            commits: CommitCache::new(),
            repositories: FreshCache::new(ownership, REPOSITORIES),
            rules: FreshCache::new(ownership, REPOSITORIES),
            kv,
            runtime,
        };
        Self { parts: Arc::new(parts) }
    }

    /// The store that records lie in, for those above that keep records of their own in it.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.kv
    }

    /// Whether no other process changes the store.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.parts.kv.ownership() == Ownership::Exclusive
    }

    /// Waits before attempt `attempt + 1`: twice as long each time, and half as much again or less by
    /// chance, so that those who lost together do not meet again.
    pub async fn back_off(&self, attempt: u32) {
        let doubled = FIRST_BACKOFF.saturating_mul(1 << attempt.min(10)).min(LONGEST_BACKOFF);
        let [chance] = self.parts.runtime.random_bytes::<1>();
        let wait = doubled.mul_f32(0.5 + f32::from(chance) / 255.0);
        self.parts.runtime.sleep(wait).await;
    }

    /// Runs `work` to its end even if the caller goes away meanwhile. For a change that must be
    /// followed by something only we can do, such as forgetting what a cache remembers: a caller that
    /// goes away between the two would leave the cache wrong for good.
    pub async fn to_the_end<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (answer, wait) = oneshot::channel();
        self.parts.runtime.spawn(name, async move {
            // Nobody left to tell is no error.
            drop(answer.send(work.await));
        });
        match wait.await {
            Ok(done) => done,
            // The runtime is shutting down and dropped the work; nothing awaits this any more.
            Err(_) => std::future::pending().await,
        }
    }
}
