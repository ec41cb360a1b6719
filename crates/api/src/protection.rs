//! Which branches take no direct changes.

use axum::extract::State;
use axum::response::AppendHeaders;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::StatusCode;
use http::header;
use lakehold_api_types::BranchProtectionRule;
use lakehold_api_types::ErrorBody;
use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::RepositoryId;
use sha2::Digest as _;
use sha2::Sha256;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::params::header as headers;
use crate::params::params;
use crate::params::path;
use crate::permission;
use crate::respond::Json;
use crate::routes::Routes;

/// How often a single rule is added or removed again where somebody else changed the rules meanwhile.
const CHANGE_ATTEMPTS: u32 = 5;

const GET: &str = "branches:GetBranchProtectionRules";
const SET: &str = "branches:SetBranchProtectionRules";

/// Routes of this module.
#[expect(deprecated, reason = "deprecated operations of the contract are served all the same")]
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(get_rules, set_rules))
        .routes(routes!(internal_get_rules, create_rule, delete_rule))
        .routes(routes!(preflight))
}

params! {
    /// Of operations on the rules of a repository.
    RulesParams { repository: RepositoryId = path::REPOSITORY }
}

/// get branch protection rules
#[utoipa::path(
    get,
    path = "/repositories/{repository}/settings/branch_protection",
    operation_id = "getBranchProtectionRules",
    tag = "repositories",
    params(RulesParams),
    responses(
        (
            status = 200, description = "branch protection rules", body = Vec<BranchProtectionRule>,
            headers(("ETag" = String)),
        ),
        Failures,
    ),
)]
async fn get_rules(
    State(api): State<Api>,
    params: RulesParams,
    caller: Caller,
) -> Result<impl IntoResponse, ApiError> {
    caller.require(&[permission::on_repository(GET, &params.repository)]).await?;
    let (patterns, stored) = api.catalog.protected_patterns(&params.repository).await?;
    let rules: Vec<_> =
        patterns.into_iter().map(|pattern| BranchProtectionRule { pattern }).collect();
    Ok((AppendHeaders([(header::ETAG, etag(stored.as_ref()))]), Json(rules)))
}

params! {
    /// Of setBranchProtectionRules.
    SetRules {
        repository: RepositoryId = path::REPOSITORY,
        if_match: Option<String> = headers::IF_MATCH_RULES,
    }
}

/// set branch protection rules
#[utoipa::path(
    put,
    path = "/repositories/{repository}/settings/branch_protection",
    operation_id = "setBranchProtectionRules",
    tag = "repositories",
    params(SetRules),
    request_body = Vec<BranchProtectionRule>,
    responses(
        (status = 204, description = "branch protection rule created successfully"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 412, description = "Precondition Failed", body = ErrorBody),
        Failures,
    ),
)]
async fn set_rules(
    State(api): State<Api>,
    params: SetRules,
    caller: Caller,
    JsonBody(rules): JsonBody<Vec<BranchProtectionRule>>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository(SET, &params.repository)]).await?;
    let patterns: Vec<_> = rules.into_iter().map(|rule| rule.pattern).collect();
    let unchanged = match params.if_match {
        None => None,
        Some(expected) => {
            let (_, stored) = api.catalog.protected_patterns(&params.repository).await?;
            if etag(stored.as_ref()) != expected {
                return Err(precondition_failed());
            }
            Some(stored)
        }
    };
    api.catalog.set_protected_patterns(&params.repository, &patterns, unchanged).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// get branch protection rules
#[utoipa::path(
    get,
    path = "/repositories/{repository}/branch_protection",
    operation_id = "internalGetBranchProtectionRules",
    tag = "internal",
    params(RulesParams),
    responses(
        (status = 200, description = "branch protection rules", body = Vec<BranchProtectionRule>),
        Failures,
    ),
)]
#[deprecated = "getBranchProtectionRules does the same"]
async fn internal_get_rules(
    state: State<Api>,
    params: RulesParams,
    caller: Caller,
) -> Result<impl IntoResponse, ApiError> {
    get_rules(state, params, caller).await
}

/// create branch protection rule
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branch_protection",
    operation_id = "internalCreateBranchProtectionRule",
    tag = "internal",
    params(RulesParams),
    request_body = BranchProtectionRule,
    responses(
        (status = 204, description = "branch protection rule created successfully"),
        Failures,
    ),
)]
#[deprecated = "setBranchProtectionRules sets all of them, under a condition"]
async fn create_rule(
    State(api): State<Api>,
    params: RulesParams,
    caller: Caller,
    JsonBody(rule): JsonBody<BranchProtectionRule>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository(SET, &params.repository)]).await?;
    change(&api, &params.repository, |patterns| {
        if !patterns.contains(&rule.pattern) {
            patterns.push(rule.pattern.clone());
        }
        true
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which rule to remove. Unlike where rules are made, the contract asks nothing of the pattern.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
struct RuleToDelete {
    pattern: String,
}

/// delete branch protection rule
///
/// The answer for a rule that is not there has no body, and never had one.
#[utoipa::path(
    delete,
    path = "/repositories/{repository}/branch_protection",
    operation_id = "internalDeleteBranchProtectionRule",
    tag = "internal",
    params(RulesParams),
    request_body = inline(RuleToDelete),
    responses(
        (status = 204, description = "branch protection rule deleted successfully"),
        Failures,
    ),
)]
#[deprecated = "setBranchProtectionRules sets all of them, under a condition"]
async fn delete_rule(
    State(api): State<Api>,
    params: RulesParams,
    caller: Caller,
    JsonBody(rule): JsonBody<RuleToDelete>,
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository(SET, &params.repository)]).await?;
    let is_changed = change(&api, &params.repository, |patterns| {
        let count_before = patterns.len();
        patterns.retain(|pattern| *pattern != rule.pattern);
        patterns.len() < count_before
    })
    .await?;
    Ok(if is_changed { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

/// check if setting a branch protection rule is allowed
///
/// Only the right is checked; the repository need not exist.
#[utoipa::path(
    get,
    path = "/repositories/{repository}/branch_protection/set_allowed",
    operation_id = "createBranchProtectionRulePreflight",
    tag = "internal",
    params(RulesParams),
    responses(
        (status = 204, description = "User has permissions to create a branch protection rule in this repository"),
        (status = 409, description = "Resource Conflicts With Target", body = ErrorBody),
        Failures,
    ),
)]
async fn preflight(params: RulesParams, caller: Caller) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_repository(SET, &params.repository)]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the patterns of a repository, unless `edit` says that there is nothing to change. Returns
/// what `edit` said.
async fn change(
    api: &Api,
    repository: &RepositoryId,
    edit: impl Fn(&mut Vec<String>) -> bool,
) -> Result<bool, ApiError> {
    for _ in 0..CHANGE_ATTEMPTS {
        let (mut patterns, stored) = api.catalog.protected_patterns(repository).await?;
        if !edit(&mut patterns) {
            return Ok(false);
        }
        let set = api.catalog.set_protected_patterns(repository, &patterns, Some(stored)).await;
        match set {
            Err(CatalogError::Engine(EngineError::PreconditionFailed(_))) => {}
            other => return Ok(other.map(|()| true)?),
        }
    }
    Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "Too many attempts, try again later"))
}

fn precondition_failed() -> ApiError {
    ApiError::new(StatusCode::PRECONDITION_FAILED, "Precondition failed")
}

/// The tag of the stored record; empty where there is none. Not quoted: the web interface sends it
/// back as it is.
fn etag(stored: Option<&Bytes>) -> String {
    match stored {
        Some(stored) if !stored.is_empty() => hex::encode(Sha256::digest(stored)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rules_have_no_tag() {
        assert_eq!(etag(None), "");
        assert_eq!(etag(Some(&Bytes::new())), "");
        assert_eq!(etag(Some(&Bytes::from_static(b"rules"))).len(), 64);
    }
}
