//! A block as it lies in the file: packed or not, with a type byte and a checksum after it.
//!
//! ```text
//! block bytes, maybe snappy | type 1 byte | masked CRC-32C 4 bytes
//!                             └ 0 as is, 1 snappy
//! ```
//!
//! The checksum covers the stored bytes and the type, and is *masked* (rotated, plus a constant), so
//! that a checksum over bytes that contain checksums does not degenerate.

use bytes::Bytes;
use snap::raw::Decoder;
use snap::raw::Encoder;

use crate::Error;
use crate::block::Block;
use crate::coding::Handle;

/// Length of type and checksum after each block.
pub(crate) const TRAILER_LEN: usize = 5;

const AS_IS: u8 = 0;
const SNAPPY: u8 = 1;

/// A snappy copy element of three bytes yields 64 at most, so nothing unpacks to more than this many
/// times its length. A header that claims more is a lie, and would make us allocate for it.
const MAX_SNAPPY_RATIO: u64 = 22;

/// Appends blocks to a file.
#[derive(Debug)]
pub(crate) struct BlockSink {
    file: Vec<u8>,
    packed: Vec<u8>,
    encoder: Encoder,
}

impl BlockSink {
    /// An empty file.
    pub(crate) fn new() -> Self {
        Self { file: Vec::new(), packed: Vec::new(), encoder: Encoder::new() }
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> u64 {
        self.file.len() as u64
    }

    /// Appends `block`, packed if that saves more than an eighth.
    pub(crate) fn write_packed(&mut self, block: &[u8]) -> Handle {
        self.packed.resize(snap::raw::max_compress_len(block.len()), 0);
        // The encoder refuses only blocks of 4 GiB; those are stored as they are.
        let packed_len = self.encoder.compress(block, &mut self.packed).unwrap_or(usize::MAX);
        if packed_len < block.len() - block.len() / 8 {
            write_block(&mut self.file, &self.packed[..packed_len], SNAPPY)
        } else {
            write_block(&mut self.file, block, AS_IS)
        }
    }

    /// Appends `block` as it is.
    pub(crate) fn write_plain(&mut self, block: &[u8]) -> Handle {
        write_block(&mut self.file, block, AS_IS)
    }

    /// Appends the footer and returns the file.
    pub(crate) fn finish(mut self, footer: &[u8]) -> Bytes {
        self.file.extend_from_slice(footer);
        self.file.into()
    }
}

fn write_block(file: &mut Vec<u8>, stored: &[u8], kind: u8) -> Handle {
    let handle = Handle { offset: file.len() as u64, len: stored.len() as u64 };
    file.extend_from_slice(stored);
    file.push(kind);
    file.extend_from_slice(&checksum(stored, kind).to_le_bytes());
    handle
}

/// A block whose place in the file is known to be inside the file, and nothing else of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredBlock {
    offset: usize,
    len: usize,
    packed: bool,
    unpacked_len: usize,
}

impl StoredBlock {
    /// Finds the block at `handle` in `file`, in which blocks end at `blocks_end`. `named_at` is where
    /// the handle was read. Looks at the block's type and length only.
    pub(crate) fn find(
        file: &[u8],
        handle: Handle,
        blocks_end: usize,
        named_at: u64,
    ) -> Result<Self, Error> {
        let Some((offset, len)) = bounds(handle, blocks_end) else {
            let Handle { offset, len } = handle;
            let reason = format!("block of {len} bytes at {offset} is not inside the file");
            return Err(Error::corrupt(named_at, reason));
        };
        let stored = &file[offset..offset + len];
        match file[offset + len] {
            AS_IS => Ok(Self { offset, len, packed: false, unpacked_len: len }),
            SNAPPY => {
                let unpacked_len = snappy_len(stored, offset)?;
                Ok(Self { offset, len, packed: true, unpacked_len })
            }
            other => {
                let reason = format!("unknown block compression {other}");
                Err(Error::corrupt((offset + len) as u64, reason))
            }
        }
    }

    /// Bytes of memory beyond the file that the block takes once it is loaded.
    pub(crate) fn extra_memory(&self) -> usize {
        if self.packed { self.unpacked_len } else { 0 }
    }

    /// Where the block begins in the file.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Where the block's trailer ends in the file.
    pub(crate) fn end(&self) -> usize {
        self.offset + self.len + TRAILER_LEN
    }

    /// Checks the block's checksum and unpacks it.
    pub(crate) fn load(&self, file: &Bytes) -> Result<Block, Error> {
        let stored = file.slice(self.offset..self.offset + self.len);
        self.check(file, &stored)?;
        let data = if self.packed { self.unpack(&stored)? } else { stored };
        Block::new(data, self.offset as u64, self.packed)
    }

    fn check(&self, file: &[u8], stored: &[u8]) -> Result<(), Error> {
        let kind_at = self.offset + self.len;
        let found = &file[kind_at + 1..self.end()];
        if found == checksum(stored, file[kind_at]).to_le_bytes() {
            return Ok(());
        }
        let reason = format!("block of {} bytes does not match its checksum", self.len);
        Err(Error::corrupt(self.offset as u64, reason))
    }

    fn unpack(&self, stored: &[u8]) -> Result<Bytes, Error> {
        let mut data = vec![0; self.unpacked_len];
        match Decoder::new().decompress(stored, &mut data) {
            Ok(len) if len == self.unpacked_len => Ok(data.into()),
            Ok(len) => Err(Error::corrupt(self.offset as u64, format!("unpacks to {len} bytes"))),
            Err(error) => Err(Error::corrupt(self.offset as u64, format!("unpacking: {error}"))),
        }
    }
}

/// Offset and length of the block at `handle`, if it and its trailer end by `blocks_end`.
fn bounds(handle: Handle, blocks_end: usize) -> Option<(usize, usize)> {
    let offset = usize::try_from(handle.offset).ok()?;
    let len = usize::try_from(handle.len).ok()?;
    let end = offset.checked_add(len)?.checked_add(TRAILER_LEN)?;
    (end <= blocks_end).then_some((offset, len))
}

fn snappy_len(stored: &[u8], offset: usize) -> Result<usize, Error> {
    let len = snap::raw::decompress_len(stored)
        .map_err(|error| Error::corrupt(offset as u64, format!("packed length: {error}")))?;
    if len as u64 > stored.len() as u64 * MAX_SNAPPY_RATIO {
        let reason = format!("{} bytes cannot unpack to {len}", stored.len());
        return Err(Error::corrupt(offset as u64, reason));
    }
    Ok(len)
}

/// The masked checksum of a stored block and its type.
fn checksum(stored: &[u8], kind: u8) -> u32 {
    let crc = crc32c::crc32c_append(crc32c::crc32c(stored), &[kind]);
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(file: &[u8], len: u64) -> Result<StoredBlock, Error> {
        StoredBlock::find(file, Handle { offset: 0, len }, file.len(), 7)
    }

    #[test]
    fn a_block_that_claims_to_unpack_to_too_much_is_refused_before_it_is_unpacked() {
        // 4 GiB - 1, and then a block of 300 bytes that could unpack to 6,600.
        let claims =
            [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 295], &[SNAPPY, 0, 0, 0, 0]].concat();
        let refused = find(&claims, 300).expect_err("too much").to_string();
        assert_eq!(refused, "corrupt table at byte 0: 300 bytes cannot unpack to 4294967295");

        let claims = [&[0xc8, 0x33][..], &[0; 298], &[SNAPPY, 0, 0, 0, 0]].concat();
        assert_eq!(find(&claims, 300).expect("possible").extra_memory(), 6_600);
    }

    #[test]
    fn the_best_case_of_the_compressor_is_within_the_ratio() {
        let mut sink = BlockSink::new();
        let block = vec![0; 1 << 20];
        let handle = sink.write_packed(&block);
        let file = sink.finish(&[]);
        assert!(handle.len < (1 << 20) / 20);
        assert_eq!(find(&file, handle.len).expect("a block").extra_memory(), block.len());
    }

    #[test]
    fn a_block_must_lie_in_the_file_with_its_trailer() {
        let file = [AS_IS; 20];
        assert!(find(&file, 15).is_ok());
        for len in [16, 20, 1000, u64::MAX] {
            let refused = find(&file, len).expect_err("too long");
            assert!(matches!(refused, Error::Corrupt { offset: 7, .. }), "{refused}");
        }
    }

    #[test]
    fn blocks_that_do_not_shrink_by_an_eighth_are_stored_as_they_are() {
        let mut sink = BlockSink::new();
        let block: Vec<u8> = (0..200).collect();
        assert_eq!(sink.write_packed(&block).len, 200);
        assert!(sink.write_packed(&[7; 200]).len < 200);
    }
}
