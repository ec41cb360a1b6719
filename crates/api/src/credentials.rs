//! Key pairs of users: here, the one that the one user has.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::Credentials;
use lakehold_api_types::CredentialsWithSecret;
use lakehold_auth::AuthError;
use utoipa_axum::routes;

use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::params::params;
use crate::params::path;
use crate::permission;
use crate::respond::Json;
use crate::respond::created;
use crate::routes::Routes;

/// Routes of this module.
pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(create_credentials)).routes(routes!(get_credentials))
}

params! {
    /// Of createCredentials.
    CreateCredentials { user: String = path::USER }
}

/// create credentials
///
/// Only here, and when the installation is set up, the secret is shown.
#[utoipa::path(
    post,
    path = "/auth/users/{userId}/credentials",
    operation_id = "createCredentials",
    tag = "auth",
    params(CreateCredentials),
    responses((status = 201, description = "credentials", body = CredentialsWithSecret), Failures),
)]
async fn create_credentials(
    State(api): State<Api>,
    params: CreateCredentials,
    caller: Caller,
) -> Result<Response, ApiError> {
    caller.require(&[permission::on_user("auth:CreateCredentials", &params.user)]).await?;
    let made = match api.auth.create_credentials(&params.user).await {
        Err(AuthError::UserNotFound(_)) => {
            return Err(ApiError::new(StatusCode::NOT_FOUND, "not found"));
        }
        made => made?,
    };
    Ok(created(CredentialsWithSecret {
        access_key_id: made.access_key_id,
        secret_access_key: made.secret_access_key,
        creation_date: made.creation_date.seconds,
    }))
}

params! {
    /// Of getCredentials.
    GetCredentials {
        user: String = path::USER,
        access_key: String = path::ACCESS_KEY,
    }
}

/// get credentials
#[utoipa::path(
    get,
    path = "/auth/users/{userId}/credentials/{accessKeyId}",
    operation_id = "getCredentials",
    tag = "auth",
    params(GetCredentials),
    responses((status = 200, description = "credentials", body = Credentials), Failures),
)]
async fn get_credentials(
    State(api): State<Api>,
    params: GetCredentials,
    caller: Caller,
) -> Result<Json<Credentials>, ApiError> {
    caller.require(&[permission::on_user("auth:ReadCredentials", &params.user)]).await?;
    let found = api.auth.access_key(&params.user, &params.access_key).await?;
    Ok(Json(Credentials {
        access_key_id: found.access_key_id,
        creation_date: found.creation_date.seconds,
    }))
}
