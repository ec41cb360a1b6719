//! What the tests share: real directories, copies of them, and what is in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use lakehold_badger::Badger;
use lakehold_badger::Error;
use lakehold_badger::Record;
use lakehold_clock::Timestamp;
use sha2::Digest as _;
use sha2::Sha256;
use tempfile::TempDir;

/// Later than anything in the test data was made to expire soon, earlier than what lasts.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Partition and key as text, value in hex.
pub(crate) type Contents = BTreeMap<(String, String), String>;

/// A file or folder of `tests/golden`.
pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden")).join(name)
}

/// A copy of a folder of `tests/golden`.
pub(crate) fn golden_copy(name: &str) -> TempDir {
    let copy = tempfile::tempdir().expect("temporary directory");
    copy_files(&golden(name), copy.path());
    copy
}

/// One of the directories that Badger made for these tests, unpacked.
pub(crate) fn made_by_badger(name: &str) -> TempDir {
    unpack(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data"))
            .join(format!("{name}.tar.gz")),
    )
}

/// The store of the captured installation, unpacked: its folder `metadata`.
pub(crate) fn real_install() -> TempDir {
    unpack(golden("real-install/badger.tar.gz"))
}

fn unpack(archive: PathBuf) -> TempDir {
    let folder = tempfile::tempdir().expect("temporary directory");
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("--no-same-owner").arg("-C").arg(folder.path());
    assert!(tar.status().expect("tar is installed").success());
    folder
}

pub(crate) fn copy_files(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.file_name().expect("a name"));
        std::fs::copy(&path, target).expect("copy");
    }
}

/// The files in `folder`, by name.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("read directory");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("directory entry").path()).collect();
    files.sort();
    files
}

pub(crate) fn read_records(directory: &Path) -> Result<Vec<Record>, Error> {
    Badger::open(directory)?.records(NOW).collect()
}

pub(crate) fn read(directory: &Path) -> Result<Contents, Error> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let records = read_records(directory)?.into_iter();
    Ok(records
        .map(|record| ((text(&record.partition), text(&record.key)), hex::encode(&record.value)))
        .collect())
}

/// The records of `mini-install` and `badger-wal`.
pub(crate) fn expected_mini() -> Contents {
    let file = std::fs::read(golden("mini-install/expected.json")).expect("golden file");
    let json: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    let records = json["partition_key_value_hex"].as_array().expect("a list");
    let text = |field: &serde_json::Value| field.as_str().expect("text").to_owned();
    let record =
        |r: &serde_json::Value| ((text(&r["partition"]), text(&r["key"])), text(&r["value_hex"]));
    records.iter().map(record).collect()
}

/// The records of `real-install`, as the PostgreSQL form has them.
pub(crate) fn expected_real() -> Contents {
    let file = std::fs::read_to_string(golden("real-install/kv.jsonl")).expect("golden file");
    let records = file.lines().map(|line| {
        let json: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let text = |field: &str| json[field].as_str().expect("text").to_owned();
        ((text("partition"), text("key")), text("value"))
    });
    records.collect()
}

/// What Badger's own dump of a store was hashed to: `<key in hex> <length> <SHA-256 of the value>` a
/// line.
pub(crate) fn dump_hash(records: &[Record]) -> String {
    let mut dump = String::new();
    for record in records {
        let key = [&record.partition[..], b"/", &record.key].concat();
        let value = hex::encode(Sha256::digest(&record.value));
        writeln!(dump, "{} {} {value}", hex::encode(key), record.value.len()).expect("a string");
    }
    hex::encode(Sha256::digest(dump))
}
