//! Writes a table.
//!
//! Records go into the present data block until it is full; its separator is known only when the next
//! key is, so a block is finished by the record after it. The estimated size is the length of the
//! finished data blocks, as stored, plus the estimated length of the present data block and of the
//! present index partition. It depends on how well blocks compress, and it goes into metaranges:
//! that is why every rule here is followed to the byte.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::Error;
use crate::block::BlockBuilder;
use crate::block::KEY_TRAILER_LEN;
use crate::block::SET_TRAILER;
use crate::footer::Footer;
use crate::hash::TableHasher;
use crate::index::IndexBuilder;
use crate::properties;
use crate::properties::Facts;
use crate::separator::separator;
use crate::separator::successor;
use crate::stored::BlockSink;
use crate::table::PROPERTIES;

/// Number of entries from one restart to the next in data blocks.
const RESTART_INTERVAL: usize = 16;

/// Trailer of a separator that is no record's key: the highest sequence number, so that it sorts before
/// all records with that key, and kind 17, "separator".
const SEPARATOR_TRAILER: [u8; KEY_TRAILER_LEN] = [0x11, 255, 255, 255, 255, 255, 255, 255];

/// The only index key of a table without records.
const EMPTY_TABLE_KEY: [u8; KEY_TRAILER_LEN] = [0xff, 0, 0, 0, 0, 0, 0, 0];

/// Writes one table, byte for byte as the real writer does.
#[derive(Debug)]
pub struct TableWriter {
    properties: BTreeMap<String, String>,
    sink: BlockSink,
    block: BlockBuilder,
    index: IndexBuilder,
    hasher: TableHasher,
    facts: Facts,
    min_key: Bytes,
    last_key: Vec<u8>,
}

/// A complete table.
#[derive(Clone, Debug)]
pub struct FinishedTable {
    /// The file.
    pub bytes: Bytes,
    /// SHA-256 over records and properties: its name in lower-case hex.
    pub id: [u8; 32],
    /// First key; empty for an empty table.
    pub min_key: Bytes,
    /// Last key; empty for an empty table.
    pub max_key: Bytes,
    /// Number of records.
    pub count: u64,
    /// The value of `estimated_size_bytes`.
    pub estimated_size: u64,
}

impl TableWriter {
    /// An empty table with `properties` (for instance `type` = `ranges`): they are part of its id.
    pub fn new(properties: &[(&str, &str)]) -> Self {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            properties: properties.iter().map(owned).collect(),
            sink: BlockSink::new(),
            block: BlockBuilder::new(RESTART_INTERVAL),
            index: IndexBuilder::new(),
            hasher: TableHasher::default(),
            facts: Facts::default(),
            min_key: Bytes::new(),
            last_key: Vec::new(),
        }
    }

    /// Adds a record; keys must ascend.
    ///
    /// Fails with [`Error::OutOfOrder`], having changed nothing, where they do not.
    pub fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.facts.count == 0 {
            self.min_key = Bytes::copy_from_slice(key);
        } else if key <= self.last_key.as_slice() {
            return Err(Error::OutOfOrder { key: String::from_utf8_lossy(key).into_owned() });
        }
        let key_len = key.len() + KEY_TRAILER_LEN;
        if self.block.is_full_for(key_len, value.len()) {
            self.end_block(&separator(&self.last_key, key));
        }
        self.block.add(key, &SET_TRAILER, value);
        self.hasher.add(key, value);
        self.facts.count += 1;
        self.facts.raw_key_len += key_len as u64;
        self.facts.raw_value_len += value.len() as u64;
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        Ok(())
    }

    /// Estimated size so far in bytes, as it decides cuts and goes into metaranges.
    ///
    /// It can fall: parts of the index that are finished do not count.
    pub fn estimated_size(&self) -> u64 {
        let present = self.block.estimated_len() + self.index.estimated_len();
        self.sink.len() + present as u64
    }

    /// Number of records so far.
    pub fn count(&self) -> u64 {
        self.facts.count
    }

    /// Ends the table.
    pub fn finish(mut self) -> FinishedTable {
        let pairs = self.properties.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let id = self.hasher.clone().finish(pairs);
        // As it is before the last block is written.
        self.facts.estimated_size = self.estimated_size();
        self.end_last_block();
        self.facts.data_len = self.sink.len();

        let index = self.index.write(&mut self.sink);
        self.facts.index_len = index.len;
        self.facts.two_levels = index.two_levels;
        let properties =
            properties::encode(&self.properties, &self.min_key, &self.last_key, &self.facts);
        let properties = self.sink.write_plain(&properties);
        let mut metaindex = BlockBuilder::new(1);
        metaindex.add(PROPERTIES.as_bytes(), &[], &properties.encode());
        let metaindex = self.sink.write_plain(metaindex.finish());
        let footer = Footer { metaindex, index: index.handle };

        FinishedTable {
            bytes: self.sink.finish(&footer.encode()),
            id,
            min_key: self.min_key,
            max_key: self.last_key.into(),
            count: self.facts.count,
            estimated_size: self.facts.estimated_size,
        }
    }

    fn end_last_block(&mut self) {
        if self.facts.count > 0 {
            self.end_block(&successor(&self.last_key));
        } else {
            self.end_block_under(&EMPTY_TABLE_KEY);
        }
    }

    /// Ends the present data block, of which all keys are at most `separator`.
    fn end_block(&mut self, separator: &[u8]) {
        let last = self.last_key.as_slice();
        let is_shorter_key = separator.len() <= last.len() && separator > last;
        let key = if is_shorter_key {
            [separator, &SEPARATOR_TRAILER].concat()
        } else {
            [last, &SET_TRAILER].concat()
        };
        self.end_block_under(&key);
    }

    fn end_block_under(&mut self, index_key: &[u8]) {
        let handle = self.sink.write_packed(self.block.finish());
        self.block.reset();
        self.index.add(index_key, handle);
        self.facts.data_blocks += 1;
    }
}
