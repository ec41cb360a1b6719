//! What the front door answers by itself.

use axum::body::Body;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

const PAGE: &str = include_str!("../index.html");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");

pub(super) fn json(body: Bytes) -> Response<Body> {
    answer(StatusCode::OK, JSON, body)
}

/// What the API answers to everything that is no operation.
pub(super) fn no_such_endpoint() -> Response<Body> {
    answer(StatusCode::NOT_FOUND, JSON, "{\"message\":\"invalid API endpoint\"}\n")
}

pub(super) fn metrics(text: String) -> Response<Body> {
    answer(StatusCode::OK, PROMETHEUS, text)
}

pub(super) fn alive(installation_id: &str) -> Response<Body> {
    answer(StatusCode::OK, TEXT, format!("alive! {installation_id}"))
}

/// Clears the session and leads to where one logs in.
pub(super) fn logout() -> Response<Body> {
    let body = "<a href=\"/auth/login\">Temporary Redirect</a>.\n";
    let mut response = answer(StatusCode::TEMPORARY_REDIRECT, HTML, body);
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_static("/auth/login"));
    let gone = "internal_auth_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
    headers.insert(header::SET_COOKIE, HeaderValue::from_static(gone));
    response
}

pub(super) fn no_iceberg() -> Response<Body> {
    answer(StatusCode::NOT_IMPLEMENTED, TEXT, "Not Implemented")
}

/// The page that stands for the web pages, at every path that is nothing else.
pub(super) fn page() -> Response<Body> {
    let mut response = answer(StatusCode::OK, HTML, PAGE);
    let same_origin = HeaderValue::from_static("SAMEORIGIN");
    response.headers_mut().insert(header::X_FRAME_OPTIONS, same_origin);
    response
}

pub(super) fn answer(
    status: StatusCode,
    content_type: HeaderValue,
    body: impl Into<Body>,
) -> Response<Body> {
    const NO_SNIFF: (HeaderName, HeaderValue) =
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.headers_mut().insert(NO_SNIFF.0, NO_SNIFF.1);
    response
}
