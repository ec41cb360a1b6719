//! Logging in, and who one is.

use axum::extract::State;
use axum::response::AppendHeaders;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header;
use lakehold_api_types::AuthCapabilities;
use lakehold_api_types::AuthenticationToken;
use lakehold_api_types::CurrentUser;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::LoginInformation;
use lakehold_api_types::User;
use utoipa_axum::routes;

use crate::Api;
use crate::body::OptionalJsonBody;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::InternalFailure;
use crate::openapi::OpenFailures;
use crate::respond::Json;
use crate::routes::Routes;
use crate::users;

/// How long a browser keeps the session cookie. The token in it ends sooner.
const COOKIE_SECONDS: u32 = 30 * 24 * 60 * 60;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .routes(routes!(get_current_user))
        .routes(routes!(login))
        .routes(routes!(get_auth_capabilities))
        .routes(routes!(oauth_callback))
}

/// get current user
///
/// The one operation that answers a request without credentials: the web interface asks it whether
/// anyone is logged in.
#[utoipa::path(
    get,
    path = "/user",
    operation_id = "getCurrentUser",
    tag = "auth",
    responses((status = 200, description = "user", body = CurrentUser)),
)]
async fn get_current_user(caller: Caller) -> Result<Json<CurrentUser>, ApiError> {
    let user = match caller.identify().await? {
        Some(user) => users::shown(&user),
        None => User { id: String::new(), creation_date: 0, friendly_name: None, email: None },
    };
    Ok(Json(CurrentUser { user }))
}

/// perform a login
#[utoipa::path(
    post,
    path = "/auth/login",
    operation_id = "login",
    tag = "auth",
    security(()),
    request_body = Option<LoginInformation>,
    responses(
        (
            status = 200, description = "successful login", body = AuthenticationToken,
            headers(("Set-Cookie" = String)),
        ),
        (status = 400, description = "Bad Request", body = ErrorBody),
        (status = 401, description = "Unauthorized ValidationError", body = ErrorBody),
        OpenFailures,
    ),
)]
async fn login(
    State(api): State<Api>,
    OptionalJsonBody(request): OptionalJsonBody<LoginInformation>,
) -> Result<impl IntoResponse, ApiError> {
    let session = api.auth.login(&request.access_key_id, &request.secret_access_key).await?;
    let secure = if api.settings.secure_cookies { "; Secure" } else { "" };
    let cookie = format!(
        "internal_auth_session={}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}",
        session.cookie
    );
    let token =
        AuthenticationToken { token: session.token, token_expiration: Some(session.expires) };
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(token)))
}

/// list authentication capabilities supported
#[utoipa::path(
    get,
    path = "/auth/capabilities",
    operation_id = "getAuthCapabilities",
    tag = "internal",
    security(()),
    responses(
        (status = 200, description = "auth capabilities", body = AuthCapabilities),
        OpenFailures,
    ),
)]
async fn get_auth_capabilities() -> Json<AuthCapabilities> {
    Json(AuthCapabilities { invite_user: Some(false), forgot_password: None })
}

/// oauth callback
///
/// There is no sign-on provider that could call back; the answer is an empty page, as it always was.
#[utoipa::path(
    get,
    path = "/oidc/callback",
    operation_id = "oauthCallback",
    tag = "auth",
    security(()),
    responses(
        (status = 302, description = "redirect to the application"),
        (status = 401, description = "failed to exchange authorization code for token"),
        InternalFailure,
    ),
)]
async fn oauth_callback() -> StatusCode {
    StatusCode::OK
}
