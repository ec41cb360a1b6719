//! Uploading an object.
//!
//! A small body is taken whole before the catalog is asked for anything, which spares it the work that
//! streams need. A larger one is offered first ([`Catalog::check_upload`]) and then passed on as it
//! comes; should it break off, or be longer or shorter than it said, the store drops what it has and
//! nothing becomes visible.
//!
//! An answer that comes before the body was read would meet a client that is still sending, and be lost
//! when the connection is closed under it. So the rest of a body of moderate size is read, and thrown
//! away, before such an answer is given.
//!
//! [`Catalog::check_upload`]: lakehold_catalog::Catalog::check_upload

use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use http::HeaderMap;
use http::StatusCode;
use http::header;
use lakehold_api_types::ErrorBody;
use lakehold_api_types::ObjectStats;
use lakehold_catalog::BranchId;
use lakehold_catalog::Metadata;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::Upload;

use super::DEFAULT_MEDIA_TYPE;
use super::ObjectRow;
use super::get::Binary;
use super::multipart;
use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::error::context::on_upload;
use crate::openapi::Failures;
use crate::params::header as headers;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::respond::created_json;

/// A body up to this size is taken whole.
const SMALL_BODY_BYTES: u64 = 64 * 1024;
/// As much of a body that nobody wants is read before the answer; a client that has more to send may
/// find the connection closed.
const DRAINED_BYTES: usize = 16 * 1024 * 1024;
/// What headers of user metadata begin with, and what their keys then begin with.
const METADATA_PREFIXES: [(&str, &str); 2] =
    [("x-lakefs-meta-", ""), ("x-lakefs-internal-", "::lakefs::")];

params! {
    /// Of uploadObject.
    UploadObject {
        repository: RepositoryId = path::REPOSITORY,
        branch: BranchId = path::BRANCH,
        path: String = query::PATH,
        if_none_match: Option<String> = headers::IF_NONE_MATCH,
        if_match: Option<String> = headers::IF_MATCH,
        _storage_class: Option<String> = query::STORAGE_CLASS,
        force: bool = query::FORCE,
    }
}

/// The form that a browser sends.
#[derive(Debug, utoipa::ToSchema)]
struct UploadForm {
    /// Only a single file per upload which must be named "content".
    #[schema(required = false, value_type = String, format = Binary)]
    #[expect(dead_code, reason = "only its documentation is used")]
    content: String,
}

/// Upload an object
///
/// The body is not looked at before the request turned out to be allowed.
#[utoipa::path(
    post,
    path = "/repositories/{repository}/branches/{branch}/objects",
    operation_id = "uploadObject",
    tag = "objects",
    params(UploadObject),
    request_body(content(
        (inline(Option<UploadForm>) = "multipart/form-data"),
        (inline(Option<Binary>) = "application/octet-stream"),
    )),
    responses(
        (status = 201, description = "object metadata", body = ObjectStats),
        (status = 403, description = "Forbidden", body = ErrorBody),
        (status = 412, description = "Precondition Failed", body = ErrorBody),
        (status = 501, description = "Not Implemented", body = ErrorBody),
        Failures,
    ),
    extensions(("x-validation-exclude-body" = json!(true))),
)]
pub(super) async fn upload_object(
    State(api): State<Api>,
    params: UploadObject,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let mut body = Some(body);
    let stored = store(&api, &params, &parts.headers, &mut body).await;
    if stored.is_err()
        && let Some(unread) = body
    {
        drain(unread).await;
    }
    stored
}

/// Checks the request and stores the object, taking the body out of `body` once it is wanted.
async fn store(
    api: &Api,
    params: &UploadObject,
    headers: &HeaderMap,
    body: &mut Option<Body>,
) -> Result<Response, ApiError> {
    let UploadObject { repository, branch, path, force, .. } = params;
    let caller = Caller::of(api, headers);
    caller.require(&[permission::on_object("fs:WriteObject", repository, path)]).await?;
    let kind = content(headers)?;
    let if_absent = only_if_absent(params.if_none_match.as_deref(), params.if_match.as_deref())?;
    let length = content_length(headers);
    if length.is_none_or(|length| length > SMALL_BODY_BYTES) {
        api.catalog
            .check_upload(repository, branch, path, if_absent, *force)
            .await
            .map_err(on_upload)?;
    }
    let body = body.take().unwrap_or_default();
    let (body, content_type) = match kind {
        Content::Form { boundary } => multipart::content(body, boundary, length).await?,
        Content::Bytes(content_type) => (taken(body, length).await?, content_type),
    };
    let upload = Upload {
        path: path.clone(),
        body,
        content_type,
        metadata: user_metadata(headers),
        if_absent,
        force: *force,
    };
    let made = api.catalog.upload(repository, branch, upload).await.map_err(on_upload)?;
    Ok(created_json(ObjectRow::new(&made).as_given().into_json()))
}

params! {
    /// Of uploadObjectPreflight.
    UploadPreflight {
        repository: RepositoryId = path::REPOSITORY,
        _branch: BranchId = path::BRANCH,
        path: String = query::PATH,
    }
}

/// check whether the user may upload an object
///
/// Only the right is checked; neither repository nor branch need exist.
#[utoipa::path(
    get,
    path = "/repositories/{repository}/branches/{branch}/objects/stage_allowed",
    operation_id = "uploadObjectPreflight",
    tag = "internal",
    params(UploadPreflight),
    responses(
        (status = 204, description = "User has permissions to upload this object. This does not guarantee that the upload will be successful or even possible. It indicates only the permission at the time of calling this endpoint"),
        (status = 403, description = "Forbidden", body = ErrorBody),
        Failures,
    ),
)]
pub(super) async fn preflight(
    params: UploadPreflight,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let UploadPreflight { repository, path, .. } = &params;
    caller.require(&[permission::on_object("fs:WriteObject", repository, path)]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the upload must meet no object. Of all conditions only this one is known.
pub(crate) fn only_if_absent(
    if_none_match: Option<&str>,
    if_match: Option<&str>,
) -> Result<bool, ApiError> {
    match (if_none_match, if_match) {
        (None, None) => Ok(false),
        (Some("*"), None) => Ok(true),
        _ => Err(ApiError::not_implemented()),
    }
}

/// What the body of an upload is.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    /// A form, one part of which is the object.
    Form { boundary: String },
    /// The object, of this media type.
    Bytes(String),
}

/// Reads `Content-Type`: everything but a form is the object itself.
fn content(headers: &HeaderMap) -> Result<Content, ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(Content::Bytes(DEFAULT_MEDIA_TYPE.to_owned()));
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if !is_media_type(media_type) {
        let message = format!("header Content-Type has unexpected value {text:?}");
        return Err(ApiError::bad_request(message));
    }
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Ok(Content::Bytes(text.into_owned()));
    }
    let boundary = multer::parse_boundary(&*text);
    let missing = |_| ApiError::bad_request("no multipart boundary param in Content-Type");
    boundary.map(|boundary| Content::Form { boundary }).map_err(missing)
}

fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        let is_allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !part.is_empty() && part.bytes().all(is_allowed)
    };
    text.split_once('/').map_or(is_token(text), |(kind, rest)| is_token(kind) && is_token(rest))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The body as the catalog takes it.
async fn taken(body: Body, length: Option<u64>) -> Result<lakehold_catalog::Body, ApiError> {
    let pieces = body.into_data_stream();
    match length {
        Some(length) if length <= SMALL_BODY_BYTES => whole(pieces, length).await,
        _ => Ok(lakehold_catalog::Body::stream(
            length,
            pieces.map(|piece| piece.map_err(Into::into)),
        )),
    }
}

async fn whole(
    mut pieces: axum::body::BodyDataStream,
    length: u64,
) -> Result<lakehold_catalog::Body, ApiError> {
    let mut all = Bytes::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| broken(&error.to_string()))?;
        all = if all.is_empty() { piece } else { [all, piece].concat().into() };
        if all.len() as u64 > length {
            break;
        }
    }
    if all.len() as u64 != length {
        let came = all.len();
        return Err(broken(&format!("{length} bytes were announced, {came} came")));
    }
    Ok(lakehold_catalog::Body::Whole(all))
}

fn broken(reason: &str) -> ApiError {
    ApiError::bad_request(format!("request body has an error: {reason}"))
}

/// What the client says of the object in headers; of repeated ones the first.
fn user_metadata(headers: &HeaderMap) -> Metadata {
    let mut metadata = Metadata::new();
    for (name, value) in headers {
        let found = METADATA_PREFIXES.iter().find_map(|(prefix, shown)| {
            name.as_str().strip_prefix(prefix).map(|key| format!("{shown}{key}"))
        });
        if let Some(key) = found {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            metadata.entry(key).or_insert(value);
        }
    }
    metadata
}

/// Reads what a client is still sending, up to a limit.
async fn drain(body: Body) {
    let mut pieces = body.into_data_stream();
    let mut drained = 0;
    while let Some(Ok(piece)) = pieces.next().await {
        drained += piece.len();
        if drained > DRAINED_BYTES {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use http::HeaderValue;

    fn of(content_type: &'static str) -> Result<Content, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        content(&headers)
    }

    #[test]
    fn everything_but_a_form_is_the_object_itself() {
        let bytes = |text: &str| Content::Bytes(text.to_owned());
        assert_eq!(content(&HeaderMap::new()).expect("absent"), bytes(DEFAULT_MEDIA_TYPE));
        for given in ["text/csv; charset=utf-8", "multipart/mixed; boundary=x", "text"] {
            assert_eq!(of(given).expect("taken"), bytes(given));
        }
        let form = of("multipart/form-data; boundary=b").expect("a form");
        assert_eq!(form, Content::Form { boundary: "b".to_owned() });
    }

    #[test]
    fn what_is_no_media_type_is_refused() {
        for bad in ["bad type;;", "", "/x", "text/", "multipart/form-data"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn metadata_comes_from_headers_the_first_of_repeated_ones() {
        let mut headers = HeaderMap::new();
        headers.append("x-lakefs-meta-owner", HeaderValue::from_static("Data Team"));
        headers.append("x-lakefs-meta-owner", HeaderValue::from_static("nobody"));
        headers.append("x-lakefs-internal-client-mtime", HeaderValue::from_static("17"));
        headers.append("x-other", HeaderValue::from_static("1"));
        let expected = [("::lakefs::client-mtime", "17"), ("owner", "Data Team")];
        let found = user_metadata(&headers);
        let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn of_all_conditions_only_one_is_known() {
        assert!(matches!(only_if_absent(None, None), Ok(false)));
        assert!(matches!(only_if_absent(Some("*"), None), Ok(true)));
        for (if_none_match, if_match) in
            [(Some("\"x\""), None), (None, Some("*")), (Some("*"), Some("x"))]
        {
            let refused = only_if_absent(if_none_match, if_match).expect_err("unknown");
            assert_eq!(refused.status(), StatusCode::NOT_IMPLEMENTED);
        }
    }
}
