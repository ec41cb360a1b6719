//! Reads one block.

use std::ops::Range;

use bytes::Bytes;

use crate::Error;
use crate::block::Block;
use crate::block::KEY_TRAILER_LEN;
use crate::coding::take_len;

/// What the keys of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Keys of records: with trailer, strictly ascending, of kind "set" only.
    Records,
    /// Keys of an index: with trailer.
    Separators,
    /// Names, without trailer.
    Names,
}

/// Kind of a record that has a value. Others (deletions, merges) never occur in our tables.
const SET: u8 = 1;

/// Room for most keys, so that assembling one seldom allocates.
const KEY_CAPACITY: usize = 256;

/// A position in a block: before its first entry or at an entry.
#[derive(Debug)]
pub(crate) struct BlockCursor {
    block: Block,
    keys: Keys,
    /// Offset of the entry after the one the cursor is at.
    next: usize,
    /// The current key with its trailer. Kept from the block before, so that the order of keys is
    /// checked across blocks; empty where there is none to compare with.
    key: Vec<u8>,
    value: Range<usize>,
}

/// The parts of an entry, as ranges of its block.
struct EntryParts {
    shared: usize,
    key_rest: Range<usize>,
    value: Range<usize>,
}

impl BlockCursor {
    /// Before the first entry of `block`.
    pub(crate) fn new(block: Block, keys: Keys) -> Self {
        Self { block, keys, next: 0, key: Vec::with_capacity(KEY_CAPACITY), value: 0..0 }
    }

    /// In no block yet.
    pub(crate) fn none(keys: Keys) -> Self {
        Self::new(Block::empty(), keys)
    }

    /// Moves before the first entry of `block`, which follows the present one in the table.
    pub(crate) fn enter(&mut self, block: Block) {
        self.block = block;
        self.next = 0;
    }

    /// Leaves the block: there is no key that the next one must be after.
    pub(crate) fn leave(&mut self) {
        self.enter(Block::empty());
        self.key.clear();
    }

    /// The current key without its trailer.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key[..self.key.len() - self.keys.trailer_len()]
    }

    /// The current value.
    pub(crate) fn value(&self) -> &[u8] {
        &self.block.data[self.value.clone()]
    }

    /// The current value, as a part of the block.
    pub(crate) fn value_bytes(&self) -> Bytes {
        self.block.data.slice(self.value.clone())
    }

    /// Where in the file the current entry's block begins.
    pub(crate) fn block_at(&self) -> u64 {
        self.block.at
    }

    /// Moves to the next entry; `false` after the last. The cursor stays where it is on an error.
    #[inline]
    pub(crate) fn advance(&mut self) -> Result<bool, Error> {
        if self.next >= self.block.entries_len {
            return Ok(false);
        }
        let entry = self.block.entry(self.next)?;
        self.check(&entry)?;
        self.key.truncate(entry.shared);
        self.key.extend_from_slice(&self.block.data[entry.key_rest]);
        self.next = entry.value.end;
        self.value = entry.value;
        Ok(true)
    }

    /// Moves to the first entry of this block whose key is `key` or greater; `false` if there is none.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<bool, Error> {
        self.next = self.restart_for(key)?;
        self.key.clear();
        while self.advance()? {
            if self.key() >= key {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Offset of the last restart whose key is at most `key`, or of the first.
    fn restart_for(&self, key: &[u8]) -> Result<usize, Error> {
        let mut at_most = 0;
        let mut greater = self.block.restarts;
        while greater - at_most > 1 {
            let middle = at_most + (greater - at_most) / 2;
            if self.restart_key(middle)? <= key {
                at_most = middle;
            } else {
                greater = middle;
            }
        }
        self.block.restart(at_most)
    }

    fn restart_key(&self, index: usize) -> Result<&[u8], Error> {
        let offset = self.block.restart(index)?;
        let entry = self.block.entry(offset)?;
        if entry.shared > 0 {
            return Err(self.block.corrupt(offset, "entry at a restart shares a prefix"));
        }
        let rest = &self.block.data[entry.key_rest];
        let len = rest.len().checked_sub(self.keys.trailer_len());
        len.map(|len| &rest[..len]).ok_or_else(|| self.block.corrupt(offset, NO_TRAILER))
    }

    #[inline]
    fn check(&self, entry: &EntryParts) -> Result<(), Error> {
        let corrupt = |reason| Err(self.block.corrupt(self.next, reason));
        let known_len = if self.next == 0 { 0 } else { self.key.len() };
        if entry.shared > known_len {
            return corrupt("entry shares more than the key before it has");
        }
        if self.keys == Keys::Names {
            return Ok(());
        }
        let rest = &self.block.data[entry.key_rest.clone()];
        let Some((user_rest, trailer)) = rest.split_last_chunk::<KEY_TRAILER_LEN>() else {
            return corrupt(NO_TRAILER);
        };
        if self.keys == Keys::Separators {
            return Ok(());
        }
        if trailer[0] != SET {
            return corrupt("record is not of the kind \"set\"");
        }
        if !self.ascends(entry.shared, user_rest) {
            return corrupt("key is not after the key before it");
        }
        Ok(())
    }

    /// Whether the key of `shared` bytes of the current key and `rest` is after the current key.
    #[inline]
    fn ascends(&self, shared: usize, rest: &[u8]) -> bool {
        let Some(key_len) = self.key.len().checked_sub(KEY_TRAILER_LEN) else {
            return true;
        };
        // Who shares some of the trailer has the whole key as a prefix.
        shared > key_len || rest > &self.key[shared..key_len]
    }
}

const NO_TRAILER: &str = "key has no room for its sequence number and kind";

impl Block {
    #[inline]
    fn entry(&self, offset: usize) -> Result<EntryParts, Error> {
        self.find_entry(offset).ok_or_else(|| self.corrupt(offset, "entry does not fit its block"))
    }

    #[inline]
    fn find_entry(&self, offset: usize) -> Option<EntryParts> {
        let mut rest = self.entries().get(offset..)?;
        let shared = take_len(&mut rest)?;
        let key_len = take_len(&mut rest)?;
        let value_len = take_len(&mut rest)?;
        let key_at = self.entries_len - rest.len();
        let value_at = key_at.checked_add(key_len)?;
        let end = value_at.checked_add(value_len)?;
        let fits = end <= self.entries_len;
        fits.then_some(EntryParts { shared, key_rest: key_at..value_at, value: value_at..end })
    }
}

impl Keys {
    fn trailer_len(self) -> usize {
        match self {
            Self::Records | Self::Separators => KEY_TRAILER_LEN,
            Self::Names => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of entries given as lengths shared, unshared and of the value, and the bytes.
    fn block(entries: &[&[u8]]) -> Block {
        let restarts = [0, 0, 0, 0, 1, 0, 0, 0];
        Block::new([&entries.concat()[..], &restarts].concat().into(), 100, false).expect("a block")
    }

    fn refusal(entries: &[&[u8]]) -> String {
        let mut cursor = BlockCursor::new(block(entries), Keys::Records);
        for _ in entries {
            if let Err(error) = cursor.advance() {
                assert_eq!(cursor.advance(), Err(error.clone()), "the cursor stays where it is");
                return error.to_string();
            }
        }
        panic!("nothing refused");
    }

    const A: &[u8] = b"\x00\x09\x01a\x01\0\0\0\0\0\0\0v";

    #[test]
    fn an_entry_cannot_share_more_than_there_is() {
        let ten_of_nine = b"\x0a\x09\x00b\x01\0\0\0\0\0\0\0";
        let told = "corrupt table at byte 113: entry shares more than the key before it has";
        assert_eq!(refusal(&[A, ten_of_nine]), told);
    }

    #[test]
    fn the_first_entry_of_a_block_shares_nothing_with_the_block_before() {
        let mut cursor = BlockCursor::new(block(&[A]), Keys::Records);
        assert_eq!(cursor.advance(), Ok(true));
        cursor.enter(block(&[b"\x01\x09\x00b\x01\0\0\0\0\0\0\0"]));
        cursor.advance().expect_err("there is no key before it in this block");
    }

    #[test]
    fn keys_that_repeat_or_have_no_trailer_are_refused() {
        let told = "corrupt table at byte 113: key is not after the key before it";
        assert_eq!(refusal(&[A, A]), told);
        let told = "corrupt table at byte 100: key has no room for its sequence number and kind";
        assert_eq!(refusal(&[b"\x00\x07\x00\x01\0\0\0\0\0\0"]), told);
    }

    #[test]
    fn entries_that_run_out_of_their_block_are_refused() {
        let told = "corrupt table at byte 100: entry does not fit its block";
        assert_eq!(refusal(&[b"\x00\x09"]), told);
        assert_eq!(refusal(&[b"\x00\x09\x02a\x01\0\0\0\0\0\0\0v"]), told);
        let longest = b"\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02a";
        assert_eq!(refusal(&[longest]), told);
    }
}
