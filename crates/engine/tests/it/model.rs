//! A model of a repository (a map per commit, a map of staged changes per branch), driven by the same
//! random operations as the engine and compared after each.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_engine::Commit;
use lakehold_engine::CommitRequest;
use lakehold_engine::DiffKind;
use lakehold_engine::EngineError;
use lakehold_engine::ResetScope;
use lakehold_engine::Strategy as MergeStrategy;
use lakehold_kv::MemStore;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::sample::select;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::commit_request;
use crate::lake::expr;
use crate::lake::query;
use crate::lake::show;

type Map = BTreeMap<String, String>;

const BRANCHES: &[&str] = &["main", "dev", "x1"];
const KEYS: &[&str] = &[
    "a", "a/", "a/1", "a/2", "a/b/1", "a/b/2", "a/b/3", "ab", "b", "b/1", "c/d/e", "c/d/f", "c/g",
    "d", "e/1", "e/2", "e/3", "f", "g/h", "é/1",
];
const PREFIXES: &[&str] = &["", "a", "a/", "a/b/", "b", "c/", "e/", "zz", "é"];

#[derive(Clone, Debug)]
enum Operation {
    Put(&'static str, &'static str, u8),
    Create(&'static str, &'static str, u8),
    Append(&'static str, &'static str),
    Delete(&'static str, Vec<&'static str>, bool),
    Commit(&'static str, bool),
    Branch(&'static str, Index),
    DeleteBranch(&'static str),
    Merge(Index, &'static str, MergeStrategy, bool),
    Revert(&'static str, Index),
    CherryPick(&'static str, Index),
    ResetAll(&'static str),
    ResetPrefix(&'static str, &'static str),
    ResetKey(&'static str, &'static str),
    HardReset(&'static str, Index),
    List(&'static str, &'static str, bool, Option<&'static str>, usize),
    Diff(Index, Index),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let on = || select(BRANCHES);
    let key = || select(KEYS);
    let commit = any::<Index>;
    let strategy =
        select(&[MergeStrategy::Fail, MergeStrategy::SourceWins, MergeStrategy::DestinationWins]);
    prop_oneof![
        12 => (on(), key(), 0u8..3).prop_map(|(b, k, v)| Put(b, k, v)),
        3 => (on(), key(), 0u8..3).prop_map(|(b, k, v)| Create(b, k, v)),
        2 => (on(), key()).prop_map(|(b, k)| Append(b, k)),
        6 => (on(), prop::collection::vec(key(), 1..4), any::<bool>())
            .prop_map(|(b, k, n)| Delete(b, k, n)),
        7 => (on(), any::<bool>()).prop_map(|(b, empty)| Commit(b, empty)),
        3 => (on(), commit()).prop_map(|(b, c)| Branch(b, c)),
        1 => on().prop_map(DeleteBranch),
        6 => (commit(), on(), strategy, any::<bool>()).prop_map(|(c, b, s, e)| Merge(c, b, s, e)),
        3 => (on(), commit()).prop_map(|(b, c)| Revert(b, c)),
        3 => (on(), commit()).prop_map(|(b, c)| CherryPick(b, c)),
        1 => on().prop_map(ResetAll),
        2 => (on(), select(PREFIXES)).prop_map(|(b, p)| ResetPrefix(b, p)),
        2 => (on(), key()).prop_map(|(b, k)| ResetKey(b, k)),
        1 => (on(), commit()).prop_map(|(b, c)| HardReset(b, c)),
        6 => (on(), select(PREFIXES), any::<bool>(), prop::option::of(key()), 1usize..6)
            .prop_map(|(b, p, d, a, n)| List(b, p, d, a, n)),
        4 => (commit(), commit()).prop_map(|(l, r)| Diff(l, r)),
    ]
}

/// What the engine is compared with.
struct Model {
    lake: Lake,
    /// In the order of creation.
    commits: Vec<(Arc<Commit>, Map)>,
    branches: BTreeMap<&'static str, Line>,
}

#[derive(Clone)]
struct Line {
    head: Arc<Commit>,
    staged: BTreeMap<String, Option<String>>,
}

fn three_way(source: &Map, destination: &Map, base: &Map, strategy: MergeStrategy) -> Option<Map> {
    let keys: BTreeSet<&String> =
        source.keys().chain(destination.keys()).chain(base.keys()).collect();
    let mut merged = Map::new();
    for key in keys {
        let (s, d, b) = (source.get(key), destination.get(key), base.get(key));
        let winner = match () {
            () if s == d => s,
            () if s == b => d,
            () if d == b => s,
            () => match strategy {
                MergeStrategy::Fail => return None,
                MergeStrategy::SourceWins => s,
                MergeStrategy::DestinationWins => d,
            },
        };
        merged.extend(winner.map(|value| (key.clone(), value.clone())));
    }
    Some(merged)
}

fn differences(left: &Map, right: &Map) -> Vec<String> {
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let mut rows = Vec::new();
    for key in keys {
        match (left.get(key), right.get(key)) {
            (None, _) => rows.push(format!("+{key}")),
            (_, None) => rows.push(format!("-{key}")),
            (old, new) if old != new => rows.push(format!("~{key}")),
            _ => {}
        }
    }
    rows
}

impl Model {
    async fn new() -> Self {
        let lake = Lake::over(Arc::new(MemStore::new())).await;
        let head = lake.head("main").await;
        let line = Line { head: head.clone(), staged: BTreeMap::new() };
        Self { lake, commits: vec![(head, Map::new())], branches: [("main", line)].into() }
    }

    fn tree(&self, commit: &Commit) -> &Map {
        let found = self.commits.iter().find(|(known, _)| known.id == commit.id);
        &found.expect("known commit").1
    }

    fn parent_tree(&self, commit: &Commit, parent: usize) -> Map {
        let id = commit.parents.get(parent);
        let found = self.commits.iter().find(|(known, _)| Some(&known.id) == id);
        found.map(|(_, tree)| tree.clone()).unwrap_or_default()
    }

    fn view(&self, line: &Line) -> Map {
        let mut view = self.tree(&line.head).clone();
        for (key, value) in &line.staged {
            match value {
                Some(value) => view.insert(key.clone(), value.clone()),
                None => view.remove(key),
            };
        }
        view
    }

    fn is_dirty(&self, line: &Line) -> bool {
        self.view(line) != *self.tree(&line.head)
    }

    fn add(&mut self, on: &'static str, commit: Arc<Commit>, tree: Map) {
        if !self.commits.iter().any(|(known, _)| known.id == commit.id) {
            self.commits.push((commit.clone(), tree));
        }
        self.branches.insert(on, Line { head: commit, staged: BTreeMap::new() });
    }

    /// Where the branch is missing, every operation says so.
    fn line(&self, on: &str) -> Option<Line> {
        self.branches.get(on).cloned()
    }

    async fn apply(&mut self, operation: &Operation) {
        match operation.clone() {
            Operation::Put(on, key, number) => {
                let text = number.to_string();
                let done = self.lake.put(on, key, &text).await;
                self.stage(on, done, [(key, Some(text))]);
            }
            Operation::Create(on, key, number) => {
                let text = number.to_string();
                let done = self.lake.create(on, key, &text).await;
                let exists = self.line(on).is_some_and(|line| self.view(&line).contains_key(key));
                if exists {
                    assert!(matches!(done, Err(EngineError::PreconditionFailed(_))), "{done:?}");
                } else {
                    self.stage(on, done, [(key, Some(text))]);
                }
            }
            Operation::Append(on, key) => {
                let done = self.lake.append(on, key, "+").await;
                let present = self.line(on).and_then(|line| self.view(&line).remove(key));
                match present {
                    Some(text) => self.stage(on, done.map(drop), [(key, Some(text + "+"))]),
                    None if self.line(on).is_some() => {
                        assert!(matches!(done, Err(EngineError::KeyNotFound(_))), "{done:?}");
                    }
                    None => self.stage(on, done.map(drop), []),
                }
            }
            Operation::Delete(on, keys, no_tombstone) => {
                let bytes: Vec<_> =
                    keys.iter().map(|key| Bytes::from_static(key.as_bytes())).collect();
                let lake = &self.lake;
                let on_id = branch(on);
                let done =
                    lake.engine.delete(&lake.repository, &on_id, &bytes, no_tombstone, false).await;
                self.stage(on, done, keys.into_iter().map(|key| (key, None)));
            }
            Operation::Commit(on, allow_empty) => self.commit(on, allow_empty).await,
            Operation::Branch(name, at) => {
                let (commit, _) = at.get(&self.commits).clone();
                let done = self.lake.branch(name, commit.id.as_str()).await;
                if self.branches.contains_key(name) {
                    assert!(matches!(done, Err(EngineError::BranchExists(_))), "{done:?}");
                } else {
                    done.expect("created");
                    self.branches.insert(name, Line { head: commit, staged: BTreeMap::new() });
                }
            }
            Operation::DeleteBranch(on) => {
                let lake = &self.lake;
                let done = lake.engine.delete_branch(&lake.repository, &branch(on), false).await;
                match (on, self.branches.contains_key(on)) {
                    ("main", _) => assert!(matches!(done, Err(EngineError::DefaultBranch(_)))),
                    (_, false) => assert!(matches!(done, Err(EngineError::BranchNotFound(_)))),
                    (_, true) => {
                        done.expect("deleted");
                        self.branches.remove(on);
                    }
                }
            }
            Operation::Merge(source, on, strategy, allow_empty) => {
                self.merge(source, on, strategy, allow_empty).await;
            }
            Operation::Revert(on, at) => self.revert(on, at).await,
            Operation::CherryPick(on, at) => self.cherry_pick(on, at).await,
            Operation::ResetAll(on) => self.reset(on, ResetScope::All, |_| true).await,
            Operation::ResetPrefix(on, prefix) => {
                let scope = ResetScope::Prefix(prefix.to_owned());
                self.reset(on, scope, |key| key.starts_with(prefix)).await;
            }
            Operation::ResetKey(on, key) => {
                self.reset(on, ResetScope::Key(key.to_owned()), |other| other == key).await;
            }
            Operation::HardReset(on, at) => {
                let (commit, _) = at.get(&self.commits).clone();
                let done = self.lake.hard_reset(on, commit.id.as_str()).await;
                if self.may_move(on, &done) {
                    done.expect("moved");
                    self.branches.insert(on, Line { head: commit, staged: BTreeMap::new() });
                }
            }
            Operation::List(on, prefix, folded, after, amount) => {
                self.check_list(on, prefix, folded, after.unwrap_or_default(), amount).await;
            }
            Operation::Diff(left, right) => self.check_diff(left, right).await,
        }
    }

    fn stage(
        &mut self,
        on: &'static str,
        done: Result<(), EngineError>,
        changes: impl IntoIterator<Item = (&'static str, Option<String>)>,
    ) {
        let Some(line) = self.branches.get_mut(on) else {
            assert!(matches!(done, Err(EngineError::BranchNotFound(_))), "{done:?}");
            return;
        };
        done.expect("staged");
        line.staged.extend(changes.into_iter().map(|(key, value)| (key.to_owned(), value)));
    }

    /// Whether the branch is there and clean; if not, `done` must say so.
    fn may_move<T: std::fmt::Debug>(&self, on: &str, done: &Result<T, EngineError>) -> bool {
        match self.line(on) {
            None => assert!(matches!(done, Err(EngineError::BranchNotFound(_))), "{done:?}"),
            Some(line) if self.is_dirty(&line) => {
                assert!(matches!(done, Err(EngineError::DirtyBranch(_))), "{done:?}");
            }
            Some(_) => return true,
        }
        false
    }

    async fn commit(&mut self, on: &'static str, allow_empty: bool) {
        let request = CommitRequest {
            allow_empty,
            ..commit_request(&format!("commit {}", self.commits.len()))
        };
        let done = self.lake.engine.commit(&self.lake.repository, &branch(on), request).await;
        let Some(line) = self.line(on) else {
            assert!(matches!(done, Err(EngineError::BranchNotFound(_))), "{done:?}");
            return;
        };
        if !allow_empty && !self.is_dirty(&line) {
            assert!(matches!(done, Err(EngineError::NoChanges)), "{done:?}");
            return;
        }
        let commit = done.expect("committed");
        assert_eq!(commit.parents, std::slice::from_ref(&line.head.id));
        assert_eq!(commit.generation, line.head.generation + 1);
        let tree = self.view(&line);
        self.add(on, commit, tree);
    }

    async fn merge(
        &mut self,
        source: Index,
        on: &'static str,
        strategy: MergeStrategy,
        allow_empty: bool,
    ) {
        let (source, source_tree) = source.get(&self.commits).clone();
        let request = lakehold_engine::MergeRequest {
            strategy,
            allow_empty,
            message: format!("merge {}", self.commits.len()),
            ..Default::default()
        };
        let lake = &self.lake;
        let named = expr(source.id.as_str());
        let done = lake.engine.merge(&lake.repository, &named, &branch(on), request).await;
        if !self.may_move(on, &done) {
            return;
        }
        let head = self.branches[on].head.clone();
        let base = lake.engine.merge_base(&lake.repository, &named, &expr(head.id.as_str())).await;
        let base = base.expect("one root").base;
        let base = &self.commits.iter().find(|(known, _)| known.id == base).expect("known").0;
        if base.meta_range_id == source.meta_range_id && !allow_empty {
            assert!(matches!(done, Err(EngineError::NoChanges)), "{done:?}");
            return;
        }
        let destination = self.tree(&head);
        match three_way(&source_tree, destination, self.tree(base), strategy) {
            None => assert!(matches!(done, Err(EngineError::Conflict { .. })), "{done:?}"),
            Some(tree) => {
                let merged = done.expect("merged");
                assert_eq!(merged.commit.parents, [head.id.clone(), source.id.clone()]);
                let rows = differences(destination, &tree);
                let count = |sign| rows.iter().filter(|row| row.starts_with(sign)).count() as u64;
                let summary = merged.summary;
                assert_eq!(
                    (summary.added, summary.changed, summary.removed),
                    (count('+'), count('~'), count('-'))
                );
                self.add(on, Arc::new(merged.commit), tree);
            }
        }
    }

    async fn revert(&mut self, on: &'static str, at: Index) {
        let (undone, tree) = at.get(&self.commits).clone();
        let done = self.lake.revert(on, undone.id.as_str()).await;
        if self.line(on).is_some() && undone.parents.len() > 1 {
            assert!(matches!(done, Err(EngineError::RevertMergeWithoutParent(_))), "{done:?}");
            return;
        }
        if !self.may_move(on, &done) {
            return;
        }
        let head = self.tree(&self.branches[on].head).clone();
        match three_way(&self.parent_tree(&undone, 0), &head, &tree, MergeStrategy::Fail) {
            None => assert!(matches!(done, Err(EngineError::Conflict { .. })), "{done:?}"),
            Some(result) if result == head => {
                assert!(matches!(done, Err(EngineError::NoChanges)), "{done:?}");
            }
            Some(result) => self.add(on, done.expect("reverted"), result),
        }
    }

    async fn cherry_pick(&mut self, on: &'static str, at: Index) {
        let (picked, tree) = at.get(&self.commits).clone();
        let done = self.lake.cherry_pick(on, picked.id.as_str()).await;
        if self.line(on).is_some() && picked.parents.len() != 1 {
            let refused = matches!(
                done,
                Err(EngineError::CherryPickMergeWithoutParent(_) | EngineError::ParentOutOfRange(_))
            );
            assert!(refused, "{done:?}");
            return;
        }
        if !self.may_move(on, &done) {
            return;
        }
        let parent = self.commits.iter().find(|(known, _)| known.id == picked.parents[0]);
        let parent = parent.expect("known");
        if parent.0.meta_range_id == picked.meta_range_id {
            assert!(matches!(done, Err(EngineError::NoChanges)), "{done:?}");
            return;
        }
        let head = self.tree(&self.branches[on].head);
        match three_way(&tree, head, &parent.1, MergeStrategy::Fail) {
            None => assert!(matches!(done, Err(EngineError::Conflict { .. })), "{done:?}"),
            Some(result) => self.add(on, done.expect("picked"), result),
        }
    }

    async fn reset(&mut self, on: &'static str, scope: ResetScope, named: impl Fn(&str) -> bool) {
        let done = self.lake.reset(on, scope).await;
        let Some(line) = self.branches.get_mut(on) else {
            assert!(matches!(done, Err(EngineError::BranchNotFound(_))), "{done:?}");
            return;
        };
        done.expect("reset");
        line.staged.retain(|key, _| !named(key));
    }

    async fn check_list(&self, on: &str, prefix: &str, folded: bool, after: &str, amount: usize) {
        let Some(line) = self.line(on) else { return };
        let delimiter = if folded { "/" } else { "" };
        let below = after.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
        let is_folder = folded && below && after.ends_with('/');
        let mut rows: Vec<String> = Vec::new();
        for key in self.view(&line).into_keys() {
            let hidden = key.as_str() <= after || (is_folder && key.starts_with(after));
            let Some(rest) = key.strip_prefix(prefix).filter(|_| !hidden) else { continue };
            let row = match rest.find('/').filter(|_| folded) {
                Some(at) => key[..prefix.len() + at + 1].to_owned(),
                None => key,
            };
            if rows.last() != Some(&row) {
                rows.push(row);
            }
        }
        let expected = (rows.iter().take(amount).cloned().collect(), rows.len() > amount);
        let query = query(prefix, delimiter, after, amount);
        assert_eq!(self.lake.names(on, &query).await, expected, "{query:?}");
    }

    async fn check_diff(&self, left: Index, right: Index) {
        let (left, left_tree) = left.get(&self.commits);
        let (right, right_tree) = right.get(&self.commits);
        let rows = self.lake.diff(left.id.as_str(), right.id.as_str(), DiffKind::TwoDot).await;
        assert_eq!(rows, differences(left_tree, right_tree));

        let (left, right) = (expr(left.id.as_str()), expr(right.id.as_str()));
        let lake = &self.lake;
        let base = lake.engine.merge_base(&lake.repository, &right, &left).await;
        let base = base.expect("one root").base;
        let base = &self.commits.iter().find(|(known, _)| known.id == base).expect("known").1;
        let all = query("", "", "", 10_000);
        let kind = DiffKind::ThreeDot;
        let page = lake.engine.diff(&lake.repository, &left, &right, kind, &all).await;
        let rows: Vec<String> = page.expect("diff").results.iter().map(show).collect();
        let has_conflict = rows.iter().any(|row| row.starts_with('!'));
        match three_way(right_tree, left_tree, base, MergeStrategy::Fail) {
            // What the diff announces is what the merge does.
            Some(merged) => assert_eq!(rows, differences(left_tree, &merged)),
            None => assert!(has_conflict),
        }
    }

    async fn check(&self) {
        for (name, line) in &self.branches {
            assert_eq!(self.lake.head(name).await.id, line.head.id, "{name}");
            let (view, tree) = (self.view(line), self.tree(&line.head));
            assert_eq!(self.lake.all(name).await, view, "{name}");
            assert_eq!(self.lake.all(&format!("{name}@")).await, *tree, "{name}@");
            assert_eq!(self.lake.staged(name).await, differences(tree, &view), "{name}");
            let staged = self.lake.diff("main", &format!("{name}$"), DiffKind::TwoDot).await;
            let main = self.tree(&self.branches["main"].head);
            assert_eq!(staged, differences(main, &view), "main..{name}$");
            for key in KEYS.iter().step_by(3) {
                assert_eq!(self.lake.get(name, key).await.as_ref(), view.get(*key));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_the_model_does(
        operations in prop::collection::vec(operation(), 1..50),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(async {
            let mut model = Model::new().await;
            for operation in &operations {
                model.apply(operation).await;
                model.check().await;
            }
        });
    }
}
