//! Reading objects: small ones at once, others as they come.
//!
//! A connection that breaks in the middle of an object is no reason to begin anew: what is missing is
//! asked for, of the same object (its entity tag is compared).

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use bytes::BytesMut;
use futures::stream;
use http::Method;
use http::StatusCode;
use hyper::body::Incoming;
use lakehold_block::Body;
use lakehold_block::BoxError;
use lakehold_block::Error;
use lakehold_block::Head;
use tracing::debug;

use crate::client::Answer;
use crate::client::Call;
use crate::client::Failed;
use crate::client::S3Client;
use crate::client::Wanted;
use crate::http_client::HttpError;
use crate::place::Place;
use crate::times;

/// Bytes up to this length are held as one piece.
const AT_ONCE_BYTES: u64 = 64 << 10;

/// An object that is being read.
struct Download {
    client: Arc<S3Client>,
    place: Place,
    etag: String,
    /// What is still to come.
    range: Range<u64>,
    body: Option<Incoming>,
    retries: u32,
}

impl S3Client {
    /// What is known of `place`; `None` where there is nothing.
    pub(crate) async fn head(&self, place: &Place) -> Result<Option<Answer>, Failed> {
        match self.call(&Call::new(Method::HEAD, place, "s3:GetObject")).await {
            Err(failed) if failed.failure.is_missing() => Ok(None),
            answer => answer.map(Some),
        }
    }
}

/// Length and time in an answer.
pub(crate) fn head_of(answer: &Answer) -> Head {
    let size = answer.header("content-length").parse().unwrap_or(0);
    Head { size, modified: times::parse(answer.header("last-modified")) }
}

/// The bytes at `place`, or only `range` of them.
pub(crate) async fn get(
    client: &Arc<S3Client>,
    place: Place,
    range: Option<Range<u64>>,
) -> Result<Body, Error> {
    if let Some(range) = range.clone().filter(Range::is_empty) {
        return nothing(client, &place, &range).await;
    }
    let answer = match ask(client, &place, range.as_ref(), "").await {
        Ok(answer) => answer,
        Err(failed) if failed.failure.is_missing() => {
            return Err(Error::NotFound(place.to_string()));
        }
        Err(failed) if failed.failure.is(StatusCode::RANGE_NOT_SATISFIABLE) => {
            let size = client.head(&place).await.map_err(|failed| failed.about(&place))?;
            let size = size.map_or(0, |answer| head_of(&answer).size);
            return Err(Error::too_short(place.to_string(), &range.unwrap_or(0..0), size));
        }
        Err(failed) => return Err(failed.about(&place)),
    };
    let range = answered(&answer, &place, range)?;
    let (etag, client) = (answer.etag().to_owned(), client.clone());
    let length = range.end - range.start;
    let mut download = Download { client, place, etag, range, body: answer.body, retries: 0 };
    if length <= AT_ONCE_BYTES {
        return download.collect().await.map(Body::Whole);
    }
    let pieces = stream::try_unfold(download, |mut download| async move {
        match download.next().await {
            Ok(piece) => Ok(piece.map(|piece| (piece, download))),
            Err(error) => Err(BoxError::from(error)),
        }
    });
    Ok(Body::stream(Some(length), pieces))
}

/// No bytes, of an object that must be there and long enough.
async fn nothing(client: &S3Client, place: &Place, range: &Range<u64>) -> Result<Body, Error> {
    let answer = client.head(place).await.map_err(|failed| failed.about(place))?;
    let answer = answer.ok_or_else(|| Error::NotFound(place.to_string()))?;
    let size = head_of(&answer).size;
    if range.start > range.end || range.end > size {
        return Err(Error::too_short(place.to_string(), range, size));
    }
    Ok(Body::Whole(Bytes::new()))
}

async fn ask(
    client: &S3Client,
    place: &Place,
    range: Option<&Range<u64>>,
    etag: &str,
) -> Result<Answer, Failed> {
    let mut call = Call::new(Method::GET, place, "s3:GetObject").wanting(Wanted::Bytes);
    if let Some(range) = range {
        call = call.header("range", format!("bytes={}-{}", range.start, range.end - 1));
    }
    if !etag.is_empty() {
        call = call.header("if-match", format!("\"{etag}\""));
    }
    client.call(&call).await
}

/// The range that `answer` brings: the one that was `asked` for, or the whole.
fn answered(
    answer: &Answer,
    place: &Place,
    asked: Option<Range<u64>>,
) -> Result<Range<u64>, Error> {
    let length: Option<u64> = answer.header("content-length").parse().ok();
    let unreadable = |reason: &str| Error::Io {
        location: place.to_string(),
        source: format!("the store's answer {reason}").into(),
    };
    let length = length.ok_or_else(|| unreadable("does not say how long it is"))?;
    let Some(asked) = asked else { return Ok(0..length) };
    let told = answer.header("content-range").strip_prefix("bytes ");
    let (told, size) = told
        .and_then(|told| told.split_once('/'))
        .ok_or_else(|| unreadable("is not the range that was asked for"))?;
    if asked.end - asked.start != length {
        return Err(Error::too_short(place.to_string(), &asked, size.parse().unwrap_or(length)));
    }
    if told != format!("{}-{}", asked.start, asked.end - 1) {
        return Err(unreadable("is another range than was asked for"));
    }
    Ok(asked)
}

impl Download {
    /// All that is still to come, as one piece.
    async fn collect(&mut self) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if all.is_empty() && self.range.is_empty() {
                return Ok(piece);
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// The next piece; `None` once all has come.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while !self.range.is_empty() {
            let failure = match self.read().await {
                Ok(piece) => return Ok(Some(piece)),
                Err(failure) => failure,
            };
            if self.retries >= self.client.settings.max_retries {
                return Err(self.client.http_failure(failure).about(&self.place));
            }
            self.resume(failure).await?;
        }
        Ok(None)
    }

    async fn read(&mut self) -> Result<Bytes, HttpError> {
        let ended = || HttpError::Broken("it ended too early".into());
        let body = self.body.as_mut().ok_or_else(ended)?;
        let piece = self.client.http.next(body).await.ok_or_else(ended)??;
        let length = piece.len() as u64;
        if length > self.range.end - self.range.start {
            return Err(HttpError::Broken("more came than was announced".into()));
        }
        self.range.start += length;
        Ok(piece)
    }

    /// Asks for what is missing.
    async fn resume(&mut self, failure: HttpError) -> Result<(), Error> {
        self.retries += 1;
        let Self { client, place, range, .. } = self;
        debug!(
            attempt = self.retries,
            "reading {place} goes on at byte {}: {failure}", range.start
        );
        client.runtime.sleep(client.wait(self.retries)).await;
        let answer = ask(client, place, Some(range), &self.etag).await;
        let answer = answer.map_err(|failed| match failed.failure {
            failure if failure.is(StatusCode::PRECONDITION_FAILED) => Error::Corrupt {
                location: place.to_string(),
                reason: "it was replaced while it was read".to_owned(),
            },
            failure if failure.is_missing() => Error::NotFound(place.to_string()),
            failure => failure.about(place),
        })?;
        answered(&answer, place, Some(range.clone()))?;
        self.body = answer.body;
        Ok(())
    }
}
