//! The names of the partitions, in byte order.
//!
//! The tree has its keys in another order: by the *length* of the partition, then by its name. So
//! there is one head per length that occurs, the next name of that length; the smallest head is the
//! next of the list, and the name behind it in the tree takes its place. Names are found by jumping
//! over the records between them, so that it is their number that counts and not that of the records.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Bound;

use bytes::Bytes;
use fjall::Keyspace;
use lakehold_kv::PartitionPage;

use crate::keys;
use crate::keys::KeyRange;

/// The largest page: each name is a search of the tree, done in place.
const LARGEST_PAGE: usize = 100;

/// Returns at most `limit` names, `from` or greater.
pub(crate) fn page(
    keyspace: &Keyspace,
    from: &[u8],
    limit: usize,
) -> Result<PartitionPage, fjall::Error> {
    let mut heads = heads(keyspace, from)?;
    let mut names = Vec::new();
    while names.len() < limit.min(LARGEST_PAGE)
        && let Some(Reverse(name)) = heads.pop()
    {
        let next = keys::behind(&name).map(|range| first_of_length(keyspace, range, name.len()));
        heads.extend(next.transpose()?.flatten().map(Reverse));
        names.push(name);
    }
    Ok(PartitionPage { names, more: !heads.is_empty() })
}

/// The first name not below `from` of each length.
fn heads(keyspace: &Keyspace, from: &[u8]) -> Result<BinaryHeap<Reverse<Bytes>>, fjall::Error> {
    let mut heads = BinaryHeap::new();
    // Length zero is our own record.
    let mut shortest = Some(1);
    while let Some(length) = shortest
        && let Some(found) = first(keyspace, keys::from_length(length))?
    {
        let range = not_below(from, found.len());
        let head = range.map(|range| first_of_length(keyspace, range, found.len()));
        heads.extend(head.transpose()?.flatten().map(Reverse));
        shortest = u16::try_from(found.len() + 1).ok();
    }
    Ok(heads)
}

/// The tree's keys from the first name on that has `length` bytes and is not below `from`.
fn not_below(from: &[u8], length: usize) -> Option<KeyRange> {
    match from.get(..length) {
        // A proper prefix of `from` is below it.
        Some(prefix) if prefix.len() < from.len() => keys::behind(prefix),
        _ => {
            let mut padded = from.to_vec();
            padded.resize(length, 0);
            Some((keys::range(&padded, &[]).0, Bound::Unbounded))
        }
    }
}

fn first_of_length(
    keyspace: &Keyspace,
    range: KeyRange,
    length: usize,
) -> Result<Option<Bytes>, fjall::Error> {
    Ok(first(keyspace, range)?.filter(|found| found.len() == length))
}

fn first(keyspace: &Keyspace, range: KeyRange) -> Result<Option<Bytes>, fjall::Error> {
    let Some(record) = keyspace.range(range).next() else { return Ok(None) };
    let key = record.key()?;
    Ok(Some(Bytes::copy_from_slice(keys::partition_of(&key))))
}
