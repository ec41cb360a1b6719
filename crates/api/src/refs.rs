//! References: their log, how two of them differ, and merging one into another.

use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::CommitList;
use lakehold_api_types::DiffList;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::FindMergeBaseResult;
use lakehold_api_types::Merge;
use lakehold_api_types::MergeResult;
use lakehold_api_types::MergeResultSummary;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::DiffKind;
use lakehold_catalog::EngineError;
use lakehold_catalog::KeyQuery;
use lakehold_catalog::LogRequest;
use lakehold_catalog::MergeRequest;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::Strategy;
use lakehold_catalog::Summary;
use lakehold_catalog::Timestamp;
use utoipa_axum::routes;

use crate::Api;
use crate::body::OptionalJsonBody;
use crate::caller::Caller;
use crate::commits;
use crate::error::ApiError;
use crate::error::context::about_changes;
use crate::error::context::bad_reference;
use crate::error::context::wants_commit;
use crate::openapi::Failures;
use crate::page::PageAnswer;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::params::query::Choice;
use crate::permission;
use crate::respond::Json;
use crate::respond::sized_json;
use crate::routes::Routes;

mod diff_row;

pub(crate) use diff_row::diff_answer;
pub(crate) use diff_row::uncommitted_row;

/// About how many bytes a commit takes in a page.
const COMMIT_BYTES: usize = 420;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(log_commits))
        .routes(routes!(diff_refs))
        .routes(routes!(find_merge_base, merge_into_branch))
}

params! {
    /// Of logCommits.
    LogCommits {
        repository: RepositoryId = path::REPOSITORY,
        reference: RefExpr = path::REF,
        after: Option<RefExpr> = query::AFTER_REF,
        amount: usize = query::AMOUNT,
        objects: Vec<String> = query::OBJECTS,
        prefixes: Vec<String> = query::PREFIXES,
        limit: bool = query::LIMIT,
        first_parent: bool = query::FIRST_PARENT,
        since: Option<Timestamp> = query::SINCE,
        stop_at: Option<RefExpr> = query::STOP_AT,
    }
}

/// get commit log from ref. If both objects and prefixes are empty, return all commits.
#[utoipa::path(
    get,
    path = "/repositories/{repository}/refs/{ref}/commits",
    operation_id = "logCommits",
    tag = "refs",
    params(LogCommits),
    responses((status = 200, description = "commit log", body = CommitList), Failures),
)]
async fn log_commits(
    State(api): State<Api>,
    params: LogCommits,
    caller: Caller,
) -> Result<Response, ApiError> {
    let LogCommits { repository, reference, .. } = &params;
    caller.require(&[permission::on_branch("fs:ReadBranch", repository, reference)]).await?;
    let request = LogRequest {
        amount: params.amount,
        after: params.after.clone(),
        objects: params.objects.clone(),
        prefixes: params.prefixes.clone(),
        limit: params.limit,
        first_parent: params.first_parent,
        since: params.since,
        stop_at: params.stop_at.clone(),
    };
    let page = api.catalog.log(repository, reference, &request).await;
    let page = page.map_err(|error| in_log(&params, error))?;
    let answer =
        PageAnswer::new(&page, |commit| commit.id.as_str(), |commit| commits::shown(commit));
    Ok(sized_json(&answer, COMMIT_BYTES * (page.results.len() + 1)))
}

/// Says which of the references that a log takes the error is about.
fn in_log(params: &LogCommits, error: CatalogError) -> ApiError {
    let Some(bad) = bad_reference(&error) else { return error.into() };
    let is_bad = |given: &Option<RefExpr>| given.as_ref().is_some_and(|it| it.as_str() == bad);
    let prefix = match params {
        params if params.reference.as_str() == bad => "ref: ",
        params if is_bad(&params.stop_at) => "stop_at: ",
        params if is_bad(&params.after) => "from ref: ",
        _ => "ref: ",
    };
    wants_commit(error).prefixed(prefix)
}

const DIFF_TYPE: Choice<DiffKind> = Choice::new(
    "type",
    &[("two_dot", DiffKind::TwoDot), ("three_dot", DiffKind::ThreeDot)],
    ("three_dot", DiffKind::ThreeDot),
);

params! {
    /// Of diffRefs.
    DiffRefs {
        repository: RepositoryId = path::REPOSITORY,
        left: RefExpr = path::LEFT,
        right: RefExpr = path::RIGHT,
        after: String = query::AFTER,
        amount: usize = query::AMOUNT,
        prefix: String = query::PREFIX,
        delimiter: String = query::DELIMITER,
        kind: DiffKind = DIFF_TYPE,
        include_right_stats: bool = query::INCLUDE_RIGHT_STATS,
    }
}

/// diff references
#[utoipa::path(
    get,
    path = "/repositories/{repository}/refs/{leftRef}/diff/{rightRef}",
    operation_id = "diffRefs",
    tag = "refs",
    params(DiffRefs),
    responses((status = 200, description = "diff between refs", body = DiffList), Failures),
)]
async fn diff_refs(
    State(api): State<Api>,
    params: DiffRefs,
    caller: Caller,
) -> Result<Response, ApiError> {
    let DiffRefs { repository, left, right, kind, .. } = params;
    caller.require(&[permission::on_repository("fs:ListObjects", &repository)]).await?;
    let page = PageRequest { prefix: params.prefix, after: params.after, amount: params.amount };
    let query = KeyQuery { page, delimiter: params.delimiter };
    let page = api.catalog.diff(&repository, &left, &right, kind, &query).await;
    let page = page.map_err(|error| of_two(&left, &right, error))?;
    let row = if params.include_right_stats { diff_row::with_right } else { diff_row::plain };
    Ok(diff_answer(&page, row))
}

/// Says which of two references was not found.
fn of_two(left: &RefExpr, right: &RefExpr, error: CatalogError) -> ApiError {
    let CatalogError::Engine(EngineError::RefNotFound(missing)) = &error else {
        return error.into();
    };
    let prefix = match missing {
        missing if missing == left => format!("get commit by branch {left}: "),
        _ => format!("get commit by ref {right}: "),
    };
    ApiError::from(error).prefixed(&prefix)
}

params! {
    /// Of mergeIntoBranch.
    MergeIntoBranch {
        repository: RepositoryId = path::REPOSITORY,
        source: RefExpr = path::SOURCE,
        destination: BranchId = path::DESTINATION,
    }
}

/// merge references
///
/// A conflict is answered with an empty result, not with an error: clients rely on the status.
#[utoipa::path(
    post,
    path = "/repositories/{repository}/refs/{sourceRef}/merge/{destinationBranch}",
    operation_id = "mergeIntoBranch",
    tag = "refs",
    params(MergeIntoBranch),
    request_body = Option<Merge>,
    responses(
        (status = 200, description = "merge completed", body = MergeResult),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 409, description = "Conflict", body = MergeResult),
        (status = 412, description = "precondition failed (e.g. a pre-merge hook returned a failure)", body = ErrorBody),
        Failures,
    ),
)]
async fn merge_into_branch(
    State(api): State<Api>,
    params: MergeIntoBranch,
    caller: Caller,
    OptionalJsonBody(request): OptionalJsonBody<Merge>,
) -> Result<Response, ApiError> {
    let MergeIntoBranch { repository, source, destination } = params;
    let user = caller
        .require(&[permission::on_branch("fs:CreateCommit", &repository, &destination)])
        .await?;
    let merge = MergeRequest {
        committer: user.committer().to_owned(),
        message: request.message.unwrap_or_default(),
        metadata: request.metadata.unwrap_or_default(),
        strategy: strategy(request.strategy.as_deref().unwrap_or_default())?,
        allow_empty: request.allow_empty,
        force: request.force,
        squash: request.squash_merge,
    };
    match api.catalog.merge(&repository, &source, &destination, merge).await {
        Ok(merged) => Ok(Json(MergeResult {
            reference: merged.commit.id.to_string(),
            summary: Some(shown_summary(&merged.summary)),
        })
        .into_response()),
        Err(CatalogError::Engine(EngineError::Conflict { .. })) => {
            let nothing = MergeResult { reference: String::new(), summary: None };
            Ok((StatusCode::CONFLICT, Json(nothing)).into_response())
        }
        Err(error) => Err(in_merge(&source, &destination, error)),
    }
}

fn strategy(word: &str) -> Result<Strategy, ApiError> {
    match word {
        "" => Ok(Strategy::default()),
        "source-wins" => Ok(Strategy::SourceWins),
        "dest-wins" => Ok(Strategy::DestinationWins),
        _ => Err(ApiError::bad_request("argument strategy: invalid value: validation error")),
    }
}

/// Says where a merge stopped.
pub(crate) fn in_merge(source: &RefExpr, destination: &BranchId, error: CatalogError) -> ApiError {
    match bad_reference(&error) {
        Some(_) => ApiError::from(error)
            .prefixed(&format!("update branch {destination}: get commit by ref {source}: ")),
        None => about_changes(&format!("update branch {destination}: "), error),
    }
}

/// How a merge changed its destination, as clients see it.
pub(crate) fn shown_summary(summary: &Summary) -> MergeResultSummary {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    MergeResultSummary {
        added: count(summary.added),
        changed: count(summary.changed),
        // A merge that was made has none left.
        conflict: 0,
        removed: count(summary.removed),
    }
}

params! {
    /// Of findMergeBase.
    FindMergeBase {
        repository: RepositoryId = path::REPOSITORY,
        source: RefExpr = path::SOURCE,
        destination: RefExpr = path::DESTINATION_REF,
    }
}

/// find the merge base for 2 references
#[utoipa::path(
    get,
    path = "/repositories/{repository}/refs/{sourceRef}/merge/{destinationBranch}",
    operation_id = "findMergeBase",
    tag = "refs",
    params(FindMergeBase),
    responses(
        (status = 200, description = "Found the merge base", body = FindMergeBaseResult),
        Failures,
    ),
)]
async fn find_merge_base(
    State(api): State<Api>,
    params: FindMergeBase,
    caller: Caller,
) -> Result<Json<FindMergeBaseResult>, ApiError> {
    let FindMergeBase { repository, source, destination } = params;
    caller.require(&[permission::on_repository("fs:ListCommits", &repository)]).await?;
    let found = api.catalog.merge_base(&repository, &source, &destination).await;
    let found = found.map_err(|error| of_two(&source, &destination, error))?;
    Ok(Json(FindMergeBaseResult {
        // The wrong way round, as clients have always got them.
        source_commit_id: found.destination.to_string(),
        destination_commit_id: found.source.to_string(),
        base_commit_id: found.base.to_string(),
    }))
}
