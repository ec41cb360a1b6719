//! An object in a form: its part named `content`.
//!
//! Parts before it are skipped, parts after it never read. Its media type is its own, and empty if it
//! names none.

use axum::body::Body;
use bytes::Bytes;
use bytes::BytesMut;
use futures::StreamExt as _;
use futures::stream;
use http::header;
use multer::Field;
use multer::Multipart;

use crate::error::ApiError;

/// What reading a form may fail with.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A form up to this size has its object taken whole.
const SMALL_FORM_BYTES: u64 = 64 * 1024;
/// What the part with the object is called.
const PART_NAME: &str = "content";

/// Finds the object in a form and returns it with its media type.
pub(super) async fn content(
    body: Body,
    boundary: String,
    length: Option<u64>,
) -> Result<(lakehold_catalog::Body, String), ApiError> {
    let mut form = Multipart::new(body.into_data_stream(), boundary);
    while let Some(part) = form.next_field().await.map_err(broken)? {
        if part.name() == Some(PART_NAME) {
            let media_type = media_type(&part);
            let body = match length {
                Some(length) if length <= SMALL_FORM_BYTES => {
                    lakehold_catalog::Body::Whole(whole(part).await?)
                }
                // The rest of the form has to be kept until the part is read.
                _ => lakehold_catalog::Body::stream(None, pieces(form, part)),
            };
            return Ok((body, media_type));
        }
    }
    Err(ApiError::bad_request("multipart upload missing key 'content': http: no such file"))
}

fn media_type(part: &Field<'_>) -> String {
    let given = part.headers().get(header::CONTENT_TYPE);
    given.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

async fn whole(mut part: Field<'static>) -> Result<Bytes, ApiError> {
    let mut all = BytesMut::new();
    while let Some(piece) = part.chunk().await.map_err(broken)? {
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

fn pieces(
    form: Multipart<'static>,
    part: Field<'static>,
) -> impl futures::Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    stream::unfold((form, part), |(form, mut part)| async move {
        let piece = part.next().await?;
        Some((piece.map_err(Into::into), (form, part)))
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the form in which results map their errors")]
fn broken(error: multer::Error) -> ApiError {
    ApiError::bad_request(format!("request body has an error: {error}"))
}
