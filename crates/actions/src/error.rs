//! Why an operation on runs did not happen.

use lakehold_catalog::CatalogError;
use lakehold_engine::EngineError;

pub(crate) type Result<T, E = ActionsError> = std::result::Result<T, E>;

/// Why an operation on runs did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActionsError {
    /// No run of that id.
    #[error("run {0:?} not found")]
    RunNotFound(String),
    /// No hook of that id in that run.
    #[error("hook run {0:?} not found")]
    HookRunNotFound(String),
    /// The repository, its stores or what is in them.
    #[error(transparent)]
    Lake(#[from] CatalogError),
}

impl From<EngineError> for ActionsError {
    fn from(error: EngineError) -> Self {
        Self::Lake(error.into())
    }
}

impl From<lakehold_kv::Error> for ActionsError {
    fn from(error: lakehold_kv::Error) -> Self {
        EngineError::from(error).into()
    }
}
