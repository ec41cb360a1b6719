//! What a killed process leaves at the end of a write-ahead log, and what it does not leave.

use std::path::PathBuf;

use lakehold_badger::Error;
use tempfile::TempDir;

use crate::support::Contents;
use crate::support::expected_mini;
use crate::support::golden_copy;
use crate::support::made_by_badger;
use crate::support::read;
use crate::support::read_records;

/// A small log without the zeros behind it, and where its entries end.
struct Log {
    store: TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Log {
    fn open() -> Self {
        let store = golden_copy("badger-wal");
        let path = store.path().join("00001.mem");
        let mut bytes = std::fs::read(&path).expect("read");
        let ends = ends_of_entries(&bytes);
        bytes.truncate(ends[ends.len() - 1]);
        Self { store, path, bytes, ends }
    }

    fn read_with(&self, bytes: &[u8]) -> Result<Contents, Error> {
        std::fs::write(&self.path, bytes).expect("write");
        read(self.store.path())
    }

    /// The log up to `length`, and zeros up to where preallocated files end.
    fn torn_at(&self, length: usize) -> Vec<u8> {
        let mut torn = self.bytes[..length].to_vec();
        torn.resize(64 * 1024, 0);
        torn
    }
}

/// Walks over the log by the lengths in it, up to the zeros at its end.
fn ends_of_entries(bytes: &[u8]) -> Vec<usize> {
    let mut ends = vec![20];
    let mut at = 20;
    while bytes[at + 2] != 0 {
        at += 2;
        let key = uvarint(bytes, &mut at);
        let value = uvarint(bytes, &mut at);
        assert_eq!(uvarint(bytes, &mut at), 0, "nothing expires in the golden log");
        at += key + value + 4;
        ends.push(at);
    }
    ends
}

fn uvarint(bytes: &[u8], at: &mut usize) -> usize {
    let mut value = 0;
    for shift in (0..28).step_by(7) {
        let byte = bytes[*at];
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

#[test]
fn zeros_behind_the_last_entry_are_its_end() {
    let log = Log::open();
    assert_eq!(log.read_with(&log.torn_at(log.bytes.len())).expect("whole"), expected_mini());
}

#[test]
fn a_log_torn_anywhere_keeps_all_transactions_before() {
    let log = Log::open();
    let mut last = 0;
    let mut refused = 0;
    for length in 20..log.bytes.len() {
        match log.read_with(&log.torn_at(length)) {
            Ok(found) => {
                assert!(found.len() + 1 >= last, "torn at {length}: {} after {last}", found.len());
                last = found.len();
            }
            // Only where the last byte that was written is one of a checksum.
            Err(_) => {
                let end = log.ends.iter().find(|end| **end >= length).expect("an end");
                assert!(end - length < 4, "torn at {length} of an entry that ends at {end}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && last >= 24, "{refused} refused, {last} records at the end");
}

#[test]
fn a_transaction_without_its_end_did_not_happen() {
    let log = Log::open();
    let whole = log.read_with(&log.bytes).expect("whole");
    let before_last_end = log.ends[log.ends.len() - 2];
    let found = log.read_with(&log.torn_at(before_last_end)).expect("torn");
    // The last one deletes a repository.
    assert_eq!(found.len(), whole.len() + 1);
    let before_transaction = log.ends[log.ends.len() - 3];
    assert_eq!(log.read_with(&log.torn_at(before_transaction)).expect("torn"), found);
}

#[test]
fn damage_in_the_middle_is_an_error_that_says_where() {
    let log = Log::open();
    for at in (20..log.bytes.len()).step_by(7) {
        let mut changed = log.torn_at(log.bytes.len());
        changed[at] ^= 0x10;
        let refused = log.read_with(&changed).expect_err("damaged");
        let entry = log.ends.iter().rfind(|end| **end <= at).expect("an entry");
        match refused {
            Error::Damaged { path, offset, .. } => {
                assert_eq!((path, offset), (log.path.clone(), *entry as u64), "byte {at}");
            }
            other => panic!("byte {at}: {other}"),
        }
    }
}

#[test]
fn a_page_that_was_never_written_is_an_error_where_something_follows() {
    let log = Log::open();
    for (from, to) in [(log.ends[4], log.ends[5]), (log.ends[8], log.ends[13])] {
        let mut holed = log.torn_at(log.bytes.len());
        holed[from..to].fill(0);
        let refused = log.read_with(&holed).expect_err("a hole");
        assert!(matches!(refused, Error::Damaged { offset, .. } if offset == from as u64));
    }
}

#[test]
fn a_copy_cut_off_at_the_end_of_a_page_is_torn_even_if_its_first_bytes_were_to_come_last() {
    let store = made_by_badger("killed");
    let whole = read_records(store.path()).expect("whole").len();
    let path = store.path().join("00017.mem");
    let log = std::fs::read(&path).expect("read");
    let written = log.iter().rposition(|&byte| byte != 0).expect("something") + 1;
    // What a process left that was killed at this point: see `log_tail`.
    let (start, page_end) = (written, written.next_multiple_of(4096));
    assert!(page_end - start > 64);
    let boundary = (start + 3).next_multiple_of(16);
    for from in [boundary, boundary.next_multiple_of(32), start + 64] {
        let mut torn = log.clone();
        torn[from..page_end].fill(b'x');
        std::fs::write(&path, &torn).expect("write");
        assert_eq!(read_records(store.path()).expect("torn").len(), whole, "{from} - {start}");
    }
    // Too far behind, and not at a multiple of 16.
    for from in [start + 65, boundary - 1] {
        let mut odd = log.clone();
        odd[from..page_end].fill(b'x');
        std::fs::write(&path, &odd).expect("write");
        let refused = read_records(store.path()).expect_err("no copy leaves that");
        assert!(matches!(refused, Error::Damaged { .. }), "{from} - {start}: {refused}");
    }
}

#[test]
fn an_empty_log_is_refused_with_what_to_do() {
    let store = made_by_badger("killed");
    std::fs::write(store.path().join("00018.mem"), "").expect("write");
    let refused = read_records(store.path()).expect_err("empty").to_string();
    assert!(refused.contains("00018.mem") && refused.contains("from a copy"), "{refused}");
}

#[test]
fn only_the_last_log_may_be_torn() {
    let store = made_by_badger("killed");
    let whole = read_records(store.path()).expect("whole").len();
    for (name, torn_is_read) in [("00013.mem", false), ("00016.mem", false), ("00017.mem", true)] {
        let path = store.path().join(name);
        let original = std::fs::read(&path).expect("read");
        let written = original.iter().rposition(|&byte| byte != 0).expect("something") + 1;
        let mut torn = original.clone();
        torn[written - 20..].fill(0);
        std::fs::write(&path, &torn).expect("write");

        let found = read_records(store.path());

        assert_eq!(found.is_ok(), torn_is_read, "{name}: {found:?}");
        assert!(found.map_or(0, |found| found.len()) <= whole + 4);
        std::fs::write(&path, &original).expect("write");
    }
}
