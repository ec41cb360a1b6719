//! Taking back: reset of what is not committed, hard reset of a branch, revert and cherry-pick.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::CherryPickCreation;
use lakehold_api_types::Commit;
use lakehold_api_types::CommitOverrides;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::ResetCreation;
use lakehold_api_types::ResetType;
use lakehold_api_types::RevertCreation;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::CherryPickRequest;
use lakehold_catalog::EngineError;
use lakehold_catalog::Metadata;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::ResetScope;
use lakehold_catalog::RevertRequest;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::commits;
use crate::error::ApiError;
use crate::error::context::about_reference;
use crate::error::context::applying;
use crate::error::context::argument;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::created;
use crate::routes::Routes;

/// Routes of this module. (The reset shares its path with other operations on a branch.)
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(hard_reset_branch))
        .routes(routes!(revert_branch))
        .routes(routes!(cherry_pick))
}

params! {
    /// Of operations on a branch that need nothing else.
    BranchParams {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
    }
}

/// reset branch
#[utoipa::path(
    put,
    path = "/repositories/{repository}/branches/{branch}",
    operation_id = "resetBranch",
    tag = "branches",
    params(BranchParams),
    request_body = ResetCreation,
    responses(
        (status = 204, description = "branch reset successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
pub(crate) async fn reset_branch(
    State(api): State<Api>,
    params: BranchParams,
    caller: Caller,
    JsonBody(request): JsonBody<ResetCreation>,
) -> Result<StatusCode, ApiError> {
    caller
        .require(&[permission::on_branch("fs:RevertBranch", &params.repository, &params.branch)])
        .await?;
    let path = request.path.unwrap_or_default();
    let scope = match request.scope {
        ResetType::Reset => ResetScope::All,
        ResetType::CommonPrefix => ResetScope::Prefix(path),
        ResetType::Object if path.is_empty() => return Err(CatalogError::InvalidPath(0).into()),
        ResetType::Object => ResetScope::Key(path),
    };
    api.catalog.reset_branch(&params.repository, &params.branch, &scope, request.force).await?;
    Ok(StatusCode::NO_CONTENT)
}

params! {
    /// Of hardResetBranch.
    HardReset {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        reference: RefExpr = query::REF,
        force: bool = query::FORCE,
    }
}

/// hard reset branch
///
/// Relocate branch to refer to ref.  Branch must not contain uncommitted data.
#[utoipa::path(
    put,
    path = "/repositories/{repository}/branches/{branch}/hard_reset",
    operation_id = "hardResetBranch",
    tag = "experimental",
    params(HardReset),
    responses(
        (status = 204, description = "branch reset successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
async fn hard_reset_branch(
    State(api): State<Api>,
    params: HardReset,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let HardReset { repository, branch, reference, force } = params;
    caller.require(&[permission::on_branch("fs:RevertBranch", &repository, &branch)]).await?;
    let moved = api.catalog.hard_reset_branch(&repository, &branch, &reference, force).await;
    moved.map_err(|error| match &error {
        CatalogError::Engine(EngineError::DirtyBranch(_)) => {
            ApiError::from(error).prefixed(&format!("{branch}: "))
        }
        _ => about_reference(|| format!("hard-reset {branch} to {reference}: "))(error),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// revert
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branches/{branch}/revert",
    operation_id = "revertBranch",
    tag = "branches",
    params(BranchParams),
    request_body = RevertCreation,
    responses(
        (status = 204, description = "revert successful"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 409, description = "Conflict Found", body = ErrorBody),
        Failures,
    ),
)]
async fn revert_branch(
    State(api): State<Api>,
    params: BranchParams,
    caller: Caller,
    JsonBody(request): JsonBody<RevertCreation>,
) -> Result<StatusCode, ApiError> {
    let reference = RefExpr::parse(&request.reference).map_err(argument("ref"))?;
    let user = caller
        .require(&[permission::on_branch("fs:RevertBranch", &params.repository, &params.branch)])
        .await?;
    let (message, metadata) = overrides(request.commit_overrides);
    let revert = RevertRequest {
        committer: user.committer().to_owned(),
        reference,
        parent_number: request.parent_number,
        message,
        metadata,
        allow_empty: request.allow_empty,
        force: request.force,
    };
    let reverted = api.catalog.revert(&params.repository, &params.branch, revert).await;
    reverted.map_err(|error| applying(&request.reference, error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cherry-Pick the given reference commit into the given branch
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branches/{branch}/cherry-pick",
    operation_id = "cherryPick",
    tag = "branches",
    params(BranchParams),
    request_body = CherryPickCreation,
    responses(
        (status = 201, description = "the cherry-pick commit", body = Commit),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 409, description = "Conflict Found", body = ErrorBody),
        Failures,
    ),
)]
async fn cherry_pick(
    State(api): State<Api>,
    params: BranchParams,
    caller: Caller,
    JsonBody(request): JsonBody<CherryPickCreation>,
) -> Result<Response, ApiError> {
    let reference = RefExpr::parse(&request.reference).map_err(argument("ref"))?;
    let user = caller
        .require(&[
            permission::on_branch("fs:CreateCommit", &params.repository, &params.branch),
            permission::on_repository("fs:ReadCommit", &params.repository),
        ])
        .await?;
    if request.parent_number.is_some_and(|number| number < 1) {
        return Err(ApiError::bad_request(
            "argument parentNumber: value should be greater than 0: invalid value: validation error",
        ));
    }
    let (message, metadata) = overrides(request.commit_overrides);
    let pick = CherryPickRequest {
        committer: user.committer().to_owned(),
        reference,
        parent_number: request.parent_number,
        message,
        metadata,
        force: request.force,
    };
    let picked = api.catalog.cherry_pick(&params.repository, &params.branch, pick).await;
    let picked = picked.map_err(|error| applying(&request.reference, error))?;
    Ok(created(commits::shown(&picked)))
}

fn overrides(given: Option<CommitOverrides>) -> (Option<String>, Option<Metadata>) {
    given.map_or((None, None), |given| (given.message, given.metadata))
}
