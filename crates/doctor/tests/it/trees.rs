//! Damaged metaranges and ranges.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_doctor::Kind;
use lakehold_doctor::Options;
use lakehold_doctor::Severity;
use lakehold_sstable::Table;
use lakehold_sstable::TableWriter;
use lakehold_tree::MetaRangeId;
use prost::Message as _;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::request;

/// What a metarange says of a range.
#[derive(Clone, PartialEq, prost::Message)]
struct RangeData {
    #[prost(bytes = "bytes", tag = "1")]
    min_key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    max_key: Bytes,
    #[prost(uint64, tag = "3")]
    estimated_size: u64,
    #[prost(int64, tag = "4")]
    count: i64,
}

async fn table(lake: &Lake, id: &str) -> Arc<Table> {
    Arc::new(Table::open(lake.bytes(&lake.table(id)).await).expect("a table"))
}

fn records(table: &Arc<Table>) -> Vec<(Bytes, Bytes)> {
    let mut cursor = table.cursor();
    std::iter::from_fn(|| cursor.next().expect("whole")).collect()
}

/// The ids of the ranges of `reference`, in order.
async fn ranges(lake: &Lake, reference: &str) -> Vec<String> {
    let tree = lake.commit_at(reference).await.meta_range_id.to_string();
    let listed = records(&table(lake, &tree).await);
    // Each value begins with a length of two bytes and the id.
    let id = |value: &Bytes| String::from_utf8(value[2..66].to_vec()).expect("an id");
    listed.iter().map(|(_, value)| id(value)).collect()
}

/// Commits a tree to `main` that differs from its own in what is said of the second range.
async fn commit_with(lake: &Lake, change: impl Fn(&mut RangeData)) {
    let tree = lake.commit_at("main").await.meta_range_id.to_string();
    let mut writer = TableWriter::new(&[("type", "metaranges")]);
    for (position, (key, value)) in records(&table(lake, &tree).await).into_iter().enumerate() {
        let (identity, data) = (&value[..66], &value[66..]);
        let (length, data) = if data[0] < 0x80 { (1, &data[1..]) } else { (2, &data[2..]) };
        assert!(length < 3);
        let mut said = RangeData::decode(data).expect("a reference");
        if position == 1 {
            change(&mut said);
        }
        let said = said.encode_to_vec();
        let mut length = Vec::new();
        prost::encoding::encode_varint(said.len() as u64 * 2, &mut length);
        writer.append(&key, &[identity, &length, &said].concat()).expect("in order");
    }
    let finished = writer.finish();
    let name: String = finished.id.iter().map(|byte| format!("{byte:02x}")).collect();
    lake.store(&lake.table(&name), finished.bytes).await;
    let source_meta_range = Some(MetaRangeId::from_stored(&name));
    let request = lakehold_catalog::CommitRequest { source_meta_range, ..request("damaged") };
    lake.catalog.commit(&lake.id, &branch("main"), request).await.expect("committed");
}

/// Forty objects in several ranges, committed.
async fn committed() -> Lake {
    let lake = Lake::new().await;
    for number in 0..40 {
        lake.upload("main", &format!("data/{number:03}"), &format!("object {number}")).await;
    }
    lake.commit("main", "first").await;
    lake
}

#[tokio::test]
async fn a_missing_range_is_found_once_however_many_commits_have_it() {
    let lake = Lake::filled().await;
    let range = ranges(&lake, "main").await[0].clone();
    assert!(ranges(&lake, "dev").await.contains(&range), "it is shared");
    lake.lose(&lake.table(&range)).await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::RangeMissing, Severity::Error));
    assert_eq!(found.place.range.as_deref(), Some(range.as_str()));
    assert!(found.place.commit.is_some());
}

#[tokio::test]
async fn a_missing_metarange_is_found() {
    let lake = Lake::filled().await;
    let commit = lake.commit_at("dev").await;
    lake.lose(&lake.table(commit.meta_range_id.as_str())).await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::MetaRangeMissing, Severity::Error));
    assert_eq!(found.place.commit, Some(commit.id.to_string()));
    assert_eq!(found.place.meta_range, Some(commit.meta_range_id.to_string()));
}

/// Behind the handles in the footer stand zeros, which no reader looks at.
fn is_padding(file: &[u8], at: usize) -> bool {
    file[at] == 0 && (file.len() - 53 + 1..file.len() - 12).contains(&at)
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_a_range_or_metarange_is_found() {
    let lake = committed().await;
    let tree = lake.commit_at("main").await.meta_range_id.to_string();
    let range = ranges(&lake, "main").await[1].clone();
    for (id, kind) in [(&tree, Kind::MetaRangeCorrupt), (&range, Kind::RangeCorrupt)] {
        let address = lake.table(id);
        let whole = lake.bytes(&address).await;
        let mut unnoticed = Vec::new();
        // Every third, which is somewhere in each part of the file.
        for at in (0..whole.len()).step_by(3) {
            let mut damaged = whole.to_vec();
            damaged[at] ^= 0x10;
            lake.store(&address, damaged).await;
            let found: BTreeSet<Kind> = lake.examine().await.kinds.into_keys().collect();
            if found.is_empty() {
                unnoticed.push(at);
            } else {
                assert_eq!(found, BTreeSet::from([kind]), "byte {at}");
            }
        }
        assert!(unnoticed.iter().all(|at| is_padding(&whole, *at)), "{unnoticed:?}");
        lake.store(&address, whole).await;
    }
    assert!(lake.examine().await.findings.is_empty());
}

#[tokio::test]
async fn a_table_under_the_name_of_another_is_found() {
    let lake = committed().await;
    let ids = ranges(&lake, "main").await;
    let other = lake.bytes(&lake.table(&ids[0])).await;
    lake.store(&lake.table(&ids[1]), other).await;
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::RangeCorrupt);
    assert!(found.problem.contains(&ids[0]), "{found}");
}

#[tokio::test]
async fn a_metarange_where_a_range_should_be_is_found() {
    let lake = committed().await;
    let tree = lake.commit_at("main").await.meta_range_id.to_string();
    let mut writer = TableWriter::new(&[("type", "metaranges")]);
    let whole = table(&lake, &tree).await;
    for (key, value) in records(&whole) {
        // The metarange's own name instead of its ranges'.
        let named = [&value[..2], tree.as_bytes(), &value[66..]].concat();
        writer.append(&key, &named).expect("in order");
    }
    let finished = writer.finish();
    let name: String = finished.id.iter().map(|byte| format!("{byte:02x}")).collect();
    lake.store(&lake.table(&name), finished.bytes).await;
    let source_meta_range = Some(MetaRangeId::from_stored(&name));
    let request = lakehold_catalog::CommitRequest { source_meta_range, ..request("damaged") };
    lake.catalog.commit(&lake.id, &branch("main"), request).await.expect("committed");
    assert_eq!(lake.troubles().await, BTreeSet::from([Kind::RangeCorrupt]));
}

#[tokio::test]
async fn a_wrong_number_of_records_in_a_metarange_is_found() {
    let lake = committed().await;
    commit_with(&lake, |said| said.count += 1).await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::RangeMismatch, Severity::Error));
    assert_eq!(found.place.range, Some(ranges(&lake, "main").await[1].clone()));
    assert!(found.problem.contains("records"), "{found}");
}

#[tokio::test]
async fn wrong_bounds_in_a_metarange_are_found() {
    let lake = committed().await;
    commit_with(&lake, |said| said.min_key = [&said.min_key[..], b"0"].concat().into()).await;
    let found = lake.only_finding().await;
    assert_eq!(found.kind, Kind::RangeMismatch);
    assert!(found.problem.contains("begin"), "{found}");

    let lake = committed().await;
    commit_with(&lake, |said| said.max_key = Bytes::from_static(b"z")).await;
    assert_eq!(lake.only_finding().await.kind, Kind::MetaRangeCorrupt, "its key says otherwise");
}

#[tokio::test]
async fn a_wrong_estimated_size_is_a_warning_and_the_one_of_old_is_none() {
    let lake = committed().await;
    commit_with(&lake, |said| said.estimated_size += 1).await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.severity), (Kind::RangeSizeMismatch, Severity::Warning));

    let lake = committed().await;
    let range = ranges(&lake, "main").await[1].clone();
    let length = lake.bytes(&lake.table(&range)).await.len() as u64;
    commit_with(&lake, |said| said.estimated_size = length + 8).await;
    assert!(lake.examine().await.findings.is_empty());
}

#[tokio::test]
async fn an_entry_that_is_none_is_found() {
    let lake = Lake::new().await;
    let value = lakehold_engine::Value {
        identity: Bytes::from_static(b"identity"),
        data: Bytes::from_static(b"\x0a\x05cut"),
    };
    let repository = lake.catalog.repository(&lake.id).await.expect("there");
    let always = lakehold_engine::StageCondition::Always;
    let main = branch("main");
    let staged = lake.engine.stage(&repository, &main, "broken".into(), value, always, false).await;
    staged.expect("staged");
    lake.commit("main", "an entry that is none").await;
    let found = lake.only_finding().await;
    assert_eq!((found.kind, found.place.path.as_deref()), (Kind::EntryCorrupt, Some("broken")));
}

#[tokio::test]
async fn a_store_that_does_not_have_the_namespace_is_told_once() {
    let lake = committed().await;
    let home = tempfile::tempdir().expect("a folder");
    let settings = lakehold_block::LocalSettings::in_data_dir(home.path());
    let local = lakehold_block::LocalBlockStore::open(settings, lake.runtime.clone()).await;
    let local = Arc::new(local.expect("opened"));
    let kv = Arc::new(lake.kv.clone());
    let doctor = lakehold_doctor::Doctor::new(kv, local, &lake.runtime, Options::default());
    let report = doctor.examine(|_| {}).await.expect("examined");
    assert_eq!(report.kinds.get(&Kind::NamespaceOutOfReach), Some(&1), "{report}");
}
