//! Operations of the contract that this server does not have yet.
//!
//! Each is routed, so that a client learns which operation is missing rather than that its path is
//! wrong: after authentication the answer is 501 and names the operation. What there cannot be with a
//! single user is 501 as well, in the words of every server with a single user. [`UNIMPLEMENTED`] is the
//! one list of them; an operation leaves it when its handler comes.

use std::borrow::Cow;

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
    /// Whether there can be no such thing where there is one user: clients know the words for that.
    pub is_not_for_one_user: bool,
}

impl Unimplemented {
    /// What it answers.
    pub fn message(&self) -> Cow<'static, str> {
        match self.is_not_for_one_user {
            true => Cow::Borrowed("Not Implemented"),
            false => format!("{} is not implemented by this server yet", self.id).into(),
        }
    }

    const fn not_for_one_user(mut self) -> Self {
        self.is_not_for_one_user = true;
        self
    }
}

const fn closed(method: &'static str, path: &'static str, id: &'static str) -> Unimplemented {
    Unimplemented { method, path, id, is_open: false, is_not_for_one_user: false }
}

const fn open(method: &'static str, path: &'static str, id: &'static str) -> Unimplemented {
    Unimplemented { method, path, id, is_open: true, is_not_for_one_user: false }
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
    ApiError::new(StatusCode::NOT_IMPLEMENTED, operation.message()).into_response()
}

/// All of them, by path and method.
pub const UNIMPLEMENTED: &[Unimplemented] = &[
    open("POST", "/auth/external/principal/login", "externalPrincipalLogin").not_for_one_user(),
    closed("GET", "/auth/external/principals", "getExternalPrincipal").not_for_one_user(),
    closed("GET", "/auth/groups", "listGroups").not_for_one_user(),
    closed("POST", "/auth/groups", "createGroup").not_for_one_user(),
    closed("DELETE", "/auth/groups/{groupId}", "deleteGroup").not_for_one_user(),
    closed("GET", "/auth/groups/{groupId}", "getGroup").not_for_one_user(),
    closed("GET", "/auth/groups/{groupId}/acl", "getGroupACL").not_for_one_user(),
    closed("POST", "/auth/groups/{groupId}/acl", "setGroupACL").not_for_one_user(),
    closed("GET", "/auth/groups/{groupId}/members", "listGroupMembers").not_for_one_user(),
    closed("DELETE", "/auth/groups/{groupId}/members/{userId}", "deleteGroupMembership")
        .not_for_one_user(),
    closed("PUT", "/auth/groups/{groupId}/members/{userId}", "addGroupMembership")
        .not_for_one_user(),
    closed("GET", "/auth/groups/{groupId}/policies", "listGroupPolicies").not_for_one_user(),
    closed("DELETE", "/auth/groups/{groupId}/policies/{policyId}", "detachPolicyFromGroup")
        .not_for_one_user(),
    closed("PUT", "/auth/groups/{groupId}/policies/{policyId}", "attachPolicyToGroup")
        .not_for_one_user(),
    closed("GET", "/auth/policies", "listPolicies").not_for_one_user(),
    closed("POST", "/auth/policies", "createPolicy").not_for_one_user(),
    closed("DELETE", "/auth/policies/{policyId}", "deletePolicy").not_for_one_user(),
    closed("GET", "/auth/policies/{policyId}", "getPolicy").not_for_one_user(),
    closed("PUT", "/auth/policies/{policyId}", "updatePolicy").not_for_one_user(),
    closed("GET", "/auth/users/{userId}/credentials", "listUserCredentials").not_for_one_user(),
    closed("DELETE", "/auth/users/{userId}/credentials/{accessKeyId}", "deleteCredentials")
        .not_for_one_user(),
    closed("DELETE", "/auth/users/{userId}/external/principals", "deleteUserExternalPrincipal")
        .not_for_one_user(),
    closed("POST", "/auth/users/{userId}/external/principals", "createUserExternalPrincipal")
        .not_for_one_user(),
    closed("GET", "/auth/users/{userId}/external/principals/ls", "listUserExternalPrincipals")
        .not_for_one_user(),
    closed("GET", "/auth/users/{userId}/groups", "listUserGroups").not_for_one_user(),
    closed("GET", "/auth/users/{userId}/policies", "listUserPolicies").not_for_one_user(),
    closed("DELETE", "/auth/users/{userId}/policies/{policyId}", "detachPolicyFromUser")
        .not_for_one_user(),
    closed("PUT", "/auth/users/{userId}/policies/{policyId}", "attachPolicyToUser")
        .not_for_one_user(),
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
    closed("PUT", "/repositories/{repository}/refs/dump", "dumpRefs"),
    closed("PUT", "/repositories/{repository}/refs/restore", "restoreRefs"),
    closed("POST", "/repositories/{repository}/refs/{branch}/symlink", "createSymlinkFile"),
    closed("GET", "/repositories/{repository}/restore", "restoreStatus"),
    closed("POST", "/repositories/{repository}/restore", "restoreSubmit"),
    open("POST", "/sts/login", "stsLogin").not_for_one_user(),
    closed("GET", "/usage-report/summary", "getUsageReportSummary"),
];
