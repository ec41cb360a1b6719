//! The hash vectors: primitives, entries, commits, tables.

use lakehold_sstable::ident::IdentHasher;
use serde_json::Value;

use crate::support::golden_json;
use crate::support::write;

fn vectors(name: &str) -> Vec<Value> {
    let all = golden_json("hash-vectors.json");
    let list = all[name].as_array().expect("a list").clone();
    assert!(!list.is_empty());
    list
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().expect("text")
}

fn int(value: &Value, field: &str) -> i64 {
    value[field].as_i64().expect("integer")
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().expect("list").iter().map(|text| text.as_str().expect("text")).collect()
}

fn pairs(value: &Value) -> Vec<(&str, &str)> {
    let object = value.as_object().expect("map");
    object.iter().map(|(key, value)| (key.as_str(), value.as_str().expect("text"))).collect()
}

#[test]
fn primitives_are_hashed_as_in_the_stored_format() {
    for vector in vectors("ident_primitives") {
        let value = &vector["value"];
        let hasher = IdentHasher::new();
        let hasher = match text(&vector, "kind") {
            "int64" => hasher.int64(value.as_i64().expect("integer")),
            "string" => hasher.string(value.as_str().expect("text")),
            "bytes_hex" => hasher.bytes(&hex::decode(value.as_str().expect("hex")).expect("hex")),
            "string_slice" => hasher.strings(&texts(value)),
            "string_map" => hasher.map(pairs(value)),
            other => panic!("unknown kind {other}"),
        };
        assert_eq!(hex::encode(hasher.finish()), text(&vector, "sha256"), "{vector}");
    }
}

#[test]
fn the_order_in_which_a_map_is_given_does_not_matter() {
    let forwards = IdentHasher::new().map([("a", "1"), ("b", "2")]).finish();
    let backwards = IdentHasher::new().map([("b", "2"), ("a", "1")]).finish();
    assert_eq!(forwards, backwards);
}

#[test]
fn entries_have_the_identities_of_the_stored_format() {
    for vector in vectors("entry_identity") {
        let hasher = IdentHasher::new().int64(int(&vector, "size")).string(text(&vector, "e_tag"));
        let hasher = hasher.map(pairs(&vector["metadata"]));
        let hasher = match text(&vector, "content_type") {
            "" => hasher,
            content_type => hasher.string(content_type),
        };
        assert_eq!(hex::encode(hasher.finish()), text(&vector, "identity"), "{vector}");
    }
}

#[test]
fn commits_have_the_ids_of_the_stored_format() {
    for vector in vectors("commit_ids") {
        let parents = texts(&vector["parents"]);
        let id = commit_id(&vector, int(&vector, "creation_unix"), &parents);
        assert_eq!(id, text(&vector, "id"), "{vector}");
    }
}

#[test]
fn a_chain_of_commits_has_the_ids_of_the_stored_format() {
    let chain = &golden_json("hash-vectors.json")["commit_chain"];
    let mut created = int(chain, "first_unix");
    let mut parents: Vec<String> = Vec::new();
    for told in texts(&chain["ids"]) {
        let id = commit_id(chain, created, &parents);
        assert_eq!(id, told);
        parents = vec![id];
        created += int(chain, "step_seconds");
    }
}

fn commit_id<S: AsRef<str>>(commit: &Value, created: i64, parents: &[S]) -> String {
    let parents = IdentHasher::new().strings(parents).finish();
    let hasher = IdentHasher::new()
        .string("commit:v1")
        .string(text(commit, "committer"))
        .string(text(commit, "message"))
        .string(text(commit, "meta_range_id"))
        .int64(created)
        .map(pairs(&commit["metadata"]))
        .embedded(parents);
    hex::encode(hasher.finish())
}

#[test]
fn tables_have_the_ids_of_the_stored_format() {
    for vector in vectors("table_ids") {
        let decode = |digits: &Value| hex::decode(digits.as_str().expect("hex")).expect("hex");
        let records = vector["records_hex"].as_array().expect("list").iter();
        let records: Vec<_> =
            records.map(|record| (decode(&record[0]), decode(&record[1]))).collect();
        let table = write(&pairs(&vector["properties_at_close"]), &records);
        assert_eq!(hex::encode(table.id), text(&vector, "id"), "{vector}");
    }
}
