//! The service itself: the stores it works on.

use std::sync::Arc;

use tokio::sync::Mutex;

use lakehold_block::BlockStore;
use lakehold_engine::Engine;

/// Garbage collection of all repositories. Cheap to clone; clones are the same service.
#[derive(Clone, Debug)]
pub struct Gc {
    pub(crate) engine: Engine,
    pub(crate) blocks: Arc<dyn BlockStore>,
    /// Held while rules are changed: read first, then replaced.
    pub(crate) changing: Arc<Mutex<()>>,
}

impl Gc {
    /// Garbage collection of the repositories of `engine`, whose data is in `blocks`.
    pub fn new(engine: Engine, blocks: Arc<dyn BlockStore>) -> Self {
        Self { engine, blocks, changing: Arc::default() }
    }
}
