//! Why an operation of garbage collection did not happen.

use lakehold_catalog::CatalogError;
use lakehold_engine::EngineError;
use lakehold_engine::RepositoryId;

pub(crate) type Result<T, E = GcError> = std::result::Result<T, E>;

/// Why an operation of garbage collection did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GcError {
    /// The repository has no rules.
    #[error("no garbage collection rules in repository {0}")]
    NoRules(RepositoryId),
    /// A number of days that cannot be stored: 0 to 2,147,483,647 can.
    #[error("{days} days of retention cannot be")]
    InvalidRetention {
        /// The number as given.
        days: i64,
    },
    /// The repository, its stores or what is in them.
    #[error(transparent)]
    Lake(#[from] CatalogError),
}

impl From<EngineError> for GcError {
    fn from(error: EngineError) -> Self {
        Self::Lake(error.into())
    }
}

impl From<lakehold_block::Error> for GcError {
    fn from(error: lakehold_block::Error) -> Self {
        Self::Lake(error.into())
    }
}
