//! Writes one block.

use crate::block::KEY_TRAILER_LEN;
use crate::coding::put_uvarint;
use crate::coding::uvarint_len;
use crate::separator::shared_len;

/// A block is cut so that it does not exceed this.
const BLOCK_LEN: usize = 4096;

/// A block of at most this length (90 % of the target, rounded up) always takes another entry.
const BLOCK_LEN_THRESHOLD: usize = (BLOCK_LEN * 90).div_ceil(100);

/// Collects the entries of one block.
#[derive(Debug)]
pub(crate) struct BlockBuilder {
    buffer: Vec<u8>,
    restarts: Vec<u32>,
    restart_interval: usize,
    count: usize,
    last_key: Vec<u8>,
}

impl BlockBuilder {
    /// An empty block with a restart every `restart_interval` entries.
    pub(crate) fn new(restart_interval: usize) -> Self {
        Self {
            buffer: Vec::new(),
            restarts: Vec::new(),
            restart_interval,
            count: 0,
            last_key: Vec::new(),
        }
    }

    /// An empty block in which only the first entry is a restart.
    pub(crate) fn with_single_restart() -> Self {
        Self::new(usize::MAX)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The last key with its trailer; empty for an empty block.
    pub(crate) fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// Length of the block if it were finished now, as the real writer counts it: 4 when empty,
    /// although an empty block has 8 bytes.
    pub(crate) fn estimated_len(&self) -> usize {
        self.buffer.len() + 4 * self.restarts.len() + 4
    }

    /// Whether the block is to be finished before an entry with these lengths is added.
    pub(crate) fn is_full_for(&self, key_len: usize, value_len: usize) -> bool {
        let len = self.estimated_len();
        if self.is_empty() || len <= BLOCK_LEN_THRESHOLD {
            return false;
        }
        // Prefix sharing is not considered, and four bytes are reserved for its length.
        let restart_len = if self.is_restart_next() { 4 } else { 0 };
        let lengths_len = 4 + uvarint_len(key_len as u64) + uvarint_len(value_len as u64);
        len >= BLOCK_LEN || len + key_len + value_len + restart_len + lengths_len > BLOCK_LEN
    }

    /// Adds an entry under `key` with `trailer`, which takes no part in prefix sharing. (The bytes of
    /// `key` may well be shared with the *previous* entry's trailer.)
    pub(crate) fn add(&mut self, key: &[u8], trailer: &[u8], value: &[u8]) {
        let shared = if self.is_restart_next() {
            let offset = u32::try_from(self.buffer.len());
            self.restarts.push(offset.expect("a block is cut long before 4 GiB"));
            0
        } else {
            shared_len(&self.last_key, key)
        };
        put_uvarint(&mut self.buffer, shared as u64);
        put_uvarint(&mut self.buffer, (key.len() - shared + trailer.len()) as u64);
        put_uvarint(&mut self.buffer, value.len() as u64);
        self.buffer.extend_from_slice(&key[shared..]);
        self.buffer.extend_from_slice(trailer);
        self.buffer.extend_from_slice(value);

        self.last_key.truncate(shared);
        self.last_key.extend_from_slice(&key[shared..]);
        self.last_key.extend_from_slice(trailer);
        self.count += 1;
    }

    /// Adds an entry under an internal key, of which the last eight bytes are the trailer.
    pub(crate) fn add_internal(&mut self, key: &[u8], value: &[u8]) {
        let (user_key, trailer) = key.split_at(key.len() - KEY_TRAILER_LEN);
        self.add(user_key, trailer, value);
    }

    /// Completes the block and returns it; valid until [`Self::reset`].
    pub(crate) fn finish(&mut self) -> &[u8] {
        if self.restarts.is_empty() {
            self.restarts.push(0);
        }
        for restart in &self.restarts {
            self.buffer.extend_from_slice(&restart.to_le_bytes());
        }
        self.buffer.extend_from_slice(&(self.restarts.len() as u32).to_le_bytes());
        &self.buffer
    }

    /// Makes the block empty again.
    pub(crate) fn reset(&mut self) {
        self.buffer.clear();
        self.restarts.clear();
        self.last_key.clear();
        self.count = 0;
    }

    fn is_restart_next(&self) -> bool {
        self.count.is_multiple_of(self.restart_interval)
    }
}
