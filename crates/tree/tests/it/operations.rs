use std::sync::Arc;

use lakehold_block::MemBlockStore;
use lakehold_tree::Error;
use lakehold_tree::MetaRangeId;
use lakehold_tree::Strategy;
use lakehold_tree::Summary;
use proptest::prelude::*;

use crate::lake::Identities;
use crate::lake::Listed;
use crate::lake::apply;
use crate::lake::identities;
use crate::lake::namespace;
use crate::lake::read;
use crate::lake::read_diff;
use crate::lake::text;
use crate::lake::tree;
use crate::lake::trees;
use crate::lake::value;

const EMPTY_TREE: &str = "00fb7eff1a97c500eb3ca8d2ef5464131d6b6a5f9512e41eba97843522213b66";

fn summary(added: u64, changed: u64, removed: u64) -> Summary {
    Summary { added, changed, removed }
}

/// Some hundred keys, `k000` and so on, which make many ranges.
fn many_keys() -> String {
    (0..300).map(|number| format!("k{number:03}={} ", number % 7)).collect()
}

#[tokio::test]
async fn a_written_tree_is_read_back_by_another_process() {
    let blocks = Arc::new(MemBlockStore::new());
    let id = tree(&trees(&blocks), &many_keys()).await;
    let later = trees(&blocks);
    assert_eq!(read(&later, &id).await.unwrap(), identities(&many_keys()));
    assert!(blocks.len() > 50, "{} files", blocks.len());
}

#[tokio::test]
async fn a_key_is_found_or_not() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let id = tree(&trees, &many_keys()).await;
    for number in 0..300 {
        let key = format!("k{number:03}");
        let found = trees.get(&namespace(), &id, key.as_bytes()).await.unwrap();
        assert_eq!(found, Some(value(&(number % 7).to_string())));
    }
    for key in ["", "a", "k0000", "k1", "k123x", "z"] {
        assert_eq!(trees.get(&namespace(), &id, key.as_bytes()).await.unwrap(), None, "{key}");
    }
}

#[tokio::test]
async fn the_tree_without_content_is_there_and_empty() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let none = MetaRangeId::default();
    assert!(trees.contains(&namespace(), &none).await.unwrap());
    assert_eq!(trees.get(&namespace(), &none, b"a").await.unwrap(), None);
    assert_eq!(read(&trees, &none).await.unwrap(), Identities::new());
}

#[tokio::test]
async fn a_tree_that_is_not_there_is_an_error() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let id = MetaRangeId::from_stored(&"a".repeat(64));
    assert!(!trees.contains(&namespace(), &id).await.unwrap());
    let missing = |result: Result<(), Error>| {
        assert!(matches!(&result, Err(Error::MetaRangeNotFound(of)) if *of == id), "{result:?}");
    };
    missing(trees.get(&namespace(), &id, b"a").await.map(drop));
    missing(read(&trees, &id).await.map(drop));
    missing(read_diff(trees.diff(&namespace(), &id, &MetaRangeId::default())).await.map(drop));
    missing(apply(&trees, &id, &identities("a=1")).await.map(drop));
}

#[tokio::test]
async fn a_cursor_moves_forward_and_back() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let id = tree(&trees, &many_keys()).await;
    let mut cursor = trees.cursor(&namespace(), &id);
    for (to, expected) in [
        ("k150", Some("k150")),
        ("k1500", Some("k151")),
        ("k151", Some("k151")),
        ("k000", Some("k000")),
        ("", Some("k000")),
        ("k299", Some("k299")),
        ("k3", None),
        ("k298x", Some("k299")),
    ] {
        cursor.seek(to.as_bytes());
        let next = cursor.next().await.unwrap();
        assert_eq!(next.map(|record| text(&record.key)).as_deref(), expected, "{to}");
    }
    assert_eq!(cursor.next().await.unwrap(), None);
    assert_eq!(cursor.next().await.unwrap(), None);
}

#[tokio::test]
async fn applying_counts_what_changed_and_leaves_the_base_alone() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let base = tree(&trees, "a=1 b=1 c=1").await;
    let changes = identities("a=1 b=2 c d=1 e");

    let written = apply(&trees, &base, &changes).await.unwrap();

    assert_eq!(written.summary, summary(1, 1, 1));
    assert_eq!(read(&trees, &written.meta_range).await.unwrap(), identities("a=1 b=2 d=1"));
    assert_eq!(read(&trees, &base).await.unwrap(), identities("a=1 b=1 c=1"));
}

#[tokio::test]
async fn applying_nothing_is_refused_or_gives_the_base() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let base = tree(&trees, "a=1 b=1").await;
    for changes in ["", "a=1", "c", "a=1 x"] {
        let refused = apply(&trees, &base, &identities(changes)).await;
        assert!(matches!(refused, Err(Error::NoChanges)), "{refused:?}");
        let mut changes = Listed::of(&identities(changes));
        let allowed = trees.apply(&namespace(), &base, &mut changes, true).await.unwrap();
        assert_eq!((allowed.meta_range, allowed.summary), (base.clone(), Summary::default()));
    }
}

#[tokio::test]
async fn removing_everything_leaves_the_empty_tree_which_is_a_file() {
    let blocks = Arc::new(MemBlockStore::new());
    let base = tree(&trees(&blocks), "a=1 b=1").await;

    let written = apply(&trees(&blocks), &base, &identities("a b")).await.unwrap();

    assert_eq!(written.meta_range.as_str(), EMPTY_TREE);
    assert_eq!(written.summary, summary(0, 0, 2));
    assert!(trees(&blocks).contains(&namespace(), &written.meta_range).await.unwrap());
    assert_eq!(read(&trees(&blocks), &written.meta_range).await.unwrap(), Identities::new());
}

#[tokio::test]
async fn the_same_operation_on_the_same_tree_gives_the_same_tree_and_writes_nothing_new() {
    let blocks = Arc::new(MemBlockStore::new());
    let base = tree(&trees(&blocks), &many_keys()).await;
    let changes = identities("k100=9 k200 k2005=1");
    let first = apply(&trees(&blocks), &base, &changes).await.unwrap();
    let files = blocks.len();

    let second = apply(&trees(&blocks), &base, &changes).await.unwrap();

    assert_eq!(first, second);
    assert_eq!(blocks.len(), files);
}

#[tokio::test]
async fn a_change_writes_a_range_or_two_and_the_metarange() {
    let blocks = Arc::new(MemBlockStore::new());
    let base = tree(&trees(&blocks), &many_keys()).await;
    let files = blocks.len();
    apply(&trees(&blocks), &base, &identities("k100=9")).await.unwrap();
    assert!((files + 2..=files + 3).contains(&blocks.len()), "{files}, then {}", blocks.len());
}

#[tokio::test]
async fn a_failing_source_of_changes_fails_the_write() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let base = tree(&trees, "a=1").await;
    let mut changes = Listed::new(vec![Err("the key-value store is gone".into())]);
    let failed = trees.apply(&namespace(), &base, &mut changes, true).await;
    assert!(matches!(&failed, Err(Error::Changes(cause)) if cause.to_string().contains("gone")));
}

#[tokio::test]
async fn merging_into_the_base_gives_the_source_without_writing() {
    let blocks = Arc::new(MemBlockStore::new());
    let trees = trees(&blocks);
    let base = tree(&trees, "a=1 b=1 c=1").await;
    let source = apply(&trees, &base, &identities("a=2 b d=1 e=1")).await.unwrap().meta_range;
    let files = blocks.len();

    let merged = trees.merge(&namespace(), &source, &base, &base, Strategy::Fail).await.unwrap();

    assert_eq!((merged.meta_range, merged.summary), (source, summary(2, 1, 1)));
    assert_eq!(blocks.len(), files);
}

#[tokio::test]
async fn merging_the_base_changes_nothing() {
    let blocks = Arc::new(MemBlockStore::new());
    let trees = trees(&blocks);
    let base = tree(&trees, "a=1 b=1").await;
    let destination = apply(&trees, &base, &identities("a=2")).await.unwrap().meta_range;
    let files = blocks.len();

    let merged =
        trees.merge(&namespace(), &base, &destination, &base, Strategy::Fail).await.unwrap();

    assert_eq!((merged.meta_range, merged.summary), (destination, Summary::default()));
    assert_eq!(blocks.len(), files);
}

#[tokio::test]
async fn merging_unites_what_both_sides_did() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let base = tree(&trees, "a=1 b=1 c=1 d=1").await;
    let source = apply(&trees, &base, &identities("a=2 b e=1")).await.unwrap().meta_range;
    let destination = apply(&trees, &base, &identities("c=2 d f=1")).await.unwrap().meta_range;

    let merged =
        trees.merge(&namespace(), &source, &destination, &base, Strategy::Fail).await.unwrap();

    assert_eq!(read(&trees, &merged.meta_range).await.unwrap(), identities("a=2 c=2 e=1 f=1"));
    assert_eq!(merged.summary, summary(1, 1, 1));
}

#[tokio::test]
async fn the_strategy_decides_conflicts_deletions_included() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let base = tree(&trees, "a=1 b=1 c=1 z=1").await;
    let source = apply(&trees, &base, &identities("a=2 b c=2")).await.unwrap().meta_range;
    let destination = apply(&trees, &base, &identities("a=3 b=3 c")).await.unwrap().meta_range;
    let merge = |strategy| {
        let (trees, source, destination) = (trees.clone(), source.clone(), destination.clone());
        let base = base.clone();
        async move { trees.merge(&namespace(), &source, &destination, &base, strategy).await }
    };

    let refused = merge(Strategy::Fail).await;
    assert!(matches!(&refused, Err(Error::Conflict { key }) if key == "a"), "{refused:?}");

    let theirs = merge(Strategy::SourceWins).await.unwrap();
    assert_eq!(read(&trees, &theirs.meta_range).await.unwrap(), identities("a=2 c=2 z=1"));
    assert_eq!(theirs.summary, summary(1, 1, 1));

    let ours = merge(Strategy::DestinationWins).await.unwrap();
    assert_eq!(read(&trees, &ours.meta_range).await.unwrap(), identities("a=3 b=3 z=1"));
    assert_eq!(ours.summary, Summary::default());
}

#[tokio::test]
async fn a_diff_seeks_and_tells_sides_apart() {
    let trees = trees(&Arc::new(MemBlockStore::new()));
    let left = tree(&trees, &many_keys()).await;
    let changes = identities("k010=9 k020 k0205=1 k250=9");
    let right = apply(&trees, &left, &changes).await.unwrap().meta_range;
    let diff = || trees.diff(&namespace(), &left, &right);

    let all = ["k010:3:9", "k020:6:", "k0205::1", "k250:5:9"];
    assert_eq!(read_diff(diff()).await.unwrap(), all);
    for (from, rest) in [("k010", 0), ("k0100", 1), ("k0201", 2), ("k1", 3), ("k3", 4)] {
        let mut diff = diff();
        diff.seek(from.as_bytes());
        assert_eq!(read_diff(diff).await.unwrap(), all[rest..], "{from}");
    }
    let same = trees.diff(&namespace(), &left, &left);
    assert_eq!(read_diff(same).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn large_work_is_done_beside_the_tasks_and_gives_the_same() {
    let settings = lakehold_tree::TreeSettings::default();
    let blocks = Arc::new(MemBlockStore::new());
    let runtime = lakehold_clock::Runtime::seeded(1).0;
    let trees = lakehold_tree::Trees::new(blocks, runtime, settings);
    let content: Identities = (0..20_000).map(|n| (format!("{n:06}"), Some("1".into()))).collect();
    let base = apply(&trees, &MetaRangeId::default(), &content).await.unwrap();
    assert_eq!(base.summary, summary(20_000, 0, 0));
    assert_eq!(read(&trees, &base.meta_range).await.unwrap(), content);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn any_identities() -> impl proptest::strategy::Strategy<Value = Identities> {
    prop::collection::btree_map("[ab]{1,4}", prop::option::weighted(0.7, "[123]"), 0..20)
}

fn present(changes: &Identities) -> Identities {
    changes
        .iter()
        .filter(|(_, value)| value.is_some())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Through the whole stack: a chain of commits, each read back by another process, with get,
    /// cursor and diff agreeing.
    #[test]
    fn a_chain_of_changes_is_what_a_map_would_be(
        steps in prop::collection::vec(any_identities(), 1..6),
        from in "[ab]{0,4}",
    ) {
        runtime().block_on(async {
            let blocks = Arc::new(MemBlockStore::new());
            let (mut id, mut model) = (MetaRangeId::default(), Identities::new());
            for changes in steps {
                let trees = trees(&blocks);
                let before = (id.clone(), model.clone());
                let mut listed = Listed::of(&changes);
                let written = trees.apply(&namespace(), &id, &mut listed, true).await.unwrap();
                id = written.meta_range;
                model.extend(changes);
                model = present(&model);

                let later = crate::lake::trees(&blocks);
                assert_eq!(read(&later, &id).await.unwrap(), model);
                let mut cursor = later.cursor(&namespace(), &id);
                cursor.seek(from.as_bytes());
                let first = cursor.next().await.unwrap().map(|record| text(&record.key));
                assert_eq!(first.as_ref(), model.range(from.clone()..).next().map(|(key, _)| key));
                let diff = read_diff(later.diff(&namespace(), &before.0, &id)).await.unwrap();
                let counted = written.summary.added + written.summary.changed + written.summary.removed;
                assert_eq!(diff.len() as u64, counted);
                let found = later.get(&namespace(), &id, from.as_bytes()).await.unwrap();
                let expected = model.get(&from).cloned().flatten();
                assert_eq!(found.map(|value| text(&value.identity)), expected);
            }
        });
    }
}
