//! Copies inside S3: by one request up to a length, in parts beyond it. No byte comes here.

use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::TryStreamExt as _;
use futures::stream;
use http::Method;
use lakehold_block::CompletedPart;
use lakehold_block::Error;
use lakehold_block::MAX_PART_NUMBER;

use crate::client::Call;
use crate::client::S3Client;
use crate::client::Wanted;
use crate::download::head_of;
use crate::parts;
use crate::parts::Upload;
use crate::parts::copy_source;
use crate::place::Place;
use crate::put::Condition;
use crate::put_parts::Unfinished;

/// Parts that S3 copies for us at the same time.
const AT_A_TIME: usize = 8;

/// Stores a copy of the bytes at `from` at `to` and returns their length.
pub(crate) async fn copy(client: &Arc<S3Client>, from: &Place, to: &Place) -> Result<u64, Error> {
    let size = size_of(client, from).await?;
    if size <= client.settings.tuning.longest_copy {
        copy_object(client, from, to).await?;
    } else {
        copy_in_parts(client, from, to, size).await?;
    }
    Ok(size)
}

/// The length of the object at `place`, which must be there.
pub(crate) async fn size_of(client: &S3Client, place: &Place) -> Result<u64, Error> {
    let found = client.head(place).await.map_err(|failed| failed.about(place))?;
    let found = found.ok_or_else(|| Error::NotFound(place.to_string()))?;
    Ok(head_of(&found).size)
}

async fn copy_object(client: &S3Client, from: &Place, to: &Place) -> Result<(), Error> {
    let call = Call::new(Method::PUT, to, "s3:GetObject, s3:PutObject")
        .headers(client.encryption())
        .header("x-amz-copy-source", copy_source(from))
        .wanting(Wanted::Document);
    match client.call(&call).await {
        Ok(_) => Ok(()),
        Err(failed) if failed.failure.is_missing() => Err(Error::NotFound(from.to_string())),
        Err(failed) => Err(failed.about(to)),
    }
}

async fn copy_in_parts(
    client: &Arc<S3Client>,
    from: &Place,
    to: &Place,
    size: u64,
) -> Result<(), Error> {
    let upload = parts::create(client, to.clone(), Vec::new()).await?;
    let unfinished = Unfinished::new(client, upload.clone());
    let ranges = ranges(size, client.settings.tuning.longest_copy);
    let copies =
        (1..).zip(ranges).map(|(number, range)| copy_part(client, &upload, number, from, range));
    let copied: Vec<CompletedPart> = stream::iter(copies).buffered(AT_A_TIME).try_collect().await?;
    parts::complete(client, &upload, &copied, &Condition::Always).await?;
    unfinished.disarm();
    Ok(())
}

async fn copy_part(
    client: &S3Client,
    upload: &Upload,
    number: u32,
    from: &Place,
    range: Range<u64>,
) -> Result<CompletedPart, Error> {
    let size = range.end - range.start;
    let stored = parts::copy_part(client, upload, number, from, Some(range), size).await?;
    Ok(CompletedPart { number, etag: stored.etag })
}

/// `size` bytes in parts of `longest`, or longer ones where they would be too many.
fn ranges(size: u64, longest: u64) -> impl Iterator<Item = Range<u64>> {
    let step = longest.max(size.div_ceil(u64::from(MAX_PART_NUMBER))).max(1);
    let parts = size.div_ceil(step);
    (0..parts).map(move |part| part * step..((part + 1) * step).min(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_an_object_once() {
        let collected: Vec<_> = ranges(10, 4).collect();
        assert_eq!(collected, [0..4, 4..8, 8..10]);
        assert_eq!(ranges(8, 4).count(), 2);
        assert_eq!(ranges(1 << 42, 5 << 20).count(), MAX_PART_NUMBER as usize);
    }
}
