//! What a reader accepts beyond what our writer makes, and what it refuses.

use bytes::Bytes;
use lakehold_sstable::Error;
use lakehold_sstable::Table;

use crate::foreign::Shape;
use crate::support::golden;
use crate::support::open;
use crate::support::read_all;
use crate::support::read_bytes;

fn some_records(count: usize) -> Vec<(Bytes, Bytes)> {
    let record = |at| (format!("lake/part-{at:05}").into(), format!("value {at}").repeat(3).into());
    (0..count).map(record).collect()
}

fn refusal(file: &Bytes) -> String {
    match read_bytes(file) {
        Err(error @ Error::Corrupt { .. }) => error.to_string(),
        other => panic!("not refused as corrupt: {other:?}"),
    }
}

#[test]
fn blocks_of_any_size_and_restart_interval_are_read() {
    let records = some_records(50);
    for block_records in [1, 2, 7, 50, 1000] {
        for restarts in [1, 3, 16, 1000] {
            for packed in [false, true] {
                let shape = Shape { block_records, restarts, packed, ..Shape::default() };
                assert_eq!(read_bytes(&shape.write(&records)), Ok(records.clone()), "{shape:?}");
            }
        }
    }
}

#[test]
fn indexes_of_one_and_two_levels_are_read_with_any_restart_interval() {
    let records = some_records(60);
    for partition in [None, Some(1), Some(4), Some(100)] {
        for index_restarts in [1, 2, 16, 1000] {
            for packed in [false, true] {
                let shape = Shape { partition, index_restarts, packed, ..Shape::default() };
                assert_eq!(read_bytes(&shape.write(&records)), Ok(records.clone()), "{shape:?}");
            }
        }
    }
}

#[test]
fn a_table_without_properties_is_read() {
    let records = some_records(20);
    for partition in [None, Some(2)] {
        let untold = Shape { partition, tells_index_type: false, ..Shape::default() };
        assert_eq!(read_bytes(&untold.write(&records)), Ok(records.clone()));
        let none = Shape { properties: None, ..untold };
        assert_eq!(read_bytes(&none.write(&records)), Ok(records.clone()));
    }
}

#[test]
fn keys_that_share_bytes_with_the_trailer_before_them_are_read() {
    let keys: [&[u8]; 5] = [b"", b"\x01", b"\x01\x01\0", b"\x01\x01\0\0\0\0\0\0\0\0", b"\x02"];
    let records: Vec<(&[u8], &[u8])> = keys.iter().map(|&key| (key, &b"v"[..])).collect();
    let file = Shape { block_records: 10, restarts: 10, ..Shape::default() }.write(&records);

    let read = read_bytes(&file).expect("whole");

    let read: Vec<&[u8]> = read.iter().map(|(key, _)| &key[..]).collect();
    assert_eq!(read, keys);
}

#[test]
fn the_merge_operators_that_mean_nothing_are_accepted() {
    let records = some_records(3);
    for operator in ["", "nullptr", "pebble.concatenate"] {
        let properties = Some(vec![("rocksdb.merge.operator", operator.into())]);
        let shape = Shape { properties, ..Shape::default() };
        assert_eq!(read_bytes(&shape.write(&records)), Ok(records.clone()));
    }
}

#[test]
fn other_orders_merges_and_index_types_are_refused() {
    for (name, value, told) in [
        ("rocksdb.comparator", &b"rocksdb.ReverseBytewiseComparator"[..], "ReverseBytewise"),
        ("rocksdb.merge.operator", b"uint64add", "uint64add"),
        ("rocksdb.block.based.table.index.type", &[3, 0, 0, 0], "index type"),
        ("rocksdb.block.based.table.index.type", b"", "index type"),
    ] {
        let properties = Some(vec![(name, value.to_vec())]);
        let shape = Shape { properties, tells_index_type: false, ..Shape::default() };
        let refused = refusal(&shape.write(&some_records(3)));
        assert!(refused.contains(told), "{refused}");
    }
}

#[test]
fn records_that_are_not_set_are_refused() {
    for kind in [0, 2, 7, 15] {
        let refused = refusal(&Shape { kind, ..Shape::default() }.write(&some_records(3)));
        assert_eq!(refused, "corrupt table at byte 0: record is not of the kind \"set\"");
    }
}

#[test]
fn records_out_of_order_are_refused_within_a_block_and_across_blocks() {
    let mut records = some_records(6);
    records.swap(1, 2);
    for block_records in [1, 2, 3] {
        let shape = Shape { block_records, ..Shape::default() };
        let table = Table::open(shape.write(&records));
        let outcome = table.and_then(|table| read_all(&table.into()));
        assert!(matches!(outcome, Err(Error::Corrupt { .. })), "{outcome:?}");
    }
}

#[test]
fn tables_of_other_makes_are_told_apart() {
    let mut leveldb = golden("pebble/key_value_no_props.sst").to_vec();
    let magic_at = leveldb.len() - 8;
    leveldb[magic_at..].copy_from_slice(&[0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]);
    let refused = refusal(&leveldb.into());
    assert_eq!(
        refused,
        "corrupt table at byte 889: ends like a LevelDB table, which is not supported"
    );
    assert_eq!(refusal(&Bytes::new()), "corrupt table at byte 0: 0 bytes are too few for a table");
    let refused = refusal(&vec![7; 100].into());
    assert_eq!(refused, "corrupt table at byte 92: ends like no table");
}

#[test]
fn a_table_of_no_records_is_read() {
    let table = open(&golden("pebble/empty_metarange.sst"));
    assert_eq!(table.get(b""), Ok(None));
    assert_eq!(table.get(b"a"), Ok(None));
    assert_eq!(read_all(&table), Ok(vec![]));
    let mut cursor = table.cursor();
    cursor.seek(b"a").expect("whole");
    assert_eq!(cursor.next(), Ok(None));
}

#[test]
fn a_property_that_is_hashed_must_be_text() {
    let properties = Some(vec![("type", vec![0xff])]);
    let file = Shape { properties, ..Shape::default() }.write(&some_records(3));
    let table = open(&file);
    assert_eq!(table.property("type"), Some(&[0xff][..]));
    let refused = table.compute_id().expect_err("no id can be computed").to_string();
    assert!(refused.ends_with("property type is not text"), "{refused}");
}
