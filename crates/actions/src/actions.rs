//! The service itself: the stores it reads.

use std::sync::Arc;

use lakehold_block::BlockStore;
use lakehold_engine::Engine;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;

use crate::error::Result;

/// Reads what ran. Cheap to clone.
///
/// Methods take the name of a repository and fail where there is none of that name, whatever ran in
/// one that there was.
#[derive(Clone, Debug)]
pub struct Actions {
    pub(crate) engine: Engine,
    pub(crate) blocks: Arc<dyn BlockStore>,
}

impl Actions {
    /// Runs as `engine`'s store has them, and their outputs in `blocks`.
    pub fn new(engine: Engine, blocks: Arc<dyn BlockStore>) -> Self {
        Self { engine, blocks }
    }

    pub(crate) async fn repository(&self, id: &RepositoryId) -> Result<Arc<Repository>> {
        Ok(self.engine.repository(id).await?)
    }
}
