//! One version of a key, as tables and write-ahead logs have it.

use std::sync::Arc;

use crate::coding::VersionedKey;
use crate::coding::take_uvarint;
use crate::coding::u32_le;
use crate::source_file::SourceFile;

/// The key was deleted.
const DELETED: u8 = 0x01;
/// The value is a pointer into the value log.
const POINTER: u8 = 0x02;
/// The value is an operand of a merge function that only its program knows.
const MERGE: u8 = 0x08;
/// The entry counts only if its transaction was finished.
pub(crate) const IN_TRANSACTION: u8 = 0x40;
/// The entry finishes a transaction.
pub(crate) const END_OF_TRANSACTION: u8 = 0x80;
/// Bits that mean nothing.
pub(crate) const UNUSED: u8 = 0x30;

const POINTER_BYTES: usize = 12;

/// A version of a key.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) key: VersionedKey,
    pub(crate) state: State,
    pub(crate) value: StoredValue,
}

/// What a version says besides its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) meta: u8,
    /// In seconds since 1970; 0 is never.
    pub(crate) expires_at: u64,
}

impl State {
    /// Whether there is a value at `now`, in seconds since 1970.
    pub(crate) fn is_visible(self, now: u64) -> bool {
        self.meta & DELETED == 0 && (self.expires_at == 0 || self.expires_at > now)
    }

    pub(crate) fn is_pointer(self) -> bool {
        self.meta & POINTER != 0
    }

    pub(crate) fn is_merge_operand(self) -> bool {
        self.meta & MERGE != 0
    }
}

/// Where the value (or the pointer to it) is. Only what is visible is fetched.
#[derive(Clone, Debug)]
pub(crate) enum StoredValue {
    /// Here.
    Inline(Vec<u8>),
    /// In a write-ahead log, whose checksums were compared when it was read.
    InLog { file: Arc<SourceFile>, offset: u64, length: u64 },
}

/// Splits what a table stores under a key: meta, a byte of the user's, expiry, value.
pub(crate) fn parse_value(mut stored: &[u8]) -> Option<(State, &[u8])> {
    let (&[meta, _], rest) = stored.split_first_chunk()?;
    stored = rest;
    let expires_at = take_uvarint(&mut stored)?;
    Some((State { meta, expires_at }, stored))
}

/// Where a value lies in the value log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValuePointer {
    /// Number of the file.
    pub(crate) file: u32,
    /// Of the whole entry, in bytes.
    pub(crate) length: u32,
    /// Of the entry, from the beginning of the file.
    pub(crate) offset: u32,
}

impl ValuePointer {
    pub(crate) fn parse(stored: &[u8]) -> Option<Self> {
        let pointer = Self {
            file: u32_le(stored, 0)?,
            length: u32_le(stored, 4)?,
            offset: u32_le(stored, 8)?,
        };
        (stored.len() == POINTER_BYTES).then_some(pointer)
    }
}
