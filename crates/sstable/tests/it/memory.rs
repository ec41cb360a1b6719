//! What a table says it costs.

use crate::support::golden;
use crate::support::open;

#[test]
fn memory_counts_the_file_and_what_its_blocks_unpack_to() {
    // Three values of 72,000 bytes, packed.
    let file = golden("pebble/big_values.sst");
    let memory = open(&file).memory();
    assert!(memory > file.len() + 3 * 72_000, "{memory}");
    assert!(memory < file.len() + 3 * 72_000 + 1_000, "{memory}");
}

#[test]
fn memory_does_not_change_by_reading() {
    let table = open(&golden("lakefs/56569996.sst"));
    let before = table.memory();
    table.compute_id().expect("whole");
    assert_eq!(table.memory(), before);
}
