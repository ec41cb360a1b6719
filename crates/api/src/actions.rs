//! What ran when something happened to a repository.

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::HeaderMap;
use http::HeaderValue;
use http::header;
use lakehold_actions::RunFilter;
use lakehold_api_types::ActionRun;
use lakehold_api_types::ActionRunList;
use lakehold_api_types::HookRun;
use lakehold_api_types::HookRunList;
use lakehold_api_types::HookStatus;
use lakehold_api_types::RunStatus;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::Timestamp;
use utoipa_axum::routes;

use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::objects::Binary;
use crate::openapi::Failures;
use crate::page::PageAnswer;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::Json;
use crate::respond::header_value;
use crate::respond::rfc_3339;
use crate::respond::sized_json;
use crate::routes::Routes;

/// About how many bytes a run and a hook take in a page.
const RUN_BYTES: usize = 320;
const HOOK_BYTES: usize = 220;

const READ: &str = "ci:ReadAction";

/// The time of what did not happen: the year 1.
const NEVER: Timestamp = Timestamp::from_seconds(-62_135_596_800);

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list_runs))
        .routes(routes!(get_run))
        .routes(routes!(list_hooks))
        .routes(routes!(get_output))
}

params! {
    /// Of listRepositoryRuns.
    ListRuns {
        repository: RepositoryId = path::REPOSITORY,
        after: String = query::AFTER,
        amount: usize = query::AMOUNT,
        branch: String = query::BRANCH,
        commit: String = query::COMMIT,
    }
}

/// list runs
#[utoipa::path(
    get,
    path = "/repositories/{repository}/actions/runs",
    operation_id = "listRepositoryRuns",
    tag = "actions",
    params(ListRuns),
    responses((status = 200, description = "list action runs", body = ActionRunList), Failures),
)]
async fn list_runs(
    State(api): State<Api>,
    params: ListRuns,
    caller: Caller,
) -> Result<Response, ApiError> {
    caller.require(&[permission::on_repository(READ, &params.repository)]).await?;
    api.catalog.repository(&params.repository).await?;
    let filter = filter(params.branch, params.commit)?;
    let after = params.after;
    let request = PageRequest { after, amount: params.amount, ..PageRequest::default() };
    let page = api.actions.list_runs(&params.repository, &filter, &request).await?;
    let answer = PageAnswer::new(&page, |run| run.id.as_str(), shown);
    Ok(sized_json(&answer, RUN_BYTES * (page.results.len() + 1)))
}

fn filter(branch: String, commit: String) -> Result<RunFilter, ApiError> {
    match (branch.is_empty(), commit.is_empty()) {
        (true, true) => Ok(RunFilter::All),
        (false, true) => Ok(RunFilter::Branch(branch)),
        (true, false) => Ok(RunFilter::Commit(commit)),
        (false, false) => Err(ApiError::bad_request(
            "can't use both branchID and MergedCommitID: parameters conflict",
        )),
    }
}

params! {
    /// Of getRun.
    GetRun {
        repository: RepositoryId = path::REPOSITORY,
        run: String = path::RUN,
    }
}

/// get a run
#[utoipa::path(
    get,
    path = "/repositories/{repository}/actions/runs/{run_id}",
    operation_id = "getRun",
    tag = "actions",
    params(GetRun),
    responses((status = 200, description = "action run result", body = ActionRun), Failures),
)]
async fn get_run(
    State(api): State<Api>,
    params: GetRun,
    caller: Caller,
) -> Result<Json<ActionRun>, ApiError> {
    caller.require(&[permission::on_repository(READ, &params.repository)]).await?;
    Ok(Json(shown(&api.actions.run(&params.repository, &params.run).await?)))
}

params! {
    /// Of listRunHooks.
    ListHooks {
        repository: RepositoryId = path::REPOSITORY,
        run: String = path::RUN,
        after: String = query::AFTER,
        amount: usize = query::AMOUNT,
    }
}

/// list run hooks
///
/// A run that is not there has none.
#[utoipa::path(
    get,
    path = "/repositories/{repository}/actions/runs/{run_id}/hooks",
    operation_id = "listRunHooks",
    tag = "actions",
    params(ListHooks),
    responses((status = 200, description = "list specific run hooks", body = HookRunList), Failures),
)]
async fn list_hooks(
    State(api): State<Api>,
    params: ListHooks,
    caller: Caller,
) -> Result<Response, ApiError> {
    caller.require(&[permission::on_repository(READ, &params.repository)]).await?;
    let after = params.after;
    let request = PageRequest { after, amount: params.amount, ..PageRequest::default() };
    let page = api.actions.list_hook_runs(&params.repository, &params.run, &request).await?;
    let answer = PageAnswer::new(&page, |hook| hook.id.as_str(), shown_hook);
    Ok(sized_json(&answer, HOOK_BYTES * (page.results.len() + 1)))
}

params! {
    /// Of getRunHookOutput.
    GetOutput {
        repository: RepositoryId = path::REPOSITORY,
        run: String = path::RUN,
        hook_run: String = path::HOOK_RUN,
    }
}

/// get run hook output
#[utoipa::path(
    get,
    path = "/repositories/{repository}/actions/runs/{run_id}/hooks/{hook_run_id}/output",
    operation_id = "getRunHookOutput",
    tag = "actions",
    params(GetOutput),
    responses(
        (
            status = 200, description = "run hook output", body = inline(Binary),
            content_type = "application/octet-stream",
        ),
        Failures,
    ),
)]
async fn get_output(
    State(api): State<Api>,
    params: GetOutput,
    caller: Caller,
) -> Result<Response, ApiError> {
    let GetOutput { repository, run, hook_run } = &params;
    caller.require(&[permission::on_repository(READ, repository)]).await?;
    let output = api.actions.hook_output(repository, run, hook_run).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let disposition = header_value(&format!("attachment; filename={hook_run}.log"));
    headers.extend(disposition.map(|value| (header::CONTENT_DISPOSITION, value)));
    headers.extend(output.length().map(|n| (header::CONTENT_LENGTH, HeaderValue::from(n))));
    Ok((headers, Body::from_stream(output.into_pieces())).into_response())
}

/// A run as clients see it.
fn shown(run: &lakehold_actions::Run) -> ActionRun {
    ActionRun {
        run_id: run.id.clone(),
        branch: run.branch.clone(),
        start_time: rfc_3339(run.start_time.unwrap_or(NEVER)),
        end_time: run.end_time.map(rfc_3339),
        event_type: run.event_type.clone(),
        status: if run.passed { RunStatus::Completed } else { RunStatus::Failed },
        commit_id: run.commit_id.clone(),
    }
}

/// A hook of a run as clients see it.
fn shown_hook(hook: &lakehold_actions::HookRun) -> HookRun {
    let status = match hook.status {
        lakehold_actions::HookStatus::Completed => HookStatus::Completed,
        lakehold_actions::HookStatus::Failed => HookStatus::Failed,
        lakehold_actions::HookStatus::Skipped => HookStatus::Skipped,
    };
    HookRun {
        hook_run_id: hook.id.clone(),
        action: hook.action.clone(),
        hook_id: hook.hook_id.clone(),
        start_time: rfc_3339(hook.start_time.unwrap_or(NEVER)),
        end_time: hook.end_time.map(rfc_3339),
        status,
    }
}
