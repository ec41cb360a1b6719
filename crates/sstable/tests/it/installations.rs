//! All tables of two whole installations: `real-install` was captured from running lakeFS servers,
//! `mini-install` was made with the library lakeFS uses.

use bytes::Bytes;

use crate::support::golden_tables;
use crate::support::hashed_properties;
use crate::support::open;
use crate::support::read_all;
use crate::support::write;

fn all_tables() -> Vec<(String, Bytes)> {
    let real = golden_tables("real-install/tables");
    let mini = golden_tables("mini-install/block/sample/_lakefs");
    assert_eq!((real.len(), mini.len()), (82, 4), "all golden files are there");
    real.into_iter().chain(mini).collect()
}

#[test]
fn every_table_of_an_installation_is_named_by_its_id() {
    for (name, file) in all_tables() {
        let id = open(&file).compute_id().expect("whole");
        assert_eq!(hex::encode(id), name);
    }
}

#[test]
fn every_table_of_an_installation_is_written_again_byte_for_byte() {
    for (name, file) in all_tables() {
        let table = open(&file);
        let records = read_all(&table).expect("whole");

        let again = write(&hashed_properties(&table), &records);

        assert!(again.bytes == file, "{name} differs");
        assert_eq!(hex::encode(again.id), name);
    }
}

#[test]
fn every_table_of_an_installation_says_what_it_holds() {
    for (name, file) in all_tables() {
        let table = open(&file);
        let records = read_all(&table).expect("whole");

        let count = records.len().to_string();
        assert_eq!(table.property("count"), Some(count.as_bytes()), "{name}");
        let first = records.first().map_or(&[][..], |(key, _)| key);
        let last = records.last().map_or(&[][..], |(key, _)| key);
        assert_eq!(table.property("min_key"), Some(first), "{name}");
        assert_eq!(table.property("max_key"), Some(last), "{name}");
    }
}
