//! What is recorded of an object.

use axum::extract::State;
use axum::response::Response;
use lakehold_api_types::ObjectStats;
use lakehold_api_types::UnderlyingObjectProperties;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;

use super::ObjectRow;
use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::presigned;
use crate::respond::Json;
use crate::respond::json_bytes;

params! {
    /// Of statObject.
    StatObject {
        repository: RepositoryId = path::REPOSITORY,
        reference: RefExpr = path::REF,
        path: String = query::PATH,
        user_metadata: bool = query::USER_METADATA,
        presign: bool = query::PRESIGN,
    }
}

/// get object metadata
#[utoipa::path(
    get,
    path = "/repositories/{repository}/refs/{ref}/objects/stat",
    operation_id = "statObject",
    tag = "objects",
    params(StatObject),
    responses(
        (status = 200, description = "object metadata", body = ObjectStats),
        (status = 410, description = "object gone (but partial metadata may be available)"),
        Failures,
    ),
)]
pub(super) async fn stat_object(
    State(api): State<Api>,
    params: StatObject,
    caller: Caller,
) -> Result<Response, ApiError> {
    let StatObject { repository, reference, path, .. } = &params;
    caller.require(&[permission::on_object("fs:ReadObject", repository, path)]).await?;
    let object = api.catalog.object(repository, reference, path).await?;
    presigned::check(&api, params.presign)?;
    let url = match params.presign {
        true => api.catalog.presign(&object, api.settings.presigned_for).await?,
        false => None,
    };
    let row = ObjectRow::in_stat(&object, params.user_metadata);
    Ok(json_bytes(row.signed(url.as_ref()).into_json()))
}

params! {
    /// Of getUnderlyingProperties.
    GetUnderlyingProperties {
        repository: RepositoryId = path::REPOSITORY,
        reference: RefExpr = path::REF,
        path: String = query::PATH,
    }
}

/// get object properties on underlying storage
#[utoipa::path(
    get,
    path = "/repositories/{repository}/refs/{ref}/objects/underlyingProperties",
    operation_id = "getUnderlyingProperties",
    tag = "objects",
    params(GetUnderlyingProperties),
    responses(
        (
            status = 200, description = "object metadata on underlying storage",
            body = UnderlyingObjectProperties,
        ),
        Failures,
    ),
)]
pub(super) async fn get_underlying_properties(
    State(api): State<Api>,
    params: GetUnderlyingProperties,
    caller: Caller,
) -> Result<Json<UnderlyingObjectProperties>, ApiError> {
    let GetUnderlyingProperties { repository, reference, path } = &params;
    caller.require(&[permission::on_object("fs:ReadObject", repository, path)]).await?;
    api.catalog.object(repository, reference, path).await?;
    // No block store that we have knows storage classes.
    Ok(Json(UnderlyingObjectProperties { storage_class: None }))
}
