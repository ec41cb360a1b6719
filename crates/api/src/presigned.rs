//! URLs that clients use by themselves, past the server.
//!
//! Whoever has such a URL may do what it was made for until it ends; so it is given only to a caller who
//! may do that here. A store without any says so wherever one is asked for.

use axum::response::IntoResponse as _;
use axum::response::Response;
use http::StatusCode;
use http::header;
use lakehold_catalog::PresignedUrl;

use crate::Api;
use crate::error::ApiError;
use crate::respond::header_value;

/// Refuses a request for a URL where the store gives out none, before anything is done.
pub(crate) fn check(api: &Api, is_wanted: bool) -> Result<(), ApiError> {
    match is_wanted && !api.catalog.store_description().can_presign {
        true => Err(refused(api)),
        false => Ok(()),
    }
}

/// That the store gives out no URL.
pub(crate) fn refused(api: &Api) -> ApiError {
    let kind = api.catalog.store_description().kind;
    ApiError::bad_request(format!("{kind} adapter presigned URL: operation not supported"))
}

/// Sends the client to the URL; refuses where there is none.
pub(crate) fn redirect(api: &Api, url: Option<PresignedUrl>) -> Result<Response, ApiError> {
    let location = url.and_then(|signed| header_value(&signed.url));
    let location = location.ok_or_else(|| refused(api))?;
    Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}
