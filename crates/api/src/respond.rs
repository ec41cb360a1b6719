//! How an answer looks.
//!
//! JSON goes out with exactly `application/json` (the web interface compares for equality),
//! `nosniff`, and a newline at its end.

use axum::body::Body;
use axum::response::IntoResponse;
use axum::response::Response;
use chrono::DateTime;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use lakehold_catalog::Timestamp;
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

/// A moment as bodies show it: RFC 3339 in UTC, the fraction without zeros at its end.
pub(crate) fn rfc_3339(moment: Timestamp) -> String {
    // Years that cannot be written are not told from the beginning of time.
    let date = DateTime::from_timestamp(moment.seconds, 0).unwrap_or_default();
    let second = date.format("%Y-%m-%dT%H:%M:%S");
    match moment.nanos {
        0 => format!("{second}Z"),
        nanos => format!("{second}.{}Z", format!("{nanos:09}").trim_end_matches('0')),
    }
}

/// `text` as the value of a header; `None` where it cannot be one.
pub(crate) fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_without_zeros_at_their_end() {
        let shown = |seconds, nanos| rfc_3339(Timestamp { seconds, nanos });
        assert_eq!(shown(1_795_262_033, 0), "2026-11-21T11:53:53Z");
        assert_eq!(shown(1_795_262_022, 58_526_230), "2026-11-21T11:53:42.05852623Z");
        assert_eq!(shown(1_795_262_022, 1), "2026-11-21T11:53:42.000000001Z");
        assert_eq!(shown(-62_135_596_800, 0), "0001-01-01T00:00:00Z");
        assert_eq!(shown(i64::MAX, 0), "1970-01-01T00:00:00Z");
    }
}
