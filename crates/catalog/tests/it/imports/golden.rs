//! An import that a real server made, made again: the tree has the same name, and so the same content,
//! down to the last byte of the last range.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;

use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::MetaRangeId;
use lakehold_catalog::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_clock::Timestamp;
use lakehold_engine::NoHooks;
use lakehold_kv::TimestampMessage;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

use super::import;
use super::object;
use super::prefix;
use crate::lake::Lake;
use crate::lake::NOW;
use crate::lake::repository;

const INSTALLATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/real-install");
const NAMESPACE: &str = "local://tables";
const SOURCE: &str = "local:///srv/lakefs/import/lake/";

/// The tree of the branch before the import, and after it.
const BEFORE: &str = "1676d7898c51c9aee9b82bf37ab006aabba16b953c20e9d9fe2920ece949b615";
const AFTER: &str = "897320c770ef0697ca9c6ba9f5fef3cbdaac5cf577f129c4a6a6d6f77c82724f";

/// Of an entry: when its bytes were stored.
#[derive(Clone, PartialEq, Message)]
struct Times {
    #[prost(message, optional, tag = "2")]
    last_modified: Option<TimestampMessage>,
}

/// Where cuts fall in that installation.
fn settings() -> TreeSettings {
    TreeSettings {
        min_range_bytes: 4_096,
        max_range_bytes: 65_536,
        raggedness: 500,
        ..TreeSettings::default()
    }
}

/// A lake with all tables of the installation.
async fn lake() -> Lake {
    let make =
        |runtime| Arc::new(MemBlockStore::with_runtime(runtime).allowing_imports()) as Arc<_>;
    let lake = Lake::with_settings(make, Arc::new(NoHooks), settings());
    let namespace = StorageNamespace::from_stored(NAMESPACE);
    for table in std::fs::read_dir(format!("{INSTALLATION}/tables")).expect("a folder") {
        let table = table.expect("an entry");
        let name = format!("_lakefs/{}", table.file_name().into_string().expect("text"));
        let bytes = Bytes::from(std::fs::read(table.path()).expect("read"));
        let address = Address::relative(&namespace, name);
        lake.blocks.put(&address, bytes.into()).await.expect("stored");
    }
    lake.catalog.create_repository(repository("lake", NAMESPACE)).await.expect("created");
    let before = CommitRequest {
        source_meta_range: Some(MetaRangeId::from_stored(BEFORE)),
        ..CommitRequest::default()
    };
    lake.catalog.commit(&lake.id, &lake.main, before).await.expect("committed");
    lake
}

/// Paths and times of what was imported there.
async fn times(lake: &Lake) -> Vec<(Timestamp, String)> {
    let trees = Trees::new(lake.blocks.clone(), Runtime::seeded(3).0, settings());
    let namespace = StorageNamespace::from_stored(NAMESPACE);
    let mut cursor = trees.cursor(&namespace, &MetaRangeId::from_stored(AFTER));
    cursor.seek(b"lake/");
    let mut times = Vec::new();
    while let Some(record) = cursor.next().await.expect("readable") {
        let path = String::from_utf8(record.key.to_vec()).expect("text");
        let Some(name) = path.strip_prefix("lake/") else { break };
        let entry = Times::decode(&record.value.data[..]).expect("an entry");
        times.push((entry.last_modified.expect("a time").into(), name.to_owned()));
    }
    times.sort();
    times
}

fn unpack(folder: &Path) {
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(format!("{INSTALLATION}/files.tar.gz")).arg("-C").arg(folder);
    assert!(unpack.arg("import").status().expect("run").success());
}

fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    let nanos = |at: Timestamp| i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos);
    let passed = u64::try_from(nanos(later) - nanos(earlier));
    Duration::from_nanos(passed.expect("later, by no more than centuries"))
}

#[tokio::test]
async fn the_same_import_makes_the_same_tree_as_there() {
    let home = tempfile::tempdir().expect("a folder");
    unpack(home.path());
    let lake = lake().await;
    let times = times(&lake).await;
    assert_eq!(times.len(), 31);
    let mut now = Timestamp::from_seconds(NOW);
    for (time, name) in times {
        lake.clock.advance(between(now, time));
        now = time;
        let bytes = std::fs::read(home.path().join("import/lake").join(&name)).expect("read");
        let address = Address::Full(format!("{SOURCE}{name}").into());
        lake.blocks.put(&address, Bytes::from(bytes).into()).await.expect("stored");
    }
    let single = object(&format!("{SOURCE}a/one.txt"), "single.txt");
    let status = import(&lake, vec![prefix(SOURCE, "lake/"), single]).await;
    assert_eq!(status.ingested_objects, 32);
    assert_eq!(status.meta_range_id, Some(MetaRangeId::from_stored(AFTER)), "{status:?}");
}
