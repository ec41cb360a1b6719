//! Every record of our kinds that a real installation holds.

use lakehold_kv::Known;
use serde::Deserialize;

use super::*;

const RECORDS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/real-install/kv.jsonl"));

#[derive(Deserialize)]
struct Stored {
    partition: String,
    key: String,
    value: String,
}

fn stored() -> Vec<Stored> {
    RECORDS.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// Reads and writes every record that `is_kind` picks; returns how many there were. Maps are written
/// in order, which a stored record need not be, so the bytes are compared as a set.
fn round_trip<M>(is_kind: impl Fn(&Stored) -> bool) -> usize
where
    M: Message + Default + Known,
{
    let mut count = 0;
    for record in stored().iter().filter(|record| is_kind(record)) {
        let bytes = hex::decode(&record.value).expect("hex");
        let read = decode::<M>("record", record.key.as_bytes(), &bytes).expect("decodes");
        assert!(!read.has_unknown_fields(), "{}", record.key);
        let mut written = read.encode().to_vec();
        assert_eq!(written.len(), bytes.len(), "{}", record.key);
        let mut expected = bytes.clone();
        written.sort_unstable();
        expected.sort_unstable();
        assert_eq!(written, expected, "{}", record.key);
        count += 1;
    }
    count
}

#[test]
fn records_of_a_real_installation_are_read_whole_and_written_the_same() {
    let of = |prefix: &'static str| {
        move |record: &Stored| {
            record.key.starts_with(prefix)
                && record.partition != "actions"
                && record.partition != "pulls"
        }
    };
    let repositories =
        round_trip::<RepositoryData>(|r| r.partition == "graveler" && r.key.starts_with("repos/"));
    assert_eq!(repositories, 6);
    assert_eq!(round_trip::<BranchData>(of("branches/")), 30);
    assert_eq!(round_trip::<TagData>(of("tags/")), 5);
    assert_eq!(round_trip::<CommitData>(of("commits/")), 65);
    assert_eq!(round_trip::<RepoMetadata>(of("repo-metadata")), 2);
    assert_eq!(round_trip::<BranchProtectionRules>(of("settings/protected_branches")), 3);
}

#[test]
fn commits_of_a_real_installation_have_the_ids_we_compute() {
    let mut count = 0;
    for record in stored().iter().filter(|record| record.key.starts_with("commits/")) {
        let bytes = hex::decode(&record.value).expect("hex");
        let data = decode::<CommitData>("commit", b"", &bytes).expect("decodes").message;
        let commit = crate::Commit::from_record(data);
        assert_eq!(commit.identify(), commit.id);
        count += 1;
    }
    assert_eq!(count, 65);
}

#[test]
fn staged_entries_of_a_real_installation_are_read_and_written_the_same() {
    let mut count = 0;
    for record in stored().iter().filter(|record| record.partition.contains("-main:")) {
        let bytes = Bytes::from(hex::decode(&record.value).expect("hex"));
        let entry = StagedEntryData::decode(bytes.clone()).expect("decodes");
        assert_eq!(entry.key, record.key.as_bytes());
        let value = crate::staging::decode_entry(&entry.key, bytes.clone()).expect("decodes");
        let written = crate::staging::encode_entry(&entry.key, value.as_ref());
        assert_eq!(written, bytes);
        count += 1;
    }
    assert!(count > 60, "{count}");
}
