//! Storing or reading bytes and taking their checksum while they pass.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use md5::Digest as _;
use md5::Md5;

use lakehold_block::Address;
use lakehold_block::Body;
use lakehold_block::BoxError;
use lakehold_block::Measured;
use lakehold_clock::Runtime;

use crate::Catalog;
use crate::CatalogError;
use crate::Result;

/// Hashing more than this in one go would hold up a task's thread: about half a millisecond.
const MAX_INLINE_BYTES: usize = 256 << 10;

/// What is known of bytes that were just stored, or read.
#[derive(Debug)]
pub(super) struct StoredBytes {
    pub(super) size: u64,
    /// MD5 in lower-case hex.
    pub(super) checksum: String,
}

impl Catalog {
    /// Stores `body` at `address`, a fresh one: where this fails nothing was done, whatever became of
    /// the bytes.
    pub(super) async fn store_bytes(&self, address: &Address, body: Body) -> Result<StoredBytes> {
        let hasher = Hasher::default();
        let body = match body {
            Body::Whole(bytes) => {
                hasher.add(self.runtime(), &bytes).await;
                Body::Whole(bytes)
            }
            Body::Stream { length, pieces } => {
                let pieces = hasher.clone().watch(self.runtime().clone(), pieces);
                Body::Stream { length, pieces }
            }
        };
        let stored = self.blocks().put(address, body).await;
        let size = stored.map_err(|error| CatalogError::from(error).into_not_done())?;
        Ok(StoredBytes { size, checksum: hasher.finish() })
    }

    /// Reads all bytes at `address`.
    pub(super) async fn read_checksum(&self, address: &Address) -> Result<StoredBytes> {
        let mut pieces = Measured::new(self.blocks().get(address, None).await?);
        let (hasher, mut size) = (Hasher::default(), 0);
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            size += piece.len() as u64;
            hasher.add(self.runtime(), &piece).await;
        }
        Ok(StoredBytes { size, checksum: hasher.finish() })
    }
}

/// An MD5 in the making. Clones are the same one.
#[derive(Clone, Default)]
struct Hasher {
    md5: Arc<Mutex<Md5>>,
}

impl Hasher {
    /// Hands on what comes, having added it.
    fn watch(
        self,
        runtime: Runtime,
        pieces: BoxStream<'static, Result<Bytes, BoxError>>,
    ) -> BoxStream<'static, Result<Bytes, BoxError>> {
        let add = move |piece: Result<Bytes, BoxError>| {
            let (hasher, runtime) = (self.clone(), runtime.clone());
            async move {
                let piece = piece?;
                hasher.add(&runtime, &piece).await;
                Ok(piece)
            }
        };
        pieces.then(add).boxed()
    }

    async fn add(&self, runtime: &Runtime, piece: &Bytes) {
        if piece.len() <= MAX_INLINE_BYTES {
            return self.md5().update(piece);
        }
        let (hasher, piece) = (self.clone(), piece.clone());
        runtime.blocking(move || hasher.md5().update(&piece)).await;
    }

    fn finish(self) -> String {
        hex::encode(self.md5().clone().finalize())
    }

    fn md5(&self) -> MutexGuard<'_, Md5> {
        self.md5.lock().expect("no code panics while holding the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use futures::TryStreamExt as _;
    use futures::stream;

    #[tokio::test]
    async fn a_checksum_does_not_depend_on_how_the_bytes_come() {
        let runtime = Runtime::real();
        let all = Bytes::from(vec![7; 3 * MAX_INLINE_BYTES]);
        let whole = Hasher::default();
        whole.add(&runtime, &all).await;

        let (one, other) = (all.slice(..MAX_INLINE_BYTES / 3), all.slice(MAX_INLINE_BYTES / 3..));
        let pieces = stream::iter([Ok(one), Ok(Bytes::new()), Ok(other)]).boxed();
        let streamed = Hasher::default();
        let seen: Vec<Bytes> =
            streamed.clone().watch(runtime, pieces).try_collect().await.expect("no error");

        assert_eq!(seen.concat(), all);
        assert_eq!(streamed.finish(), whole.finish());
    }

    #[test]
    fn the_checksum_of_nothing_is_the_md5_of_nothing() {
        assert_eq!(Hasher::default().finish(), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
