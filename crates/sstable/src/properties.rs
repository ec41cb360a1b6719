//! The properties block: what the writer says about the table.
//!
//! Some are ours to choose (`type`, and `entity` and the like in tables of a dump), some describe
//! the content (`count`, `min_key`, ...), and those that begin with `rocksdb.` tell other readers how
//! to read the file. A reader needs none of them but the type of the index.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::Error;
use crate::block::Block;
use crate::block::BlockBuilder;
use crate::block::BlockCursor;
use crate::block::Keys;
use crate::coding::put_uvarint;

/// Name of the property that says whether the index has one level or two.
pub(crate) const INDEX_TYPE: &str = "rocksdb.block.based.table.index.type";
const COMPARATOR: &str = "rocksdb.comparator";
const MERGE_OPERATOR: &str = "rocksdb.merge.operator";

const BYTEWISE: &str = "leveldb.BytewiseComparator";
const CONCATENATE: &str = "pebble.concatenate";

/// Index types as stored: of one level, by hash (an extra beside one level), of two levels.
const ONE_LEVEL: [u32; 2] = [0, 1];
const TWO_LEVELS: u32 = 2;

/// Names may share prefixes, so that a small block could stand for a lot of text. Real ones have less
/// than 2 KiB of names.
const MAX_NAMES_LEN: usize = 1 << 20;

/// What a finished table says about itself besides the caller's properties.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) count: u64,
    pub(crate) estimated_size: u64,
    pub(crate) raw_key_len: u64,
    pub(crate) raw_value_len: u64,
    pub(crate) data_len: u64,
    pub(crate) data_blocks: u64,
    pub(crate) index_len: u64,
    /// Number of partitions and length of the top block, if the index has two levels.
    pub(crate) two_levels: Option<(u64, u64)>,
}

/// Returns the properties block of a table.
pub(crate) fn encode(
    user: &BTreeMap<String, String>,
    min_key: &[u8],
    max_key: &[u8],
    facts: &Facts,
) -> Vec<u8> {
    let mut all = fixed();
    facts.put(&mut all);
    for (name, value) in user {
        all.insert(name, value.clone().into_bytes());
    }
    all.insert("min_key", min_key.to_vec());
    all.insert("max_key", max_key.to_vec());

    let mut block = BlockBuilder::with_single_restart();
    for (name, value) in &all {
        block.add(name.as_bytes(), &[], value);
    }
    block.finish().to_vec()
}

impl Facts {
    fn put(&self, all: &mut BTreeMap<&str, Vec<u8>>) {
        let index_type = if self.two_levels.is_some() { TWO_LEVELS } else { ONE_LEVEL[0] };
        all.insert("count", self.count.to_string().into_bytes());
        all.insert("estimated_size_bytes", self.estimated_size.to_string().into_bytes());
        all.insert(INDEX_TYPE, index_type.to_le_bytes().to_vec());
        all.insert("rocksdb.data.size", int(self.data_len));
        all.insert("rocksdb.index.size", int(self.index_len));
        all.insert("rocksdb.num.data.blocks", int(self.data_blocks));
        all.insert("rocksdb.num.entries", int(self.count));
        all.insert("rocksdb.raw.key.size", int(self.raw_key_len));
        all.insert("rocksdb.raw.value.size", int(self.raw_value_len));
        if let Some((partitions, top_len)) = self.two_levels {
            all.insert("rocksdb.index.partitions", int(partitions));
            all.insert("rocksdb.top-level.index.size", int(top_len));
        }
    }
}

/// The properties that are the same in every table.
fn fixed() -> BTreeMap<&'static str, Vec<u8>> {
    let text = |value: &str| value.as_bytes().to_vec();
    let compression_options = "window_bits=-14; level=32767; strategy=0; max_dict_bytes=0; \
                               zstd_max_train_bytes=0; enabled=0; ";
    BTreeMap::from([
        ("rocksdb.block.based.table.prefix.filtering", text("0")),
        ("rocksdb.block.based.table.whole.key.filtering", text("0")),
        ("rocksdb.column.family.id", int(0x7fff_ffff)),
        (COMPARATOR, text(BYTEWISE)),
        ("rocksdb.compression", text("Snappy")),
        ("rocksdb.compression_options", text(compression_options)),
        ("rocksdb.creation.time", int(0)),
        ("rocksdb.deleted.keys", int(0)),
        ("rocksdb.external_sst_file.global_seqno", vec![0; 8]),
        ("rocksdb.external_sst_file.version", 2_u32.to_le_bytes().to_vec()),
        ("rocksdb.filter.size", int(0)),
        ("rocksdb.fixed.key.length", int(0)),
        ("rocksdb.format.version", int(0)),
        ("rocksdb.index.key.is.user.key", int(0)),
        ("rocksdb.index.value.is.delta.encoded", int(0)),
        ("rocksdb.merge.operands", int(0)),
        (MERGE_OPERATOR, text(CONCATENATE)),
        ("rocksdb.num.range-deletions", int(0)),
        ("rocksdb.oldest.key.time", int(0)),
        ("rocksdb.prefix.extractor.name", text("nullptr")),
        ("rocksdb.property.collectors", text("[static]")),
    ])
}

fn int(value: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(10);
    put_uvarint(&mut out, value);
    out
}

/// The properties read from a table; any of them may be missing.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    by_name: BTreeMap<Vec<u8>, Bytes>,
    at: u64,
}

impl Properties {
    /// Reads the properties in `block`, and refuses the table if it is sorted or merged in another way
    /// than bytewise.
    pub(crate) fn read(block: &Block) -> Result<Self, Error> {
        let mut by_name = BTreeMap::new();
        let mut entries = BlockCursor::new(block.clone(), Keys::Names);
        let mut names_len = 0;
        while entries.advance()? {
            names_len += entries.key().len();
            if names_len > MAX_NAMES_LEN {
                return Err(Error::corrupt(block.at(), "property names are too long"));
            }
            by_name.insert(entries.key().to_vec(), entries.value_bytes());
        }
        let properties = Self { by_name, at: block.at() };
        properties.require(COMPARATOR, &[BYTEWISE])?;
        properties.require(MERGE_OPERATOR, &["", "nullptr", CONCATENATE])?;
        Ok(properties)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.by_name.get(name.as_bytes()).map(|value| &value[..])
    }

    /// The property `name`, which must be text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        let not_text = |_| Error::corrupt(self.at, format!("property {name} is not text"));
        self.get(name).map(str::from_utf8).transpose().map_err(not_text)
    }

    /// Whether the index has two levels; `None` where the table does not say.
    pub(crate) fn has_two_levels(&self) -> Result<Option<bool>, Error> {
        let Some(value) = self.get(INDEX_TYPE) else {
            return Ok(None);
        };
        match value.try_into().map(u32::from_le_bytes) {
            Ok(TWO_LEVELS) => Ok(Some(true)),
            Ok(kind) if ONE_LEVEL.contains(&kind) => Ok(Some(false)),
            _ => Err(Error::corrupt(self.at, format!("unknown index type {value:?}"))),
        }
    }

    fn require(&self, name: &str, allowed: &[&str]) -> Result<(), Error> {
        match self.get(name) {
            Some(value) if !allowed.iter().any(|allowed| allowed.as_bytes() == value) => {
                let value = String::from_utf8_lossy(value);
                Err(Error::corrupt(self.at, format!("{name} is {value:?}, which is not supported")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_block_cannot_stand_for_very_many_bytes_of_names() {
        let mut block = BlockBuilder::with_single_restart();
        for at in 0..20 {
            block.add(&[vec![b'n'; 60_000], vec![at]].concat(), &[], b"");
        }
        let block = Bytes::copy_from_slice(block.finish());
        let refused = Properties::read(&Block::new(block, 9, false).expect("a block"));
        let refused = refused.expect_err("1.2 MB of names").to_string();
        assert_eq!(refused, "corrupt table at byte 9: property names are too long");
    }

    #[test]
    fn an_index_of_two_levels_takes_two_more_properties() {
        let names = |facts: &Facts| {
            let block = encode(&BTreeMap::new(), b"a", b"b", facts);
            let block = Block::new(block.into(), 0, false).expect("a block");
            Properties::read(&block).expect("properties").by_name.len()
        };
        let two = Facts { two_levels: Some((2, 50)), ..Facts::default() };
        assert_eq!((names(&Facts::default()), names(&two)), (32, 34));
    }
}
