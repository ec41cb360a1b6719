//! Storing bodies: small ones in memory, so that they can be sent again; long ones as they come; those
//! of unknown or enormous length in parts.
//!
//! A body is stored under its name as a whole or not at all, by S3's rules; what was begun and not
//! finished is aborted, also where the future is dropped.
//!
//! # Conditional writes
//!
//! `If-None-Match: *` lets S3 decide between writers. An attempt whose answer was lost is the danger: it
//! may have been carried out, and then the next attempt meets its own object. So each conditional write
//! carries a number of its own in the object's metadata, by which it is known again:
//!
//! ```text
//! answer lost ── what is there now? ── ours ──────── stored
//!                                   ├─ another's ─── Exists
//!                                   └─ nothing ───── OutcomeUnknown (it may yet be carried out)
//! ```

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::StatusCode;
use lakehold_block::Body;
use lakehold_block::Error;
use lakehold_block::Measured;

use crate::body::Payload;
use crate::client::Answer;
use crate::client::Call;
use crate::client::Failed;
use crate::client::S3Client;
use crate::place::Place;
use crate::put_parts;

/// The number of a conditional write, in the metadata of what it stored.
const WRITER: &str = "x-amz-meta-lakehold-writer";

/// Under which condition a body is stored.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// None.
    Always,
    /// Nothing must be there. What is stored is marked with this number.
    Absent(String),
}

impl Condition {
    /// The condition that nothing is there.
    pub(crate) fn absent(client: &S3Client) -> Self {
        let number = u128::from_le_bytes(client.runtime.random_bytes());
        Self::Absent(format!("{number:032x}"))
    }

    /// What marks the object, when it is made.
    pub(crate) fn mark(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Always => Vec::new(),
            Self::Absent(number) => vec![(WRITER, number.clone())],
        }
    }

    /// What lets S3 decide, when the object appears.
    pub(crate) fn demand(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Always => Vec::new(),
            Self::Absent(_) => vec![("if-none-match", "*".to_owned())],
        }
    }

    fn stored(&self, found: &Answer) -> bool {
        matches!(self, Self::Absent(number) if found.header(WRITER) == number)
    }
}

/// Stores `body` at `place` and returns its length.
pub(crate) async fn put(
    client: &Arc<S3Client>,
    place: &Place,
    body: Body,
    condition: Condition,
) -> Result<u64, Error> {
    let announced = body.length();
    let (first, rest) = match body {
        Body::Whole(bytes) => (bytes, None),
        body => begin(body, client.settings.tuning.whole_bytes).await?,
    };
    match (rest, announced) {
        (None, _) => put_object(client, place, Payload::whole(first), &condition).await,
        (Some(rest), Some(length)) if length <= client.settings.tuning.longest_put => {
            let payload = Payload::stream(first, rest, length);
            put_object(client, place, payload, &condition).await
        }
        (Some(rest), announced) => {
            put_parts::put(client, place, (first, rest), announced, &condition).await
        }
    }
}

/// Reads `body` until it ends or has more than `longest` bytes; in that case with the rest.
pub(crate) async fn begin(body: Body, longest: usize) -> Result<(Bytes, Option<Measured>), Error> {
    let mut body = Measured::new(body);
    let first = body.gather(longest + 1).await?;
    let is_all = first.len() <= longest;
    Ok((first, (!is_all).then_some(body)))
}

async fn put_object(
    client: &S3Client,
    place: &Place,
    payload: Payload,
    condition: &Condition,
) -> Result<u64, Error> {
    let length = payload.length();
    let call = Call::new(Method::PUT, place, "s3:PutObject")
        .headers(client.encryption())
        .headers(condition.mark())
        .headers(condition.demand())
        .payload(payload);
    match client.call(&call).await {
        Ok(answer) if answer.etag().is_empty() => Err(Error::Io {
            location: place.to_string(),
            source: "the store's answer has no entity tag: is it S3?".into(),
        }),
        Ok(_) => Ok(length),
        Err(failed) => resolve(client, place, failed, condition).await.map(|()| length),
    }
}

/// Finds out what became of a write that failed in the end.
pub(crate) async fn resolve(
    client: &S3Client,
    place: &Place,
    failed: Failed,
    condition: &Condition,
) -> Result<(), Error> {
    if matches!(condition, Condition::Always) {
        return Err(failed.about(place));
    }
    let refused = failed.failure.is(StatusCode::PRECONDITION_FAILED);
    match (refused, failed.uncertain, failed.uncertain_before) {
        (true, _, false) => Err(Error::Exists(place.to_string())),
        (false, false, _) => Err(failed.about(place)),
        _ => look(client, place, failed, condition).await,
    }
}

/// Looks whose object is there.
async fn look(
    client: &S3Client,
    place: &Place,
    failed: Failed,
    condition: &Condition,
) -> Result<(), Error> {
    let unknown = |failed: Failed| Error::OutcomeUnknown {
        location: place.to_string(),
        source: Box::new(failed.failure),
    };
    match client.head(place).await {
        Ok(Some(found)) if condition.stored(&found) => Ok(()),
        Ok(Some(_)) => Err(Error::Exists(place.to_string())),
        Ok(None) | Err(_) => Err(unknown(failed)),
    }
}

impl S3Client {
    /// How what is stored is to be encrypted.
    pub(crate) fn encryption(&self) -> Vec<(&'static str, String)> {
        let settings = &self.settings;
        let names = [
            ("x-amz-server-side-encryption", &settings.server_side_encryption),
            (
                "x-amz-server-side-encryption-aws-kms-key-id",
                &settings.server_side_encryption_kms_key_id,
            ),
        ];
        let given = names.into_iter().filter_map(|(name, value)| {
            value.as_ref().filter(|value| !value.is_empty()).map(|value| (name, value.clone()))
        });
        given.collect()
    }
}
