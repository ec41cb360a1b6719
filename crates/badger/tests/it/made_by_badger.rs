//! Stores that Badger filled and dumped itself: many tables on several levels, overwritten, deleted and
//! expired keys, values in the value log, killed processes.

use lakehold_badger::Badger;
use lakehold_clock::Timestamp;

use crate::support::NOW;
use crate::support::dump_hash;
use crate::support::made_by_badger;
use crate::support::read_records;

/// What Badger's own dump of `levels`, and of `killed`, is.
const MANY: (usize, &str) =
    (3_085, "e81618f719e08019b0513cb769a74b26679b90008995ddc2c3da87c5326f413c");
/// And of `big` and `big-killed`.
const BIG: (usize, &str) = (4, "42ecabb17f5ce99c7247b7b1d86884ff9deb9a42e177c41dd2e2a99944c2601f");
const ONE: (usize, &str) = (1, "a754bd5cb9e79d6463992d4a211a184179c589c18718fc3bafc0a29134c82730");

fn assert_reads_as(name: &str, (count, hash): (usize, &str)) {
    let store = made_by_badger(name);
    let records = read_records(store.path()).expect("whole");
    assert_eq!((records.len(), dump_hash(&records).as_str()), (count, hash), "{name}");
}

#[test]
fn tables_on_several_levels_and_a_value_log_read_as_badger_reads_them() {
    assert_reads_as("levels", MANY);
}

#[test]
fn a_killed_process_leaves_what_badger_reads_after_it() {
    assert_reads_as("killed", MANY);
}

#[test]
fn values_of_more_than_a_mebibyte_are_fetched_from_the_value_log() {
    assert_reads_as("big", BIG);
    assert_reads_as("big-killed", BIG);
}

#[test]
fn blocks_that_are_not_packed_are_read() {
    assert_reads_as("none", ONE);
}

#[test]
fn a_record_is_there_until_it_expires() {
    let store = made_by_badger("levels");
    let badger = Badger::open(store.path()).expect("open");
    let count = |seconds| {
        let records: Result<Vec<_>, _> = badger.records(Timestamp::from_seconds(seconds)).collect();
        records.expect("whole").len()
    };
    let now = count(NOW.seconds);
    // Records that were made to expire after a second, and some after a hundred years.
    assert!(count(0) > now, "{} then, {now} now", count(0));
    assert!(count(i64::MAX) < now);
}
