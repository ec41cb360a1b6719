//! Replacing what users say of an object.

use axum::extract::State;
use http::StatusCode;
use lakehold_api_types::UpdateObjectUserMetadata;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::RepositoryId;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;

params! {
    /// Of updateObjectUserMetadata.
    UpdateUserMetadata {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        path: String = query::PATH,
    }
}

/// rewrite (all) object metadata
///
/// The contract says 201; the answer is 204 and always was.
#[utoipa::path(
    put,
    path = "/repositories/{repository}/branches/{branch}/objects/stat/user_metadata",
    operation_id = "updateObjectUserMetadata",
    tags = ["objects", "experimental"],
    params(UpdateUserMetadata),
    request_body = UpdateObjectUserMetadata,
    responses((status = 204, description = "User metadata updated"), Failures),
)]
pub(super) async fn update_user_metadata(
    State(api): State<Api>,
    params: UpdateUserMetadata,
    caller: Caller,
    JsonBody(request): JsonBody<UpdateObjectUserMetadata>,
) -> Result<StatusCode, ApiError> {
    let UpdateUserMetadata { repository, branch, path } = &params;
    caller.require(&[permission::on_object("fs:WriteObject", repository, path)]).await?;
    let set = api.catalog.set_user_metadata(repository, branch, path, request.set.0, false).await;
    set.map_err(|error| not_found_here(&params, error))?;
    Ok(StatusCode::NO_CONTENT)
}

fn not_found_here(params: &UpdateUserMetadata, error: CatalogError) -> ApiError {
    let UpdateUserMetadata { repository, branch, path } = params;
    match &error {
        CatalogError::Engine(EngineError::KeyNotFound(_)) => ApiError::from(error)
            .prefixed(&format!("update user metadata on {repository}/{branch}/{path}: ")),
        _ => error.into(),
    }
}
