//! Copying an object.

use axum::extract::State;
use axum::response::Response;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::ObjectCopyCreation;
use lakehold_api_types::ObjectStats;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::CopyRequest;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;

use super::ObjectRow;
use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::error::context::argument;
use crate::error::context::on_branch;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::created_json;

params! {
    /// Of copyObject.
    CopyObject {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        dest_path: String = query::DEST_PATH,
    }
}

/// create a copy of an object
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branches/{branch}/objects/copy",
    operation_id = "copyObject",
    tag = "objects",
    params(CopyObject),
    request_body = ObjectCopyCreation,
    responses(
        (status = 201, description = "Copy object response", body = ObjectStats),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
pub(super) async fn copy_object(
    State(api): State<Api>,
    params: CopyObject,
    caller: Caller,
    JsonBody(request): JsonBody<ObjectCopyCreation>,
) -> Result<Response, ApiError> {
    let CopyObject { repository, branch, dest_path } = params;
    caller
        .require(&[
            permission::on_object("fs:ReadObject", &repository, &request.src_path),
            permission::on_object("fs:WriteObject", &repository, &dest_path),
        ])
        .await?;
    if request.shallow {
        return Err(ApiError::not_implemented());
    }
    if request.src_path.is_empty() {
        return Err(CatalogError::InvalidPath(0).into());
    }
    let source_ref = match request.src_ref.as_deref() {
        None | Some("") => RefExpr::from(&branch),
        Some(text) => RefExpr::parse(text).map_err(argument("sourceReference"))?,
    };
    let copy = CopyRequest {
        source_ref,
        source_path: request.src_path,
        destination_path: dest_path,
        force: request.force,
    };
    let made = api.catalog.copy(&repository, &branch, copy).await.map_err(on_branch)?;
    Ok(created_json(ObjectRow::new(&made).into_json()))
}
