//! Users: here, the one there is.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::Pagination;
use lakehold_api_types::User;
use lakehold_api_types::UserCreation;
use lakehold_api_types::UserList;
use utoipa_axum::routes;

use crate::Api;
use crate::body::OptionalJsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::openapi::FailuresButNotFound;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::Json;
use crate::respond::created;
use crate::routes::Routes;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(list_users, create_user)).routes(routes!(get_user, delete_user))
}

params! {
    /// Of listUsers.
    ListUsers {
        _prefix: String = query::PREFIX,
        _after: String = query::AFTER,
        _amount: usize = query::AMOUNT,
    }
}

/// list users
///
/// There is one, whatever page is asked for, and whatever prefix.
#[utoipa::path(
    get,
    path = "/auth/users",
    operation_id = "listUsers",
    tag = "auth",
    params(ListUsers),
    responses((status = 200, description = "user list", body = UserList), FailuresButNotFound),
)]
async fn list_users(
    State(api): State<Api>,
    _params: ListUsers,
    caller: Caller,
) -> Result<Json<UserList>, ApiError> {
    caller.require(&[permission::on_everything("auth:ListUsers")]).await?;
    let results: Vec<_> = api.auth.users().await?.iter().map(|user| shown(user)).collect();
    let pagination = Pagination {
        has_more: false,
        next_offset: String::new(),
        results: i64::try_from(results.len()).unwrap_or(i64::MAX),
        // Of lists in this area clients know no bound.
        max_per_page: 0,
    };
    Ok(Json(UserList { pagination, results }))
}

/// create user
#[utoipa::path(
    post,
    path = "/auth/users",
    operation_id = "createUser",
    tag = "auth",
    request_body = Option<UserCreation>,
    responses(
        (status = 201, description = "user", body = User),
        (status = 409, description = "Resource Conflicts With Target", body = ErrorBody),
        FailuresButNotFound,
    ),
)]
async fn create_user(
    State(api): State<Api>,
    caller: Caller,
    OptionalJsonBody(request): OptionalJsonBody<UserCreation>,
) -> Result<Response, ApiError> {
    if request.id.contains('%') {
        return Err(ApiError::bad_request("User name cannot contain '%'"));
    }
    caller.require(&[permission::on_user("auth:CreateUser", &request.id)]).await?;
    if request.invite_user == Some(true) {
        return Err(refused_invitation(&request.id));
    }
    Ok(created(shown(&*api.auth.create_user(&request.id).await?)))
}

/// There is nobody who could send an invitation, not even to a good address.
fn refused_invitation(address: &str) -> ApiError {
    let is_text = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    let parts = address.split_once('@');
    match parts.is_some_and(|(name, domain)| is_text(name) && is_text(domain)) {
        true => ApiError::not_implemented(),
        false => ApiError::bad_request("Invalid email format"),
    }
}

params! {
    /// Of operations on a user.
    UserParams { user: String = path::USER }
}

/// get user
#[utoipa::path(
    get,
    path = "/auth/users/{userId}",
    operation_id = "getUser",
    tag = "auth",
    params(UserParams),
    responses((status = 200, description = "user", body = User), Failures),
)]
async fn get_user(
    State(api): State<Api>,
    params: UserParams,
    caller: Caller,
) -> Result<Json<User>, ApiError> {
    caller.require(&[permission::on_user("auth:ReadUser", &params.user)]).await?;
    Ok(Json(shown(&*api.auth.get_user(&params.user).await?)))
}

/// delete user
#[utoipa::path(
    delete,
    path = "/auth/users/{userId}",
    operation_id = "deleteUser",
    tag = "auth",
    params(UserParams),
    responses((status = 204, description = "user deleted successfully"), Failures),
)]
async fn delete_user(
    State(api): State<Api>,
    params: UserParams,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    caller.require(&[permission::on_user("auth:DeleteUser", &params.user)]).await?;
    api.auth.delete_user(&params.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A user as clients see it.
pub(crate) fn shown(user: &lakehold_auth::User) -> User {
    User {
        id: user.id.clone(),
        creation_date: user.creation_date.seconds,
        friendly_name: Some(user.friendly_name.clone().unwrap_or_default()),
        email: Some(user.email.clone().unwrap_or_default()),
    }
}
