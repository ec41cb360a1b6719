//! Whether the bytes of an object are those that its checksum was computed of.
//!
//! Of an upload the checksum is the MD5 of the bytes. Of one that came in parts through the S3 gateway
//! it is the MD5 of the parts' MD5s, and nothing says how long the parts were; so the usual lengths
//! are tried. What a client or an import recorded may be anything: equal is proof, different is none.

use futures::StreamExt as _;
use lakehold_block::BlockStore;
use lakehold_block::Body;
use lakehold_clock::Runtime;
use md5::Digest as _;
use md5::Md5;

use crate::Kind;
use crate::counts::Counters;
use crate::objects::Claim;
use crate::objects::Problem;
use crate::objects::missing;
use crate::objects::refusal;
use crate::objects::with_causes;

/// S3 takes no part but the last that is shorter; a body of one part may be.
const SHORTEST_PART: u64 = 5 << 20;

/// How long clients make the parts of an upload, in MiB.
const USUAL_PARTS: [u64; 16] = [5, 6, 8, 10, 12, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512];

/// Stores that take parts of any length exist. Up to so many bytes every cut into two is tried.
const LARGEST_TRIED: usize = 4 << 10;

/// Hashing more than this takes longer than a task may hold its thread.
const AT_ONCE_BYTES: usize = 64 << 10;

/// What comparing came to, where nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The bytes are those of the checksum.
    Same,
    /// The checksum is none of the bytes alone.
    NotComparable,
}

/// Reads the bytes of `claim` and compares.
pub(super) async fn compare(
    blocks: &dyn BlockStore,
    runtime: &Runtime,
    claim: &Claim,
    counters: &Counters,
) -> Result<Verdict, Problem> {
    let Some(expected) = md5_in(&claim.e_tag) else { return Ok(Verdict::NotComparable) };
    let whole = Hashes::whole();
    let read = whole.feed(open(blocks, claim).await?, runtime, counters).await?;
    let found = read.finish();
    if found.contains(&expected) {
        return Ok(Verdict::Same);
    }
    if !claim.is_upload() {
        return Ok(Verdict::NotComparable);
    }
    let length = read.length;
    let is_in_parts = if length > SHORTEST_PART {
        let parts = Hashes::in_parts(length);
        let read = parts.feed(open(blocks, claim).await?, runtime, counters).await?;
        read.finish().contains(&expected)
    } else {
        runtime.blocking(move || read.is_of_two_parts(&expected)).await
    };
    if is_in_parts {
        return Ok(Verdict::Same);
    }
    let actual = found.first().map(hex::encode).unwrap_or_default();
    let text = format!("Its checksum is {}, that of its bytes {actual}.", claim.e_tag);
    let may_be_in_parts = length > SHORTEST_PART;
    let kind =
        if may_be_in_parts { Kind::ObjectChecksumUnproven } else { Kind::ObjectChecksumMismatch };
    Err(Problem::new(kind, text))
}

/// The MD5 that a checksum is, if it has the form of one.
fn md5_in(e_tag: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(e_tag.trim_matches('"'), &mut bytes).ok().map(|()| bytes)
}

async fn open(blocks: &dyn BlockStore, claim: &Claim) -> Result<Body, Problem> {
    blocks.get(&claim.address, None).await.map_err(|error| match error {
        lakehold_block::Error::NotFound(_) => missing(claim),
        other => refusal(claim, &other),
    })
}

/// Checksums of a body, as a whole or cut into parts of several lengths.
struct Hashes {
    all: Vec<InParts>,
    length: u64,
    /// The body itself, while it is small.
    small: Vec<u8>,
}

/// The checksum of a body in parts of one length.
struct InParts {
    part_length: u64,
    is_whole: bool,
    part: Md5,
    in_part: u64,
    of_parts: Md5,
}

impl Hashes {
    /// Of the body as a whole, and as one part.
    fn whole() -> Self {
        Self::of([InParts::new(u64::MAX, true), InParts::new(u64::MAX, false)])
    }

    /// Of a body of `length`, cut into parts of every usual length.
    fn in_parts(length: u64) -> Self {
        let usual = USUAL_PARTS.iter().map(|mebibytes| mebibytes << 20);
        Self::of(usual.filter(|part| *part < length).map(|part| InParts::new(part, false)))
    }

    fn of(all: impl IntoIterator<Item = InParts>) -> Self {
        Self { all: all.into_iter().collect(), length: 0, small: Vec::new() }
    }

    /// Reads all of `body`.
    async fn feed(
        mut self,
        body: Body,
        runtime: &Runtime,
        counters: &Counters,
    ) -> Result<Self, Problem> {
        let mut pieces = body.into_pieces();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| {
                let text = format!("Reading its bytes failed: {}.", with_causes(&*error));
                Problem::new(Kind::StoreFailed, text)
            })?;
            counters.bytes_read.add(piece.len() as u64);
            if piece.len() <= AT_ONCE_BYTES {
                self.add(&piece);
            } else {
                let add = move || {
                    self.add(&piece);
                    self
                };
                self = runtime.blocking(add).await;
            }
        }
        Ok(self)
    }

    fn add(&mut self, piece: &[u8]) {
        self.length += piece.len() as u64;
        self.all.iter_mut().for_each(|hash| hash.add(piece));
        if self.small.len() + piece.len() <= LARGEST_TRIED {
            self.small.extend_from_slice(piece);
        }
    }

    fn finish(&self) -> Vec<[u8; 16]> {
        self.all.iter().map(InParts::finish).collect()
    }

    fn is_of_two_parts(&self, expected: &[u8; 16]) -> bool {
        let is_all_here = self.small.len() as u64 == self.length;
        is_all_here
            && (1..self.small.len()).any(|cut| {
                let (first, second) = self.small.split_at(cut);
                let both = Md5::new().chain_update(Md5::digest(first));
                *expected == <[u8; 16]>::from(both.chain_update(Md5::digest(second)).finalize())
            })
    }
}

impl InParts {
    fn new(part_length: u64, is_whole: bool) -> Self {
        Self { part_length, is_whole, part: Md5::new(), in_part: 0, of_parts: Md5::new() }
    }

    fn add(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let room = usize::try_from(self.part_length - self.in_part).unwrap_or(usize::MAX);
            let (now, later) = piece.split_at(room.min(piece.len()));
            self.part.update(now);
            self.in_part += now.len() as u64;
            piece = later;
            if self.in_part == self.part_length {
                self.end_part();
            }
        }
    }

    fn end_part(&mut self) {
        let part = std::mem::take(&mut self.part).finalize();
        self.of_parts.update(part);
        self.in_part = 0;
    }

    fn finish(&self) -> [u8; 16] {
        let last = self.part.clone().finalize();
        if self.is_whole {
            return last.into();
        }
        let of_parts = self.of_parts.clone();
        let is_cut_at_end = self.in_part == 0;
        let all = if is_cut_at_end { of_parts } else { of_parts.chain_update(last) };
        all.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_parts(bytes: &[u8], part: usize) -> [u8; 16] {
        let parts = bytes.chunks(part).map(Md5::digest);
        parts.fold(Md5::new(), md5::Digest::chain_update).finalize().into()
    }

    async fn hashes(hashes: Hashes, bytes: &[u8], piece: usize) -> Hashes {
        let pieces: Vec<_> =
            bytes.chunks(piece).map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect();
        let body = Body::stream(None, futures::stream::iter(pieces));
        let read = hashes.feed(body, &Runtime::real(), &Counters::default()).await;
        read.map_err(|problem| problem.text).expect("read")
    }

    #[tokio::test]
    async fn parts_of_a_usual_length_are_found_however_the_bytes_come() {
        let bytes: Vec<u8> = (0..11 << 20).map(|at: u32| (at >> 7) as u8).collect();
        for piece in [100_001, 20 << 20] {
            let read = hashes(Hashes::in_parts(11 << 20), &bytes, piece).await;
            assert_eq!(read.length, 11 << 20);
            let found = read.finish();
            for part in [5, 8, 10] {
                assert!(found.contains(&in_parts(&bytes, part << 20)), "{part} MiB");
            }
            assert!(!found.contains(&in_parts(&bytes, 7 << 20)));
        }
    }

    #[tokio::test]
    async fn a_small_body_may_be_whole_or_one_part_or_two() {
        let bytes = b"some bytes of an object";
        let read = hashes(Hashes::whole(), bytes, 5).await;
        assert!(read.finish().contains(&Md5::digest(bytes).into()));
        assert!(read.finish().contains(&in_parts(bytes, bytes.len())));
        assert!(read.is_of_two_parts(&in_parts(bytes, 12)));
        assert!(!read.is_of_two_parts(&in_parts(bytes, 5)));
    }

    #[test]
    fn only_32_digits_are_an_md5() {
        assert!(md5_in("d41d8cd98f00b204e9800998ecf8427e").is_some());
        assert!(md5_in("\"d41d8cd98f00b204e9800998ecf8427e\"").is_some());
        for other in ["", "d41d8cd98f00b204e9800998ecf8427e-3", "0x8D4BCC2E4835CD0"] {
            assert!(md5_in(other).is_none(), "{other}");
        }
    }
}
