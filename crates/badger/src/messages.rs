//! The protobuf messages inside Badger's files, as far as they are read.

use prost::Message;

/// One record of the manifest.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ManifestChangeSet {
    #[prost(message, repeated, tag = "1")]
    pub(crate) changes: Vec<ManifestChange>,
}

/// A table that came or went.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct ManifestChange {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    /// 0 created, 1 deleted.
    #[prost(int32, tag = "2")]
    pub(crate) operation: i32,
    #[prost(uint32, tag = "3")]
    pub(crate) level: u32,
    /// Of the encryption key; 0 where there is none.
    #[prost(uint64, tag = "4")]
    pub(crate) key_id: u64,
    /// 0 none, 1 snappy, 2 zstd.
    #[prost(uint32, tag = "6")]
    pub(crate) compression: u32,
}

/// What blocks and indexes of tables are checked against.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Checksum {
    /// 0 CRC-32C.
    #[prost(int32, tag = "1")]
    pub(crate) algorithm: i32,
    #[prost(uint64, tag = "2")]
    pub(crate) sum: u64,
}

impl Checksum {
    /// Whether `stored` is an encoded checksum of `bytes`; `None` where it is of a kind we do not know.
    pub(crate) fn holds(stored: &[u8], bytes: &[u8]) -> Option<bool> {
        let Ok(checksum) = Self::decode(stored) else { return Some(false) };
        (checksum.algorithm == 0).then(|| checksum.sum == u64::from(crc32c::crc32c(bytes)))
    }
}
