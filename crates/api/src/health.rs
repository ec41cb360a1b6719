//! Whether the server is there.

use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::without_head;

/// Routes of this module.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(without_head(routes!(health_check)))
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
