//! Damaged tables: every flipped byte, every truncation.

use bytes::Bytes;
use lakehold_sstable::Error;

use crate::support::golden;
use crate::support::read_bytes;

/// Small tables of one and two levels, packed and not.
const TABLES: [&str; 3] =
    ["pebble/key_value_no_props.sst", "lakefs/range.sst", "lakefs/metarange.sst"];

#[test]
fn a_flipped_byte_is_detected_or_does_no_harm() {
    for name in TABLES {
        let file = golden(name);
        let records = read_bytes(&file).expect("whole");
        let mut harmless = 0;
        for at in 0..file.len() {
            for flipped in [1, 0x80, 0xff] {
                let mut damaged = file.to_vec();
                damaged[at] ^= flipped;
                match read_bytes(&damaged.into()) {
                    Ok(read) => {
                        assert_eq!(read, records, "{name}: byte {at} ^ {flipped}");
                        harmless += 1;
                    }
                    Err(error) => assert_is_in(&error, &file),
                }
            }
        }
        // The padding of the footer is the only part that nothing protects or reads.
        assert!(harmless <= 3 * 40, "{name}: {harmless} flips were not noticed");
    }
}

#[test]
fn a_truncated_table_is_refused() {
    for name in TABLES {
        let file = golden(name);
        for len in 0..file.len() {
            let error = read_bytes(&file.slice(..len)).expect_err("the footer is at the end");
            assert_is_in(&error, &file);
        }
    }
}

#[test]
fn a_table_that_misses_its_beginning_is_refused() {
    let file = golden("lakefs/range.sst");
    for from in 1..file.len() {
        read_bytes(&file.slice(from..)).expect_err("nothing is where it should be");
    }
}

fn assert_is_in(error: &Error, file: &Bytes) {
    match error {
        Error::Corrupt { offset, .. } => assert!(*offset < file.len() as u64, "{error}"),
        other => panic!("{other}"),
    }
}
