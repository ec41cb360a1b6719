//! Which requests are for the S3 gateway, and what they are told as long as there is none.

use axum::body::Body;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use http::request::Parts;

use super::answers::answer;

/// The host name under which clients reach the gateway; buckets may stand before it.
const DOMAIN: &str = "s3.local.lakefs.io";
const XML: HeaderValue = HeaderValue::from_static("application/xml");

/// Whether the request comes to the gateway's host name or is signed as S3 clients do.
pub(super) fn is_for_gateway(head: &Parts) -> bool {
    is_signed(head) || host(head).is_some_and(is_gateway_host)
}

fn is_signed(head: &Parts) -> bool {
    let has_text = |name| head.headers.get(name).is_some_and(|value| !value.is_empty());
    let authorization = head.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let signed = |value: &[u8]| value.starts_with(b"AWS4") || value.starts_with(b"AWS ");
    authorization.is_some_and(signed)
        || has_text("x-amz-signature")
        || head.uri.query().is_some_and(is_presigned)
}

fn is_presigned(query: &str) -> bool {
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(name, value)| {
        matches!(name, "AWSAccessKeyId" | "X-Amz-Credential") && !value.is_empty()
    })
}

fn host(head: &Parts) -> Option<&str> {
    let named = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = named.or_else(|| head.uri.host())?;
    Some(host.rsplit_once(':').map_or(host, |(name, _)| name))
}

/// The domain itself, or one label and the domain.
fn is_gateway_host(host: &str) -> bool {
    match host.strip_suffix(DOMAIN) {
        Some("") => true,
        Some(bucket) => bucket.strip_suffix('.').is_some_and(|name| !name.contains('.')),
        None => false,
    }
}

/// The error that S3 clients show.
pub(super) fn not_there(path: &str) -> Response<Body> {
    let resource = path.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NotImplemented</Code>\
         <Message>This version of Lakehold has no S3 gateway yet; use the HTTP API at /api/v1\
         </Message><Resource>{resource}</Resource></Error>"
    );
    answer(StatusCode::NOT_IMPLEMENTED, XML, body)
}
