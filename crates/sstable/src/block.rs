//! One block: entries in key order, each key without the prefix it shares with the key before.
//!
//! ```text
//! entry ... | restart u32 LE ... | number of restarts u32 LE
//!   └ shared, unshared, value length (variable-length integers) | rest of the key | value
//! ```
//!
//! A *restart* is the offset of an entry that shares nothing, so that a search can begin there. Keys in
//! data and index blocks are *internal*: eight bytes of sequence number and kind follow the key, and
//! are never shared.

mod builder;
mod cursor;

use bytes::Bytes;

pub(crate) use self::builder::BlockBuilder;
pub(crate) use self::cursor::BlockCursor;
pub(crate) use self::cursor::Keys;
use crate::Error;

/// Length in bytes of sequence number and kind after an internal key.
pub(crate) const KEY_TRAILER_LEN: usize = 8;

/// Trailer of every record: sequence number 0, kind 1, "set".
pub(crate) const SET_TRAILER: [u8; KEY_TRAILER_LEN] = [1, 0, 0, 0, 0, 0, 0, 0];

/// A checked and unpacked block. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    data: Bytes,
    entries_len: usize,
    restarts: usize,
    at: u64,
    packed: bool,
}

impl Block {
    /// The block `data`, which is at byte `at` of the file, `packed` there or not.
    pub(crate) fn new(data: Bytes, at: u64, packed: bool) -> Result<Self, Error> {
        let count = data.last_chunk().map(|count| u32::from_le_bytes(*count) as usize);
        let restarts = count.filter(|&count| count > 0);
        let entries_len = restarts
            .and_then(|count| count.checked_add(1)?.checked_mul(4))
            .and_then(|tail| data.len().checked_sub(tail));
        match (restarts, entries_len) {
            (Some(restarts), Some(entries_len)) => {
                Ok(Self { data, entries_len, restarts, at, packed })
            }
            _ => Err(Error::corrupt(at, "block ends in no list of restarts")),
        }
    }

    /// A block without entries that is in no file.
    pub(crate) fn empty() -> Self {
        Self { data: Bytes::new(), entries_len: 0, restarts: 0, at: 0, packed: false }
    }

    /// Where the block begins in the file.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    fn entries(&self) -> &[u8] {
        &self.data[..self.entries_len]
    }

    /// Offset of the entry at restart `index`, which must be one of the block's.
    fn restart(&self, index: usize) -> Result<usize, Error> {
        let at = self.entries_len + 4 * index;
        let bytes = self.data[at..].first_chunk().expect("restarts were counted");
        let offset = u32::from_le_bytes(*bytes) as usize;
        if offset < self.entries_len || offset == 0 {
            return Ok(offset);
        }
        Err(self.corrupt(at, "restart is outside the entries"))
    }

    /// An error at `within` the block.
    #[cold]
    fn corrupt(&self, within: usize, reason: &str) -> Error {
        if self.packed {
            Error::corrupt(self.at, format!("{reason}, at byte {within} of the unpacked block"))
        } else {
            Error::corrupt(self.at + within as u64, reason)
        }
    }
}
