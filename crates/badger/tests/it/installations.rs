//! Installations with known content: one captured from running lakeFS servers, one made by hand.

use lakehold_badger::Badger;

use crate::support::NOW;
use crate::support::expected_mini;
use crate::support::expected_real;
use crate::support::files;
use crate::support::golden;
use crate::support::golden_copy;
use crate::support::read;
use crate::support::read_records;
use crate::support::real_install;

#[test]
fn a_closed_store_has_exactly_the_records_expected() {
    let expected = expected_mini();
    assert_eq!(expected.len(), 25);
    let store = golden_copy("mini-install/metadata");
    assert_eq!(read(store.path()).expect("whole"), expected);
}

#[test]
fn a_store_that_was_not_closed_has_exactly_the_records_expected() {
    let store = golden_copy("badger-wal");
    assert_eq!(read(store.path()).expect("whole"), expected_mini());
}

#[test]
fn the_captured_installation_has_the_records_of_its_other_form() {
    let folder = real_install();
    let found = read(&folder.path().join("metadata")).expect("whole");

    let mut expected = expected_real();
    assert_eq!(expected.len(), 360);
    let kind = ("auth".to_owned(), "installation_metadata/lakefs_kv_type".to_owned());
    let postgres = expected.insert(kind, hex::encode("local"));
    assert_eq!(postgres, Some(hex::encode("postgres")), "the one value that differs");
    assert_eq!(found, expected);
}

#[test]
fn records_come_in_byte_order_and_each_partition_in_one_piece() {
    let folder = real_install();
    let records = read_records(&folder.path().join("metadata")).expect("whole");
    let keys: Vec<Vec<u8>> =
        records.iter().map(|r| [&r.partition[..], b"/", &r.key].concat()).collect();
    assert!(keys.is_sorted_by(|one, next| one < next));

    let mut partitions: Vec<_> = records.iter().map(|record| &record.partition).collect();
    partitions.dedup();
    let pieces = partitions.len();
    partitions.sort();
    partitions.dedup();
    assert_eq!(partitions.len(), pieces);
}

#[test]
fn versions_are_not_fewer_than_records() {
    let store = golden_copy("mini-install/metadata");
    let badger = Badger::open(store.path()).expect("open");
    // The others: an overwritten branch, a deleted repository and its deletion.
    assert_eq!((badger.versions(), badger.records(NOW).count()), (28, 25));
}

#[test]
fn reading_changes_no_file_and_makes_none() {
    let folder = real_install();
    let store = folder.path().join("metadata");
    let look = || {
        let all = files(&store).into_iter();
        all.map(|path| {
            (
                std::fs::read(&path).expect("read"),
                path.metadata().expect("it").modified().ok(),
                path,
            )
        })
        .collect::<Vec<_>>()
    };
    let before = look();
    read(&store).expect("whole");
    assert_eq!(look(), before);
}

#[test]
fn a_directory_that_cannot_be_written_to_is_read() {
    // The golden files as they are: nothing may be written there.
    let before = files(&golden("badger-wal"));
    assert_eq!(read(&golden("badger-wal")).expect("whole"), expected_mini());
    assert_eq!(files(&golden("badger-wal")), before);
}
