//! Histories written down as `child(parents)`, and the base that must come out.

use std::collections::BTreeMap;

use bytes::Bytes;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_kv::MemStore;
use lakehold_kv::Store as _;
use lakehold_kv::faults::FailingStore;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;
use proptest::prelude::*;

use super::*;
use crate::BranchId;
use crate::MetaRangeId;
use crate::NoHooks;
use crate::RepositoryId;
use crate::commit::Says;

struct History {
    kv: MemStore,
    repository: Repository,
    commits: BTreeMap<String, Arc<Commit>>,
}

impl History {
    /// Stores the commits of `graph`, such as `a b(a) c(a,b)`, one second apart in this order.
    async fn new(graph: &str) -> Self {
        let kv = MemStore::new();
        let repository = Repository {
            id: RepositoryId::from_stored("lake"),
            storage_namespace: StorageNamespace::from_stored("mem://lake"),
            storage_id: String::new(),
            default_branch: BranchId::from_stored("main"),
            creation_date: Timestamp::default(),
            read_only: false,
            partition: Bytes::from_static(b"lake-1"),
            in_deletion: false,
        };
        let mut commits: BTreeMap<String, Arc<Commit>> = BTreeMap::new();
        for (node, seconds) in graph.split_whitespace().zip(0..) {
            let (name, parents) = node.split_once('(').unwrap_or((node, ""));
            let parents = parents.trim_end_matches(')');
            let parents: Vec<&Commit> =
                parents.split(',').filter(|p| !p.is_empty()).map(|p| &*commits[p]).collect();
            let date = Timestamp::from_seconds(seconds);
            let says = Says { message: name.to_owned(), date, ..Says::default() };
            let commit = Commit::following(says, MetaRangeId::default(), &parents);
            drop(kv.write(vec![commit.to_write(&repository)]).await.expect("write"));
            commits.insert(name.to_owned(), Arc::new(commit));
        }
        Self { kv, repository, commits }
    }

    /// Stores the commit as servers did that knew no generations.
    async fn forget_generation(&mut self, name: &str) {
        let old = Commit { generation: 0, ..Commit::clone(&self.commits[name]) };
        drop(self.kv.write(vec![old.to_write(&self.repository)]).await.expect("write"));
        self.commits.insert(name.to_owned(), Arc::new(old));
    }

    fn engine(&self, kv: Arc<dyn lakehold_kv::Store>) -> Engine {
        let runtime = Runtime::real();
        let blocks = Arc::new(MemBlockStore::new());
        let trees = Trees::new(blocks, runtime.clone(), TreeSettings::default());
        Engine::new(kv, trees, Arc::new(NoHooks), runtime)
    }

    async fn base(&self, left: &str, right: &str) -> Option<String> {
        let engine = self.engine(Arc::new(self.kv.clone()));
        let (left, right) = (&self.commits[left], &self.commits[right]);
        match engine.merge_base_of(&self.repository, left, right).await {
            Ok(base) => Some(base.message.clone()),
            Err(EngineError::NoMergeBase { .. }) => None,
            Err(other) => panic!("{other}"),
        }
    }
}

/// `left(l8,l9)` and all the others of the graph with two ladders.
fn ladders() -> String {
    let mut graph = "root a(root) b(root) ab(a,b)".to_owned();
    for side in ["l", "r"] {
        graph += &format!(" {side}0(root,ab) {side}1(ab,{side}0)");
        for step in 2..10 {
            graph += &format!(" {side}{step}({side}{},{side}{})", step - 2, step - 1);
        }
    }
    graph + " left(l8,l9) right(r8,r9)"
}

#[tokio::test]
async fn the_published_histories_have_their_bases() {
    for (graph, left, right, base) in [
        ("c0 c1(c0) c2(c0) c3(c1) c4(c2) c5(c3) c6(c4) c7(c5)", "c7", "c6", Some("c0")),
        ("c0 c1(c0) c2(c1) c3(c2) c4(c2)", "c3", "c4", Some("c2")),
        ("c0 c1(c0) c2(c1)", "c2", "c1", Some("c1")),
        ("c0 c1(c0) c2(c1) c3(c2) c4 c5(c4) c6(c5) c7(c6)", "c7", "c3", None),
        ("c0 c2(c0) c1(c0,c2) c3(c1) c4(c2)", "c3", "c4", Some("c2")),
        ("c1 c2(c1) c3(c2) c4(c3) x(c4,c1) y(c2)", "x", "y", Some("c2")),
        ("e d(e) f(e) c(d) b(c) a(b) g(b,e) h(a,f)", "g", "h", Some("b")),
        ("c0 c1(c0) c2(c1)", "c2", "c2", Some("c2")),
        ("root a(root) b(root) c(a,b) d(b) l(c,d) r(root)", "l", "r", Some("root")),
        (&ladders(), "left", "right", Some("ab")),
        // An ancestor of the base is reached from both sides first.
        ("c1 c2(c1) c3(c2) c4(c3) x(c4,c1) y(c1,c2)", "x", "y", Some("c2")),
    ] {
        let history = History::new(graph).await;
        assert_eq!(history.base(left, right).await.as_deref(), base, "{graph}: {left} {right}");
        assert_eq!(history.base(right, left).await.as_deref(), base, "{graph}: {right} {left}");
    }
}

#[tokio::test]
async fn of_two_best_bases_the_newer_is_taken_from_either_side() {
    let graph = "c0 c1(c0) c2(c0) c3(c1,c2) c4(c1,c2) c5(c3) c6(c4)";
    let history = History::new(graph).await;
    assert_eq!(history.base("c5", "c6").await.as_deref(), Some("c2"));
    assert_eq!(history.base("c6", "c5").await.as_deref(), Some("c2"));
}

/// Whichever of the commits are so old that they have none.
#[tokio::test]
async fn a_common_ancestor_is_found_without_generations() {
    let graph = "a b(a) c(a) d(c,b) e(d) f(c)";
    let names: Vec<&str> = vec!["a", "b", "c", "d", "e", "f"];
    for old in 0..1 << names.len() {
        let mut history = History::new(graph).await;
        for (place, name) in names.iter().enumerate() {
            if old >> place & 1 == 1 {
                history.forget_generation(name).await;
            }
        }
        for (left, right) in [("e", "f"), ("f", "e"), ("b", "f"), ("d", "e")] {
            let base = history.base(left, right).await.expect("a at least");
            let of_both = ancestors(&history, left).contains(&base)
                && ancestors(&history, right).contains(&base);
            assert!(of_both, "{old:06b}: {base} of {left} and {right}");
        }
    }
}

#[tokio::test]
async fn each_commit_is_read_at_most_once() {
    let history = History::new("root a(root) b(root) c(a,b) d(b) l(c,d) r(root)").await;
    let counting = Arc::new(FailingStore::fail_nth(Arc::new(history.kv.clone()), usize::MAX));
    let engine = history.engine(counting.clone());
    let (left, right) = (&history.commits["l"], &history.commits["r"]);
    engine.merge_base_of(&history.repository, left, right).await.expect("root");
    assert!(counting.calls() <= 5, "{} reads of 5 commits", counting.calls());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No other common ancestor is a descendant of the base.
    #[test]
    fn the_base_is_a_best_common_ancestor(
        parents in prop::collection::vec((any::<u8>(), any::<u8>(), 0u8..3), 1..24),
        left: u8,
        right: u8,
    ) {
        let mut graph = "n0".to_owned();
        for (index, (one, other, count)) in parents.iter().enumerate() {
            let pick = |chance: u8| usize::from(chance) % (index + 1);
            graph += &match count {
                0 => format!(" n{}(n{})", index + 1, pick(*one)),
                _ if pick(*one) == pick(*other) => format!(" n{}(n{})", index + 1, pick(*one)),
                _ => format!(" n{}(n{},n{})", index + 1, pick(*one), pick(*other)),
            };
        }
        let nodes = parents.len() + 1;
        let name = |chance: u8| format!("n{}", usize::from(chance) % nodes);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(async {
            let history = History::new(&graph).await;
            let base = history.base(&name(left), &name(right)).await.expect("n0 at least");
            let above = |name: &str| ancestors(&history, name);
            let common: Vec<String> =
                above(&name(left)).intersection(&above(&name(right))).cloned().collect();
            prop_assert!(common.contains(&base));
            for better in common.iter().filter(|other| **other != base) {
                prop_assert!(!above(better).contains(&base), "{graph}: {better} above {base}");
            }
            Ok(())
        })?;
    }
}

/// A commit and all it follows.
fn ancestors(history: &History, name: &str) -> std::collections::BTreeSet<String> {
    let mut found = std::collections::BTreeSet::new();
    let mut waiting = vec![history.commits[name].clone()];
    while let Some(commit) = waiting.pop() {
        if found.insert(commit.message.clone()) {
            for parent in &commit.parents {
                let parent = history.commits.values().find(|commit| commit.id == *parent);
                waiting.push(parent.expect("stored").clone());
            }
        }
    }
    found
}
