//! Where trees are stored, for clients that read them by themselves.

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::HeaderValue;
use http::header;
use lakehold_api_types::StorageUri;
use lakehold_catalog::RepositoryId;
use utoipa_axum::routes;

use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::objects::Binary;
use crate::objects::add_browser_protection;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::presigned;
use crate::respond::Json;
use crate::respond::header_value;
use crate::routes::Routes;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(get_meta_range))
        .routes(routes!(get_range))
        .routes(routes!(get_metadata_object))
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
    require_reading(caller, repository).await?;
    api.catalog.repository(repository).await?;
    let location = format!("_lakefs/{id}");
    let invalid = || ApiError::bad_request(format!("id {id:?}: invalid value: validation error"));
    let value = header_value(&location).ok_or_else(invalid)?;
    Ok(([(header::LOCATION, value)], Json(StorageUri { location })).into_response())
}

params! {
    /// Of getMetadataObject.
    GetMetadataObject {
        repository: RepositoryId = path::REPOSITORY,
        object_id: String = path::OBJECT_ID,
        _table_type: () = path::TABLE_TYPE,
        presign: bool = query::PRESIGN,
    }
}

/// return an object of a meta-range or a range
///
/// Both lie in one place under the names of their content, so that it makes no difference which of
/// them one says it is.
#[utoipa::path(
    get,
    path = "/repositories/{repository}/metadata/object/{type}/{object_id}",
    operation_id = "getMetadataObject",
    tag = "internal",
    params(GetMetadataObject),
    responses(
        (
            status = 200, description = "object content", body = inline(Binary),
            content_type = "application/octet-stream", headers(("Content-Length" = i64)),
        ),
        (
            status = 302, description = "Redirect to a pre-signed URL for the object",
            headers(("Location" = String)),
        ),
        Failures,
    ),
)]
async fn get_metadata_object(
    State(api): State<Api>,
    params: GetMetadataObject,
    caller: Caller,
) -> Result<Response, ApiError> {
    let GetMetadataObject { repository, object_id, .. } = &params;
    require_reading(&caller, repository).await?;
    if params.presign {
        let ttl = api.settings.presigned_for;
        let url = api.catalog.presign_table(repository, object_id, ttl).await?;
        return presigned::redirect(&api, url);
    }
    let table = api.catalog.table(repository, object_id).await?;
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.extend(table.length().map(|n| (header::CONTENT_LENGTH, HeaderValue::from(n))));
    add_browser_protection(headers);
    *response.body_mut() = Body::from_stream(table.into_pieces());
    Ok(response)
}

/// What is asked of whoever reads trees by themselves.
async fn require_reading(caller: &Caller, repository: &RepositoryId) -> Result<(), ApiError> {
    let permissions = [
        permission::on_repository("fs:ListObjects", repository),
        permission::on_repository("fs:ReadRepository", repository),
    ];
    caller.require(&permissions).await.map(drop)
}
