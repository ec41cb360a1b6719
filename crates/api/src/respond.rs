//! How an answer looks.
//!
//! JSON goes out with exactly `application/json` (the web interface compares for equality),
//! `nosniff`, and a newline at its end.

use axum::body::Body;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde::Serialize;

use crate::error::ApiError;

/// Room for a small answer, so that it is written without growing.
const SMALL_ANSWER_BYTES: usize = 512;

/// An answer in JSON.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        sized_json(&self.0, SMALL_ANSWER_BYTES)
    }
}

/// An answer in JSON of about `size` bytes.
pub(crate) fn sized_json(value: &impl Serialize, size: usize) -> Response {
    let mut body = Vec::with_capacity(size);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => json_bytes(body),
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// An answer whose body, but for the newline at its end, is this JSON text.
pub(crate) fn json_bytes(mut body: Vec<u8>) -> Response {
    body.push(b'\n');
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// An answer with a new thing in it.
pub(crate) fn created<T: Serialize>(value: T) -> Response {
    (StatusCode::CREATED, Json(value)).into_response()
}

/// An answer with a new thing in it, given as JSON text.
pub(crate) fn created_json(body: Vec<u8>) -> Response {
    (StatusCode::CREATED, json_bytes(body)).into_response()
}

/// `text` as the value of a header; `None` where it cannot be one.
pub(crate) fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok()
}
