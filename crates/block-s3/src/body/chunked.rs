//! A body signed chunk by chunk: each chunk with its length and its signature before it.
//!
//! ```text
//! 10000;chunk-signature=<64 digits>\r\n <65536 bytes> \r\n ... 0;chunk-signature=<64 digits>\r\n\r\n
//! ```

use bytes::Bytes;
use futures::Stream;
use futures::StreamExt as _;
use futures::stream;
use futures::stream::BoxStream;
use lakehold_block::BoxError;
use sha2::Digest as _;
use sha2::Sha256;

use crate::sigv4::ChunkSigner;

const LINE_END: &str = "\r\n";

/// Bytes of a chunk: little enough to be hashed in passing.
const CHUNK_BYTES: usize = 64 << 10;

/// What stands around a chunk beside its length: `;chunk-signature=`, the signature, two line ends.
const AROUND_BYTES: u64 = 17 + 64 + 4;

/// The length of `length` bytes as chunks.
pub(crate) fn encoded_length(length: u64) -> u64 {
    let chunk = CHUNK_BYTES as u64;
    let (full, rest) = (length / chunk, length % chunk);
    let encoded = |length: u64| AROUND_BYTES + digits(length) + length;
    let last = if rest == 0 { 0 } else { encoded(rest) };
    full * encoded(chunk) + last + encoded(0)
}

/// Number of hexadecimal digits.
fn digits(number: u64) -> u64 {
    u64::from((u64::BITS - number.leading_zeros()).div_ceil(4).max(1))
}

/// A chunk, ready to be sent: the line before it and its bytes, which are not copied.
pub(super) type Chunk = Vec<Bytes>;

struct Chunks {
    pieces: BoxStream<'static, Result<Bytes, BoxError>>,
    /// What the last piece has beyond the last chunk.
    rest: Bytes,
    signer: ChunkSigner,
    /// The end of the last chunk, which is sent together with the next one's line.
    end: &'static str,
    is_over: bool,
}

/// `pieces` as signed chunks.
pub(super) fn signed(
    pieces: BoxStream<'static, Result<Bytes, BoxError>>,
    signer: ChunkSigner,
) -> impl Stream<Item = Result<Chunk, BoxError>> + Send {
    let chunks = Chunks { pieces, rest: Bytes::new(), signer, end: "", is_over: false };
    stream::try_unfold(chunks, |mut chunks| async move {
        let next = chunks.next().await?;
        Ok(next.map(|chunk| (chunk, chunks)))
    })
}

impl Chunks {
    async fn next(&mut self) -> Result<Option<Chunk>, BoxError> {
        if self.is_over {
            return Ok(None);
        }
        let mut chunk = vec![Bytes::new()];
        let mut hash = Sha256::new();
        let mut length = 0;
        while length < CHUNK_BYTES {
            if self.rest.is_empty() {
                let Some(piece) = self.pieces.next().await.transpose()? else { break };
                self.rest = piece;
            }
            let part = self.rest.split_to(self.rest.len().min(CHUNK_BYTES - length));
            hash.update(&part);
            length += part.len();
            chunk.push(part);
        }
        chunk[0] = self.line(length, &hex::encode(hash.finalize()));
        Ok(Some(chunk))
    }

    /// What stands between the last chunk's bytes and those of the next.
    fn line(&mut self, length: usize, hash: &str) -> Bytes {
        self.is_over = length == 0;
        let last = if self.is_over { LINE_END } else { "" };
        let end = std::mem::replace(&mut self.end, LINE_END);
        let signature = self.signer.sign_hash(hash);
        format!("{end}{length:x};chunk-signature={signature}\r\n{last}").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::sigv4::Scope;
    use crate::sigv4::SigningKey;
    use futures::TryStreamExt as _;

    fn signer() -> ChunkSigner {
        let scope = Scope {
            day: "20130524".to_owned(),
            region: "us-east-1".to_owned(),
            service: "s3".to_owned(),
        };
        let key = SigningKey::derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &scope);
        let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
        ChunkSigner::new(key, "20130524T000000Z", scope, seed.to_owned())
    }

    async fn encoded(length: usize, piece: usize) -> Vec<u8> {
        let all = vec![b'a'; length];
        let pieces: Vec<_> =
            all.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let chunks: Vec<Chunk> =
            signed(stream::iter(pieces).boxed(), signer()).try_collect().await.unwrap();
        chunks.concat().concat()
    }

    #[tokio::test]
    async fn chunks_are_those_of_the_published_example() {
        let sent = encoded(66_560, 1_000).await;
        let line =
            |length: &str, signature: &str| format!("{length};chunk-signature={signature}\r\n");
        let expected = [
            line("10000", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
            "a".repeat(65_536) + "\r\n",
            line("400", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
            "a".repeat(1_024) + "\r\n",
            line("0", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
            "\r\n".to_owned(),
        ];
        assert!(sent == expected.concat().into_bytes());
        assert_eq!(encoded_length(66_560), 66_824);
    }

    #[tokio::test]
    async fn the_length_is_known_beforehand() {
        for length in [0, 1, 15, 16, 65_535, 65_536, 65_537, 131_072, 200_000] {
            let sent = encoded(length, 7_001).await.len();
            assert_eq!(sent as u64, encoded_length(length as u64), "{length}");
        }
    }
}
