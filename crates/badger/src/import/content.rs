//! What a store contains, in a few bytes.
//!
//! Directory and store list their partitions in different orders, so the checksum does not depend on
//! any: it is the XOR of the SHA-256 of each record (lengths of partition and key as u64, big-endian,
//! partition, key, value). No record is in a store twice.

use sha2::Digest as _;
use sha2::Sha256;

use super::Phase;
use super::Progress;

/// Number, size and checksum of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    records: u64,
    bytes: u64,
    checksum: [u8; 32],
}

impl Content {
    pub(super) fn add(&mut self, partition: &[u8], key: &[u8], value: &[u8]) {
        let mut hash = Sha256::new();
        hash.update((partition.len() as u64).to_be_bytes());
        hash.update((key.len() as u64).to_be_bytes());
        hash.update(partition);
        hash.update(key);
        hash.update(value);
        for (sum, byte) in self.checksum.iter_mut().zip(hash.finalize()) {
            *sum ^= byte;
        }
        self.records += 1;
        self.bytes += (partition.len() + key.len() + value.len()) as u64;
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Of partitions, keys and values.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// In hex.
    pub(super) fn checksum(&self) -> String {
        hex::encode(self.checksum)
    }

    pub(super) fn progress(&self, phase: Phase, total: u64) -> Progress {
        Progress { phase, records: self.records, bytes: self.bytes, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(records: &[(&str, &str, &str)]) -> Content {
        let mut content = Content::default();
        for (partition, key, value) in records {
            content.add(partition.as_bytes(), key.as_bytes(), value.as_bytes());
        }
        content
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let one = content(&[("a", "b", "c"), ("d", "e", "f")]);
        assert_eq!((one.records(), one.bytes()), (2, 6));
        assert_eq!(one, content(&[("d", "e", "f"), ("a", "b", "c")]));
        for other in [
            content(&[("a", "b", "c")]),
            content(&[("a", "b", "c"), ("d", "e", "g")]),
            content(&[("ab", "", "c"), ("d", "e", "f")]),
            content(&[("a", "bc", ""), ("d", "e", "f")]),
        ] {
            assert_ne!(one.checksum(), other.checksum());
        }
    }
}
