//! Cursors, where they are more than a seek and some steps.

use bytes::Bytes;

use crate::foreign::Shape;
use crate::support::golden;
use crate::support::open;

#[test]
fn a_cursor_can_seek_backwards_and_again_after_the_end() {
    let table = open(&golden("pebble/two_level.sst"));
    let mut cursor = table.cursor();
    let first = cursor.next().expect("whole").expect("some");

    cursor.seek(b"z").expect("whole");
    assert_eq!(cursor.next(), Ok(None));
    assert_eq!(cursor.next(), Ok(None));
    cursor.seek(b"").expect("whole");

    assert_eq!(cursor.next(), Ok(Some(first)));
}

#[test]
fn a_seek_without_a_step_leaves_nothing_behind() {
    let table = open(&golden("pebble/two_level.sst"));
    let mut cursor = table.cursor();
    let first = cursor.next().expect("whole").expect("some");

    cursor.seek(&first.0).expect("whole");
    cursor.seek(b"z").expect("whole");

    assert_eq!(cursor.next(), Ok(None));
}

/// Some separators are the last key of their block, some are no keys at all.
#[test]
fn keys_around_separators_are_found() {
    let table = open(&golden("pebble/separators.sst"));
    for key in [&b"abd"[..], b"abg", b"ac", b"ae", b"abf\xff\xff"] {
        let value = table.get(key).expect("whole").expect("present");
        let mut cursor = table.cursor();
        cursor.seek(key).expect("whole");
        assert_eq!(cursor.next(), Ok(Some((Bytes::copy_from_slice(key), value))));
    }
    for key in [&b"abh"[..], b"ad", b"ab", b"abf", b"abc\x01"] {
        assert_eq!(table.get(key), Ok(None));
    }
}

#[test]
fn keys_and_values_outlive_table_and_cursor() {
    let records = [("a".repeat(5000), "1".repeat(9)), ("b".to_owned(), String::new())];
    let table = open(&Shape::default().write(&records));
    let mut cursor = table.cursor();
    let first = cursor.next().expect("whole").expect("some");
    let second = cursor.next().expect("whole").expect("some");
    drop(cursor);
    drop(table);

    assert_eq!(first, (records[0].0.clone().into(), records[0].1.clone().into()));
    assert_eq!(second, ("b".into(), Bytes::new()));
}

#[test]
fn an_error_is_returned_again_instead_of_going_on() {
    let mut file = golden("pebble/two_level.sst").to_vec();
    file[3000] ^= 1;
    let table = open(&file.into());
    let mut cursor = table.cursor();
    let mut outcome = cursor.next();
    for _ in 0..140 {
        if outcome.is_err() {
            break;
        }
        outcome = cursor.next();
    }
    assert!(outcome.is_err());
    assert_eq!(cursor.next(), outcome);
    assert_eq!(table.compute_id().map(|_| None), outcome);
}
