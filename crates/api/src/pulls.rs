//! Pull requests.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::MergeResult;
use lakehold_api_types::PullRequest;
use lakehold_api_types::PullRequestBasic;
use lakehold_api_types::PullRequestCreation;
use lakehold_api_types::PullRequestCreationResponse;
use lakehold_api_types::PullRequestStatus;
use lakehold_api_types::PullRequestsList;
use lakehold_catalog::BranchId;
use lakehold_catalog::NewPullRequest;
use lakehold_catalog::PageRequest;
use lakehold_catalog::PullRequestFilter;
use lakehold_catalog::PullRequestId;
use lakehold_catalog::PullRequestStatus as Status;
use lakehold_catalog::PullRequestUpdate;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::error::context::argument;
use crate::openapi::Failures;
use crate::page::PageAnswer;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::params::query::Choice;
use crate::permission;
use crate::refs::in_merge;
use crate::refs::shown_summary;
use crate::respond::Json;
use crate::respond::created;
use crate::respond::rfc_3339;
use crate::respond::sized_json;
use crate::routes::Routes;

/// About how many bytes a pull request takes in a page.
const ROW_BYTES: usize = 260;

const WRITE: &str = "pr:WritePullRequest";

const STATUS: Choice<PullRequestFilter> = Choice::new(
    "status",
    &[
        ("open", PullRequestFilter::Open),
        ("closed", PullRequestFilter::Closed),
        ("all", PullRequestFilter::All),
    ],
    ("all", PullRequestFilter::All),
);

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list_pulls, create_pull))
        .routes(routes!(get_pull, update_pull))
        .routes(routes!(merge_pull))
}

params! {
    /// Of listPullRequests.
    ListPulls {
        repository: RepositoryId = path::REPOSITORY,
        prefix: String = query::PREFIX,
        after: String = query::AFTER,
        amount: usize = query::AMOUNT,
        status: PullRequestFilter = STATUS,
    }
}

/// list pull requests
///
/// Newest first, and without descriptions.
#[utoipa::path(
    get,
    path = "/repositories/{repository}/pulls",
    operation_id = "listPullRequests",
    tags = ["pulls", "experimental"],
    params(ListPulls),
    responses((status = 200, description = "list of pull requests", body = PullRequestsList), Failures),
)]
async fn list_pulls(
    State(api): State<Api>,
    params: ListPulls,
    caller: Caller,
) -> Result<Response, ApiError> {
    let ListPulls { repository, prefix, after, amount, status } = params;
    caller.require(&[permission::on_repository("pr:ListPullRequests", &repository)]).await?;
    let request = PageRequest { prefix, after, amount };
    let page = api.catalog.list_pull_requests(&repository, &request, status).await?;
    let answer = PageAnswer::new(&page, |pull| pull.id.as_str(), row);
    Ok(sized_json(&answer, ROW_BYTES * (page.results.len() + 1)))
}

params! {
    /// Of createPullRequest.
    CreatePull { repository: RepositoryId = path::REPOSITORY }
}

/// create pull request
#[utoipa::path(
    post,
    path = "/repositories/{repository}/pulls",
    operation_id = "createPullRequest",
    tags = ["pulls", "experimental"],
    params(CreatePull),
    request_body = PullRequestCreation,
    responses(
        (status = 201, description = "pull request created", body = PullRequestCreationResponse),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 409, description = "Conflict", body = ErrorBody),
        Failures,
    ),
)]
async fn create_pull(
    State(api): State<Api>,
    params: CreatePull,
    caller: Caller,
    JsonBody(request): JsonBody<PullRequestCreation>,
) -> Result<Response, ApiError> {
    let user = caller.require(&[permission::on_repository(WRITE, &params.repository)]).await?;
    let new = NewPullRequest {
        title: request.title,
        author: user.committer().to_owned(),
        description: request.description.unwrap_or_default(),
        source: BranchId::parse(&request.source_branch).map_err(argument("src"))?,
        destination: BranchId::parse(&request.destination_branch).map_err(argument("dest"))?,
    };
    let id = api.catalog.create_pull_request(&params.repository, new).await?;
    Ok(created(PullRequestCreationResponse { id: id.as_str().to_owned() }))
}

params! {
    /// Of operations on one pull request.
    OnePull {
        repository: RepositoryId = path::REPOSITORY,
        pull: PullRequestId = path::PULL_REQUEST,
    }
}

/// get pull request
#[utoipa::path(
    get,
    path = "/repositories/{repository}/pulls/{pull_request}",
    operation_id = "getPullRequest",
    tags = ["pulls", "experimental"],
    params(OnePull),
    responses((status = 200, description = "pull request", body = PullRequest), Failures),
)]
async fn get_pull(
    State(api): State<Api>,
    params: OnePull,
    caller: Caller,
) -> Result<Json<PullRequest>, ApiError> {
    let OnePull { repository, pull } = &params;
    caller.require(&[permission::on_repository("pr:ReadPullRequest", repository)]).await?;
    Ok(Json(whole(&api.catalog.pull_request(repository, pull).await?)))
}

/// update pull request
///
/// The contract says 200; the answer is 204 and always was. Nothing is merged by saying `merged`.
#[utoipa::path(
    patch,
    path = "/repositories/{repository}/pulls/{pull_request}",
    operation_id = "updatePullRequest",
    tags = ["pulls", "experimental"],
    params(OnePull),
    request_body = PullRequestBasic,
    responses(
        (status = 204, description = "pull request updated successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
async fn update_pull(
    State(api): State<Api>,
    params: OnePull,
    caller: Caller,
    JsonBody(request): JsonBody<PullRequestBasic>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository(WRITE, &params.repository)]).await?;
    let status = request.status.map(|status| match status {
        PullRequestStatus::Open => Status::Open,
        PullRequestStatus::Closed => Status::Closed,
        PullRequestStatus::Merged => Status::Merged,
    });
    let (title, description) = (request.title, request.description);
    let update = PullRequestUpdate { title, description, status };
    api.catalog.update_pull_request(&params.repository, &params.pull, &update).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// merge pull request
///
/// The request is looked up before the right is checked, because the right is one on its destination. A
/// conflict is an error with a text, unlike that of a merge of references.
#[utoipa::path(
    put,
    path = "/repositories/{repository}/pulls/{pull_request}/merge",
    operation_id = "mergePullRequest",
    tags = ["pulls", "experimental"],
    params(OnePull),
    responses(
        (status = 200, description = "merge completed", body = MergeResult),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 409, description = "Conflict", body = MergeResult),
        (status = 412, description = "precondition failed", body = ErrorBody),
        Failures,
    ),
)]
async fn merge_pull(
    State(api): State<Api>,
    params: OnePull,
    caller: Caller,
) -> Result<Json<MergeResult>, ApiError> {
    let OnePull { repository, pull } = &params;
    caller.user().await?;
    let request = api.catalog.pull_request(repository, pull).await?;
    let user = caller
        .require(&[
            permission::on_branch("fs:CreateCommit", repository, &request.destination),
            permission::on_repository(WRITE, repository),
        ])
        .await?;
    let merged = api.catalog.merge_pull_request(repository, pull, user.committer()).await;
    let source = RefExpr::from(&request.source);
    let merged = merged.map_err(|error| in_merge(&source, &request.destination, error))?;
    Ok(Json(MergeResult {
        reference: merged.commit_id.to_string(),
        summary: merged.summary.as_ref().map(shown_summary),
    }))
}

/// A pull request as clients see it.
fn whole(pull: &lakehold_catalog::PullRequest) -> PullRequest {
    let merged_commit_id = pull.merged_commit_id.as_ref().map(ToString::to_string);
    let mut shown = PullRequest { merged_commit_id, ..row(pull) };
    shown.basic.description = Some(pull.description.clone());
    shown
}

/// A pull request in a list, which says less of it.
fn row(pull: &lakehold_catalog::PullRequest) -> PullRequest {
    let status = match pull.status {
        Status::Open => PullRequestStatus::Open,
        Status::Closed => PullRequestStatus::Closed,
        Status::Merged => PullRequestStatus::Merged,
    };
    let title = Some(pull.title.clone());
    PullRequest {
        basic: PullRequestBasic { status: Some(status), title, description: None },
        id: pull.id.as_str().to_owned(),
        creation_date: rfc_3339(pull.creation_date),
        author: pull.author.clone(),
        source_branch: pull.source.to_string(),
        destination_branch: pull.destination.to_string(),
        merged_commit_id: None,
        closed_date: pull.closed_date.map(rfc_3339),
    }
}
