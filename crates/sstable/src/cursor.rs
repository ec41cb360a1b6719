//! Walks through a table.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use bytes::BytesMut;

use crate::Error;
use crate::Table;
use crate::block::BlockCursor;
use crate::block::Keys;

/// Keys are handed out as parts of a buffer of this size, so that not each one costs an allocation. A
/// key that is kept keeps its buffer, hence no larger than the value's block.
const KEY_BUFFER_LEN: usize = 4096;

/// A position in a table. Owns a reference to it.
///
/// Where [`Cursor::next`] met a corrupt block it stays there: further calls return the error again.
/// After a failed [`Cursor::seek`] the position is not defined.
#[derive(Debug)]
pub struct Cursor {
    table: Arc<Table>,
    entries: BlockCursor,
    /// The block to enter when the present one ends.
    next_block: usize,
    /// Whether `entries` is at a record that has not been returned yet.
    pending: bool,
    key_buffer: BytesMut,
}

impl Cursor {
    pub(crate) fn new(table: Arc<Table>) -> Self {
        let entries = BlockCursor::none(Keys::Records);
        Self { table, entries, next_block: 0, pending: false, key_buffer: BytesMut::new() }
    }

    /// Moves so that [`Cursor::next`] returns the first record whose key is `key` or greater.
    pub fn seek(&mut self, key: &[u8]) -> Result<(), Error> {
        self.entries.leave();
        self.next_block = self.table.find_block(key);
        self.pending = false;
        if self.enter_next_block()? {
            // Where this is false, the record wanted is the first of the next block.
            self.pending = self.entries.seek(key)?;
        }
        Ok(())
    }

    /// Returns the next record (key, value), or `None` after the last. The value is a slice of the
    /// block (no copy).
    #[expect(clippy::should_implement_trait, reason = "fallible")]
    pub fn next(&mut self) -> Result<Option<(Bytes, Bytes)>, Error> {
        if !mem::take(&mut self.pending) && !self.advance()? {
            return Ok(None);
        }
        Ok(Some((self.copy_key(), self.entries.value_bytes())))
    }

    fn advance(&mut self) -> Result<bool, Error> {
        while !self.entries.advance()? {
            if !self.enter_next_block()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn enter_next_block(&mut self) -> Result<bool, Error> {
        if self.next_block >= self.table.block_count() {
            return Ok(false);
        }
        self.entries.enter(self.table.block(self.next_block)?.clone());
        self.next_block += 1;
        Ok(true)
    }

    fn copy_key(&mut self) -> Bytes {
        let key = self.entries.key();
        if self.key_buffer.capacity() < key.len() {
            self.key_buffer = BytesMut::with_capacity(KEY_BUFFER_LEN.max(key.len()));
        }
        self.key_buffer.extend_from_slice(key);
        self.key_buffer.split().freeze()
    }
}
