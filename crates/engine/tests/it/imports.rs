//! Imports: what becomes of a branch, compared with an ordered map, and when there is none.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use lakehold_engine::BoxError;
use lakehold_engine::Change;
use lakehold_engine::ChangeSource;
use lakehold_engine::Commit;
use lakehold_engine::EngineError;
use lakehold_engine::ImportRequest;
use lakehold_engine::KeySet;
use lakehold_engine::MetaRangeId;
use lakehold_engine::NewRepository;
use lakehold_kv::MemStore;
use proptest::prelude::*;

use crate::lake::Lake;
use crate::lake::Result;
use crate::lake::branch;
use crate::lake::new_repository;
use crate::lake::value;

type Content = BTreeMap<String, String>;

/// Records out of a list; the last may be why there are no more.
struct Listed(std::vec::IntoIter<Result<Change, BoxError>>);

impl Listed {
    fn of(content: &Content) -> Self {
        let record = |(key, text): (&String, &String)| Change {
            key: Bytes::from(key.clone()),
            value: Some(value(text)),
        };
        Self(content.iter().map(record).map(Ok).collect::<Vec<_>>().into_iter())
    }
}

impl ChangeSource for Listed {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Change>, BoxError>> {
        let next = self.0.next().transpose();
        async move { next }.boxed()
    }
}

fn content(records: &[(&str, &str)]) -> Content {
    records.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
}

fn set(keys: &[&str], prefixes: &[&str]) -> Arc<KeySet> {
    let all = |texts: &[&str]| texts.iter().map(|text| Bytes::from((*text).to_owned())).collect();
    let (keys, prefixes): (Vec<Bytes>, Vec<Bytes>) = (all(keys), all(prefixes));
    Arc::new(KeySet::new(keys, prefixes))
}

async fn import(lake: &Lake, imported: &Content, replaced: &Arc<KeySet>) -> Result<Arc<Commit>> {
    let written = lake.engine.write_tree(&lake.repository, &mut Listed::of(imported)).await?;
    lake.engine.import(&lake.repository, &branch("main"), request(written, replaced)).await
}

fn request(imported: MetaRangeId, replaced: &Arc<KeySet>) -> ImportRequest {
    ImportRequest {
        committer: "importer".to_owned(),
        message: "imported".to_owned(),
        imported,
        replaced: replaced.clone(),
        ..ImportRequest::default()
    }
}

/// A lake with `records` committed on `main`.
async fn lake_with(records: &Content) -> Lake {
    let lake = Lake::new().await;
    for (key, text) in records {
        lake.put("main", key, text).await.expect("staged");
    }
    if !records.is_empty() {
        lake.commit("main", "before").await.expect("committed");
    }
    lake
}

#[tokio::test]
async fn an_import_is_one_commit_that_says_how_it_came_about() {
    let lake = lake_with(&content(&[("a/old", "1"), ("keep", "1")])).await;
    let head = lake.head("main").await;
    let imported = content(&[("a/new", "2")]);
    let commit = import(&lake, &imported, &set(&[], &["a/"])).await.expect("imported");
    assert_eq!(commit, lake.head("main").await);
    assert_eq!(commit.parents, std::slice::from_ref(&head.id));
    assert_eq!((commit.committer.as_str(), commit.message.as_str()), ("importer", "imported"));
    let said: Vec<_> = commit.metadata.iter().collect();
    assert_eq!(said, [(&".lakefs.merge.strategy".to_owned(), &"source-wins".to_owned())]);
    assert_eq!(lake.all("main").await, content(&[("a/new", "2"), ("keep", "1")]));
    assert_eq!(lake.all(head.id.as_str()).await.len(), 2);
}

#[tokio::test]
async fn an_import_that_changes_nothing_is_a_commit_too() {
    let lake = lake_with(&content(&[("a/x", "1")])).await;
    let same = content(&[("a/x", "1")]);
    let first = import(&lake, &same, &set(&[], &["a/"])).await.expect("imported");
    let second = import(&lake, &Content::new(), &set(&["none"], &[])).await.expect("imported");
    assert_eq!(second.parents, std::slice::from_ref(&first.id));
    assert_eq!(second.meta_range_id, first.meta_range_id);
}

#[tokio::test]
async fn a_branch_with_uncommitted_changes_takes_no_import() {
    let lake = lake_with(&content(&[("keep", "1")])).await;
    lake.put("main", "staged", "1").await.expect("staged");
    let refused = import(&lake, &content(&[("a", "1")]), &set(&["a"], &[])).await;
    assert!(matches!(refused, Err(EngineError::DirtyBranch(_))), "{refused:?}");
    assert_eq!(lake.staged("main").await, ["+staged"]);
    assert_eq!(lake.get("main", "a").await, None);
}

#[tokio::test]
async fn a_read_only_repository_takes_an_import_only_by_force() {
    let lake = Lake::over(Arc::new(MemStore::new())).await;
    let frozen = NewRepository { read_only: true, ..new_repository("frozen") };
    let frozen = lake.engine.create_repository(frozen).await.expect("created");
    let lake = Lake { repository: frozen, ..lake };
    let refused = import(&lake, &content(&[("a", "1")]), &set(&["a"], &[])).await;
    assert!(matches!(refused, Err(EngineError::ReadOnlyRepository(_))), "{refused:?}");
    let mut records = Listed::of(&content(&[("a", "1")]));
    let tree = lake.engine.write_tree(&lake.repository, &mut records).await.expect("written");
    let forced = ImportRequest { force: true, ..request(tree, &set(&["a"], &[])) };
    lake.engine.import(&lake.repository, &branch("main"), forced).await.expect("imported");
    assert_eq!(lake.all("main").await, content(&[("a", "1")]));
}

#[tokio::test]
async fn a_branch_that_is_not_there_is_known_before_anything_is_read() {
    let lake = Lake::new().await;
    let refused = lake.engine.check_import(&lake.repository, &branch("none"), false).await;
    assert!(matches!(refused, Err(EngineError::BranchNotFound(_))), "{refused:?}");
}

#[tokio::test]
async fn records_that_break_off_or_do_not_ascend_make_no_tree() {
    let lake = Lake::new().await;
    let record = |key: &'static str| Change { key: Bytes::from(key), value: Some(value("1")) };
    let broken = vec![Ok(record("a")), Err(EngineError::NoChanges.into())];
    let failed = lake.engine.write_tree(&lake.repository, &mut Listed(broken.into_iter())).await;
    assert!(matches!(failed, Err(EngineError::NoChanges)), "{failed:?}");
    let disordered = vec![Ok(record("b")), Ok(record("a"))];
    let mut disordered = Listed(disordered.into_iter());
    let failed = lake.engine.write_tree(&lake.repository, &mut disordered).await;
    assert!(matches!(failed, Err(EngineError::Tree(_))), "{failed:?}");
}

fn any_content(side: &'static str) -> impl Strategy<Value = Content> {
    let text = "[12]".prop_map(move |text| format!("{side} {text}"));
    prop::collection::btree_map("[ab/]{1,4}", text, 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Twice in a row, so that ranges of the first import are in the way of the second.
    #[test]
    fn the_branch_is_what_an_ordered_map_says(
        before in any_content("before"),
        imports in prop::collection::vec(
            (
                any_content("imported"),
                prop::collection::vec("[ab/]{1,3}", 0..3),
                prop::collection::vec("([ab]{1,2}/)?", 0..3),
            ),
            1..3,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let lake = lake_with(&before).await;
            let mut expected = before;
            for (mut imported, keys, prefixes) in imports {
                let is_in = |key: &String| {
                    keys.contains(key) || prefixes.iter().any(|prefix| key.starts_with(prefix))
                };
                imported.retain(|key, _| is_in(key));
                expected.retain(|key, _| !is_in(key));
                expected.extend(imported.clone());
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
                import(&lake, &imported, &set(&keys, &prefixes)).await.expect("imported");
                assert_eq!(lake.all("main").await, expected);
            }
        });
    }
}
