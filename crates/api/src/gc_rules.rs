//! How long data is kept after it was replaced.

use axum::extract::State;
use http::StatusCode;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::GarbageCollectionRule;
use lakehold_api_types::GarbageCollectionRules;
use lakehold_catalog::RepositoryId;
use lakehold_gc::RetentionRules;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::permission;
use crate::respond::Json;
use crate::routes::Routes;

const GET: &str = "retention:GetGarbageCollectionRules";
const SET: &str = "retention:SetGarbageCollectionRules";

/// Routes of this module.
#[expect(deprecated, reason = "deprecated operations of the contract are served all the same")]
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(get_rules, set_rules, delete_rules))
        .routes(routes!(internal_get_rules, internal_set_rules, internal_delete_rules))
        .routes(routes!(preflight))
}

params! {
    /// Of operations on the rules of a repository.
    RulesParams { repository: RepositoryId = path::REPOSITORY }
}

/// get repository GC rules
#[utoipa::path(
    get,
    path = "/repositories/{repository}/settings/gc_rules",
    operation_id = "getGCRules",
    tag = "repositories",
    params(RulesParams),
    responses((status = 200, description = "gc rule list", body = GarbageCollectionRules), Failures),
)]
async fn get_rules(
    State(api): State<Api>,
    params: RulesParams,
    caller: Caller,
) -> Result<Json<GarbageCollectionRules>, ApiError> {
    caller.require(&[permission::on_repository(GET, &params.repository)]).await?;
    Ok(Json(shown(api.gc.rules(&params.repository).await?)))
}

/// set repository GC rules
#[utoipa::path(
    put,
    path = "/repositories/{repository}/settings/gc_rules",
    operation_id = "setGCRules",
    tag = "repositories",
    params(RulesParams),
    request_body = GarbageCollectionRules,
    responses(
        (status = 204, description = "set garbage collection rules successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
async fn set_rules(
    State(api): State<Api>,
    params: RulesParams,
    caller: Caller,
    JsonBody(request): JsonBody<GarbageCollectionRules>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository(SET, &params.repository)]).await?;
    let branches = request.branches.into_iter();
    let rules = RetentionRules {
        default_days: request.default_retention_days,
        // Of two rules for one branch the later counts.
        branches: branches.map(|rule| (rule.branch_id, rule.retention_days)).collect(),
    };
    api.gc.set_rules(&params.repository, &rules).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// delete repository GC rules
#[utoipa::path(
    delete,
    path = "/repositories/{repository}/settings/gc_rules",
    operation_id = "deleteGCRules",
    tag = "repositories",
    params(RulesParams),
    responses(
        (status = 204, description = "deleted garbage collection rules successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
async fn delete_rules(
    State(api): State<Api>,
    params: RulesParams,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository(SET, &params.repository)]).await?;
    api.gc.delete_rules(&params.repository).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// get repository GC rules
#[utoipa::path(
    get,
    path = "/repositories/{repository}/gc/rules",
    operation_id = "internalGetGarbageCollectionRules",
    tag = "internal",
    params(RulesParams),
    responses((status = 200, description = "gc rule list", body = GarbageCollectionRules), Failures),
)]
#[deprecated = "getGCRules does the same"]
async fn internal_get_rules(
    state: State<Api>,
    params: RulesParams,
    caller: Caller,
) -> Result<Json<GarbageCollectionRules>, ApiError> {
    get_rules(state, params, caller).await
}

/// set repository GC rules
#[utoipa::path(
    post,
    path = "/repositories/{repository}/gc/rules",
    operation_id = "internalSetGarbageCollectionRules",
    tag = "internal",
    params(RulesParams),
    request_body = GarbageCollectionRules,
    responses(
        (status = 204, description = "set garbage collection rules successfully"),
        Failures,
    ),
)]
#[deprecated = "setGCRules does the same"]
async fn internal_set_rules(
    state: State<Api>,
    params: RulesParams,
    caller: Caller,
    body: JsonBody<GarbageCollectionRules>,
) -> Result<StatusCode, ApiError> {
    set_rules(state, params, caller, body).await
}

/// delete repository GC rules
#[utoipa::path(
    delete,
    path = "/repositories/{repository}/gc/rules",
    operation_id = "internalDeleteGarbageCollectionRules",
    tag = "internal",
    params(RulesParams),
    responses(
        (status = 204, description = "deleted garbage collection rules successfully"),
        Failures,
    ),
)]
#[deprecated = "deleteGCRules does the same"]
async fn internal_delete_rules(
    state: State<Api>,
    params: RulesParams,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    delete_rules(state, params, caller).await
}

/// check if setting GC rules is allowed
///
/// Only the right is checked; the repository need not exist.
#[utoipa::path(
    get,
    path = "/repositories/{repository}/gc/rules/set_allowed",
    operation_id = "setGarbageCollectionRulesPreflight",
    tag = "internal",
    params(RulesParams),
    responses(
        (status = 204, description = "User has permissions to set garbage collection rules on this repository"),
        Failures,
    ),
)]
async fn preflight(params: RulesParams, caller: Caller) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository(SET, &params.repository)]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rules as clients see them.
fn shown(rules: RetentionRules) -> GarbageCollectionRules {
    let branches = rules.branches.into_iter();
    let rule = |(branch_id, retention_days)| GarbageCollectionRule { branch_id, retention_days };
    GarbageCollectionRules {
        default_retention_days: rules.default_days,
        branches: branches.map(rule).collect(),
    }
}
