//! Whether the server is there.

use http::StatusCode;
use utoipa_axum::routes;

use crate::routes::Routes;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(health_check))
}

/// check that the API server is up and running
#[utoipa::path(
    get,
    path = "/healthcheck",
    operation_id = "healthCheck",
    tag = "healthCheck",
    security(()),
    responses((status = 204, description = "NoContent")),
)]
async fn health_check() -> StatusCode {
    StatusCode::NO_CONTENT
}
