//! Events that clients count.

use http::StatusCode;
use lakehold_api_types::StatsEvent;
use lakehold_api_types::StatsEventsList;
use utoipa_axum::routes;

use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::FailuresButNotFound;
use crate::routes::Routes;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(post_stats_events))
}

/// post stats events, this endpoint is meant for internal use only
///
/// The events are accepted and dropped: this server sends no statistics anywhere.
#[utoipa::path(
    post,
    path = "/statistics",
    operation_id = "postStatsEvents",
    tag = "internal",
    request_body = StatsEventsList,
    responses((status = 204, description = "reported successfully"), FailuresButNotFound),
)]
async fn post_stats_events(
    caller: Caller,
    JsonBody(request): JsonBody<StatsEventsList>,
) -> Result<StatusCode, ApiError> {
    caller.user().await?;
    request.events.iter().try_for_each(check)?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(event: &StatsEvent) -> Result<(), ApiError> {
    let problem = match event {
        event if event.class.is_empty() => "class is required",
        event if event.name.is_empty() => "name is required",
        event if event.count < 0 => "count must be a non-negative integer",
        _ => return Ok(()),
    };
    Err(ApiError::bad_request(format!("invalid value: {problem}")))
}
