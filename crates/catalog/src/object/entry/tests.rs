use super::*;

use proptest::prelude::*;

fn entry(size: i64, e_tag: &str, metadata: &[(&str, &str)], content_type: &str) -> Entry {
    let own = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
    Entry {
        size,
        e_tag: e_tag.to_owned(),
        metadata: to_pairs(metadata.iter().map(own).collect()),
        content_type: content_type.to_owned(),
        ..Entry::default()
    }
}

#[test]
fn identities_are_those_of_the_stored_format() {
    // The first is a record that a real server wrote in 2021.
    let real = entry(11, "664c688b4ea9c56730daacfc3d70aeed", &[], "");
    assert_eq!(
        hex::encode(real.identity()),
        "56fef3921aa6e7fd62bbe23b2f69db3f9049a54b6f2c7bd886b7eb1a6ca3ab3e"
    );
    let with_all = entry(
        8,
        "d41d8cd98f00b204e9800998ecf8427e",
        &[("owner", "ann"), ("Zeta", "1")],
        "text/csv",
    );
    assert_eq!(
        hex::encode(with_all.identity()),
        "e2197d7f3498d2b46efac87163c770f6720201bb1a20af03549907492bb40e4e"
    );
}

#[test]
fn metadata_is_read_back_and_an_empty_value_is_written_out() {
    let stored = entry(0, "", &[("k", "")], "").encode_to_vec();
    assert_eq!(stored, [0x2a, 5, 0x0a, 1, b'k', 0x12, 0]);
    assert_eq!(EntryView::decode(&stored).expect("decodes").metadata, [("k", "")]);
}

#[test]
fn address_and_time_are_not_part_of_the_identity() {
    let here = entry(1, "abc", &[], "text/plain");
    let there = Entry {
        address: "data/elsewhere".to_owned(),
        address_type: 1,
        last_modified: Some(TimestampMessage { seconds: 1, nanos: 2 }),
        ..here.clone()
    };
    assert_eq!(here.identity(), there.identity());
}

#[test]
fn a_field_we_do_not_know_survives_a_change_of_the_entry() {
    let mut stored = entry(1, "abc", &[], "").encode_to_vec();
    let unknown = [0x82, 0x01, 0x02, b'h', b'i'];
    stored.extend_from_slice(&unknown);

    let mut record = Record::<Entry>::decode(&stored).expect("decodes");
    record.message.metadata = to_pairs([("k".to_owned(), "v".to_owned())].into());

    assert!(to_value(&record).data.ends_with(&unknown));
}

#[test]
fn an_entry_has_the_bytes_of_the_documented_example() {
    let example = Entry {
        address: "data/x".to_owned(),
        last_modified: Some(TimestampMessage { seconds: 1, nanos: 0 }),
        address_type: 1,
        ..entry(3, "900150983cd24fb0d6963f7d28e17f72", &[("k", "")], "text/plain")
    };
    let expected = "0a06646174612f78\
        12020801\
        1803\
        22203930303135303938336364323466623064363936336637643238653137663732\
        2a050a016b1200\
        3001\
        3a0a746578742f706c61696e";
    assert_eq!(hex::encode(example.encode_to_vec()), expected);
}

proptest! {
    #[test]
    fn an_entry_is_read_back_as_it_was_written(
        address in ".{0,40}",
        seconds: i64,
        nanos in 0..1_000_000_000i32,
        size in 0..i64::MAX,
        e_tag in "[0-9a-f]{0,32}",
        metadata in prop::collection::btree_map(".{0,8}", ".{0,8}", 0..4),
        address_type in 0..3i32,
        content_type in ".{0,20}",
    ) {
        let last_modified = Some(TimestampMessage { seconds, nanos });
        let metadata = to_pairs(metadata);
        let entry = Entry {
            address, last_modified, size, e_tag, metadata, address_type, content_type,
        };
        let stored = to_value(&Record::new(entry.clone()));
        prop_assert_eq!(Entry::decode(stored.data), Ok(entry));
    }
}

/// Where the files that a real installation wrote are.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/");

/// A record of a staging area, as it is stored; a tombstone has neither identity nor data.
#[derive(Clone, PartialEq, Message)]
struct StagedEntry {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    identity: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    data: Vec<u8>,
}

#[test]
fn identities_are_those_of_the_vectors() {
    let text = std::fs::read(format!("{GOLDEN}hash-vectors.json")).expect("is in the repository");
    let vectors: serde_json::Value = serde_json::from_slice(&text).expect("valid JSON");
    let vectors = vectors["entry_identity"].as_array().expect("a list");
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().expect("a text").to_owned();
        let entry = Entry {
            size: vector["size"].as_i64().expect("a number"),
            e_tag: text("e_tag"),
            metadata: to_pairs(serde_json::from_value(vector["metadata"].clone()).expect("a map")),
            content_type: text("content_type"),
            ..Entry::default()
        };
        assert_eq!(hex::encode(entry.identity()), text("identity"));
    }
}

#[test]
fn entries_staged_by_a_real_server_are_written_back_as_they_were() {
    let text = std::fs::read_to_string(format!("{GOLDEN}real-install/kv.jsonl"));
    let text = text.expect("is in the repository");
    let staged: Vec<StagedEntry> = text.lines().filter_map(staged_entry).collect();
    let (entries, tombstones): (Vec<_>, Vec<_>) =
        staged.iter().partition(|record| !record.identity.is_empty());
    assert_eq!((entries.len(), tombstones.len()), (58, 16));
    for record in entries {
        check_round_trip(&record.key, &record.identity, &record.data);
    }
}

#[test]
fn entries_committed_by_a_real_server_are_written_back_as_they_were() {
    let mut count = 0;
    for file in std::fs::read_dir(format!("{GOLDEN}real-install/tables")).expect("is there") {
        count += check_table(&file.expect("readable").path());
    }
    assert!(count > 3_000, "{count} entries");
    let early = check_table(format!("{GOLDEN}lakefs/56569996.sst").as_ref());
    assert_eq!(early, 13_868);
}

/// Checks all entries of a range and returns their number.
fn check_table(path: &std::path::Path) -> usize {
    let bytes = std::fs::read(path).expect("readable");
    let table = lakehold_sstable::Table::open(bytes.into()).expect("a table");
    if table.property("type") != Some(b"ranges") || table.property("entity").is_some() {
        return 0;
    }
    let mut cursor = std::sync::Arc::new(table).cursor();
    let mut count = 0;
    while let Some((key, value)) = cursor.next().expect("readable") {
        let mut rest = &value[..];
        let identity = take_part(&mut rest);
        check_round_trip(&key, identity, take_part(&mut rest));
        count += 1;
    }
    count
}

/// Takes one of the two parts of a stored value: its length as a signed varint, then the part.
fn take_part<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let twice = prost::encoding::decode_varint(rest).expect("a length");
    let length = usize::try_from(twice / 2).expect("fits");
    let (part, after) = rest.split_at(length);
    *rest = after;
    part
}

/// The staged record in a line of the dump, if it has one: their partitions are staging tokens,
/// which end in a colon and a UUID.
fn staged_entry(line: &str) -> Option<StagedEntry> {
    let record: serde_json::Value = serde_json::from_str(line).expect("valid JSON");
    let (_, uuid) = record["partition"].as_str()?.rsplit_once(':')?;
    let value = hex::decode(record["value"].as_str()?).expect("hex");
    (uuid.len() == 36).then(|| StagedEntry::decode(&value[..]).expect("a staged entry"))
}

fn check_round_trip(key: &[u8], identity: &[u8], data: &[u8]) {
    let key = String::from_utf8_lossy(key);
    let record = Record::<Entry>::decode(data).expect("decodes");
    assert!(!record.has_unknown_fields(), "{key}");
    assert_eq!(record.message.view(), EntryView::decode(data).expect("decodes"), "{key}");
    let again = to_value(&record);
    assert_eq!(again.identity, identity, "{key}");
    assert_eq!(again.data, data, "{key}");
}
