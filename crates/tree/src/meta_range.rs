//! Metaranges: the list of ranges that makes a tree.
//!
//! In memory a metarange is a sorted vector; which range a key would be in is a binary search. In
//! its file there is a record per range: the key is the range's greatest key, the identity its name
//! as text, the data a `RangeData` message (docs/formats/trees.md). Ranges never overlap.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_sstable::FinishedTable;
use lakehold_sstable::Table;
use lakehold_sstable::TableWriter;
use prost::Message as _;

use crate::BoxError;
use crate::Error;
use crate::Value;

/// Name of a metarange, that is of a tree: 64 lower-case hex digits, or nothing for the tree without
/// content that a repository begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetaRangeId(Arc<str>);

impl MetaRangeId {
    /// Takes an id read from our own store or from a client, unchecked.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the id as it is stored; empty for the tree without content.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the id of no file: the tree without content.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a file may have this name. What a client sent may be anything.
    pub(crate) fn is_file_name(&self) -> bool {
        is_table_name(&self.0)
    }

    pub(crate) fn name(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl From<&FinishedTable> for MetaRangeId {
    fn from(table: &FinishedTable) -> Self {
        Self(hex::encode(table.id).into())
    }
}

impl fmt::Display for MetaRangeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Name of a range: 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RangeId(Arc<str>);

impl RangeId {
    /// Takes the name of a range, unchecked.
    pub(crate) fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn name(&self) -> Arc<str> {
        self.0.clone()
    }
}

/// Whether `text` is 64 lower-case hex digits, as the name of every table is.
fn is_table_name(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What a metarange says of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RangeRef {
    pub(crate) id: RangeId,
    /// Its first key.
    pub(crate) min: Bytes,
    /// Its last key.
    pub(crate) max: Bytes,
    /// Number of its records.
    pub(crate) count: u64,
    /// Its size in bytes as the writer estimated it.
    pub(crate) estimated_size: u64,
}

impl RangeRef {
    pub(crate) fn has_bounds_of(&self, other: &Self) -> bool {
        self.min == other.min && self.max == other.max
    }
}

impl From<&FinishedTable> for RangeRef {
    fn from(table: &FinishedTable) -> Self {
        Self {
            id: RangeId::from_stored(&hex::encode(table.id)),
            min: table.min_key.clone(),
            max: table.max_key.clone(),
            count: table.count,
            estimated_size: table.estimated_size,
        }
    }
}

/// The stored message about a range.
#[derive(Clone, PartialEq, prost::Message)]
struct RangeData {
    #[prost(bytes = "bytes", tag = "1")]
    min_key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    max_key: Bytes,
    #[prost(uint64, tag = "3")]
    estimated_size: u64,
    #[prost(int64, tag = "4")]
    count: i64,
}

/// What is wrong with a record of a metarange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum InvalidReference {
    #[error("a range's name is not 64 hex digits")]
    Name,
    #[error("a range's number of records is negative")]
    Count,
    #[error("a range ends before it begins")]
    Bounds,
    #[error("two ranges overlap")]
    Overlap,
}

/// The ranges of a tree in key order.
#[derive(Clone, Debug, Default)]
pub(crate) struct MetaRange {
    ranges: Vec<RangeRef>,
}

impl MetaRange {
    /// The tree of `ranges`, which ascend and do not overlap.
    pub(crate) fn new(ranges: Vec<RangeRef>) -> Self {
        Self { ranges }
    }

    pub(crate) fn ranges(&self) -> &[RangeRef] {
        &self.ranges
    }

    /// Index of the first range that ends at `key` or after it.
    pub(crate) fn index_from(&self, key: &[u8]) -> usize {
        self.ranges.partition_point(|range| range.max < key)
    }

    /// The range that `key` would be in, with its index.
    pub(crate) fn find(&self, key: &[u8]) -> Option<(usize, &RangeRef)> {
        let index = self.index_from(key);
        self.ranges.get(index).filter(|range| range.min <= key).map(|range| (index, range))
    }

    /// The first range that has a key within the bounds of `other`, as far as bounds tell.
    pub(crate) fn first_overlap(&self, other: &RangeRef) -> Option<&RangeRef> {
        self.ranges.get(self.index_from(&other.min)).filter(|range| range.min <= other.max)
    }

    /// Bytes of memory, roughly.
    pub(crate) fn memory(&self) -> usize {
        let content = |range: &RangeRef| range.min.len() + 2 * range.max.len() + 2 * 64;
        self.ranges.iter().map(|range| size_of::<RangeRef>() + content(range)).sum()
    }

    /// Reads the metarange in the table at `location`.
    pub(crate) fn decode(table: &Arc<Table>, location: &str) -> Result<Self, Error> {
        Self::decode_records(table).map_err(|source| Error::corrupt("metarange", location, source))
    }

    fn decode_records(table: &Arc<Table>) -> Result<Self, BoxError> {
        let mut ranges: Vec<RangeRef> = Vec::new();
        let mut records = table.cursor();
        while let Some((key, stored)) = records.next()? {
            let range = decode_reference(key, stored)?;
            if ranges.last().is_some_and(|before| before.max >= range.min) {
                return Err(InvalidReference::Overlap.into());
            }
            ranges.push(range);
        }
        Ok(Self { ranges })
    }

    /// Makes the metarange's table.
    pub(crate) fn encode(&self) -> Result<FinishedTable, lakehold_sstable::Error> {
        let mut table = TableWriter::new(&[("type", "metaranges")]);
        let mut stored = Vec::new();
        for range in &self.ranges {
            stored.clear();
            encode_reference(range, &mut stored);
            table.append(&range.max, &stored)?;
        }
        Ok(table.finish())
    }
}

fn decode_reference(key: Bytes, stored: Bytes) -> Result<RangeRef, BoxError> {
    let value = Value::decode(stored)?;
    let said = RangeData::decode(value.data)?;
    let name = str::from_utf8(&value.identity).map_err(|_| InvalidReference::Name)?;
    if !is_table_name(name) {
        return Err(InvalidReference::Name.into());
    }
    // Proto3 leaves an empty field out; a range of one key may have been written without its first.
    let min = if said.min_key.is_empty() { key.clone() } else { said.min_key };
    if min > key {
        return Err(InvalidReference::Bounds.into());
    }
    Ok(RangeRef {
        id: RangeId::from_stored(name),
        min,
        max: key,
        count: u64::try_from(said.count).map_err(|_| InvalidReference::Count)?,
        estimated_size: said.estimated_size,
    })
}

fn encode_reference(range: &RangeRef, out: &mut Vec<u8>) {
    let said = RangeData {
        min_key: range.min.clone(),
        max_key: range.max.clone(),
        estimated_size: range.estimated_size,
        count: i64::try_from(range.count).unwrap_or(i64::MAX),
    };
    let identity = Bytes::copy_from_slice(range.id.0.as_bytes());
    Value { identity, data: said.encode_to_vec().into() }.encode(out);
}

#[cfg(test)]
mod tests;
