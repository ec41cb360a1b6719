//! A block of a table.
//!
//! ```text
//! entry ... | offset of each entry (u32 LE) ... | number of entries (u32 BE) | checksum | its length (u32 BE)
//! entry: overlap (u16 LE) | length of the rest (u16 LE) | rest of the key | meta, user meta, expiry, value
//! ```
//!
//! `overlap` is how many bytes the key has in common with the *first* key of the block. The checksum is
//! of everything before it.

use crate::coding::VersionedKey;
use crate::coding::u16_le;
use crate::coding::u32_be;
use crate::coding::u32_le;
use crate::manifest::Compression;
use crate::messages::Checksum;
use crate::stored::Stored;
use crate::stored::StoredValue;
use crate::stored::parse_value;

const ENTRY_HEADER_BYTES: usize = 4;
/// Snappy's longest copy makes 64 bytes of 3. What claims to unpack to more is damaged; this is seen
/// before memory is reserved.
const MOST_UNPACKED_PER_BYTE: usize = 22;

/// An unpacked block whose checksum holds.
#[derive(Debug)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    entries_end: usize,
    count: usize,
}

impl Block {
    /// Unpacks and checks `packed`, or says what is wrong with it.
    pub(crate) fn parse(packed: Vec<u8>, compression: Compression) -> Result<Self, &'static str> {
        let mut bytes = unpack(packed, compression).ok_or("the block cannot be unpacked")?;
        let (checked, checksum) = split_checksum(&bytes).ok_or("the block has no checksum")?;
        match Checksum::holds(checksum, &bytes[..checked]) {
            Some(true) => {}
            Some(false) => return Err("the block does not have its checksum"),
            None => return Err("the block has a checksum of an unknown kind"),
        }
        bytes.truncate(checked);
        let (entries_end, count) = layout(&bytes).ok_or("the block has no list of entries")?;
        Ok(Self { bytes, entries_end, count })
    }

    /// How many entries there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The entry with that number, `None` where it is no entry.
    pub(crate) fn entry(&self, number: usize) -> Option<Stored> {
        let first = self.entry_bytes(0)?;
        let bytes = self.entry_bytes(number)?;
        let overlap: usize = u16_le(bytes, 0)?.into();
        let (rest, stored) = split_key(bytes)?;
        let key = [split_key(first)?.0.get(..overlap)?, rest].concat();
        let (state, value) = parse_value(stored)?;
        let key = VersionedKey::parse(&key)?;
        Some(Stored { key, state, value: StoredValue::Inline(value.into()) })
    }

    fn entry_bytes(&self, number: usize) -> Option<&[u8]> {
        let start = self.offset(number)?;
        let end =
            if number + 1 == self.count { self.entries_end } else { self.offset(number + 1)? };
        self.bytes.get(start..end.min(self.entries_end))
    }

    fn offset(&self, number: usize) -> Option<usize> {
        let offset = u32_le(&self.bytes, self.entries_end + 4 * number)?;
        offset.try_into().ok().filter(|_| number < self.count)
    }
}

/// The key's part that is stored in the entry, and what is stored under the key.
fn split_key(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let length: usize = u16_le(entry, 2)?.into();
    entry.get(ENTRY_HEADER_BYTES..)?.split_at_checked(length)
}

fn unpack(packed: Vec<u8>, compression: Compression) -> Option<Vec<u8>> {
    match compression {
        Compression::None => Some(packed),
        Compression::Snappy => {
            let length = snap::raw::decompress_len(&packed).ok()?;
            if length > packed.len().saturating_mul(MOST_UNPACKED_PER_BYTE) {
                return None;
            }
            snap::raw::Decoder::new().decompress_vec(&packed).ok()
        }
    }
}

/// How many bytes are checked, and the encoded checksum behind them.
fn split_checksum(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.len().checked_sub(4)?;
    let start = end.checked_sub(u32_be(bytes, end)?.try_into().ok()?)?;
    Some((start, &bytes[start..end]))
}

/// Where the entries end, and how many there are.
fn layout(bytes: &[u8]) -> Option<(usize, usize)> {
    let offsets_end = bytes.len().checked_sub(4)?;
    let count: usize = u32_be(bytes, offsets_end)?.try_into().ok()?;
    Some((offsets_end.checked_sub(count.checked_mul(4)?)?, count))
}
