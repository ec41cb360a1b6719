//! Reads the index.

use bytes::Bytes;

use crate::Error;
use crate::block::Block;
use crate::block::BlockCursor;
use crate::block::Keys;
use crate::coding::Handle;
use crate::stored::StoredBlock;

/// Keys of an index may share prefixes, so that a small file could stand for very many bytes of keys.
/// Real ones share nothing; others get this much, and eight times the file's length on top.
const MAX_KEYS_LEN: usize = 16 << 20;

/// The index of a table, in one piece.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// All separators, one after the other.
    keys: Vec<u8>,
    /// Where each separator ends in `keys`.
    key_ends: Vec<usize>,
    blocks: Vec<StoredBlock>,
}

impl Index {
    /// Returns the first data block in which `key` or a greater key can be; the number of blocks if
    /// there is none.
    pub(crate) fn find(&self, key: &[u8]) -> usize {
        let mut less = 0;
        let mut size = self.key_ends.len();
        while size > 0 {
            let half = size / 2;
            if self.separator(less + half) < key {
                less += half + 1;
                size -= half + 1;
            } else {
                size = half;
            }
        }
        less
    }

    /// The separator after block `at`: no key in the block is greater, none in later blocks is less.
    pub(crate) fn separator(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.key_ends[before]);
        &self.keys[start..self.key_ends[at]]
    }

    /// The data blocks, in order.
    pub(crate) fn blocks(&self) -> &[StoredBlock] {
        &self.blocks
    }

    /// Bytes of memory the index takes.
    pub(crate) fn memory(&self) -> usize {
        self.keys.len() + self.blocks.len() * (size_of::<usize>() + size_of::<StoredBlock>())
    }
}

/// What is needed to read an index out of a file.
#[derive(Debug)]
pub(crate) struct IndexReader<'a> {
    /// The whole file.
    pub(crate) file: &'a Bytes,
    /// Where its blocks end.
    pub(crate) blocks_end: usize,
}

impl IndexReader<'_> {
    /// Reads the index that begins in `top`. Where the table does not say whether it has two levels, the
    /// first handle does: the first data block is the first thing in a file.
    pub(crate) fn read(&self, top: &Block, two_levels: Option<bool>) -> Result<Index, Error> {
        let mut index = Index::default();
        let two_levels = match two_levels {
            Some(said) => said,
            None => !self.begins_with_data(top)?,
        };
        if !two_levels {
            self.add_all(top, &mut index)?;
            return Ok(index);
        }
        let mut partitions = BlockCursor::new(top.clone(), Keys::Separators);
        let mut end = 0;
        while partitions.advance()? {
            let partition = self.next_block(&partitions, &mut end)?.load(self.file)?;
            self.add_all(&partition, &mut index)?;
        }
        Ok(index)
    }

    fn begins_with_data(&self, top: &Block) -> Result<bool, Error> {
        let mut entries = BlockCursor::new(top.clone(), Keys::Separators);
        let handle = if entries.advance()? { Handle::decode(entries.value()) } else { None };
        Ok(handle.is_none_or(|handle| handle.offset == 0))
    }

    fn add_all(&self, block: &Block, index: &mut Index) -> Result<(), Error> {
        let mut entries = BlockCursor::new(block.clone(), Keys::Separators);
        let mut end = index.blocks.last().map_or(0, StoredBlock::end);
        while entries.advance()? {
            let corrupt = |reason| Err(Error::corrupt(entries.block_at(), reason));
            if index.blocks.last().is_some() && entries.key() < index.last_separator() {
                return corrupt("index keys do not ascend");
            }
            if index.keys.len() + entries.key().len() > MAX_KEYS_LEN + 8 * self.file.len() {
                return corrupt("index keys are too long");
            }
            index.blocks.push(self.next_block(&entries, &mut end)?);
            index.keys.extend_from_slice(entries.key());
            index.key_ends.push(index.keys.len());
        }
        Ok(())
    }

    /// The block that the current entry names. It must lie behind `end`, where the one before ended:
    /// otherwise a few bytes could be named again and again.
    fn next_block(&self, entry: &BlockCursor, end: &mut usize) -> Result<StoredBlock, Error> {
        let Some(handle) = Handle::decode(entry.value()) else {
            return Err(Error::corrupt(entry.block_at(), "index entry holds no block handle"));
        };
        let block = StoredBlock::find(self.file, handle, self.blocks_end, entry.block_at())?;
        if block.offset() < *end {
            return Err(Error::corrupt(entry.block_at(), "blocks overlap or are out of order"));
        }
        *end = block.end();
        Ok(block)
    }
}

impl Index {
    fn last_separator(&self) -> &[u8] {
        self.separator(self.key_ends.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BlockBuilder;
    use crate::block::SET_TRAILER;

    /// Reads an index with an entry for each key and handle, in a file of zeros.
    fn read(entries: &[(&[u8], Handle)], restart_interval: usize) -> Result<Index, Error> {
        let mut block = BlockBuilder::new(restart_interval);
        for (key, handle) in entries {
            block.add(key, &SET_TRAILER, &handle.encode());
        }
        let block =
            Block::new(Bytes::copy_from_slice(block.finish()), 500, false).expect("a block");
        let file = Bytes::from(vec![0; 1_000]);
        IndexReader { file: &file, blocks_end: 1_000 }.read(&block, Some(false))
    }

    fn handle(offset: u64) -> Handle {
        Handle { offset, len: 5 }
    }

    #[test]
    fn the_block_for_a_key_is_the_first_that_does_not_end_before_it() {
        let index = read(&[(b"b", handle(0)), (b"d", handle(10)), (b"dd", handle(20))], 1);
        let index = index.expect("an index");
        let found = [&b""[..], b"a", b"b", b"ba", b"d", b"dc", b"de"].map(|key| index.find(key));
        assert_eq!(found, [0, 0, 0, 1, 1, 2, 3]);
    }

    #[test]
    fn blocks_that_overlap_or_are_out_of_order_are_refused() {
        let told = "corrupt table at byte 500: blocks overlap or are out of order";
        for second in [0, 9, 10, 19] {
            let refused = read(&[(b"a", handle(10)), (b"b", handle(second))], 1);
            assert_eq!(refused.expect_err("overlap").to_string(), told);
        }
        assert!(read(&[(b"a", handle(10)), (b"b", handle(20))], 1).is_ok());
    }

    #[test]
    fn index_keys_that_do_not_ascend_are_refused() {
        let refused = read(&[(b"b", handle(0)), (b"a", handle(10))], 1).expect_err("descends");
        assert_eq!(refused.to_string(), "corrupt table at byte 500: index keys do not ascend");
    }

    #[test]
    fn a_small_index_cannot_stand_for_very_many_bytes_of_keys() {
        let keys: Vec<Vec<u8>> =
            (0..90).map(|at| [vec![b'k'; 200_000], vec![at]].concat()).collect();
        let handles = (0..90).map(|at| handle(at * 10));
        let entries: Vec<(&[u8], Handle)> = keys.iter().map(Vec::as_slice).zip(handles).collect();
        let refused = read(&entries, 1_000).expect_err("18 MB of keys");
        assert_eq!(refused.to_string(), "corrupt table at byte 500: index keys are too long");
        assert!(read(&entries[..80], 1_000).is_ok());
    }
}
