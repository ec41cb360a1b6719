//! Tables against a sorted map.

use std::collections::BTreeMap;

use bytes::Bytes;
use lakehold_sstable::Error;
use lakehold_sstable::TableWriter;
use proptest::prelude::*;

use crate::foreign::Shape;
use crate::support::open;
use crate::support::read_bytes;
use crate::support::write;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Short keys over few bytes, so that they share prefixes, are prefixes, and meet separators.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0xff_u8), Just(0), Just(1), Just(b'a'), Just(b'b')];
    prop_oneof![
        prop::collection::vec(byte, 0..9),
        "lake/[ab]{1,3}/part-[0-9]{3}".prop_map(String::into_bytes),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (any::<u8>(), 0..9000_usize).prop_map(|(byte, len)| vec![byte; len]),
        prop::collection::vec(any::<u8>(), 1000..3000),
    ]
}

fn model() -> impl Strategy<Value = Model> {
    prop::collection::btree_map(key(), value(), 0..60)
}

fn pairs(model: &Model) -> Vec<(Bytes, Bytes)> {
    model.iter().map(|(key, value)| (key.clone().into(), value.clone().into())).collect()
}

fn shape() -> impl Strategy<Value = Shape> {
    let partition = prop::option::of(1..5_usize);
    (1..20_usize, 1..20_usize, 1..4_usize, partition, any::<bool>()).prop_map(
        |(block_records, restarts, index_restarts, partition, packed)| Shape {
            block_records,
            restarts,
            index_restarts,
            partition,
            packed,
            ..Shape::default()
        },
    )
}

fn check_lookups(file: &Bytes, model: &Model, probe: &[u8]) -> Result<(), TestCaseError> {
    let table = open(file);
    let expected = model.get(probe).map(|value| Bytes::copy_from_slice(value));
    prop_assert_eq!(table.get(probe), Ok(expected));

    let mut cursor = table.cursor();
    cursor.seek(probe).expect("whole");
    for (key, value) in model.range(probe.to_vec()..) {
        let (found_key, found_value) = cursor.next().expect("whole").expect("one more");
        prop_assert_eq!((&found_key[..], &found_value[..]), (&key[..], &value[..]));
    }
    prop_assert_eq!(cursor.next(), Ok(None));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What is written is read, and the id does not depend on the file.
    #[test]
    fn tables_are_read_as_they_were_written(model in model(), shape in shape()) {
        let records = pairs(&model);
        let table = write(&[("type", "ranges")], &records);

        prop_assert_eq!(open(&table.bytes).compute_id(), Ok(table.id));
        prop_assert_eq!(read_bytes(&table.bytes), Ok(records.clone()));
        prop_assert_eq!(table.count as usize, records.len());

        let foreign = Shape { properties: Some(vec![("type", b"ranges".to_vec())]), ..shape };
        if !records.is_empty() {
            let foreign = foreign.write(&records);
            prop_assert_eq!(read_bytes(&foreign), Ok(records));
            prop_assert_eq!(open(&foreign).compute_id(), Ok(table.id));
        }
    }

    /// A lookup finds what a sorted map finds, and so does a seek.
    #[test]
    fn lookups_agree_with_a_sorted_map(
        model in model(),
        shape in shape(),
        probes in prop::collection::vec(key(), 1..10),
    ) {
        let records = pairs(&model);
        let own = write(&[], &records).bytes;
        let foreign = if records.is_empty() { own.clone() } else { shape.write(&records) };
        let present: Vec<Vec<u8>> = model.keys().cloned().collect();
        for probe in probes.iter().chain(&present) {
            check_lookups(&own, &model, probe)?;
            check_lookups(&foreign, &model, probe)?;
        }
    }

    /// A record that does not ascend is refused and changes nothing.
    #[test]
    fn a_refused_record_leaves_no_trace(
        keys in prop::collection::btree_set(key(), 1..20),
        late in key(),
    ) {
        let last = keys.last().expect("at least one").clone();
        prop_assume!(late <= last);
        let mut writer = TableWriter::new(&[]);
        for key in &keys {
            writer.append(key, b"value").expect("ascending");
        }
        let size = writer.estimated_size();
        let refused = writer.append(&late, b"late");

        let is_refused = matches!(refused, Err(Error::OutOfOrder { .. }));
        prop_assert!(is_refused);
        prop_assert_eq!((writer.count(), writer.estimated_size()), (keys.len() as u64, size));
        let records: Vec<_> = keys.iter().map(|key| (&key[..], &b"value"[..])).collect();
        prop_assert_eq!(writer.finish().bytes, write(&[], &records).bytes);
    }
}
