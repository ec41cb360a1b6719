//! Reads a table.
//!
//! The whole file is in memory, as it was stored. Opening it reads footer, properties and index; a
//! data block is checked and unpacked when it is first touched, and then kept: a hot table costs a
//! binary search per lookup and no more decompression. Whoever keeps tables counts [`Table::memory`].

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::Cursor;
use crate::Error;
use crate::block::Block;
use crate::block::BlockCursor;
use crate::block::Keys;
use crate::coding::Handle;
use crate::footer::FOOTER_LEN;
use crate::footer::Footer;
use crate::hash::TableHasher;
use crate::index::Index;
use crate::index::IndexReader;
use crate::properties::Properties;
use crate::stored::StoredBlock;

/// The entry of the metaindex that names the properties block.
pub(crate) const PROPERTIES: &str = "rocksdb.properties";

/// The properties that are part of a table's id.
const HASHED_PROPERTIES: [&str; 4] = ["type", "entity", "schema_name", "schema_definition"];

/// A table in memory. Blocks are checked and decompressed when first touched and then kept. Cheap to
/// share behind an `Arc`; all methods take `&self`.
pub struct Table {
    file: Bytes,
    properties: Properties,
    index: Index,
    /// The data blocks that have been touched, by their position in the index.
    loaded: Box<[OnceLock<Block>]>,
    memory: usize,
}

impl Table {
    /// Reads footer, properties and index of the table in `bytes`.
    ///
    /// Fails with [`Error::Corrupt`] where they are not what the format says. Data blocks are not
    /// looked at: their corruption shows when they are read.
    pub fn open(bytes: Bytes) -> Result<Self, Error> {
        let footer = Footer::read(&bytes)?;
        let blocks_end = bytes.len() - FOOTER_LEN;
        let load = |handle, named_at| {
            StoredBlock::find(&bytes, handle, blocks_end, named_at)?.load(&bytes)
        };
        let metaindex = load(footer.metaindex, blocks_end as u64)?;
        let properties = match find_properties(&metaindex)? {
            Some(handle) => Properties::read(&load(handle, metaindex.at())?)?,
            None => Properties::default(),
        };
        let top = load(footer.index, blocks_end as u64)?;
        let reader = IndexReader { file: &bytes, blocks_end };
        let index = reader.read(&top, properties.has_two_levels()?)?;
        Ok(Self::new(bytes, properties, index))
    }

    fn new(file: Bytes, properties: Properties, index: Index) -> Self {
        let loaded: Box<[OnceLock<Block>]> =
            index.blocks().iter().map(|_| OnceLock::new()).collect();
        let unpacked: usize = index.blocks().iter().map(StoredBlock::extra_memory).sum();
        let memory = file.len() + unpacked + index.memory() + size_of_val(&*loaded);
        Self { file, properties, index, loaded, memory }
    }

    /// Bytes of memory this table takes once all its blocks are decompressed.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// The property `name`, if the table has it.
    pub fn property(&self, name: &str) -> Option<&[u8]> {
        self.properties.get(name)
    }

    /// Returns the value of `key`.
    ///
    /// Fails with [`Error::Corrupt`] where a block on the way is corrupt.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let at = self.find_block(key);
        if at == self.block_count() {
            return Ok(None);
        }
        let mut entries = BlockCursor::new(self.block(at)?.clone(), Keys::Records);
        let found = entries.seek(key)? && entries.key() == key;
        Ok(found.then(|| entries.value_bytes()))
    }

    /// Reads every block and recomputes the table's id from its records and its `type`, `entity`,
    /// `schema_name` and `schema_definition` properties.
    pub fn compute_id(&self) -> Result<[u8; 32], Error> {
        let mut hasher = TableHasher::default();
        let mut entries = BlockCursor::none(Keys::Records);
        for at in 0..self.block_count() {
            entries.enter(self.block(at)?.clone());
            while entries.advance()? {
                hasher.add(entries.key(), entries.value());
            }
        }
        let mut properties = Vec::with_capacity(HASHED_PROPERTIES.len());
        for name in HASHED_PROPERTIES {
            if let Some(value) = self.properties.text(name)? {
                properties.push((name, value));
            }
        }
        Ok(hasher.finish(properties))
    }

    /// A cursor before the first record.
    pub fn cursor(self: &Arc<Self>) -> Cursor {
        Cursor::new(Arc::clone(self))
    }

    /// First block in which `key` or a greater key can be.
    pub(crate) fn find_block(&self, key: &[u8]) -> usize {
        self.index.find(key)
    }

    /// Number of data blocks.
    pub(crate) fn block_count(&self) -> usize {
        self.loaded.len()
    }

    /// Data block `at`, checked and unpacked.
    pub(crate) fn block(&self, at: usize) -> Result<&Block, Error> {
        if let Some(block) = self.loaded[at].get() {
            return Ok(block);
        }
        let block = self.index.blocks()[at].load(&self.file)?;
        Ok(self.loaded[at].get_or_init(|| block))
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("file_len", &self.file.len())
            .field("blocks", &self.loaded.len())
            .finish_non_exhaustive()
    }
}

/// Where the properties block is, if there is one.
fn find_properties(metaindex: &Block) -> Result<Option<Handle>, Error> {
    let mut entries = BlockCursor::new(metaindex.clone(), Keys::Names);
    while entries.advance()? {
        if entries.key() == PROPERTIES.as_bytes() {
            let handle = Handle::decode(entries.value());
            let no_handle = || Error::corrupt(metaindex.at(), "no handle of the properties block");
            return handle.map(Some).ok_or_else(no_handle);
        }
    }
    Ok(None)
}
