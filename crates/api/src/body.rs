//! JSON bodies: read, checked against their schema, and taken as what they are.

use axum::body::Body;
use axum::extract::FromRequest;
use axum::extract::Request;
use bytes::Bytes;
use bytes::BytesMut;
use futures::StreamExt as _;
use http::HeaderMap;
use http::StatusCode;
use http::header;
use http_body::Body as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use crate::Api;
use crate::error::ApiError;
use crate::openapi::schema_of;
use crate::schema::check;

/// The largest JSON body that is read. The largest sensible one, a thousand paths to delete, has a
/// tenth of that.
const MAX_JSON_BYTES: usize = 16 * 1024 * 1024;

/// A body that must be there.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned + ToSchema> FromRequest<Api> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Api) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = collect(body).await?;
        if bytes.is_empty() {
            return Err(invalid("value is required but missing"));
        }
        parse(&parts.headers, &bytes).map(Self)
    }
}

/// A body that may be absent; all its fields then have their defaults.
#[derive(Debug)]
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned + ToSchema + Default> FromRequest<Api> for OptionalJsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Api) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = collect(body).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        parse(&parts.headers, &bytes).map(Self)
    }
}

fn invalid(reason: &str) -> ApiError {
    ApiError::bad_request(format!("request body has an error: {reason}"))
}

/// Reads the whole body.
async fn collect(body: Body) -> Result<Bytes, ApiError> {
    let too_large = || {
        let reason = format!("request body has an error: more than {MAX_JSON_BYTES} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
    };
    if body.size_hint().lower() > MAX_JSON_BYTES as u64 {
        return Err(too_large());
    }
    let mut pieces = body.into_data_stream();
    let broken = |error| invalid(&format!("reading it failed: {error}"));
    let Some(first) = pieces.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(broken)?;
    let Some(second) = pieces.next().await else { return Ok(first) };
    let mut all = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(piece) = next {
        all.extend_from_slice(&piece.map_err(broken)?);
        if all.len() > MAX_JSON_BYTES {
            return Err(too_large());
        }
        next = pieces.next().await;
    }
    Ok(all.freeze())
}

fn parse<T: DeserializeOwned + ToSchema>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, ApiError> {
    check_content_type(headers)?;
    let mut value = first_value(bytes)?;
    let (reference, schemas, schema) = schema_of::<T>();
    let broken = |error| invalid(&format!("doesn't match schema{reference}: {error}"));
    check(schemas, &schema, &mut value).map_err(broken)?;
    serde_json::from_value(value).map_err(|error| invalid(&error.to_string()))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let given = String::from_utf8_lossy(given);
    let media_type = given.split(';').next().unwrap_or_default().trim();
    match media_type.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(invalid(&format!("header Content-Type has unexpected value {given:?}"))),
    }
}

/// What follows the first value is ignored, as it always was.
fn first_value(bytes: &[u8]) -> Result<Value, ApiError> {
    let failed = |reason: &str| invalid(&format!("failed to decode request body: {reason}"));
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(failed(&error.to_string())),
        None => Err(failed("unexpected EOF")),
    }
}
