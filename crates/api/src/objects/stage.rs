//! Recording an object whose bytes are already stored.

use axum::extract::State;
use axum::response::Response;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::ObjectStageCreation;
use lakehold_api_types::ObjectStats;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::Staged;
use lakehold_catalog::Timestamp;

use super::DEFAULT_MEDIA_TYPE;
use super::ObjectRow;
use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::created_json;

params! {
    /// Of stageObject.
    StageObject {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        path: String = query::PATH,
    }
}

/// stage an object's metadata for the given branch
#[utoipa::path(
    put,
    path = "/repositories/{repository}/branches/{branch}/objects",
    operation_id = "stageObject",
    tag = "internal",
    params(StageObject),
    request_body = ObjectStageCreation,
    responses(
        (status = 201, description = "object metadata", body = ObjectStats),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
#[deprecated = "linkPhysicalAddress checks the address"]
pub(super) async fn stage_object(
    State(api): State<Api>,
    params: StageObject,
    caller: Caller,
    JsonBody(request): JsonBody<ObjectStageCreation>,
) -> Result<Response, ApiError> {
    let StageObject { repository, branch, path } = params;
    caller.require(&[permission::on_object("fs:WriteObject", &repository, &path)]).await?;
    let staged = Staged {
        path,
        physical_address: request.physical_address,
        checksum: request.checksum,
        size: size(request.size_bytes)?,
        modified: request.mtime.map(Timestamp::from_seconds),
        metadata: request.metadata.map(|metadata| metadata.0).unwrap_or_default(),
        content_type: request.content_type.unwrap_or_else(|| DEFAULT_MEDIA_TYPE.to_owned()),
        if_absent: false,
        force: request.force,
    };
    let made = api.catalog.stage(&repository, &branch, staged).await;
    let made = made.map_err(|error| in_adapter(&api, error))?;
    Ok(created_json(ObjectRow::new(&made).without_metadata().into_json()))
}

/// A size that a client gives: not less than nothing.
pub(crate) fn size(given: i64) -> Result<u64, ApiError> {
    let negative = |_| {
        ApiError::bad_request(format!(
            "argument size_bytes: {given}: invalid value: validation error"
        ))
    };
    u64::try_from(given).map_err(negative)
}

fn in_adapter(api: &Api, error: CatalogError) -> ApiError {
    match &error {
        CatalogError::InvalidAddress { address, .. } => {
            let kind = api.catalog.store_description().kind;
            let message =
                format!("physical address is not valid for block adapter: {kind}: {address:?}");
            ApiError::from(error).reworded(message)
        }
        _ => error.into(),
    }
}
