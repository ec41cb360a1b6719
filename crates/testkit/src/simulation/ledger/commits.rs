//! Commits as they are stored: their trees, their ancestors, and what a merge of them must be.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt as _;
use lakehold_catalog::MetaRangeId;
use lakehold_catalog::StorageNamespace;
use lakehold_catalog::Strategy;
use lakehold_tree::Trees;

use super::records::CommitRecord;
use super::records::value_in;
use crate::simulation::request::Val;

/// What is committed.
pub(crate) type Content = BTreeMap<String, Val>;

/// All commits that are stored.
#[derive(Debug)]
pub(crate) struct Commits {
    trees: Trees,
    namespace: StorageNamespace,
    records: BTreeMap<String, CommitRecord>,
    /// Ids in the order in which they came.
    order: Vec<String>,
    contents: BTreeMap<String, Arc<Content>>,
}

impl Commits {
    /// None yet. `trees` must read what is stored without waiting.
    pub(crate) fn new(trees: Trees, namespace: StorageNamespace) -> Self {
        let (records, contents) = (BTreeMap::new(), BTreeMap::new());
        Self { trees, namespace, records, order: Vec::new(), contents }
    }

    pub(crate) fn add(&mut self, id: &str, record: CommitRecord) {
        if self.records.insert(id.to_owned(), record).is_none() {
            self.order.push(id.to_owned());
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&CommitRecord> {
        self.records.get(id)
    }

    pub(crate) fn ids(&self) -> &[String] {
        &self.order
    }

    /// The content of a commit: all of its tree, whose files must be there.
    pub(crate) fn content(&mut self, id: &str) -> Result<Arc<Content>, String> {
        let record = self.records.get(id).ok_or_else(|| format!("there is no commit {id}"))?;
        let tree = record.tree.clone();
        if let Some(known) = self.contents.get(&tree) {
            return Ok(known.clone());
        }
        let read = self.read(&tree).now_or_never().ok_or("the observer had to wait")?;
        let content = Arc::new(read.map_err(|error| format!("tree {tree} of {id}: {error}"))?);
        self.contents.insert(tree, content.clone());
        Ok(content)
    }

    /// Reads the trees of all commits that lead to `heads` by `trees`, which have read nothing yet: they
    /// must still be what they were.
    pub(crate) fn read_again(&mut self, trees: Trees, heads: &[String]) -> Result<(), String> {
        let reachable: BTreeSet<String> =
            heads.iter().flat_map(|head| self.ancestors(head)).collect();
        let known = std::mem::take(&mut self.contents);
        self.trees = trees;
        for id in reachable {
            let content = self.content(&id)?;
            let tree = self.get(&id).map(|record| record.tree.clone()).unwrap_or_default();
            if known.get(&tree).is_some_and(|known| *known != content) {
                return Err(format!("tree {tree} of {id} is not what it was"));
            }
        }
        Ok(())
    }

    async fn read(&self, tree: &str) -> Result<Content, lakehold_tree::Error> {
        let mut content = Content::new();
        let mut cursor = self.trees.cursor(&self.namespace, &MetaRangeId::from_stored(tree));
        while let Some(record) = cursor.next().await? {
            let key = String::from_utf8_lossy(&record.key).into_owned();
            content.insert(key, value_in(&record.value.data));
        }
        Ok(content)
    }

    /// A commit and all that lead to it.
    pub(crate) fn ancestors(&self, id: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![id.to_owned()];
        while let Some(id) = open.pop() {
            if found.contains(&id) {
                continue;
            }
            if let Some(record) = self.records.get(&id) {
                open.extend(record.parents.iter().cloned());
            }
            found.insert(id);
        }
        found
    }

    /// Common ancestors of which none leads to another one.
    pub(crate) fn merge_bases(&self, left: &str, right: &str) -> Vec<String> {
        let right = self.ancestors(right);
        let common: BTreeSet<String> =
            self.ancestors(left).into_iter().filter(|id| right.contains(id)).collect();
        let mut hidden = BTreeSet::new();
        for id in &common {
            let mut above = self.ancestors(id);
            above.remove(id);
            hidden.extend(above);
        }
        common.into_iter().filter(|id| !hidden.contains(id)).collect()
    }
}

/// What a merge makes; `None` where it would have to be refused.
pub(crate) fn merged(
    base: &Content,
    source: &Content,
    destination: &Content,
    strategy: Strategy,
) -> Option<Content> {
    let keys: BTreeSet<&String> =
        base.keys().chain(source.keys()).chain(destination.keys()).collect();
    let mut content = Content::new();
    for key in keys {
        let (base, source, destination) = (base.get(key), source.get(key), destination.get(key));
        let value = match strategy {
            _ if source == base => destination,
            _ if destination == base || source == destination => source,
            Strategy::Fail => return None,
            Strategy::SourceWins => source,
            Strategy::DestinationWins => destination,
        };
        content.extend(value.map(|value| (key.clone(), *value)));
    }
    Some(content)
}
