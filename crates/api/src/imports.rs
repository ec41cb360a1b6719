//! Imports of objects that are in a store already.

use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::ImportCreation;
use lakehold_api_types::ImportCreationResponse;
use lakehold_api_types::ImportLocation;
use lakehold_api_types::ImportLocationType;
use lakehold_api_types::ImportStatus;
use lakehold_auth::Permission;
use lakehold_catalog::BranchId;
use lakehold_catalog::ImportKind;
use lakehold_catalog::ImportPath;
use lakehold_catalog::NewImport;
use lakehold_catalog::RepositoryId;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::commits;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::Json;
use crate::respond::rfc_3339;
use crate::routes::Routes;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(import_start, import_status, import_cancel))
}

params! {
    /// Of importStart.
    Start {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
    }
}

/// import data from object store
///
/// The answer comes before the work: what becomes of it is in the status.
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branches/{branch}/import",
    operation_id = "importStart",
    tag = "import",
    params(Start),
    request_body = ImportCreation,
    responses(
        (status = 202, description = "Import started", body = ImportCreationResponse),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
async fn import_start(
    State(api): State<Api>,
    params: Start,
    caller: Caller,
    JsonBody(request): JsonBody<ImportCreation>,
) -> Result<Response, ApiError> {
    let Start { repository, branch } = &params;
    let user = caller.require(&needed(repository, branch, &request.paths)).await?;
    let new = NewImport {
        paths: request.paths.into_iter().map(path_of).collect(),
        committer: user.committer().to_owned(),
        message: request.commit.message,
        metadata: request.commit.metadata.unwrap_or_default(),
        date: request.commit.date,
        force: request.force,
    };
    let id = api.catalog.start_import(repository, branch, new).await?;
    Ok((StatusCode::ACCEPTED, Json(ImportCreationResponse { id })).into_response())
}

/// What a caller has to be allowed: each source, each destination, and the commit.
fn needed(
    repository: &RepositoryId,
    branch: &BranchId,
    paths: &[ImportLocation],
) -> Vec<Permission> {
    let mut needed = vec![
        permission::on_branch("fs:WriteObject", repository, branch),
        permission::on_branch("fs:CreateCommit", repository, branch),
    ];
    for path in paths {
        needed.push(permission::on_namespace("fs:ImportFromStorage", &path.path));
        needed.push(permission::on_object("fs:WriteObject", repository, &path.destination));
    }
    needed
}

fn path_of(location: ImportLocation) -> ImportPath {
    let kind = match location.location_type {
        ImportLocationType::CommonPrefix => ImportKind::Prefix,
        ImportLocationType::Object => ImportKind::Object,
    };
    ImportPath { kind, source: location.path, destination: location.destination }
}

params! {
    /// Of importStatus.
    GetStatus {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        id: String = query::IMPORT_ID,
    }
}

/// get import status
///
/// An import that failed is never completed: it has an error. The branch need not be that of the
/// import, nor be there.
#[utoipa::path(
    get,
    path = "/repositories/{repository}/branches/{branch}/import",
    operation_id = "importStatus",
    tag = "import",
    params(GetStatus),
    responses((status = 200, description = "import status", body = ImportStatus), Failures),
)]
async fn import_status(
    State(api): State<Api>,
    params: GetStatus,
    caller: Caller,
) -> Result<Json<ImportStatus>, ApiError> {
    let GetStatus { repository, branch, id } = &params;
    caller.require(&[permission::on_branch("fs:ReadBranch", repository, branch)]).await?;
    let status = api.catalog.import_status(repository, id).await?;
    Ok(Json(ImportStatus {
        completed: status.completed,
        update_time: rfc_3339(status.update_time),
        ingested_objects: Some(status.ingested_objects),
        metarange_id: status.meta_range_id.map(|id| id.to_string()),
        commit: status.commit.as_ref().map(commits::shown),
        error: status.error.map(|why| ErrorBody { message: format!("import error: {why}") }),
    }))
}

params! {
    /// Of importCancel.
    Cancel {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        id: String = query::IMPORT_ID,
    }
}

/// cancel ongoing import
///
/// One that has failed can be cancelled, too; one that makes or has made its commit cannot. The branch
/// need not be that of the import, nor be there.
#[utoipa::path(
    delete,
    path = "/repositories/{repository}/branches/{branch}/import",
    operation_id = "importCancel",
    tag = "import",
    params(Cancel),
    responses(
        (status = 204, description = "import canceled successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 409, description = "Resource Conflicts With Target", body = ErrorBody),
        Failures,
    ),
)]
async fn import_cancel(
    State(api): State<Api>,
    params: Cancel,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let Cancel { repository, branch, id } = &params;
    caller.require(&[permission::on_branch("fs:ImportCancel", repository, branch)]).await?;
    api.catalog.cancel_import(repository, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
