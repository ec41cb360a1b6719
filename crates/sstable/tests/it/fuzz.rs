//! Hostile tables: mutated blocks *with right checksums*, and plain noise. Nothing may panic, hang or
//! ask for more memory than a multiple of the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_sstable::Error;
use lakehold_sstable::Table;

use crate::foreign::Shape;
use crate::support::Numbers;
use crate::support::golden;

/// Enough to meet each check a few times, in about a second.
const CASES: u64 = 2_000;

/// More records than this in a table of a few kilobytes would be a loop.
const MAX_RECORDS: usize = 100_000;

/// Nothing unpacks to more than 22 times its length; the rest is index.
const MAX_MEMORY_RATIO: usize = 100;

#[test]
fn mutated_tables_never_panic() {
    let seeds = seeds();
    let mut met = BTreeMap::new();
    for case in 0..CASES {
        let mut numbers = Numbers::seeded(case);
        let mut file = seeds[numbers.below(seeds.len())].to_vec();
        for _ in 0..=numbers.below(4) {
            mutate(&mut file, &mut numbers);
        }
        if numbers.below(4) > 0 {
            repair_checksums(&mut file);
        }
        let depth = exercise(file.into(), &mut numbers, case);
        *met.entry(depth).or_insert(0) += 1;
    }
    // Otherwise nothing but checksums was tested.
    for depth in [Depth::NotOpened, Depth::NotRead, Depth::Read] {
        assert!(met.get(&depth) > Some(&(CASES / 20)), "too few reached {depth:?}: {met:?}");
    }
}

/// How far reading a hostile table came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    NotOpened,
    NotRead,
    Read,
}

#[test]
fn random_bytes_never_panic() {
    for case in 0..CASES {
        let mut numbers = Numbers::seeded(case ^ 0xf00d);
        let len = numbers.below(400);
        let mut file = numbers.bytes(len);
        if let Some(footer) = file.last_chunk_mut::<53>() {
            let handles = numbers.bytes(10);
            footer[0] = 1;
            footer[1..11].copy_from_slice(&handles);
            footer[41..45].copy_from_slice(&2_u32.to_le_bytes());
            footer[45..].copy_from_slice(&0x88e2_41b7_85f4_cff7_u64.to_le_bytes());
        }
        repair_checksums(&mut file);
        exercise(file.into(), &mut numbers, case);
    }
}

/// Tables of all kinds.
fn seeds() -> Vec<Bytes> {
    let records: Vec<(Bytes, Bytes)> = (0..40_u8)
        .map(|at| {
            (format!("lake/{:03}", u32::from(at) * 7).into(), vec![at; usize::from(at)].into())
        })
        .collect();
    let plain = Shape { restarts: 4, block_records: 9, ..Shape::default() };
    let two_levels = Shape { partition: Some(2), index_restarts: 3, ..Shape::default() };
    let packed = Shape { packed: true, ..two_levels.clone() };
    vec![
        golden("lakefs/range.sst"),
        golden("pebble/separators.sst"),
        golden("pebble/empty_metarange.sst"),
        plain.write(&records),
        two_levels.write(&records),
        packed.write(&records),
    ]
}

fn mutate(file: &mut [u8], numbers: &mut Numbers) {
    let at = numbers.below(file.len());
    let tail_at = file.len() - numbers.below(53.min(file.len())) - 1;
    match numbers.below(6) {
        0 => file[at] = numbers.next() as u8,
        1 => file[at] = [0, 1, 0x7f, 0x80, 0xff][numbers.below(5)],
        2 => file[tail_at] = numbers.next() as u8,
        3 => file[at] ^= 1 << numbers.below(8),
        4 => {
            let len = numbers.below(12).min(file.len() - at);
            let from = numbers.below(file.len() - len + 1);
            file.copy_within(from..from + len, at);
        }
        _ => {
            let len = numbers.below(5).min(file.len() - at);
            file[at..at + len].fill(0xff);
        }
    }
}

/// Puts the right checksum wherever the footer, the index and the metaindex of `file` name a block, so
/// that a mutation gets past the checksums to the code behind them.
fn repair_checksums(file: &mut [u8]) {
    let Some(blocks_end) = file.len().checked_sub(53) else { return };
    let mut handles = file[blocks_end + 1..blocks_end + 41].to_vec();
    let mut named = Vec::new();
    for _ in 0..2 {
        named.extend(take_handle(&mut handles));
    }
    // Handles are the last thing in an index entry, whose key ends in a trailer of eight bytes: taking
    // every position of the blocks named for the start of a handle finds them all, and more.
    for (offset, len) in named.clone() {
        for at in offset..(offset + len).min(blocks_end) {
            let mut rest = file[at..blocks_end].to_vec();
            named.extend(take_handle(&mut rest));
        }
    }
    named.sort_unstable();
    named.dedup();
    for (offset, len) in named {
        if offset.saturating_add(len).saturating_add(5) <= blocks_end && len >= 8 {
            let crc = crc32c::crc32c(&file[offset..=offset + len]);
            let masked = crc.rotate_right(15).wrapping_add(0xa282_ead8);
            let ends_like_a_block = file[offset + len] <= 1;
            if ends_like_a_block {
                file[offset + len + 1..offset + len + 5].copy_from_slice(&masked.to_le_bytes());
            }
        }
    }
}

fn take_handle(bytes: &mut Vec<u8>) -> Option<(usize, usize)> {
    let mut numbers = [0_usize; 2];
    for number in &mut numbers {
        for shift in [0, 7, 14, 21] {
            let byte = if bytes.is_empty() { return None } else { bytes.remove(0) };
            *number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
    }
    Some((numbers[0], numbers[1]))
}

fn exercise(file: Bytes, numbers: &mut Numbers, case: u64) -> Depth {
    let len = file.len();
    let Ok(table) = Table::open(file) else { return Depth::NotOpened };
    let table = Arc::new(table);
    assert!(table.memory() <= len * MAX_MEMORY_RATIO, "case {case}: {} bytes", table.memory());
    let mut keys = vec![Bytes::new(), Bytes::from(numbers.bytes(3)), Bytes::from_static(b"lake/1")];
    let walked = walk(&table, case);
    let depth = if walked.is_ok() { Depth::Read } else { Depth::NotRead };
    keys.extend(walked.unwrap_or_default());
    for key in &keys {
        let _found = table.get(key);
        let mut cursor = table.cursor();
        if cursor.seek(key).is_ok() {
            let _next = cursor.next();
        }
    }
    // The other way round need not be: a property that is hashed may be no text.
    assert!(table.compute_id().is_err() || depth == Depth::Read, "case {case}");
    depth
}

/// All keys.
fn walk(table: &Arc<Table>, case: u64) -> Result<Vec<Bytes>, Error> {
    let mut cursor = table.cursor();
    let mut keys = Vec::new();
    for _ in 0..MAX_RECORDS {
        let Some((key, _)) = cursor.next()? else { return Ok(keys) };
        keys.push(key);
    }
    panic!("case {case}: no end of {table:?}");
}
