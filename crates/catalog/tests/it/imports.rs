//! Imports: what comes into the branch, what becomes of it when something is missing, and who ends it.

mod ends;
mod folders;
mod golden;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use lakehold_block::BlockStore as _;
use lakehold_block::MemBlockStore;
use lakehold_catalog::Address;
use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::ImportKind;
use lakehold_catalog::ImportPath;
use lakehold_catalog::ImportStatus;
use lakehold_catalog::NewImport;
use lakehold_clock::Runtime;

use crate::lake::Lake;
use crate::lake::NOW;
use crate::lake::metadata;
use crate::lake::reference;
use crate::lake::repository;

/// How often to look for the end of an import, and how long to wait in between.
const LOOKS: usize = 20_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// A lake over memory from which can be imported.
async fn lake() -> Lake {
    let lake =
        Lake::over(|runtime| Arc::new(MemBlockStore::with_runtime(runtime).allowing_imports()));
    lake.catalog.create_repository(repository("lake", "mem://lake")).await.expect("created");
    lake
}

fn prefix(source: &str, destination: &str) -> ImportPath {
    path(ImportKind::Prefix, source, destination)
}

fn object(source: &str, destination: &str) -> ImportPath {
    path(ImportKind::Object, source, destination)
}

fn path(kind: ImportKind, source: &str, destination: &str) -> ImportPath {
    ImportPath { kind, source: source.to_owned(), destination: destination.to_owned() }
}

fn import_of(paths: Vec<ImportPath>) -> NewImport {
    NewImport { paths, committer: "importer".to_owned(), ..NewImport::default() }
}

/// Stores what can be imported.
async fn put(lake: &Lake, uri: &str, bytes: &str) {
    let body = Bytes::copy_from_slice(bytes.as_bytes()).into();
    lake.blocks.put(&Address::Full(uri.into()), body).await.expect("stored");
}

async fn start(lake: &Lake, new: NewImport) -> Result<String, CatalogError> {
    lake.catalog.start_import(&lake.id, &lake.main, new).await
}

async fn status(lake: &Lake, id: &str) -> ImportStatus {
    lake.catalog.import_status(&lake.id, id).await.expect("known")
}

/// The status of an import, once it has ended.
async fn ended(lake: &Lake, id: &str) -> ImportStatus {
    for _ in 0..LOOKS {
        let status = status(lake, id).await;
        if status.completed || status.error.is_some() {
            return status;
        }
        Runtime::real().sleep(BETWEEN_LOOKS).await;
    }
    panic!("import {id} does not end")
}

async fn import(lake: &Lake, paths: Vec<ImportPath>) -> ImportStatus {
    let id = start(lake, import_of(paths)).await.expect("started");
    ended(lake, &id).await
}

fn why(status: &ImportStatus) -> &str {
    assert!(!status.completed && status.commit.is_none(), "{status:?}");
    status.error.as_deref().expect("an error")
}

#[tokio::test]
async fn an_import_is_one_commit_of_what_was_found() {
    let lake = lake().await;
    lake.upload("keep", "kept").await;
    lake.commit("before").await;
    for (name, bytes) in [("a b+c", "1"), ("a#x?y", "22"), ("a%20b", "333"), ("dir/x", "4444")] {
        put(&lake, &format!("mem://source/d/{name}"), bytes).await;
    }
    put(&lake, "mem://source/dd", "a neighbour").await;
    let new = NewImport {
        message: "brought in".to_owned(),
        metadata: metadata(&[("k", "v")]),
        ..import_of(vec![prefix("mem://source/d/", "in"), object("mem://source/dd", "single")])
    };
    let id = start(&lake, new).await.expect("started");
    let status = ended(&lake, &id).await;
    assert_eq!((status.completed, status.ingested_objects, &status.error), (true, 5, &None));

    let commit = status.commit.expect("a commit");
    let head = lake.catalog.commit_at(&lake.id, &reference("main")).await.expect("a head");
    assert_eq!(commit, *head);
    assert_eq!(status.meta_range_id, Some(commit.meta_range_id.clone()));
    assert_eq!((commit.committer.as_str(), commit.message.as_str()), ("importer", "brought in"));
    assert_eq!(commit.metadata, metadata(&[("k", "v"), (".lakefs.merge.strategy", "source-wins")]));
    let noted = lake.catalog.repository_metadata(&lake.id).await.expect("metadata");
    assert_eq!(noted, metadata(&[(".lakefs.last.import.timestamp", &NOW.to_string())]));

    let expected = ["in/a b+c", "in/a#x?y", "in/a%20b", "in/dir/x", "keep", "single"];
    assert_eq!(lake.paths().await, expected);
    let object = lake.object("in/a%20b").await.expect("is there");
    assert_eq!(object.address, Address::Full("mem://source/d/a%20b".into()));
    assert_eq!((object.size, object.checksum.as_str()), (3, "310dcbbf4cce62f762a2aaa148d556bd"));
    assert_eq!((object.content_type.as_str(), object.metadata.len()), ("", 0));
    assert_eq!(lake.read("in/a%20b").await, "333");
    assert_eq!(lake.stored_data().await.len(), 1, "nothing was copied");
}

#[tokio::test]
async fn a_folder_is_replaced_and_its_neighbours_are_not() {
    let lake = lake().await;
    for path in ["foo", "foo/old", "foobar/x", "a/b", "a/bc", "a/b/c"] {
        lake.upload(path, "before").await;
    }
    lake.commit("before").await;
    put(&lake, "mem://source/x", "imported").await;
    let paths = vec![prefix("mem://source/", "foo"), object("mem://source/x", "a/b")];
    assert!(import(&lake, paths).await.completed);
    assert_eq!(lake.paths().await, ["a/b", "a/b/c", "a/bc", "foo", "foo/x", "foobar/x"]);
    assert_eq!(lake.read("a/b").await, "imported");
    assert_eq!(lake.read("foo").await, "before");

    assert!(import(&lake, vec![prefix("mem://source/", "")]).await.completed);
    assert_eq!(lake.paths().await, ["x"]);
    // What is not there any more goes.
    assert!(import(&lake, vec![prefix("mem://source/none", "")]).await.completed);
    assert!(lake.paths().await.is_empty());
}

#[tokio::test]
async fn a_prefix_brings_what_begins_with_it_by_what_follows_its_last_slash() {
    let lake = lake().await;
    for name in ["dir/a", "dir2/b", "dir-3", "other", "dir/"] {
        put(&lake, &format!("mem://source/{name}"), "1").await;
    }
    assert!(import(&lake, vec![prefix("mem://source/dir", "x/")]).await.completed);
    assert_eq!(lake.paths().await, ["x/dir-3", "x/dir/", "x/dir/a", "x/dir2/b"]);
    // The object that is the folder itself has no name at the root of a branch.
    let status = import(&lake, vec![prefix("mem://source/dir/", "")]).await;
    assert_eq!((lake.paths().await, status.ingested_objects), (vec!["a".to_owned()], 1));
}

#[tokio::test]
async fn sources_that_cannot_be_are_refused_at_once() {
    let lake = lake().await;
    let nowhere = crate::lake::branch("nowhere");
    let fine = || import_of(vec![object("mem://source/x", "x")]);
    let refused = lake.catalog.start_import(&lake.id, &nowhere, fine()).await;
    assert!(
        matches!(refused, Err(CatalogError::Engine(EngineError::BranchNotFound(_)))),
        "{refused:?}"
    );
    for (path, is_above) in [
        (prefix("mem://lake", "x"), false),
        (prefix("mem://lake/data/", "x"), false),
        (object("mem://lake/data/x", "x"), false),
        (prefix("mem://la", "x"), true),
        (prefix("mem://", "x"), true),
    ] {
        let refused = start(&lake, import_of(vec![path.clone()])).await;
        assert!(
            matches!(refused, Err(CatalogError::InvalidImportSource { above, .. }) if above == is_above),
            "{path:?}: {refused:?}"
        );
    }
    assert!(start(&lake, import_of(Vec::new())).await.is_err());
    let nameless = start(&lake, import_of(vec![object("mem://source/x", "")])).await;
    assert!(matches!(nameless, Err(CatalogError::InvalidPath(0))), "{nameless:?}");
    // Another place whose name goes on like that of the namespace.
    put(&lake, "mem://lake2/x", "1").await;
    assert!(import(&lake, vec![prefix("mem://lake2/", "x")]).await.completed);

    let unable = Lake::new().await;
    let refused = start(&unable, fine()).await;
    assert!(matches!(refused, Err(CatalogError::ImportNotSupported)), "{refused:?}");
}

#[tokio::test]
async fn what_is_missing_or_in_the_way_is_told_by_the_status() {
    let lake = lake().await;
    put(&lake, "mem://source/x", "1").await;
    let missing = import(&lake, vec![object("mem://source/none", "x")]).await;
    assert_eq!(why(&missing), "error on ingest: no object at mem://source/none");
    let long = "x".repeat(1_025);
    let long = import(&lake, vec![prefix("mem://source/", &long)]).await;
    assert!(why(&long).starts_with("error on ingest: path of 1027 bytes"), "{long:?}");

    lake.upload("staged", "1").await;
    let dirty = import(&lake, vec![object("mem://source/x", "x")]).await;
    assert_eq!(why(&dirty), "merge import: uncommitted changes (dirty branch)");
    assert_eq!((dirty.ingested_objects, &dirty.meta_range_id), (1, &None));
    assert_eq!(lake.paths().await, ["staged"]);
}

#[tokio::test]
async fn an_import_that_breaks_off_anywhere_leaves_the_branch_and_can_be_started_again() {
    let paths = || vec![prefix("mem://source/", "in"), object("mem://source/1", "single")];
    let expected = ["in/0", "in/1", "in/2", "keep", "single"];
    // The last round, in which no call is left that could fail, ends this.
    for call in 1..100 {
        let lake = lake().await;
        lake.upload("keep", "1").await;
        lake.commit("before").await;
        for number in 0..3 {
            put(&lake, &format!("mem://source/{number}"), "1").await;
        }
        let before = lake.catalog.commit_at(&lake.id, &reference("main")).await.expect("a head");
        lake.blocks.fail_nth(call);
        let status = import(&lake, paths()).await;
        if lake.blocks.injected() == 0 {
            assert!(status.completed && call > 12, "{call} {status:?}");
            return;
        }
        assert!(why(&status).contains("a fault injected by a test"), "{call}: {status:?}");
        let after = lake.catalog.commit_at(&lake.id, &reference("main")).await.expect("a head");
        assert_eq!(after, before);
        assert!(import(&lake, paths()).await.completed, "{call}");
        assert_eq!(lake.paths().await, expected);
    }
    panic!("the calls do not end");
}

/// Where each source's objects go, as a test thinks of it.
type Model = BTreeMap<String, String>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However sources overlap, the branch is what a map says into which they are put one by one.
    #[test]
    fn several_sources_are_merged_and_the_later_wins(
        stored in prop::collection::btree_map("[ab/]{1,3}", "[123]", 0..12),
        before in prop::collection::btree_set("[ab/]{1,3}", 0..6),
        paths in prop::collection::vec(("[ab/]{0,2}", "[ab/]{0,2}", any::<bool>()), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let lake = lake().await;
            for path in &before {
                lake.upload(path, "before").await;
            }
            if !before.is_empty() {
                lake.commit("before").await;
            }
            for (name, bytes) in &stored {
                put(&lake, &format!("mem://source/{name}"), bytes).await;
            }
            let mut expected: Model =
                before.iter().map(|path| (path.clone(), "before".to_owned())).collect();
            let (mut imported, mut requested) = (Model::new(), Vec::new());
            for (source, destination, is_prefix) in &paths {
                let uri = format!("mem://source/{source}");
                if *is_prefix {
                    let folder = match destination.is_empty() || destination.ends_with('/') {
                        true => destination.clone(),
                        false => format!("{destination}/"),
                    };
                    expected.retain(|path, _| !path.starts_with(&folder));
                    let cut = source.rfind('/').map_or(0, |slash| slash + 1);
                    let begin = stored.iter().filter(|(name, _)| name.starts_with(source));
                    imported.extend(begin.map(|(name, bytes)| {
                        (format!("{folder}{}", &name[cut..]), bytes.clone())
                    }));
                    requested.push(prefix(&uri, destination));
                } else if let Some(bytes) = stored.get(source).filter(|_| !destination.is_empty()) {
                    expected.remove(destination);
                    imported.insert(destination.clone(), bytes.clone());
                    requested.push(object(&uri, destination));
                }
            }
            imported.remove("");
            if requested.is_empty() {
                return;
            }
            let status = import(&lake, requested).await;
            assert!(status.completed, "{status:?}");
            assert_eq!(status.ingested_objects, i64::try_from(imported.len()).expect("few"));
            expected.extend(imported);
            assert_eq!(lake.paths().await, expected.keys().cloned().collect::<Vec<_>>());
            for (path, bytes) in expected {
                assert_eq!(lake.read(&path).await, bytes, "{path}");
            }
        });
    }
}
