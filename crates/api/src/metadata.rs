//! Where trees are stored, for clients that read them by themselves.

use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::header;
use lakehold_api_types::StorageUri;
use lakehold_catalog::RepositoryId;
use utoipa_axum::routes;

use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::permission;
use crate::respond::Json;
use crate::respond::header_value;
use crate::routes::Routes;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(get_meta_range)).routes(routes!(get_range))
}

params! {
    /// Of getMetaRange.
    GetMetaRange {
        repository: RepositoryId = path::REPOSITORY,
        meta_range: String = path::META_RANGE,
    }
}

/// return URI to a meta-range file
#[utoipa::path(
    get,
    path = "/repositories/{repository}/metadata/meta_range/{meta_range}",
    operation_id = "getMetaRange",
    tag = "metadata",
    params(GetMetaRange),
    responses(
        (
            status = 200, description = "meta-range URI", body = StorageUri,
            headers(("Location" = String)),
        ),
        Failures,
    ),
)]
async fn get_meta_range(
    State(api): State<Api>,
    params: GetMetaRange,
    caller: Caller,
) -> Result<Response, ApiError> {
    location(&api, &caller, &params.repository, &params.meta_range).await
}

params! {
    /// Of getRange.
    GetRange {
        repository: RepositoryId = path::REPOSITORY,
        range: String = path::RANGE,
    }
}

/// return URI to a range file
#[utoipa::path(
    get,
    path = "/repositories/{repository}/metadata/range/{range}",
    operation_id = "getRange",
    tag = "metadata",
    params(GetRange),
    responses(
        (
            status = 200, description = "range URI", body = StorageUri,
            headers(("Location" = String)),
        ),
        Failures,
    ),
)]
async fn get_range(
    State(api): State<Api>,
    params: GetRange,
    caller: Caller,
) -> Result<Response, ApiError> {
    location(&api, &caller, &params.repository, &params.range).await
}

/// The place of a table below the repository's namespace. Whether there is one is not looked at.
async fn location(
    api: &Api,
    caller: &Caller,
    repository: &RepositoryId,
    id: &str,
) -> Result<Response, ApiError> {
    caller
        .require(&[
            permission::on_repository("fs:ListObjects", repository),
            permission::on_repository("fs:ReadRepository", repository),
        ])
        .await?;
    api.catalog.repository(repository).await?;
    let location = format!("_lakefs/{id}");
    let invalid = || ApiError::bad_request(format!("id {id:?}: invalid value: validation error"));
    let value = header_value(&location).ok_or_else(invalid)?;
    Ok(([(header::LOCATION, value)], Json(StorageUri { location })).into_response())
}
