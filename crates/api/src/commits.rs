//! Commits.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::Commit;
use lakehold_api_types::CommitCreation;
use lakehold_api_types::ErrorBody;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::EngineError;
use lakehold_catalog::MetaRangeId;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::error::context::about_changes;
use crate::error::context::wants_commit;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::Json;
use crate::respond::created;
use crate::routes::Routes;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(commit)).routes(routes!(get_commit))
}

params! {
    /// Of commit.
    CommitParams {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        source_metarange: Option<String> = query::SOURCE_METARANGE,
    }
}

/// create commit
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branches/{branch}/commits",
    operation_id = "commit",
    tag = "commits",
    params(CommitParams),
    request_body = CommitCreation,
    responses(
        (status = 201, description = "commit", body = Commit),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 409, description = "Resource Conflicts With Target", body = ErrorBody),
        (status = 412, description = "Precondition Failed (e.g. a pre-commit hook returned a failure)", body = ErrorBody),
        Failures,
    ),
)]
async fn commit(
    State(api): State<Api>,
    params: CommitParams,
    caller: Caller,
    JsonBody(request): JsonBody<CommitCreation>,
) -> Result<Response, ApiError> {
    let user = caller
        .require(&[permission::on_branch("fs:CreateCommit", &params.repository, &params.branch)])
        .await?;
    let new = CommitRequest {
        committer: user.committer().to_owned(),
        message: request.message,
        metadata: request.metadata.unwrap_or_default(),
        date: request.date,
        allow_empty: request.allow_empty,
        force: request.force,
        source_meta_range: params.source_metarange.map(|id| MetaRangeId::from_stored(&id)),
    };
    let made = api.catalog.commit(&params.repository, &params.branch, new).await;
    Ok(created(shown(&*made.map_err(|error| about_changes("commit: ", error))?)))
}

params! {
    /// Of getCommit.
    GetCommit {
        repository: RepositoryId = path::REPOSITORY,
        commit: RefExpr = path::COMMIT,
    }
}

/// get commit
#[utoipa::path(
    get,
    path = "/repositories/{repository}/commits/{commitId}",
    operation_id = "getCommit",
    tag = "commits",
    params(GetCommit),
    responses((status = 200, description = "commit", body = Commit), Failures),
)]
async fn get_commit(
    State(api): State<Api>,
    params: GetCommit,
    caller: Caller,
) -> Result<Json<Commit>, ApiError> {
    caller.require(&[permission::on_repository("fs:ReadCommit", &params.repository)]).await?;
    let found = api.catalog.commit_at(&params.repository, &params.commit).await;
    Ok(Json(shown(&*found.map_err(not_found_as_commit)?)))
}

/// Whatever names nothing here was to name a commit.
fn not_found_as_commit(error: CatalogError) -> ApiError {
    match error {
        CatalogError::Engine(EngineError::RefNotFound(_)) => {
            ApiError::new(StatusCode::NOT_FOUND, "commit not found")
        }
        other => wants_commit(other),
    }
}

/// A commit as clients see it.
pub(crate) fn shown(commit: &lakehold_catalog::Commit) -> Commit {
    Commit {
        id: commit.id.to_string(),
        parents: commit.parents.iter().map(ToString::to_string).collect(),
        committer: commit.committer.clone(),
        message: commit.message.clone(),
        creation_date: commit.creation_date.seconds,
        meta_range_id: commit.meta_range_id.to_string(),
        metadata: Some(commit.metadata.clone()),
        generation: Some(i64::from(commit.generation)),
        version: Some(i64::from(commit.version)),
    }
}
