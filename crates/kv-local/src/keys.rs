//! How partition and key become one key of the tree.
//!
//! ```text
//! length of the partition (u16, big-endian) | partition | key
//! ```
//!
//! Entries of a partition are contiguous, and in it in byte order of their keys. No record has the
//! length zero: that prefix is ours.

use std::ops::Bound;

use lakehold_kv::Error;
use lakehold_kv::check_key;

/// Under this key each batch stores its number.
pub(crate) const BATCH_MARK: &[u8] = b"\0\0batch";

/// The longest key of the tree: the journal stores its length in two bytes.
const LONGEST: usize = u16::MAX as usize;

/// Keys of the tree from one bound to the other.
pub(crate) type KeyRange = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Returns the tree's key of a record.
pub(crate) fn encode(partition: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    check_key(partition, key)?;
    let encoded = join(partition, key);
    if encoded.len() > LONGEST {
        return Err(Error::Invalid("partition and key together are longer than 65,533 bytes"));
    }
    Ok(encoded)
}

/// The tree's keys of all records of `partition` from `from` on.
pub(crate) fn range(partition: &[u8], from: &[u8]) -> KeyRange {
    let mut start = join(partition, from);
    let start = if start.len() > LONGEST {
        // The tree takes no such key, not even to search for it. No record is that long, so the
        // first one not below `start` is the first one above what fits.
        start.truncate(LONGEST);
        Bound::Excluded(start)
    } else {
        Bound::Included(start)
    };
    (start, end(partition))
}

/// Returns the record's key in its partition.
pub(crate) fn key_of<'a>(partition: &[u8], encoded: &'a [u8]) -> &'a [u8] {
    encoded.get(2 + partition.len()..).unwrap_or_default()
}

/// Returns the partition of a record.
pub(crate) fn partition_of(encoded: &[u8]) -> &[u8] {
    let Some((length, rest)) = encoded.split_first_chunk() else { return &[] };
    rest.get(..u16::from_be_bytes(*length).into()).unwrap_or(rest)
}

/// The tree's keys of all partitions whose names have `length` bytes or more. A record's has at least
/// one.
pub(crate) fn from_length(length: u16) -> KeyRange {
    (Bound::Included(length.to_be_bytes().to_vec()), Bound::Unbounded)
}

/// The tree's keys of all partitions behind `partition` in the tree.
pub(crate) fn behind(partition: &[u8]) -> Option<KeyRange> {
    match end(partition) {
        Bound::Excluded(end) => Some((Bound::Included(end), Bound::Unbounded)),
        _ => None,
    }
}

fn join(partition: &[u8], key: &[u8]) -> Vec<u8> {
    // A partition whose length does not fit is refused by `encode`, and holds nothing.
    let length = u16::try_from(partition.len()).unwrap_or(u16::MAX);
    let mut joined = Vec::with_capacity(2 + partition.len() + key.len());
    joined.extend_from_slice(&length.to_be_bytes());
    joined.extend_from_slice(partition);
    joined.extend_from_slice(key);
    joined
}

/// The smallest key above all of `partition`: without it a scan would walk on into its neighbours,
/// and over whatever was deleted there.
fn end(partition: &[u8]) -> Bound<Vec<u8>> {
    let mut end = join(partition, &[]);
    end.truncate(LONGEST);
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use std::ops::RangeBounds as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_stored_like_this() {
        assert_eq!(encode(b"graveler", b"repos/lake").expect("valid"), b"\0\x08gravelerrepos/lake");
    }

    #[test]
    fn a_record_too_long_for_the_journal_is_refused() {
        let key = vec![b'k'; LONGEST - 3];
        assert!(encode(b"p", &key).is_ok());
        assert!(matches!(encode(b"pp", &key), Err(Error::Invalid(_))));
        assert!(matches!(encode(&[b'p'; 70_000], b"k"), Err(Error::Invalid(_))));
    }

    proptest! {
        #[test]
        fn a_range_holds_the_keys_of_its_partition_from_there_on(
            partition in prop::collection::vec(any::<u8>(), 1..4),
            from in prop::collection::vec(any::<u8>(), 0..4),
            other in prop::collection::vec(any::<u8>(), 1..4),
            key in prop::collection::vec(any::<u8>(), 1..4),
        ) {
            let range = range(&partition, &from);
            let own = encode(&partition, &key).expect("short");
            prop_assert_eq!(range.contains(&own), key >= from);
            prop_assert_eq!(key_of(&partition, &own), &key);
            if other != partition {
                prop_assert!(!range.contains(&encode(&other, &key).expect("short")));
            }
            prop_assert!(!range.contains(&BATCH_MARK.to_vec()));
        }
    }
}
