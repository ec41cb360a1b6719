//! What reading an object would give, without its bytes.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header::ACCEPT_RANGES;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;

use super::headers;
use super::range::Wanted;
use super::range::wanted;
use crate::Api;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::params::header;
use crate::params::params;
use crate::params::path;
use crate::params::query;
use crate::permission;

params! {
    /// Of headObject.
    HeadObject {
        repository: RepositoryId = path::REPOSITORY,
        reference: RefExpr = path::REF,
        path: String = query::PATH,
        range: Option<String> = header::RANGE,
    }
}

/// check if object exists
///
/// Only the record is looked at, so the answer can be 200 for an object whose bytes are gone.
#[utoipa::path(
    head,
    path = "/repositories/{repository}/refs/{ref}/objects",
    operation_id = "headObject",
    tag = "objects",
    params(HeadObject),
    responses(
        (
            status = 200, description = "object exists",
            headers(("Content-Length" = i64), ("Last-Modified" = String), ("ETag" = String)),
        ),
        (
            status = 206, description = "partial object content info",
            headers(
                ("Content-Length" = i64),
                ("Content-Range" = String),
                ("Last-Modified" = String),
                ("ETag" = String),
            ),
        ),
        (status = 400, description = "Bad Request"),
        (status = 401, description = "Unauthorized"),
        (status = 404, description = "object not found"),
        (status = 410, description = "object expired"),
        (status = 416, description = "Requested Range Not Satisfiable"),
        (status = 429, description = "too many requests"),
        (status = "default", description = "internal server error"),
    ),
)]
pub(super) async fn head_object(
    State(api): State<Api>,
    params: HeadObject,
    caller: Caller,
) -> Result<Response, ApiError> {
    let HeadObject { repository, reference, path, .. } = &params;
    caller.require(&[permission::on_object("fs:ReadObject", repository, path)]).await?;
    let object = api.catalog.object(repository, reference, path).await?;
    let mut about = headers::about(&object);
    about.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let status = match params.range.map(|header| wanted(&header, object.size)) {
        None => {
            headers::add_content(&mut about, &object, object.size);
            StatusCode::OK
        }
        Some(Wanted::Bytes(range)) => {
            headers::add_content(&mut about, &object, range.end - range.start);
            headers::add_content_range(&mut about, &range, object.size);
            StatusCode::PARTIAL_CONTENT
        }
        Some(_) => StatusCode::RANGE_NOT_SATISFIABLE,
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    *response.headers_mut() = about;
    Ok(response)
}
