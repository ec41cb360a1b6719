//! Stored records, as far as the book needs them, declared once more: what is checked must not be read
//! by the code that is checked (docs/formats/kv-records.md).

use std::collections::BTreeMap;

use bytes::Bytes;
use lakehold_kv::Entry;
use prost::Message;

use crate::simulation::request::Val;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BranchRecord {
    #[prost(string, tag = "2")]
    pub(crate) head: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) staging: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub(crate) sealed: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TagRecord {
    #[prost(string, tag = "2")]
    pub(crate) head: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CommitRecord {
    #[prost(string, tag = "3")]
    pub(crate) message: String,
    #[prost(string, tag = "5")]
    pub(crate) tree: String,
    #[prost(string, repeated, tag = "7")]
    pub(crate) parents: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PondRecord {
    #[prost(int32, tag = "5")]
    pub(crate) state: i32,
    #[prost(string, tag = "6")]
    pub(crate) instance: String,
}

#[derive(Clone, PartialEq, Message)]
struct StagedRecord {
    #[prost(bytes = "bytes", tag = "2")]
    identity: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct EntryRecord {
    #[prost(string, tag = "7")]
    content_type: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RulesRecord {
    #[prost(btree_map = "string, bytes", tag = "1")]
    pub(crate) rules: BTreeMap<String, Vec<u8>>,
}

impl BranchRecord {
    /// All tokens, newest first.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.staging).chain(&self.sealed)
    }
}

/// Reads a record; whoever writes one that cannot be read is found out by its default.
pub(crate) fn decode<M: Message + Default>(stored: &[u8]) -> M {
    M::decode(stored).unwrap_or_default()
}

/// What a staged record says: a value, or with `None` that there is none.
pub(crate) fn staged(stored: &[u8]) -> Option<Val> {
    let record: StagedRecord = decode(stored);
    (!record.identity.is_empty()).then(|| value_in(&record.data))
}

/// What stored entries of a token say.
pub(crate) fn staged_entries(entries: Vec<Entry>) -> BTreeMap<String, Option<Val>> {
    let said = |entry: Entry| (String::from_utf8_lossy(&entry.key).into(), staged(&entry.value));
    entries.into_iter().map(said).collect()
}

/// The value that the entry of an object tells of.
pub(crate) fn value_in(entry: &[u8]) -> Val {
    value_of(&decode::<EntryRecord>(entry).content_type)
}

/// The content type that tells of a value.
pub(crate) fn content_type(value: Val) -> String {
    format!("v/{value}")
}

/// The value that a content type tells of; 0, which nobody writes, if none.
pub(crate) fn value_of(content_type: &str) -> Val {
    content_type.strip_prefix("v/").and_then(|number| number.parse().ok()).unwrap_or(0)
}
