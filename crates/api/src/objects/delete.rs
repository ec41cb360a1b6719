//! Deleting objects.

use axum::extract::State;
use http::StatusCode;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::ObjectError;
use lakehold_api_types::ObjectErrorList;
use lakehold_api_types::PathList;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::RepositoryId;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::error::wire::path_too_long;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::Json;

/// The most paths that one call may name.
const MAX_PATHS: usize = 1000;
/// The longest path, in bytes.
const MAX_PATH_BYTES: usize = 1024;

params! {
    /// Of deleteObject.
    DeleteObject {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        path: String = query::PATH,
        force: bool = query::FORCE,
        no_tombstone: bool = query::NO_TOMBSTONE,
    }
}

/// delete object. Missing objects will not return a NotFound error.
#[utoipa::path(
    delete,
    path = "/repositories/{repository}/branches/{branch}/objects",
    operation_id = "deleteObject",
    tag = "objects",
    params(DeleteObject),
    responses(
        (status = 204, description = "object deleted successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
pub(super) async fn delete_object(
    State(api): State<Api>,
    params: DeleteObject,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let DeleteObject { repository, branch, path, force, no_tombstone } = params;
    caller.require(&[permission::on_object("fs:DeleteObject", &repository, &path)]).await?;
    if path.len() > MAX_PATH_BYTES {
        return Err(CatalogError::InvalidPath(path.len()).into());
    }
    api.catalog.delete(&repository, &branch, &[path], no_tombstone, force).await?;
    Ok(StatusCode::NO_CONTENT)
}

params! {
    /// Of deleteObjects.
    DeleteObjects {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        force: bool = query::FORCE,
        no_tombstone: bool = query::NO_TOMBSTONE,
    }
}

/// delete objects. Missing objects will not return a NotFound error.
///
/// What goes wrong is said path by path, under status 200. A repository or branch that is not there
/// has no objects to delete, so that is no error either: file systems delete below paths that are
/// gone. An empty path is ignored.
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branches/{branch}/objects/delete",
    operation_id = "deleteObjects",
    tag = "objects",
    params(DeleteObjects),
    request_body = PathList,
    responses(
        (status = 200, description = "Delete objects response", body = ObjectErrorList),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
pub(super) async fn delete_objects(
    State(api): State<Api>,
    params: DeleteObjects,
    caller: Caller,
    JsonBody(request): JsonBody<PathList>,
) -> Result<Json<ObjectErrorList>, ApiError> {
    let DeleteObjects { repository, branch, force, no_tombstone } = params;
    if request.paths.len() > MAX_PATHS {
        return Err(CatalogError::TooManyPaths(request.paths.len()).into());
    }
    let (paths, mut errors) = deletable(&caller, &repository, request.paths).await?;
    if !paths.is_empty() {
        let deleted = api.catalog.delete(&repository, &branch, &paths, no_tombstone, force).await;
        if let Err(error) = deleted {
            errors.extend(for_each(paths, error));
        }
    }
    Ok(Json(ObjectErrorList { errors }))
}

/// Parts the paths that can be deleted from errors for those that cannot.
async fn deletable(
    caller: &Caller,
    repository: &RepositoryId,
    paths: Vec<String>,
) -> Result<(Vec<String>, Vec<ObjectError>), ApiError> {
    let user = caller.user().await?;
    let permission = |path: &String| permission::on_object("fs:DeleteObject", repository, path);
    let permissions: Vec<_> = paths.iter().map(permission).collect();
    let allowed = caller.allowed(&user, &permissions).await?;
    let mut good = Vec::with_capacity(paths.len());
    let mut errors = Vec::new();
    for (path, is_allowed) in paths.into_iter().zip(allowed) {
        match path.len() {
            _ if !is_allowed => {
                errors.push(object_error(StatusCode::UNAUTHORIZED, "Unauthorized", path));
            }
            0 => {}
            length if length > MAX_PATH_BYTES => {
                let message = path_too_long(length);
                errors.push(object_error(StatusCode::BAD_REQUEST, &message, path));
            }
            _ => good.push(path),
        }
    }
    Ok((good, errors))
}

/// The same error for each path, or none where there was nothing to delete from.
fn for_each(paths: Vec<String>, error: CatalogError) -> Vec<ObjectError> {
    let is_nowhere = matches!(
        error,
        CatalogError::Engine(EngineError::RepositoryNotFound(_) | EngineError::BranchNotFound(_))
    );
    if is_nowhere {
        return Vec::new();
    }
    let answer = ApiError::from(error);
    let one = |path| object_error(answer.status(), answer.message(), path);
    paths.into_iter().map(one).collect()
}

fn object_error(status: StatusCode, message: &str, path: String) -> ObjectError {
    ObjectError {
        status_code: i64::from(status.as_u16()),
        message: message.to_owned(),
        path: Some(path),
    }
}
