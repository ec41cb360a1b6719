//! The entry: the stored record of one object (docs/formats/entries.md).
//!
//! An entry is a protobuf message, and the value that the engine keeps under the object's path. The
//! engine compares values by their *identity*, a hash over what makes the content: size, checksum,
//! user metadata and content type. Where the bytes are and when they came is not in it, so storing
//! the same object again is no change.
//!
//! Once stored, an entry's bytes are carried on verbatim, from the staging area into ranges and from
//! tree to tree; its identity is never computed again, because older writers computed it otherwise.
//! Only a *new* entry, even if made from a stored one, gets a new identity; fields of the old one
//! that we do not know go into it.

mod view;

use std::collections::BTreeMap;

use prost::Message;

use lakehold_clock::Timestamp;
use lakehold_engine::Metadata;
use lakehold_engine::Value;
use lakehold_kv::Known;
use lakehold_kv::Record;
use lakehold_kv::TimestampMessage;
use lakehold_sstable::ident::IdentHasher;

pub(crate) use view::EntryView;

/// The stored record of one object.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entry {
    /// Where the bytes are; how to read it says `address_type`.
    #[prost(string, tag = "1")]
    pub(crate) address: String,
    /// When the bytes were stored.
    #[prost(message, optional, tag = "2")]
    pub(crate) last_modified: Option<TimestampMessage>,
    /// Number of bytes.
    #[prost(int64, tag = "3")]
    pub(crate) size: i64,
    /// Checksum: for an upload the MD5 in lower-case hex.
    #[prost(string, tag = "4")]
    pub(crate) e_tag: String,
    /// What the user said of the object.
    #[prost(message, repeated, tag = "5")]
    pub(crate) metadata: Vec<MetadataPair>,
    /// One of the numbers of `AddressKind`.
    #[prost(int32, tag = "6")]
    pub(crate) address_type: i32,
    /// Media type; may be empty.
    #[prost(string, tag = "7")]
    pub(crate) content_type: String,
}

/// A key and a value of user metadata: an element of a protobuf map.
///
/// Not declared as a map: the other writer writes empty keys and values out, which the map of our
/// protobuf library leaves away, and entries of equal content should be equal bytes.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct MetadataPair {
    #[prost(string, optional, tag = "1")]
    key: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

impl Known for Entry {
    const FIELDS: &'static [u32] = &[1, 2, 3, 4, 5, 6, 7];
}

impl Entry {
    /// What the engine compares entries by.
    pub(crate) fn identity(&self) -> [u8; 32] {
        let metadata: BTreeMap<&str, &str> = self.metadata.iter().map(MetadataPair::get).collect();
        let hasher = IdentHasher::new().int64(self.size).string(&self.e_tag).map(metadata);
        if self.content_type.is_empty() {
            hasher.finish()
        } else {
            hasher.string(&self.content_type).finish()
        }
    }

    /// The same entry, borrowed.
    pub(crate) fn view(&self) -> EntryView<'_> {
        EntryView {
            address: &self.address,
            last_modified: self.last_modified.map(Timestamp::from).unwrap_or_default(),
            size: self.size,
            e_tag: &self.e_tag,
            metadata: self.metadata.iter().map(MetadataPair::get).collect(),
            address_type: self.address_type,
            content_type: &self.content_type,
        }
    }
}

impl MetadataPair {
    fn get(&self) -> (&str, &str) {
        (self.key.as_deref().unwrap_or_default(), self.value.as_deref().unwrap_or_default())
    }
}

/// Metadata as it is stored: sorted, so that an entry has one encoding.
pub(crate) fn to_pairs(metadata: Metadata) -> Vec<MetadataPair> {
    let pair = |(key, value)| MetadataPair { key: Some(key), value: Some(value) };
    metadata.into_iter().map(pair).collect()
}

/// The value that the engine is to keep for a new entry.
pub(crate) fn to_value(new: &Record<Entry>) -> Value {
    let identity = new.message.identity().to_vec().into();
    Value { identity, data: new.encode() }
}

#[cfg(test)]
mod tests;
