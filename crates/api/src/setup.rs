//! The first start: an installation gets its administrator.

use axum::extract::State;
use http::StatusCode;
use lakehold_api_types::CommPrefsInput;
use lakehold_api_types::CredentialsWithSecret;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::LoginConfig;
use lakehold_api_types::LoginUrlMethod;
use lakehold_api_types::Rbac;
use lakehold_api_types::Setup;
use lakehold_api_types::SetupState;
use lakehold_api_types::State as SetupProgress;
use lakehold_auth::AuthError;
use lakehold_auth::CommPrefs;
use utoipa_axum::routes;

use crate::Api;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::openapi::OpenFailures;
use crate::respond::Json;
use crate::routes::Routes;

/// Providers of mailboxes for everyone, which say nothing of where a user works.
const FREE_MAIL: [&str; 10] = [
    "aol.com",
    "gmail.com",
    "gmx.com",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "outlook.com",
    "protonmail.com",
    "yahoo.com",
];

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(get_setup_state, setup)).routes(routes!(setup_comm_prefs))
}

/// check if the lakeFS installation is already set up
#[utoipa::path(
    get,
    path = "/setup_lakefs",
    operation_id = "getSetupState",
    tag = "internal",
    security(()),
    responses((status = 200, description = "lakeFS setup state", body = SetupState), OpenFailures),
)]
async fn get_setup_state(State(api): State<Api>) -> Result<Json<SetupState>, ApiError> {
    let state = match api.auth.is_set_up().await? {
        true => SetupProgress::Initialized,
        false => SetupProgress::NotInitialized,
    };
    Ok(Json(SetupState {
        state: Some(state),
        comm_prefs_missing: Some(api.auth.comm_prefs_missing().await?),
        login_config: Some(login_config()),
    }))
}

/// setup lakeFS and create a first user
#[utoipa::path(
    post,
    path = "/setup_lakefs",
    operation_id = "setup",
    tag = "internal",
    security(()),
    request_body = Setup,
    responses(
        (status = 200, description = "user created successfully", body = CredentialsWithSecret),
        (status = 400, description = "Bad Request", body = ErrorBody),
        (status = 409, description = "setup was already called", body = ErrorBody),
        OpenFailures,
    ),
)]
async fn setup(
    State(api): State<Api>,
    JsonBody(request): JsonBody<Setup>,
) -> Result<Json<CredentialsWithSecret>, ApiError> {
    if request.username.is_empty() {
        return Err(ApiError::bad_request("empty user display name"));
    }
    if api.auth.is_set_up().await? {
        return Err(AuthError::AlreadySetUp.into());
    }
    let email = request.email.filter(|email| !email.is_empty());
    email.as_deref().map(check_email).transpose()?;
    let key = request.key.map(|key| (key.access_key_id, key.secret_access_key));
    let made =
        api.auth.setup(lakehold_auth::Setup { username: request.username, key, email }).await?;
    Ok(Json(CredentialsWithSecret {
        access_key_id: made.access_key_id,
        secret_access_key: made.secret_access_key,
        creation_date: made.creation_date.seconds,
    }))
}

/// setup communications preferences
#[utoipa::path(
    post,
    path = "/setup_comm_prefs",
    operation_id = "setupCommPrefs",
    tag = "internal",
    security(()),
    request_body = CommPrefsInput,
    responses(
        (status = 200, description = "communication preferences saved successfully"),
        (status = 400, description = "Bad Request", body = ErrorBody),
        (status = 409, description = "setup was already completed", body = ErrorBody),
        (status = 412, description = "wrong setup state for this operation", body = ErrorBody),
        OpenFailures,
    ),
)]
async fn setup_comm_prefs(
    State(api): State<Api>,
    JsonBody(request): JsonBody<CommPrefsInput>,
) -> Result<StatusCode, ApiError> {
    if !api.auth.is_set_up().await? {
        return Err(AuthError::NotSetUp.into());
    }
    let email = request.email.unwrap_or_default();
    if email.is_empty() {
        return Err(ApiError::bad_request("email is required"));
    }
    check_email(&email)?;
    let prefs = CommPrefs {
        email,
        first_name: request.first_name.unwrap_or_default(),
        last_name: request.last_name.unwrap_or_default(),
        company_name: request.company_name.unwrap_or_default(),
        feature_updates: request.feature_updates,
    };
    api.auth.set_comm_prefs(&prefs).await?;
    Ok(StatusCode::OK)
}

/// How one logs in to a server with one user and no sign-on provider.
fn login_config() -> LoginConfig {
    LoginConfig {
        rbac: Some(Rbac::None),
        username_ui_placeholder: None,
        password_ui_placeholder: None,
        login_url: String::new(),
        login_url_method: Some(LoginUrlMethod::None),
        login_failed_message: Some("The credentials don't match.".to_owned()),
        fallback_login_url: None,
        fallback_login_label: None,
        login_cookie_names: vec!["internal_auth_session".to_owned()],
        logout_url: String::new(),
    }
}

fn check_email(address: &str) -> Result<(), ApiError> {
    let parts = address.split_once('@').filter(|(name, domain)| {
        let is_text = |text: &str| !text.is_empty() && !text.contains([' ', '@', '<', '>', ',']);
        is_text(name) && is_text(domain)
    });
    let Some((_, domain)) = parts else {
        return Err(ApiError::bad_request("invalid email address"));
    };
    match FREE_MAIL.contains(&domain.to_ascii_lowercase().as_str()) {
        true => Err(ApiError::bad_request("please use a business email address")),
        false => Ok(()),
    }
}
