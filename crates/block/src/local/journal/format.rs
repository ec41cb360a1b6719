//! The bytes of a segment (docs/formats/block-journal.md).
//!
//! ```text
//! segment: header (32) ── batch ── batch ── ...
//! header:  "LKHBLKJ1"  number u64  salt u64  0 u32       crc u32
//! batch:   "LKBT"  count u32  sequence u64  length u32  zeros u32  crc u32  header crc u32  "BTHE"
//!          then `count` records, `length` bytes
//! record:  kind u8 (1)  place length u16  body length u32  place  body
//! ```
//!
//! Integers are little endian, checksums CRC-32C. A batch is what one write appends and one sync makes
//! durable: it counts whole or not at all, and the batch before it was acknowledged.
//!
//! # A torn tail or damage?
//!
//! A batch that the machine was writing when it went down was never acknowledged, and may be dropped.
//! A batch that was damaged later may not. What tells them apart:
//!
//! - Nothing follows a torn batch. If a later batch of this segment can be read, or the segment is
//!   not the newest, it is damage. (Each segment has a random salt in its batch checksums, so that a
//!   journal stored as a body is not taken for one.)
//! - What a file system did not write is missing at the end or reads as zeros, in sectors. So a torn
//!   batch ends beyond the end of the file or has more sectors of zeros than it was made with, which
//!   is why its header counts them. All there and yet wrong is damage.

use std::ops::Range;

use bytes::Bytes;

/// Length of a segment's header.
pub(super) const SEGMENT_HEADER: usize = 32;

const SEGMENT_MAGIC: &[u8; 8] = b"LKHBLKJ1";
const BATCH_HEADER: usize = 36;
const BATCH_MAGIC: &[u8; 4] = b"LKBT";
/// Ends the header with bytes that are not zero, so that a missing end shows.
const BATCH_HEADER_END: &[u8; 4] = b"BTHE";
const RECORD_HEADER: usize = 7;
const RECORD_PUT: u8 = 1;
/// The smallest unit that a disk writes or leaves unwritten.
const SECTOR: usize = 512;

/// What tells a segment from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentId {
    /// Segments are numbered in the order they were begun.
    pub(super) number: u64,
    /// Random.
    pub(super) salt: u64,
}

impl SegmentId {
    /// The header of the segment.
    pub(super) fn header(self) -> [u8; SEGMENT_HEADER] {
        let mut header = [0; SEGMENT_HEADER];
        header[..8].copy_from_slice(SEGMENT_MAGIC);
        header[8..16].copy_from_slice(&self.number.to_le_bytes());
        header[16..24].copy_from_slice(&self.salt.to_le_bytes());
        let crc = crc32c::crc32c(&header[..28]);
        header[28..].copy_from_slice(&crc.to_le_bytes());
        header
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let number = u64::from_le_bytes(array(bytes, 8)?);
        let salt = u64::from_le_bytes(array(bytes, 16)?);
        let id = Self { number, salt };
        (bytes.get(..SEGMENT_HEADER)? == id.header()).then_some(id)
    }

    fn batch_crc(self, header: &[u8]) -> u32 {
        let crc = crc32c::crc32c(&self.salt.to_le_bytes());
        let crc = crc32c::crc32c_append(crc, &self.number.to_le_bytes());
        crc32c::crc32c_append(crc, header)
    }
}

/// Collects the records of one batch.
#[derive(Debug)]
pub(super) struct BatchWriter {
    bytes: Vec<u8>,
    count: u32,
}

impl BatchWriter {
    /// A batch with room for records of `length` bytes.
    pub(super) fn with_capacity(length: usize) -> Self {
        let mut bytes = Vec::with_capacity(BATCH_HEADER + length);
        bytes.resize(BATCH_HEADER, 0);
        Self { bytes, count: 0 }
    }

    /// Number of bytes that a record takes.
    pub(super) fn record_length(place: &str, body: &[u8]) -> usize {
        RECORD_HEADER + place.len() + body.len()
    }

    /// Appends a record, and returns where in the batch its body lies.
    ///
    /// A place longer than 65,535 bytes or a body of 4 GiB does not fit: `None`.
    pub(super) fn push(&mut self, place: &str, body: &[u8]) -> Option<Range<usize>> {
        let place_length = u16::try_from(place.len()).ok()?;
        let body_length = u32::try_from(body.len()).ok()?;
        self.bytes.push(RECORD_PUT);
        self.bytes.extend_from_slice(&place_length.to_le_bytes());
        self.bytes.extend_from_slice(&body_length.to_le_bytes());
        self.bytes.extend_from_slice(place.as_bytes());
        let start = self.bytes.len();
        self.bytes.extend_from_slice(body);
        self.count += 1;
        Some(start..self.bytes.len())
    }

    /// The finished batch, to be written at `offset` of its segment as its `sequence`-th.
    ///
    /// `None` where it is 4 GiB or more.
    pub(super) fn finish(self, id: SegmentId, sequence: u64, offset: u64) -> Option<Vec<u8>> {
        let Self { mut bytes, count } = self;
        let length = u32::try_from(bytes.len() - BATCH_HEADER).ok()?;
        let crc = crc32c::crc32c(&bytes[BATCH_HEADER..]);
        // The header itself makes no sector one of zeros, whatever its counts are.
        bytes[..4].copy_from_slice(BATCH_MAGIC);
        bytes[32..36].copy_from_slice(BATCH_HEADER_END);
        let zeros = zero_sectors(&bytes, offset);
        let header = BatchHeader { count, sequence, length, zeros, crc };
        bytes[..BATCH_HEADER].copy_from_slice(&header.bytes(id));
        Some(bytes)
    }
}

#[derive(Clone, Copy, Debug)]
struct BatchHeader {
    count: u32,
    sequence: u64,
    length: u32,
    zeros: u32,
    crc: u32,
}

impl BatchHeader {
    fn bytes(self, id: SegmentId) -> [u8; BATCH_HEADER] {
        let mut bytes = [0; BATCH_HEADER];
        bytes[..4].copy_from_slice(BATCH_MAGIC);
        bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.zeros.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.crc.to_le_bytes());
        let crc = id.batch_crc(&bytes[..28]);
        bytes[28..32].copy_from_slice(&crc.to_le_bytes());
        bytes[32..].copy_from_slice(BATCH_HEADER_END);
        bytes
    }

    fn read(bytes: &[u8], id: SegmentId) -> Option<Self> {
        let header = Self {
            count: u32::from_le_bytes(array(bytes, 4)?),
            sequence: u64::from_le_bytes(array(bytes, 8)?),
            length: u32::from_le_bytes(array(bytes, 16)?),
            zeros: u32::from_le_bytes(array(bytes, 20)?),
            crc: u32::from_le_bytes(array(bytes, 24)?),
        };
        (bytes.get(..BATCH_HEADER)? == header.bytes(id)).then_some(header)
    }
}

/// One stored body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Path below the root.
    pub(super) place: String,
    /// What lies there.
    pub(super) body: Bytes,
}

/// What was read of a segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// All that was acknowledged, in order.
    pub(super) records: Vec<Record>,
    /// Where a batch begins that was never finished.
    pub(super) torn_at: Option<usize>,
}

/// What is wrong with a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Where it was noticed.
    pub(super) offset: usize,
    /// What was noticed.
    pub(super) reason: &'static str,
}

/// Reads the segment `number`. Only the newest segment may have a torn tail.
pub(super) fn read_segment(segment: &Bytes, number: u64, newest: bool) -> Result<Contents, Damage> {
    let mut contents = Contents::default();
    let id = match SegmentId::read(segment) {
        Some(id) if id.number == number => id,
        Some(_) => return Err(Damage { offset: 8, reason: "it is another segment's" }),
        // The header is synced before anything follows it.
        None if newest && segment.len() <= SEGMENT_HEADER => return Ok(torn(contents, 0)),
        None => return Err(Damage { offset: 0, reason: "its header is not one" }),
    };
    let mut offset = SEGMENT_HEADER;
    let mut sequence = 0;
    while offset < segment.len() {
        match read_batch(segment, offset, id, sequence, &mut contents.records) {
            Ok(end) => (offset, sequence) = (end, sequence + 1),
            Err(Unreadable::Torn) if newest && !a_batch_follows(segment, offset, id) => {
                return Ok(torn(contents, offset));
            }
            Err(Unreadable::Torn) => {
                return Err(Damage { offset, reason: "bytes are missing before later ones" });
            }
            Err(Unreadable::Damaged(reason)) => return Err(Damage { offset, reason }),
        }
    }
    Ok(contents)
}

fn torn(contents: Contents, offset: usize) -> Contents {
    Contents { torn_at: Some(offset), ..contents }
}

/// Why a batch cannot be read.
enum Unreadable {
    /// As if the machine had gone down while it was written.
    Torn,
    /// No such thing can have happened.
    Damaged(&'static str),
}

/// Reads the batch at `offset` and returns where it ends.
fn read_batch(
    segment: &Bytes,
    offset: usize,
    id: SegmentId,
    sequence: u64,
    records: &mut Vec<Record>,
) -> Result<usize, Unreadable> {
    let rest = &segment[offset..];
    let Some(header) = BatchHeader::read(rest, id) else {
        let unwritten =
            rest.len() < BATCH_HEADER || zero_sectors(&rest[..BATCH_HEADER], offset as u64) > 0;
        return Err(torn_if(unwritten, "the checksum of a batch's header is wrong"));
    };
    if header.sequence != sequence {
        return Err(Unreadable::Damaged("a batch is missing or doubled"));
    }
    let end = BATCH_HEADER + header.length as usize;
    let Some(batch) = rest.get(..end) else { return Err(Unreadable::Torn) };
    if crc32c::crc32c(&batch[BATCH_HEADER..]) != header.crc {
        let unwritten = zero_sectors(batch, offset as u64) > header.zeros;
        return Err(torn_if(unwritten, "the checksum of a batch is wrong"));
    }
    let body = segment.slice(offset + BATCH_HEADER..offset + end);
    read_records(body, header.count, records)
        .ok_or(Unreadable::Damaged("records are not of a known kind"))?;
    Ok(offset + end)
}

fn torn_if(unwritten: bool, reason: &'static str) -> Unreadable {
    if unwritten { Unreadable::Torn } else { Unreadable::Damaged(reason) }
}

fn read_records(mut rest: Bytes, count: u32, records: &mut Vec<Record>) -> Option<()> {
    for _ in 0..count {
        let kind = *rest.first()?;
        let place_length = usize::from(u16::from_le_bytes(array(&rest, 1)?));
        let body_length = u32::from_le_bytes(array(&rest, 3)?) as usize;
        let length = RECORD_HEADER + place_length + body_length;
        if kind != RECORD_PUT || rest.len() < length {
            return None;
        }
        let mut record = rest.split_to(length).split_off(RECORD_HEADER);
        let place = std::str::from_utf8(&record.split_to(place_length)).ok()?.to_owned();
        records.push(Record { place, body: record });
    }
    rest.is_empty().then_some(())
}

/// Whether a batch of this segment begins anywhere after `offset`.
fn a_batch_follows(segment: &[u8], offset: usize, id: SegmentId) -> bool {
    (offset + 1..segment.len()).any(|start| {
        let rest = &segment[start..];
        rest.starts_with(BATCH_MAGIC) && BatchHeader::read(rest, id).is_some()
    })
}

/// How many sectors of a file have nothing but zeros in the part of them that `bytes` is, which lies
/// at `offset` of the file.
fn zero_sectors(bytes: &[u8], offset: u64) -> u32 {
    let into_sector = (offset % SECTOR as u64) as usize;
    let (first, rest) = bytes.split_at(bytes.len().min(SECTOR - into_sector));
    let is_zero = |part: &[u8]| !part.is_empty() && part.iter().all(|byte| *byte == 0);
    let whole = rest.chunks(SECTOR).filter(|part| is_zero(part)).count();
    u32::try_from(whole + usize::from(is_zero(first))).unwrap_or(u32::MAX)
}

fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset + N)?.try_into().ok()
}

#[cfg(test)]
mod tests;
