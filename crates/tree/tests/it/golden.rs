//! Trees that real servers wrote: they are read as they were meant, and the same operations give the
//! same trees, by name.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_clock::Runtime;
use lakehold_sstable::Table;
use lakehold_tree::Change;
use lakehold_tree::Error;
use lakehold_tree::MetaRangeId;
use lakehold_tree::Strategy;
use lakehold_tree::Summary;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;
use lakehold_tree::Value;
use prost::Message as _;

use crate::lake::Listed;
use crate::lake::namespace;

fn golden(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden")).join(name)
}

fn json(name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(golden(name)).unwrap()).unwrap()
}

/// The tables in `folder`, by name.
fn tables(folder: &str) -> BTreeMap<String, Bytes> {
    let files = std::fs::read_dir(golden(folder)).unwrap();
    files
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), file.path()))
        .filter(|(name, _)| name.len() == 64)
        .map(|(name, path)| (name, std::fs::read(path).unwrap().into()))
        .collect()
}

/// Trees over the tables in `folder`, with the settings of the real installation.
async fn trees_of(folder: &str) -> Trees {
    let blocks = Arc::new(MemBlockStore::new());
    for (name, bytes) in tables(folder) {
        let address = Address::relative(&namespace(), format!("_lakefs/{name}"));
        blocks.put(&address, bytes.into()).await.unwrap();
    }
    let settings = TreeSettings {
        min_range_bytes: 4096,
        max_range_bytes: 65_536,
        raggedness: 500,
        ..TreeSettings::default()
    };
    Trees::new(blocks, Runtime::seeded(1).0, settings)
}

async fn keys(trees: &Trees, id: &MetaRangeId) -> Result<Vec<String>, Error> {
    let mut cursor = trees.cursor(&namespace(), id);
    let mut keys = Vec::new();
    while let Some(record) = cursor.next().await? {
        keys.push(crate::lake::text(&record.key));
    }
    Ok(keys)
}

fn id(text: &str) -> MetaRangeId {
    MetaRangeId::from_stored(text)
}

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

/// What a metarange says of a range, read without the code under test.
fn reference(stored: &[u8]) -> (String, RangeData) {
    // A name of 64 characters: zigzag 128 is two bytes, and the data is shorter than 2^13.
    assert_eq!(stored[..2], [0x80, 0x01]);
    let name = String::from_utf8(stored[2..66].to_vec()).unwrap();
    let length_bytes = if stored[66] < 0x80 { 1 } else { 2 };
    (name, RangeData::decode(&stored[66 + length_bytes..]).unwrap())
}

#[test]
fn every_metarange_agrees_with_the_ranges_it_names() {
    let mut references = 0;
    for folder in ["mini-install/block/sample/_lakefs", "real-install/tables"] {
        let tables: BTreeMap<String, Arc<Table>> = tables(folder)
            .into_iter()
            .map(|(name, bytes)| (name, Arc::new(Table::open(bytes).unwrap())))
            .collect();
        for table in tables.values().filter(|t| t.property("type") == Some(b"metaranges")) {
            let mut cursor = table.cursor();
            while let Some((key, stored)) = cursor.next().unwrap() {
                let (name, said) = reference(&stored);
                let range = &tables[&name];
                let property = |name: &str| range.property(name).unwrap();
                let number = |name| str::from_utf8(property(name)).unwrap().parse::<u64>().unwrap();
                assert_eq!(key, said.max_key);
                assert_eq!(property("min_key"), &*said.min_key);
                assert_eq!(property("max_key"), &*said.max_key);
                assert_eq!(number("count"), said.count as u64);
                assert_eq!(number("estimated_size_bytes"), said.estimated_size);
                references += 1;
            }
        }
    }
    assert!(references > 50, "{references}");
}

#[tokio::test]
async fn the_small_installation_lists_as_it_should() {
    let trees = trees_of("mini-install/block/sample/_lakefs").await;
    let tables = tables("mini-install/block/sample/_lakefs");
    let mut listed = 0;
    for name in tables.keys() {
        match keys(&trees, &id(name)).await {
            Ok(keys) => {
                listed += 1;
                assert!(!keys.is_empty());
            }
            Err(Error::MetaRangeNotFound(_)) => {}
            Err(error) => panic!("{name}: {error:?}"),
        }
    }
    assert_eq!(listed, 2);
}

/// Every commit of the real installation, in which a listing is recorded.
#[tokio::test]
async fn every_tree_of_the_real_installation_reads_whole() {
    let trees = trees_of("real-install/tables").await;
    let mut records = 0;
    for commit in commits().values() {
        let keys = keys(&trees, &id(&commit.meta_range)).await.unwrap();
        assert!(keys.is_sorted());
        records += keys.len();
    }
    assert!(records > 15_000, "{records}");
}

struct Commit {
    parents: Vec<String>,
    meta_range: String,
    strategy: Option<String>,
    imported: bool,
}

fn commits() -> BTreeMap<String, Commit> {
    let truth = json("real-install/truth.json");
    let mut commits = BTreeMap::new();
    for repository in truth["repositories"].as_object().unwrap().values() {
        for (name, commit) in repository["commits"].as_object().unwrap() {
            let strategy = commit["metadata"][".lakefs.merge.strategy"].as_str();
            commits.insert(
                name.clone(),
                Commit {
                    parents: commit["parents"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|parent| parent.as_str().unwrap().to_owned())
                        .collect(),
                    meta_range: commit["meta_range_id"].as_str().unwrap().to_owned(),
                    strategy: strategy.map(str::to_owned),
                    imported: commit["message"] == "import the lake",
                },
            );
        }
    }
    commits
}

/// The changes that lead from one tree to another.
async fn changes(trees: &Trees, from: &MetaRangeId, to: &MetaRangeId) -> Listed {
    let mut diff = trees.diff(&namespace(), from, to);
    let mut changes = Vec::new();
    while let Some(difference) = diff.next().await.unwrap() {
        changes.push(Ok(Change { key: difference.key, value: difference.right }));
    }
    Listed::new(changes)
}

#[tokio::test]
async fn committing_what_real_servers_committed_gives_their_trees() {
    let trees = trees_of("real-install/tables").await;
    let commits = commits();
    let mut compared = 0;
    for commit in commits.values() {
        let [parent] = &commit.parents[..] else { continue };
        let parent = id(&commits[parent].meta_range);
        let expected = id(&commit.meta_range);
        if parent == expected || commit.imported || commit.strategy.is_some() {
            continue;
        }
        let mut changes = changes(&trees, &parent, &expected).await;
        let written = trees.apply(&namespace(), &parent, &mut changes, false).await.unwrap();
        assert_eq!(written.meta_range, expected);
        compared += 1;
    }
    assert!(compared >= 20, "{compared}");
}

/// All ancestors of a commit, itself included.
fn ancestors(commits: &BTreeMap<String, Commit>, of: &str) -> Vec<String> {
    let mut found = vec![of.to_owned()];
    let mut next = 0;
    while let Some(commit) = found.get(next) {
        for parent in commits[commit].parents.clone() {
            if !found.contains(&parent) {
                found.push(parent);
            }
        }
        next += 1;
    }
    found
}

/// The common ancestors of two commits that are no ancestors of another one.
fn merge_bases(commits: &BTreeMap<String, Commit>, one: &str, other: &str) -> Vec<String> {
    let others = ancestors(commits, other);
    let common: Vec<String> =
        ancestors(commits, one).into_iter().filter(|commit| others.contains(commit)).collect();
    let is_best = |commit: &&String| {
        !common.iter().any(|c| c != *commit && ancestors(commits, c).contains(commit))
    };
    common.iter().filter(is_best).cloned().collect()
}

#[tokio::test]
async fn merging_what_real_servers_merged_gives_their_trees() {
    let trees = trees_of("real-install/tables").await;
    let commits = commits();
    let mut compared = 0;
    for commit in commits.values() {
        let [destination, source] = &commit.parents[..] else { continue };
        let strategy = match commit.strategy.as_deref() {
            Some("source-wins") => Strategy::SourceWins,
            Some("dest-wins") => Strategy::DestinationWins,
            _ => Strategy::Fail,
        };
        let mut results = Vec::new();
        for base in merge_bases(&commits, source, destination) {
            let of = |commit: &str| id(&commits[commit].meta_range);
            let [source, destination, base] = [of(source), of(destination), of(&base)];
            let merged =
                trees.merge(&namespace(), &source, &destination, &base, strategy).await.unwrap();
            results.push(merged.meta_range);
        }
        // With two equally good bases the server took one of them.
        assert!(results.contains(&id(&commit.meta_range)), "{results:?}");
        compared += 1;
    }
    assert!(compared >= 5, "{compared}");
}

/// The record of a staged change, as it lies in the key-value store.
#[derive(Clone, PartialEq, prost::Message)]
struct Staged {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", optional, tag = "2")]
    identity: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    data: Option<Bytes>,
}

/// What is staged on `main` of the repository.
fn staged(repository: &str) -> Listed {
    let kv = std::fs::read_to_string(golden("real-install/kv.jsonl")).unwrap();
    let prefix = format!("{repository}-main:");
    let mut changes = Vec::new();
    for line in kv.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        if !record["partition"].as_str().unwrap().starts_with(&prefix) {
            continue;
        }
        let bytes = hex::decode(record["value"].as_str().unwrap()).unwrap();
        let staged = Staged::decode(&*bytes).unwrap();
        let value = staged
            .identity
            .map(|identity| Value { identity, data: staged.data.unwrap_or_default() });
        changes.push(Ok(Change { key: staged.key, value }));
    }
    Listed::new(changes)
}

/// What real servers made of the changes that `after.json` records: a commit of 62 staged changes,
/// then merges into it, over ranges cut by size and by key.
#[tokio::test]
async fn what_real_servers_did_next_gives_their_trees() {
    let trees = trees_of("real-install/tables").await;
    let truth = json("real-install/truth.json");
    let after = json("real-install/after.json");
    let head = |repository: &str, branch: &str| {
        let repository = &truth["repositories"][repository];
        let branches = repository["branches"].as_array().unwrap();
        let branch = branches.iter().find(|found| found["id"] == branch).unwrap();
        let commit = branch["commit_id"].as_str().unwrap();
        id(repository["commits"][commit]["meta_range_id"].as_str().unwrap())
    };
    let mut mains = BTreeMap::new();
    for (repository, step) in [
        ("tables", "commit tables/main"),
        ("history", "commit history/main"),
        ("frozen", "commit frozen/main (forced)"),
    ] {
        let mut changes = staged(repository);
        let main = head(repository, "main");
        let written = trees.apply(&namespace(), &main, &mut changes, false).await.unwrap();
        assert_eq!(Some(written.meta_range.as_str()), after[step][1].as_str(), "{step}");
        mains.insert(repository, written.meta_range);
    }

    let base = head("tables", "main");
    let pruned = head("tables", "pruned");
    let imported = head("tables", "imported");
    for (step, source, destination) in [
        ("merge tables: pruned into main", &pruned, &mains["tables"]),
        ("merge tables: imported into pruned", &imported, &pruned),
    ] {
        let merged =
            trees.merge(&namespace(), source, destination, &base, Strategy::Fail).await.unwrap();
        assert_eq!(Some(merged.meta_range.as_str()), after[step].as_str(), "{step}");
        assert_ne!(merged.summary, Summary::default());
    }
}
