//! Imports of objects that are in a store already.

use axum::extract::State;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::ImportStatus;
use lakehold_catalog::BranchId;
use lakehold_catalog::RepositoryId;
use utoipa_axum::routes;

use crate::Api;
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
    Routes::new().routes(routes!(import_status))
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
