//! The single files of `tests/golden`: decoded, compared with what they are known to contain, and
//! written again.

use lakehold_sstable::TableWriter;
use lakehold_sstable::ident::IdentHasher;
use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;

use crate::proto;
use crate::support::Records;
use crate::support::golden;
use crate::support::golden_json;
use crate::support::hashed_properties;
use crate::support::open;
use crate::support::read_all;
use crate::support::write;

/// Files that a writer of today re-creates from their records. (The other two are of older makes.)
const REPRODUCIBLE: [&str; 7] = [
    "lakefs/range.sst",
    "lakefs/metarange.sst",
    "pebble/empty_metarange.sst",
    "pebble/key_value_no_props.sst",
    "pebble/two_level.sst",
    "pebble/separators.sst",
    "pebble/big_values.sst",
];

/// Every file that the expected content lists, with its records and that content.
fn expected_files() -> Vec<(String, Records, Value)> {
    let expected = golden_json("expected-sst.json");
    let files = expected.as_object().expect("an object by file").clone();
    let decoded = files.into_iter().map(|(name, expected)| {
        let records = read_all(&open(&golden(&name))).expect("whole");
        (name, records, expected)
    });
    decoded.collect()
}

#[test]
fn every_golden_table_holds_the_records_it_is_known_to_hold() {
    for (name, records, expected) in expected_files() {
        assert_eq!(expected["records"], records.len(), "{name}");
        let told = expected.get("content").or(expected.get("first_three_and_last"));
        let told = told.and_then(Value::as_array).expect("some records are told");
        let last = records.len().saturating_sub(1);
        for (at, told) in told.iter().enumerate() {
            let is_sample = told.get("entry").is_some() && told != &Value::Null;
            let at = if is_sample && at == 3 && records.len() > 4 { last } else { at };
            let (key, value) = &records[at];
            assert_eq!(bytes_of(&told["key"]), key[..], "{name} record {at}");
            assert_value(told, value, &format!("{name} record {at}"));
        }
    }
}

#[test]
fn every_golden_table_has_the_properties_and_the_id_it_is_known_to_have() {
    for (name, _, expected) in expected_files() {
        let table = open(&golden(&name));
        for (property, value) in expected["user_properties"].as_object().expect("properties") {
            let found = table.property(property).expect("present");
            assert_eq!(found, bytes_of(value), "{name} {property}");
        }
        let id = table.compute_id().expect("whole");
        assert_eq!(expected["id"], hex::encode(id), "{name}");
    }
}

#[test]
fn golden_files_are_the_ones_that_were_described() {
    for (name, _, expected) in expected_files() {
        let file = golden(&name);
        assert_eq!(expected["file_bytes"], file.len(), "{name}");
        assert_eq!(expected["sha256"], hex::encode(Sha256::digest(&file)), "{name}");
    }
}

#[test]
fn tables_of_the_present_make_are_written_again_byte_for_byte() {
    for name in REPRODUCIBLE {
        let file = golden(name);
        let table = open(&file);
        let records = read_all(&table).expect("whole");

        let again = write(&hashed_properties(&table), &records);

        assert!(again.bytes == file, "{name} differs");
        let estimated = again.estimated_size.to_string();
        assert_eq!(table.property("estimated_size_bytes"), Some(estimated.as_bytes()), "{name}");
        assert_eq!(again.count, records.len() as u64);
        let empty = Default::default();
        assert_eq!(again.min_key, records.first().unwrap_or(&empty).0);
        assert_eq!(again.max_key, records.last().unwrap_or(&empty).0);
    }
}

#[test]
fn the_estimated_size_after_each_record_is_the_one_of_the_real_writer() {
    for (name, records, expected) in expected_files() {
        let Some(told) = expected.get("estimated_size_after_each_record") else { continue };
        let mut writer = TableWriter::new(&[("type", "ranges")]);
        let sizes = records.iter().map(|(key, value)| {
            writer.append(key, value).expect("ascending");
            json!(writer.estimated_size())
        });
        let sizes: Vec<Value> = sizes.collect();

        let told = told.as_array().expect("a list");
        let gap = told.iter().position(|size| size == "...").unwrap_or(told.len());
        assert_eq!(sizes[..gap], told[..gap], "{name}");
        let after_gap = told.len().saturating_sub(gap + 1);
        assert_eq!(sizes[sizes.len() - after_gap..], told[told.len() - after_gap..], "{name}");
    }
}

/// The only difference between the early file and ours is a wrong `min_key`, and the estimated size
/// is right: the blocks are the same.
#[test]
fn the_data_of_the_early_table_is_written_again_byte_for_byte() {
    let file = golden("lakefs/ok1.sst");
    let records = read_all(&open(&file)).expect("whole");

    let again = write(&[("type", "ranges")], &records);

    // The first entry of the properties block, which follows data and index.
    let is_count = |window: &[u8]| window == b"\x00\x05\x03count105";
    let data_and_index_len = file.windows(11).position(is_count).expect("count is the first");
    assert!(again.bytes[..data_and_index_len] == file[..data_and_index_len]);
    assert_eq!(again.estimated_size, 10_077);
}

#[test]
fn the_big_imported_table_has_the_id_it_was_named_after() {
    let table = open(&golden("lakefs/56569996.sst"));

    let id = hex::encode(table.compute_id().expect("whole"));

    assert!(id.starts_with("56569996"), "{id}");
}

/// The stored identities were computed by lakeFS; that ours agree proves the encoding of
/// [`IdentHasher`] on 13,870 entries.
#[test]
fn identities_of_stored_entries_are_hashes_of_their_fields() {
    for name in ["lakefs/range.sst", "lakefs/56569996.sst"] {
        for (_, value) in read_all(&open(&golden(name))).expect("whole") {
            let (identity, entry) = proto::value_parts(&value);
            assert_eq!(entry_identity(entry), identity);
        }
    }
}

fn entry_identity(entry: &[u8]) -> [u8; 32] {
    let entry = proto::fields(entry);
    assert!(!entry.contains_key(&5), "these files have no user metadata");
    let hasher = IdentHasher::new().int64(proto::int(&entry, 3)).string(proto::text(&entry, 4));
    let hasher = hasher.map([]);
    match proto::text(&entry, 7) {
        "" => hasher.finish(),
        content_type => hasher.string(content_type).finish(),
    }
}

/// Bytes are given as text, or in hex where they are not text.
fn bytes_of(told: &Value) -> Vec<u8> {
    match (told.as_str(), told["hex"].as_str()) {
        (Some(text), _) => text.into(),
        (_, Some(digits)) => hex::decode(digits).expect("hex digits"),
        _ => panic!("neither text nor hex: {told}"),
    }
}

fn assert_value(told: &Value, value: &[u8], context: &str) {
    if let Some(len) = told.get("value_len") {
        assert_eq!(len, value.len(), "{context}");
        assert_eq!(told["value_sha256"], hex::encode(Sha256::digest(value)), "{context}");
    } else if let Some(told) = told.get("value") {
        assert_eq!(bytes_of(told), value, "{context}");
    } else if let Some(range_id) = told.get("range_id") {
        let (identity, data) = proto::value_parts(value);
        assert_eq!(range_id.as_str().expect("text").as_bytes(), identity, "{context}");
        assert_range(&told["range"], data, context);
    } else {
        let (identity, data) = proto::value_parts(value);
        assert_eq!(told["identity"], hex::encode(identity), "{context}");
        assert_entry(&told["entry"], data, context);
    }
}

fn assert_range(told: &Value, data: &[u8], context: &str) {
    let range = proto::fields(data);
    let found = json!({
        "min_key": proto::text(&range, 1),
        "max_key": proto::text(&range, 2),
        "estimated_size": proto::int(&range, 3),
        "count": proto::int(&range, 4),
    });
    assert_eq!(told, &found, "{context}");
}

fn assert_entry(told: &Value, data: &[u8], context: &str) {
    let entry = proto::fields(data);
    let modified = proto::fields(proto::bytes(&entry, 2));
    let found = json!({
        "address": proto::text(&entry, 1),
        "last_modified": { "seconds": proto::int(&modified, 1), "nanos": proto::int(&modified, 2) },
        "size": proto::int(&entry, 3),
        "e_tag": proto::text(&entry, 4),
        "address_type": proto::int(&entry, 6),
        "content_type": proto::text(&entry, 7),
    });
    for (field, found) in found.as_object().expect("built as one") {
        let absent = if found.is_string() { json!("") } else { json!(0) };
        assert_eq!(told.get(field).unwrap_or(&absent), found, "{context} {field}");
    }
}
