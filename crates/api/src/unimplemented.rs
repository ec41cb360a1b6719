//! Operations of the contract that this server does not have yet.
//!
//! Each is routed, so that a client learns which operation is missing rather than that its path is
//! wrong: after authentication the answer is 501 and names the operation. [`UNIMPLEMENTED`] is the one
//! list of them; an operation leaves it when its handler comes.

use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::MethodFilter;
use axum::routing::MethodRouter;
use http::StatusCode;

use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::routes::Routes;

/// An operation of the contract without a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unimplemented {
    /// Its method.
    pub method: &'static str,
    /// Its path, with parameters in braces.
    pub path: &'static str,
    /// Its id.
    pub id: &'static str,
    /// Whether it looks at no credentials.
    pub is_open: bool,
}

const fn closed(method: &'static str, path: &'static str, id: &'static str) -> Unimplemented {
    Unimplemented { method, path, id, is_open: false }
}

const fn open(method: &'static str, path: &'static str, id: &'static str) -> Unimplemented {
    Unimplemented { method, path, id, is_open: true }
}

/// Adds the routes of all operations in [`UNIMPLEMENTED`].
pub(crate) fn add_to(routes: Routes) -> Routes {
    UNIMPLEMENTED
        .iter()
        .fold(routes, |routes, operation| routes.undocumented(operation.path, route(operation)))
}

fn route(operation: &'static Unimplemented) -> MethodRouter<Api> {
    let filter = match operation.method {
        "GET" => MethodFilter::GET,
        "PUT" => MethodFilter::PUT,
        "DELETE" => MethodFilter::DELETE,
        "PATCH" => MethodFilter::PATCH,
        _ => MethodFilter::POST,
    };
    MethodRouter::new()
        .on(filter, move |State(_): State<Api>, caller: Caller| refuse(operation, caller))
}

async fn refuse(operation: &'static Unimplemented, caller: Caller) -> Response {
    if !operation.is_open
        && let Err(error) = caller.user().await
    {
        return error.into_response();
    }
    let message = format!("{} is not implemented by this server yet", operation.id);
    ApiError::new(StatusCode::NOT_IMPLEMENTED, message).into_response()
}

/// All of them, by path and method.
pub const UNIMPLEMENTED: &[Unimplemented] = &[
    open("POST", "/auth/external/principal/login", "externalPrincipalLogin"),
    closed("GET", "/auth/external/principals", "getExternalPrincipal"),
    closed("GET", "/auth/groups", "listGroups"),
    closed("POST", "/auth/groups", "createGroup"),
    closed("DELETE", "/auth/groups/{groupId}", "deleteGroup"),
    closed("GET", "/auth/groups/{groupId}", "getGroup"),
    closed("GET", "/auth/groups/{groupId}/acl", "getGroupACL"),
    closed("POST", "/auth/groups/{groupId}/acl", "setGroupACL"),
    closed("GET", "/auth/groups/{groupId}/members", "listGroupMembers"),
    closed("DELETE", "/auth/groups/{groupId}/members/{userId}", "deleteGroupMembership"),
    closed("PUT", "/auth/groups/{groupId}/members/{userId}", "addGroupMembership"),
    closed("GET", "/auth/groups/{groupId}/policies", "listGroupPolicies"),
    closed("DELETE", "/auth/groups/{groupId}/policies/{policyId}", "detachPolicyFromGroup"),
    closed("PUT", "/auth/groups/{groupId}/policies/{policyId}", "attachPolicyToGroup"),
    closed("GET", "/auth/policies", "listPolicies"),
    closed("POST", "/auth/policies", "createPolicy"),
    closed("DELETE", "/auth/policies/{policyId}", "deletePolicy"),
    closed("GET", "/auth/policies/{policyId}", "getPolicy"),
    closed("PUT", "/auth/policies/{policyId}", "updatePolicy"),
    closed("GET", "/auth/users", "listUsers"),
    closed("POST", "/auth/users", "createUser"),
    closed("DELETE", "/auth/users/{userId}", "deleteUser"),
    closed("GET", "/auth/users/{userId}", "getUser"),
    closed("GET", "/auth/users/{userId}/credentials", "listUserCredentials"),
    closed("POST", "/auth/users/{userId}/credentials", "createCredentials"),
    closed("DELETE", "/auth/users/{userId}/credentials/{accessKeyId}", "deleteCredentials"),
    closed("GET", "/auth/users/{userId}/credentials/{accessKeyId}", "getCredentials"),
    closed("DELETE", "/auth/users/{userId}/external/principals", "deleteUserExternalPrincipal"),
    closed("POST", "/auth/users/{userId}/external/principals", "createUserExternalPrincipal"),
    closed("GET", "/auth/users/{userId}/external/principals/ls", "listUserExternalPrincipals"),
    closed("GET", "/auth/users/{userId}/groups", "listUserGroups"),
    closed("GET", "/auth/users/{userId}/policies", "listUserPolicies"),
    closed("DELETE", "/auth/users/{userId}/policies/{policyId}", "detachPolicyFromUser"),
    closed("PUT", "/auth/users/{userId}/policies/{policyId}", "attachPolicyToUser"),
    open("GET", "/oidc/callback", "oauthCallback"),
    closed("GET", "/repositories/{repository}/actions/runs", "listRepositoryRuns"),
    closed("GET", "/repositories/{repository}/actions/runs/{run_id}", "getRun"),
    closed("GET", "/repositories/{repository}/actions/runs/{run_id}/hooks", "listRunHooks"),
    closed(
        "GET",
        "/repositories/{repository}/actions/runs/{run_id}/hooks/{hook_run_id}/output",
        "getRunHookOutput",
    ),
    closed("DELETE", "/repositories/{repository}/branches/{branch}/import", "importCancel"),
    closed("GET", "/repositories/{repository}/branches/{branch}/import", "importStatus"),
    closed("POST", "/repositories/{repository}/branches/{branch}/import", "importStart"),
    closed(
        "POST",
        "/repositories/{repository}/branches/{branch}/staging/pmpu",
        "createPresignMultipartUpload",
    ),
    closed(
        "DELETE",
        "/repositories/{repository}/branches/{branch}/staging/pmpu/{uploadId}",
        "abortPresignMultipartUpload",
    ),
    closed(
        "PUT",
        "/repositories/{repository}/branches/{branch}/staging/pmpu/{uploadId}",
        "completePresignMultipartUpload",
    ),
    closed(
        "PUT",
        "/repositories/{repository}/branches/{branch}/staging/pmpu/{uploadId}/parts/{partNumber}",
        "uploadPart",
    ),
    closed(
        "PUT",
        "/repositories/{repository}/branches/{branch}/staging/pmpu/{uploadId}/parts/{partNumber}/copy",
        "uploadPartCopy",
    ),
    closed("POST", "/repositories/{repository}/commits", "CreateCommitRecord"),
    closed("GET", "/repositories/{repository}/dump", "dumpStatus"),
    closed("POST", "/repositories/{repository}/dump", "dumpSubmit"),
    closed(
        "POST",
        "/repositories/{repository}/gc/prepare_commits",
        "prepareGarbageCollectionCommits",
    ),
    closed(
        "POST",
        "/repositories/{repository}/gc/prepare_commits/async",
        "prepareGarbageCollectionCommitsAsync",
    ),
    closed(
        "GET",
        "/repositories/{repository}/gc/prepare_commits/status",
        "prepareGarbageCollectionCommitsStatus",
    ),
    closed(
        "POST",
        "/repositories/{repository}/gc/prepare_uncommited",
        "prepareGarbageCollectionUncommitted",
    ),
    closed("DELETE", "/repositories/{repository}/gc/rules", "internalDeleteGarbageCollectionRules"),
    closed("GET", "/repositories/{repository}/gc/rules", "internalGetGarbageCollectionRules"),
    closed("POST", "/repositories/{repository}/gc/rules", "internalSetGarbageCollectionRules"),
    closed(
        "GET",
        "/repositories/{repository}/gc/rules/set_allowed",
        "setGarbageCollectionRulesPreflight",
    ),
    closed(
        "GET",
        "/repositories/{repository}/metadata/object/{type}/{object_id}",
        "getMetadataObject",
    ),
    closed("GET", "/repositories/{repository}/pulls", "listPullRequests"),
    closed("POST", "/repositories/{repository}/pulls", "createPullRequest"),
    closed("GET", "/repositories/{repository}/pulls/{pull_request}", "getPullRequest"),
    closed("PATCH", "/repositories/{repository}/pulls/{pull_request}", "updatePullRequest"),
    closed("PUT", "/repositories/{repository}/pulls/{pull_request}/merge", "mergePullRequest"),
    closed("PUT", "/repositories/{repository}/refs/dump", "dumpRefs"),
    closed("PUT", "/repositories/{repository}/refs/restore", "restoreRefs"),
    closed("POST", "/repositories/{repository}/refs/{branch}/symlink", "createSymlinkFile"),
    closed("GET", "/repositories/{repository}/restore", "restoreStatus"),
    closed("POST", "/repositories/{repository}/restore", "restoreSubmit"),
    closed("DELETE", "/repositories/{repository}/settings/gc_rules", "deleteGCRules"),
    closed("GET", "/repositories/{repository}/settings/gc_rules", "getGCRules"),
    closed("PUT", "/repositories/{repository}/settings/gc_rules", "setGCRules"),
    open("POST", "/sts/login", "stsLogin"),
    closed("GET", "/usage-report/summary", "getUsageReportSummary"),
];
