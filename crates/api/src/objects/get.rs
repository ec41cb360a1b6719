//! Reading an object.

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::StatusCode;
use lakehold_api_types::ErrorBody;
use lakehold_catalog::Object;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;

use super::headers;
use super::range::Wanted;
use super::range::wanted;
use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::openapi::Failures;
use crate::params::header;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;
use crate::presigned;

params! {
    /// Of getObject.
    GetObject {
        repository: RepositoryId = path::REPOSITORY,
        reference: RefExpr = path::REF,
        path: String = query::PATH,
        range: Option<String> = header::RANGE,
        if_none_match: Option<String> = header::IF_NONE_MATCH_ETAG,
        presign: bool = query::PRESIGN,
    }
}

/// Bytes, which JSON has no word for.
#[derive(Debug, utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(crate) struct Binary(#[expect(dead_code, reason = "only its documentation is used")] String);

/// get object content
#[utoipa::path(
    get,
    path = "/repositories/{repository}/refs/{ref}/objects",
    operation_id = "getObject",
    tag = "objects",
    params(GetObject),
    responses(
        (
            status = 200, description = "object content", body = inline(Binary),
            content_type = "application/octet-stream",
            headers(("Content-Length" = i64), ("Last-Modified" = String), ("ETag" = String)),
        ),
        (
            status = 206, description = "partial object content", body = inline(Binary),
            content_type = "application/octet-stream",
            headers(
                ("Content-Length" = i64),
                ("Content-Range" = String),
                ("Last-Modified" = String),
                ("ETag" = String),
            ),
        ),
        (
            status = 302, description = "Redirect to a pre-signed URL for the object",
            headers(("Location" = String)),
        ),
        (status = 304, description = "Content not modified"),
        (status = 410, description = "object expired", body = ErrorBody),
        (status = 416, description = "Requested Range Not Satisfiable", body = ErrorBody),
        Failures,
    ),
)]
pub(super) async fn get_object(
    State(api): State<Api>,
    params: GetObject,
    caller: Caller,
) -> Result<Response, ApiError> {
    let GetObject { repository, reference, path, .. } = &params;
    caller.require(&[permission::on_object("fs:ReadObject", repository, path)]).await?;
    let object = api.catalog.object(repository, reference, path).await?;
    if params.if_none_match.is_some_and(|tag| tag == headers::etag(&object)) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    if params.presign {
        let url = api.catalog.presign(&object, api.settings.presigned_for).await?;
        return presigned::redirect(&api, url);
    }
    let answer = match params.range.map(|header| wanted(&header, object.size)) {
        None => whole(&api, &object).await,
        Some(Wanted::Bytes(range)) => partial(&api, &object, range).await,
        Some(unwanted) => return Ok(unsatisfied(&object, &unwanted)),
    };
    Ok(answer.unwrap_or_else(|error| tagged(error, &object)))
}

async fn whole(api: &Api, object: &Object) -> Result<Response, ApiError> {
    let body = api.catalog.open(object, None).await?;
    // What the store has counts, should the record be wrong.
    let length = body.length().unwrap_or(object.size);
    Ok(answer(object, StatusCode::OK, length, body))
}

async fn partial(
    api: &Api,
    object: &Object,
    range: std::ops::Range<u64>,
) -> Result<Response, ApiError> {
    let body = api.catalog.open(object, Some(range.clone())).await?;
    let length = range.end - range.start;
    let mut response = answer(object, StatusCode::PARTIAL_CONTENT, length, body);
    headers::add_content_range(response.headers_mut(), &range, object.size);
    Ok(response)
}

fn answer(
    object: &Object,
    status: StatusCode,
    length: u64,
    body: lakehold_catalog::Body,
) -> Response {
    let body = match body {
        lakehold_catalog::Body::Whole(bytes) => Body::from(bytes),
        stream => Body::from_stream(stream.into_pieces()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let mut about = headers::about(object);
    headers::add_content(&mut about, object, length);
    headers::add_protection(&mut about, object);
    *response.headers_mut() = about;
    response
}

fn unsatisfied(object: &Object, why: &Wanted) -> Response {
    let mut response = tagged(unsatisfiable(), object);
    if *why == Wanted::Unsatisfiable {
        headers::add_unsatisfied_range(response.headers_mut(), object.size);
    }
    response
}

pub(super) fn unsatisfiable() -> ApiError {
    ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "Requested Range Not Satisfiable")
}

/// An error about the bytes of an object that is there.
fn tagged(error: ApiError, object: &Object) -> Response {
    let mut response = error.into_response();
    headers::add_etag(response.headers_mut(), object);
    response
}
