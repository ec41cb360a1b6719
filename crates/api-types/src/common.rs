//! What several areas share: pages, errors, places.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Where a page of a list lies in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pagination {
    /// Next page is available
    pub has_more: bool,
    /// Token used to retrieve the next page
    pub next_offset: String,
    /// Number of values found in the results
    #[schema(format = "", minimum = 0)]
    pub results: i64,
    /// Maximal number of entries per page
    #[schema(format = "", minimum = 0)]
    pub max_per_page: i64,
}

/// Why a request was refused or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// short message explaining the error
    pub message: String,
}

/// Where something is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = StorageURI)]
pub struct StorageUri {
    /// The place.
    pub location: String,
}
