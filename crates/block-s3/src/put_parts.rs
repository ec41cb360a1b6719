//! A body in parts that are held in memory, so that each can be sent again: because its length is
//! unknown, or more than one request may carry.
//!
//! Two parts are on their way at a time. Parts grow, so that a body of any length that S3 takes fits into
//! as many as it takes.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use futures::stream;
use lakehold_block::CompletedPart;
use lakehold_block::Error;
use lakehold_block::MAX_PART_NUMBER;
use lakehold_block::Measured;
use tracing::warn;

use crate::body::Payload;
use crate::client::S3Client;
use crate::parts;
use crate::parts::Upload;
use crate::place::Place;
use crate::put::Condition;

/// Parts of one body that are on their way at the same time.
const AT_A_TIME: usize = 2;

/// After so many parts they double in size, up to eight times the first ones'.
const PARTS_OF_ONE_SIZE: u32 = 1_000;

/// Stores a body in parts that are held in memory, so that each can be sent again.
pub(crate) async fn put(
    client: &Arc<S3Client>,
    place: &Place,
    (first, rest): (Bytes, Measured),
    announced: Option<u64>,
    condition: &Condition,
) -> Result<u64, Error> {
    let sizes = Sizes::new(client.settings.tuning.part_bytes, announced)?;
    let upload = parts::create(client, place.clone(), condition.mark()).await?;
    let unfinished = Unfinished::new(client, upload.clone());
    let pieces = Pieces { held: vec![first], length: 0, rest, sizes, number: 0 };
    let cut = stream::try_unfold(pieces, |mut pieces| async move {
        Ok::<_, Error>(pieces.next_part().await?.map(|part| (part, pieces)))
    });
    let upload = &upload;
    let sent = cut.map_ok(|(number, payload)| async move {
        let stored = parts::send(client, upload, number, payload).await?;
        Ok((CompletedPart { number, etag: stored.etag }, stored.size))
    });
    let sent: Vec<(CompletedPart, u64)> = sent.try_buffered(AT_A_TIME).try_collect().await?;
    let length = sent.iter().map(|(_, size)| size).sum();
    let completed: Vec<CompletedPart> = sent.into_iter().map(|(part, _)| part).collect();
    let completed = parts::complete(client, upload, &completed, condition).await;
    if completed.is_ok() {
        unfinished.disarm();
    }
    completed.map(|_| length)
}

/// Aborts an upload that is dropped before it is completed.
pub(crate) struct Unfinished {
    client: Arc<S3Client>,
    upload: Option<Upload>,
}

impl Unfinished {
    pub(crate) fn new(client: &Arc<S3Client>, upload: Upload) -> Self {
        Self { client: client.clone(), upload: Some(upload) }
    }

    /// It is completed.
    pub(crate) fn disarm(mut self) {
        self.upload = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(upload) = self.upload.take() else { return };
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let client = self.client.clone();
        self.client.runtime.spawn("abort upload", async move {
            if let Err(error) = parts::abort(&client, &upload).await {
                warn!("an upload in parts to {} could not be aborted: {error}", upload.place);
            }
        });
    }
}

/// How long each part is.
struct Sizes {
    first: usize,
}

impl Sizes {
    /// Such that a body of the `announced` length fits.
    fn new(part_bytes: usize, announced: Option<u64>) -> Result<Self, Error> {
        let mut sizes = Self { first: part_bytes };
        let all = |sizes: &Self| (1..=MAX_PART_NUMBER).map(|n| sizes.of(n) as u64).sum::<u64>();
        while announced.is_some_and(|length| length > all(&sizes)) {
            sizes.first *= 2;
            if sizes.first > part_bytes * 4 {
                return Err(Error::NotSupported("an object of more than two terabytes"));
            }
        }
        Ok(sizes)
    }

    fn of(&self, number: u32) -> usize {
        self.first << (number / PARTS_OF_ONE_SIZE).min(3)
    }
}

/// Cuts a body into parts.
struct Pieces {
    /// The beginning of the next part.
    held: Vec<Bytes>,
    length: usize,
    rest: Measured,
    sizes: Sizes,
    number: u32,
}

impl Pieces {
    async fn next_part(&mut self) -> Result<Option<(u32, Payload)>, Error> {
        self.length = self.held.iter().map(Bytes::len).sum();
        let wanted = self.sizes.of(self.number + 1);
        while self.length < wanted {
            let Some(piece) = self.rest.next().await.transpose()? else { break };
            self.length += piece.len();
            self.held.push(piece);
        }
        // A body that has nothing still makes an object.
        if self.length == 0 && self.number > 0 {
            return Ok(None);
        }
        if self.number == MAX_PART_NUMBER {
            return Err(Error::NotSupported("an object of this length without announcing it"));
        }
        self.number += 1;
        let surplus = self.cut(wanted);
        let part = std::mem::replace(&mut self.held, surplus);
        Ok(Some((self.number, Payload::Whole(part.into()))))
    }

    /// What is held beyond `wanted` bytes.
    fn cut(&mut self, wanted: usize) -> Vec<Bytes> {
        let beyond = self.length.saturating_sub(wanted);
        match self.held.last_mut() {
            Some(last) if beyond > 0 => vec![last.split_off(last.len() - beyond)],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use lakehold_block::Body;

    fn cut(pieces: &[usize], part_bytes: usize) -> Vec<u64> {
        let bodies: Vec<_> = pieces.iter().map(|size| Ok(Bytes::from(vec![1; *size]))).collect();
        let rest = Measured::new(Body::stream(None, stream::iter(bodies)));
        let sizes = Sizes::new(part_bytes, None).unwrap();
        let mut pieces = Pieces { held: Vec::new(), length: 0, rest, sizes, number: 0 };
        let mut lengths = Vec::new();
        while let Some((number, payload)) = futures::executor::block_on(pieces.next_part()).unwrap()
        {
            assert_eq!(number as usize, lengths.len() + 1);
            lengths.push(payload.length());
        }
        lengths
    }

    #[test]
    fn a_body_is_cut_into_equal_parts_and_a_rest() {
        assert_eq!(cut(&[3, 3, 3, 3], 5), [5, 5, 2]);
        assert_eq!(cut(&[10, 2], 5), [5, 5, 2]);
        assert_eq!(cut(&[5, 5], 5), [5, 5]);
        assert_eq!(cut(&[], 5), [0]);
        assert_eq!(cut(&[27], 5), [5, 5, 5, 5, 5, 2]);
    }

    #[test]
    fn parts_grow_so_that_long_bodies_fit() {
        let sizes = Sizes::new(8 << 20, Some(1 << 40)).unwrap();
        let all: u64 = (1..=MAX_PART_NUMBER).map(|number| sizes.of(number) as u64).sum();
        assert!(all >= 1 << 40);
        assert_eq!(Sizes::new(8 << 20, Some(6 << 30)).unwrap().of(1), 8 << 20);
        assert!(Sizes::new(8 << 20, Some(5 << 40)).is_err());
    }
}
