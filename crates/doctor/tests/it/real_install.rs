//! Installations that real servers wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use lakehold_block::BlockStore as _;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_block::MemBlockStore;
use lakehold_clock::Runtime;
use lakehold_doctor::Doctor;
use lakehold_doctor::Kind;
use lakehold_doctor::Options;
use lakehold_doctor::Report;
use lakehold_kv::MemStore;
use lakehold_kv::StoreExt as _;
use serde::Deserialize;

fn golden(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/real-install")).join(name)
}

#[derive(Deserialize)]
struct StoredRecord {
    partition: String,
    key: String,
    value: String,
}

async fn records(name: &str) -> Arc<MemStore> {
    let store = MemStore::new();
    for line in std::fs::read_to_string(golden(name)).expect("golden").lines() {
        let record: StoredRecord = serde_json::from_str(line).expect("a record");
        let value = hex::decode(record.value).expect("hex");
        let set = store.set(record.partition.into(), record.key.into(), value.into());
        set.await.expect("stored");
    }
    Arc::new(store)
}

/// The files of the installation below `home`.
fn unpack(home: &Path) {
    let archive = golden("files.tar.gz");
    let status = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(home).status();
    assert!(status.expect("tar runs").success());
}

async fn examine(home: &Path, options: Options) -> Report {
    let runtime = Runtime::real();
    let settings = LocalSettings {
        root: home.join("block"),
        journal: home.join("block-journal"),
        ..LocalSettings::in_data_dir(home)
    };
    let blocks = LocalBlockStore::open(settings, runtime.clone()).await.expect("opened");
    let blocks = Arc::new(blocks);
    let doctor = Doctor::new(records("kv.jsonl").await, blocks.clone(), &runtime, options);
    let report = doctor.examine(|_| {}).await.expect("examined");
    blocks.close().await.expect("closed");
    report
}

/// The repository `restored` has the metadata of `history` and, as it was captured, no bodies. With
/// them nothing is wrong. What is left to say:
///
/// - 33 objects have full addresses below `/srv/lakefs`, where this store may not look: those of an
///   import, one recorded by a client, one that was linked;
/// - nothing leads to the tables of an import that failed, and to those of the dump that `restored`
///   was made from; nor to records of a repository that was deleted and made again (two records, which
///   are therefore not decoded).
///
/// The checksum of one object is that of two parts, and is recognised.
#[tokio::test]
async fn a_real_installation_has_no_error() {
    let home = tempfile::tempdir().expect("a folder");
    unpack(home.path());
    let nested = home.path().join("block/nested/place");
    copy_folder(&nested.join("history/data"), &nested.join("restored/data"));

    let report = examine(home.path(), Options { deep: true, ..Options::default() }).await;

    let told = [
        (Kind::LeftoverPartition, 1),
        (Kind::AddressOutOfReach, 33),
        (Kind::TableUnreferenced, 10),
    ];
    assert_eq!(report.kinds, BTreeMap::from(told), "{report}");
    assert_eq!((report.errors, report.left_out, report.exit_status()), (0, 0, 3), "{report}");
    let counts = report.examined;
    assert_eq!((counts.repositories, counts.branches, counts.tags, counts.commits), (6, 30, 5, 65));
    assert_eq!((counts.records, counts.staged_entries), (358, 74));
    assert_eq!((counts.objects, counts.objects_compared), (3_155, 3_122));
}

/// Of `restored` as it was captured each missing body is told, and nothing else.
#[tokio::test]
async fn missing_bodies_are_told_one_by_one() {
    let home = tempfile::tempdir().expect("a folder");
    unpack(home.path());
    let repositories = Some(vec!["restored".to_owned()]);
    let report = examine(home.path(), Options { repositories, ..Options::default() }).await;
    let told = [(Kind::ObjectMissing, 23), (Kind::TableUnreferenced, 8)];
    assert_eq!(report.kinds, BTreeMap::from(told), "{report}");
}

#[tokio::test]
async fn the_records_of_a_server_of_access_control_lists_are_as_they_should_be() {
    let runtime = Runtime::real();
    let kv = records("acl-kv.jsonl").await;
    let blocks = Arc::new(MemBlockStore::new());
    let doctor = Doctor::new(kv, blocks, &runtime, Options::default());
    let report = doctor.examine(|_| {}).await.expect("examined");
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!((report.examined.users, report.examined.credentials), (5, 6));
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
