//! Branches: where they point, and what is uncommitted on them.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::BranchCreation;
use lakehold_api_types::DiffList;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::Ref;
use lakehold_api_types::RefList;
use lakehold_catalog::Branch;
use lakehold_catalog::BranchId;
use lakehold_catalog::KeyQuery;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::error::context::about_reference;
use crate::error::context::argument;
use crate::openapi::Failures;
use crate::page::PageAnswer;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::refs::diff_answer;
use crate::refs::uncommitted_row;
use crate::respond::Json;
use crate::respond::sized_json;
use crate::routes::Routes;

/// About how many bytes a branch takes in a page.
const ROW_BYTES: usize = 120;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list_branches, create_branch))
        .routes(routes!(get_branch, delete_branch, crate::undo::reset_branch))
        .routes(routes!(diff_branch))
}

params! {
    /// Of listBranches.
    ListBranches {
        repository: RepositoryId = path::REPOSITORY,
        prefix: String = query::PREFIX,
        after: String = query::AFTER,
        amount: usize = query::AMOUNT,
        show_hidden: bool = query::SHOW_HIDDEN,
    }
}

/// list branches
#[utoipa::path(
    get,
    path = "/repositories/{repository}/branches",
    operation_id = "listBranches",
    tag = "branches",
    params(ListBranches),
    responses((status = 200, description = "branch list", body = RefList), Failures),
)]
async fn list_branches(
    State(api): State<Api>,
    params: ListBranches,
    caller: Caller,
) -> Result<Response, ApiError> {
    caller.require(&[permission::on_repository("fs:ListBranches", &params.repository)]).await?;
    let request = PageRequest { prefix: params.prefix, after: params.after, amount: params.amount };
    let page = api.catalog.list_branches(&params.repository, &request, params.show_hidden).await?;
    let answer = PageAnswer::new(&page, |branch| branch.id.as_str(), shown);
    Ok(sized_json(&answer, ROW_BYTES * (page.results.len() + 1)))
}

params! {
    /// Of createBranch.
    CreateBranch { repository: RepositoryId = path::REPOSITORY }
}

/// create branch
///
/// The body of the answer is the bare commit id, not JSON: clients rely on it.
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branches",
    operation_id = "createBranch",
    tag = "branches",
    params(CreateBranch),
    request_body = BranchCreation,
    responses(
        (status = 201, description = "reference", body = String, content_type = "text/html"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 409, description = "Resource Conflicts With Target", body = ErrorBody),
        Failures,
    ),
)]
async fn create_branch(
    State(api): State<Api>,
    params: CreateBranch,
    caller: Caller,
    JsonBody(request): JsonBody<BranchCreation>,
) -> Result<impl IntoResponse, ApiError> {
    let branch = BranchId::parse(&request.name).map_err(argument("branch"))?;
    let source = RefExpr::parse(&request.source).map_err(argument("ref"))?;
    caller
        .require(&[permission::on_branch("fs:CreateBranch", &params.repository, &branch)])
        .await?;
    let made = api
        .catalog
        .create_branch(&params.repository, &branch, &source, request.hidden, request.force)
        .await
        .map_err(about_reference(|| format!("source reference '{source}': ")))?;
    Ok((StatusCode::CREATED, made.commit_id.to_string()))
}

params! {
    /// Of getBranch.
    GetBranch {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
    }
}

/// get branch
#[utoipa::path(
    get,
    path = "/repositories/{repository}/branches/{branch}",
    operation_id = "getBranch",
    tag = "branches",
    params(GetBranch),
    responses((status = 200, description = "branch", body = Ref), Failures),
)]
async fn get_branch(
    State(api): State<Api>,
    params: GetBranch,
    caller: Caller,
) -> Result<Json<Ref>, ApiError> {
    caller
        .require(&[permission::on_branch("fs:ReadBranch", &params.repository, &params.branch)])
        .await?;
    Ok(Json(shown(&api.catalog.branch(&params.repository, &params.branch).await?)))
}

params! {
    /// Of deleteBranch.
    DeleteBranch {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        force: bool = query::FORCE,
    }
}

/// delete branch
#[utoipa::path(
    delete,
    path = "/repositories/{repository}/branches/{branch}",
    operation_id = "deleteBranch",
    tag = "branches",
    params(DeleteBranch),
    responses(
        (status = 204, description = "branch deleted successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
async fn delete_branch(
    State(api): State<Api>,
    params: DeleteBranch,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    caller
        .require(&[permission::on_branch("fs:DeleteBranch", &params.repository, &params.branch)])
        .await?;
    api.catalog.delete_branch(&params.repository, &params.branch, params.force).await?;
    Ok(StatusCode::NO_CONTENT)
}

params! {
    /// Of diffBranch. The contract has its path at the end, as nowhere else.
    DiffBranch {
        after: String = query::AFTER,
        amount: usize = query::AMOUNT,
        prefix: String = query::PREFIX,
        delimiter: String = query::DELIMITER,
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
    }
}

/// diff branch
#[utoipa::path(
    get,
    path = "/repositories/{repository}/branches/{branch}/diff",
    operation_id = "diffBranch",
    tag = "branches",
    params(DiffBranch),
    responses(
        (status = 200, description = "diff of branch uncommitted changes", body = DiffList),
        Failures,
    ),
)]
async fn diff_branch(
    State(api): State<Api>,
    params: DiffBranch,
    caller: Caller,
) -> Result<Response, ApiError> {
    caller.require(&[permission::on_repository("fs:ListObjects", &params.repository)]).await?;
    let page = PageRequest { prefix: params.prefix, after: params.after, amount: params.amount };
    let query = KeyQuery { page, delimiter: params.delimiter };
    let page = api.catalog.diff_uncommitted(&params.repository, &params.branch, &query).await?;
    Ok(diff_answer(&page, uncommitted_row))
}

/// A branch as clients see it.
fn shown(branch: &Branch) -> Ref {
    Ref { id: branch.id.to_string(), commit_id: branch.commit_id.to_string() }
}
