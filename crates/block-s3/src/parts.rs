//! Uploads in parts, as requests.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Range;

use http::Method;
use lakehold_block::Body;
use lakehold_block::Completed;
use lakehold_block::CompletedPart;
use lakehold_block::Error;
use lakehold_block::MAX_PART_NUMBER;
use lakehold_block::Part;
use lakehold_block::PartProblem;
use lakehold_block::StoredPart;
use lakehold_block::UploadId;
use lakehold_block::check_part_number;
use lakehold_block::select_parts;

use crate::body::Payload;
use crate::client::Call;
use crate::client::Failed;
use crate::client::S3Client;
use crate::client::Wanted;
use crate::download::head_of;
use crate::failure::Failure;
use crate::place::Place;
use crate::put::Condition;
use crate::put::begin;
use crate::put::resolve;
use crate::sigv4;
use crate::times;
use crate::xml;

/// The most parts that S3 lists at a time.
const PAGE: usize = 1_000;

/// A part of unknown length is held in memory up to this length.
const LONGEST_UNKNOWN_PART: usize = 32 << 20;

/// An upload and the object it is for.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) place: Place,
    pub(crate) id: UploadId,
}

impl Upload {
    /// A request about it.
    fn call(&self, method: Method, action: &'static str) -> Call<'_> {
        Call::new(method, &self.place, action).query("uploadId", self.id.as_str())
    }

    /// The error for whoever called the store about it.
    fn failed(&self, failed: Failed) -> Error {
        self.failure(failed.failure)
    }

    fn failure(&self, failure: Failure) -> Error {
        if failure.is_missing_upload() {
            return Error::UploadNotFound(self.id.to_string());
        }
        failure.about(&self.place)
    }
}

/// Begins an upload for `place`.
pub(crate) async fn create(
    client: &S3Client,
    place: Place,
    mark: Vec<(&'static str, String)>,
) -> Result<Upload, Error> {
    let call = Call::new(Method::POST, &place, "s3:PutObject")
        .query("uploads", "")
        .headers(client.encryption())
        .headers(mark)
        .wanting(Wanted::Document);
    let answer = client.call(&call).await.map_err(|failed| failed.about(&place))?;
    let id = answer.document.text("UploadId");
    if id.is_empty() {
        let source = "the store's answer has no upload id: is it S3?".into();
        return Err(Error::Io { location: place.to_string(), source });
    }
    let id = UploadId::from_stored(id);
    Ok(Upload { place, id })
}

/// Stores `body` as a part.
pub(crate) async fn put_part(
    client: &S3Client,
    upload: &Upload,
    number: u32,
    body: Body,
) -> Result<StoredPart, Error> {
    check_part_number(number)?;
    let announced = body.length();
    let longest = match announced {
        Some(_) => client.settings.tuning.whole_bytes,
        None => LONGEST_UNKNOWN_PART,
    };
    let payload = match (begin(body, longest).await?, announced) {
        ((all, None), _) => Payload::whole(all),
        ((first, Some(rest)), Some(length)) => Payload::stream(first, rest, length),
        ((_, Some(_)), None) => {
            return Err(Error::NotSupported("a part of more than 32 MiB whose length is not told"));
        }
    };
    send(client, upload, number, payload).await
}

/// Stores `payload` as a part.
pub(crate) async fn send(
    client: &S3Client,
    upload: &Upload,
    number: u32,
    payload: Payload,
) -> Result<StoredPart, Error> {
    let size = payload.length();
    let call = upload
        .call(Method::PUT, "s3:PutObject")
        .query("partNumber", number.to_string())
        .payload(payload);
    let answer = client.call(&call).await.map_err(|failed| upload.failed(failed))?;
    Ok(StoredPart { etag: answer.etag().to_owned(), size })
}

/// Stores bytes of `from`, of which `size` are asked for, as a part.
pub(crate) async fn copy_part(
    client: &S3Client,
    upload: &Upload,
    number: u32,
    from: &Place,
    range: Option<Range<u64>>,
    size: u64,
) -> Result<StoredPart, Error> {
    check_part_number(number)?;
    let mut call = upload
        .call(Method::PUT, "s3:GetObject, s3:PutObject")
        .query("partNumber", number.to_string())
        .header("x-amz-copy-source", copy_source(from))
        .wanting(Wanted::Document);
    if let Some(range) = range {
        let text = format!("bytes={}-{}", range.start, range.end - 1);
        call = call.header("x-amz-copy-source-range", text);
    }
    let answer = client.call(&call).await.map_err(|failed| match failed.failure.code() {
        Some("NoSuchKey") => Error::NotFound(from.to_string()),
        _ => upload.failed(failed),
    })?;
    let etag = answer.document.text("ETag").trim_matches('"').to_owned();
    Ok(StoredPart { etag, size })
}

/// `place` as the source of a copy.
pub(crate) fn copy_source(place: &Place) -> String {
    let Place { bucket, key } = place;
    format!("{bucket}/{}", sigv4::encode_path(key))
}

/// At most `limit` parts with numbers greater than `after`.
pub(crate) async fn list(
    client: &S3Client,
    upload: &Upload,
    after: u32,
    limit: usize,
) -> Result<Vec<Part>, Error> {
    let mut parts: Vec<Part> = Vec::new();
    loop {
        let marker = parts.last().map_or(after, |part| part.number);
        let page = limit.saturating_sub(parts.len()).clamp(1, PAGE);
        let call = upload
            .call(Method::GET, "s3:ListMultipartUploadParts")
            .query("part-number-marker", marker.to_string())
            .query("max-parts", page.to_string())
            .wanting(Wanted::Document);
        let answer = client.call(&call).await.map_err(|failed| upload.failed(failed))?;
        let before = parts.len();
        for part in answer.document.all("Part") {
            let number = part.text("PartNumber").parse().unwrap_or(0);
            let etag = part.text("ETag").trim_matches('"').to_owned();
            let stored = StoredPart { etag, size: part.text("Size").parse().unwrap_or(0) };
            parts.push(Part { number, stored, modified: times::parse(part.text("LastModified")) });
        }
        let goes_on = answer.document.text("IsTruncated") == "true" && parts.len() > before;
        if !goes_on || parts.len() >= limit {
            parts.truncate(limit);
            return Ok(parts);
        }
    }
}

/// Makes the object out of `parts`.
pub(crate) async fn complete(
    client: &S3Client,
    upload: &Upload,
    parts: &[CompletedPart],
    condition: &Condition,
) -> Result<Completed, Error> {
    check_order(parts)?;
    if matches!(condition, Condition::Absent(_)) {
        // Some stores take no condition here. Asking first leaves them a moment to be wrong in.
        let found = client.head(&upload.place).await.map_err(|failed| upload.failed(failed))?;
        if found.is_some() {
            return Err(Error::Exists(upload.place.to_string()));
        }
    }
    let call = upload
        .call(Method::POST, "s3:PutObject")
        .headers(condition.demand())
        .header("content-type", "application/xml")
        .payload(Payload::whole(document(parts).into()))
        .wanting(Wanted::Document);
    let told = match client.call(&call).await {
        Ok(answer) => answer.document.text("ETag").trim_matches('"').to_owned(),
        Err(failed) => {
            resolve_complete(client, upload, parts, failed, condition).await?;
            String::new()
        }
    };
    let found = client.head(&upload.place).await.map_err(|failed| upload.failed(failed))?;
    let found = found.ok_or_else(|| Error::NotFound(upload.place.to_string()))?;
    let etag = if told.is_empty() { found.etag().to_owned() } else { told };
    Ok(Completed { etag, head: head_of(&found) })
}

/// Finds out what became of a completion that failed in the end.
async fn resolve_complete(
    client: &S3Client,
    upload: &Upload,
    parts: &[CompletedPart],
    failed: Failed,
    condition: &Condition,
) -> Result<(), Error> {
    let is_gone = failed.failure.is_missing_upload();
    match (failed.failure.code(), condition) {
        (Some("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" | "InvalidRequest"), _) => {
            let stored = list(client, upload, 0, MAX_PART_NUMBER as usize).await?;
            let stored: BTreeMap<u32, StoredPart> =
                stored.into_iter().map(|part| (part.number, part.stored)).collect();
            // Which of them it is S3 does not say.
            select_parts(parts, &stored)?;
            Err(left_out(parts, &stored).unwrap_or_else(|| upload.failed(failed)))
        }
        (_, Condition::Always) if failed.uncertain => look(client, upload, failed).await,
        (_, Condition::Absent(_)) if is_gone && !failed.uncertain => Err(upload.failed(failed)),
        (_, Condition::Absent(_)) => resolve(client, &upload.place, failed, condition).await,
        _ => Err(upload.failed(failed)),
    }
}

/// Looks whether an earlier attempt made the object, whose address is nobody else's; if not, whether
/// there was anything to complete.
async fn look(client: &S3Client, upload: &Upload, failed: Failed) -> Result<(), Error> {
    if let Ok(Some(_)) = client.head(&upload.place).await {
        return Ok(());
    }
    match list(client, upload, 0, 1).await {
        Err(gone @ Error::UploadNotFound(_)) => Err(gone),
        _ => Err(Error::OutcomeUnknown {
            location: upload.place.to_string(),
            source: Box::new(failed.failure),
        }),
    }
}

/// The first of the `stored` parts that is not one of `parts`: some stores do not leave any out.
fn left_out(parts: &[CompletedPart], stored: &BTreeMap<u32, StoredPart>) -> Option<Error> {
    let named: BTreeSet<u32> = parts.iter().map(|part| part.number).collect();
    let number = stored.keys().find(|number| !named.contains(number))?;
    Some(Error::InvalidPart { number: *number, problem: PartProblem::LeftOut })
}

/// What can be seen to be wrong without asking.
fn check_order(parts: &[CompletedPart]) -> Result<(), Error> {
    if parts.is_empty() {
        return Err(Error::InvalidPart { number: 0, problem: PartProblem::NoParts });
    }
    let turned = parts.windows(2).find(|pair| pair[0].number >= pair[1].number);
    turned.map_or(Ok(()), |pair| {
        let problem = PartProblem::OutOfOrder;
        Err(Error::InvalidPart { number: pair[1].number, problem })
    })
}

fn document(parts: &[CompletedPart]) -> String {
    let part = |CompletedPart { number, etag }: &CompletedPart| {
        let etag = xml::escape(&format!("\"{}\"", etag.trim_matches('"')));
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    let parts: String = parts.iter().map(part).collect();
    format!(
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{parts}\
         </CompleteMultipartUpload>"
    )
}

/// Ends `upload` and removes its parts.
pub(crate) async fn abort(client: &S3Client, upload: &Upload) -> Result<(), Error> {
    let call = upload.call(Method::DELETE, "s3:AbortMultipartUpload");
    match client.call(&call).await {
        Ok(_) => Ok(()),
        // An earlier attempt did it.
        Err(Failed { failure, uncertain_before: true, .. }) if failure.is_missing_upload() => {
            Ok(())
        }
        Err(failed) => Err(upload.failed(failed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_stand_in_quotes_in_the_document() {
        let parts = [CompletedPart { number: 1, etag: "\"ab\"".to_owned() }];
        assert!(document(&parts).contains("<PartNumber>1</PartNumber><ETag>&quot;ab&quot;</ETag>"));
    }
}
