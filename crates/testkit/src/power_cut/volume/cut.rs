//! The cut: what was durable, and what chance leaves of the rest.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::power_cut::content::Tally;
use crate::power_cut::dice::Dice;
use crate::power_cut::names::Entry;
use crate::power_cut::names::Folders;
use crate::power_cut::names::Names;
use crate::power_cut::names::NodeId;
use crate::power_cut::names::ROOT;
use crate::power_cut::settings::Survival;

use crate::power_cut::volume::Kind;
use crate::power_cut::volume::Node;
use crate::power_cut::volume::State;
use crate::power_cut::volume::Volume;

/// How many losses a report names.
const MAX_NAMED: usize = 100;

/// What a cut did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CutReport {
    /// Unsynced pages that survived, whole or in part.
    pub pages_kept: u64,
    /// Unsynced pages that did not.
    pub pages_lost: u64,
    /// Unsynced changes of entries that survived.
    pub names_kept: u64,
    /// Unsynced changes of entries that did not.
    pub names_lost: u64,
    /// The first losses, in words.
    pub lost: Vec<String>,
}

impl Volume {
    /// Cuts the power: only what was synced survives, and of the rest as much as `survival` says,
    /// chosen by `seed`. All nodes get new numbers: whatever was open is stale.
    pub fn cut(&mut self, seed: u64, survival: Survival) -> CutReport {
        let (dice, percent) = (Dice::new(seed), survival.percent());
        let paths = paths(self.names.current());
        let (folders, names, lost) = self.names.after_cut(self.settings.naming, percent, &dice);
        let lost_names = lost.iter().map(|entry| describe(entry, &paths));
        let lost_names: Vec<String> = lost_names.take(MAX_NAMED).collect();
        let mut report = CutReport {
            names_kept: names.kept,
            names_lost: names.lost,
            lost: lost_names,
            ..CutReport::default()
        };
        let mut survivors = Survivors::new(self, &folders, percent, &dice);
        survivors.visit(ROOT);
        for (id, tally) in &survivors.tallies {
            report.pages_kept += tally.kept;
            report.pages_lost += tally.lost;
            if tally.lost > 0 && report.lost.len() < MAX_NAMED {
                let path = paths
                    .get(id)
                    .map_or("a file without a name".into(), |path| path.display().to_string());
                report.lost.push(format!(
                    "{path}: {} of {} pages",
                    tally.lost,
                    tally.kept + tally.lost
                ));
            }
        }
        let Survivors { state, next, .. } = survivors;
        self.next_node = next;
        self.restore(state);
        report
    }

    /// Goes on from `state`, all of which is durable.
    fn restore(&mut self, state: State) {
        self.nodes = state.nodes.clone();
        self.names = Names::durable(state.folders.clone());
        self.used_pages = self.nodes.values().map(Node::pages).sum();
        self.known_nodes = self.nodes.len();
        self.names_synced = self.now;
        self.left = Some(state);
    }
}

/// What is found from the root on, under new numbers.
struct Survivors<'a> {
    before: &'a Volume,
    folders: &'a Folders,
    percent: u8,
    dice: &'a Dice,
    next: NodeId,
    numbers: BTreeMap<NodeId, NodeId>,
    tallies: BTreeMap<NodeId, Tally>,
    state: State,
}

impl<'a> Survivors<'a> {
    fn new(before: &'a Volume, folders: &'a Folders, percent: u8, dice: &'a Dice) -> Self {
        Self {
            before,
            folders,
            percent,
            dice,
            next: before.next_node,
            numbers: BTreeMap::from([(ROOT, ROOT)]),
            tallies: BTreeMap::new(),
            state: State { nodes: BTreeMap::new(), folders: Folders::new() },
        }
    }

    /// Takes over the node `id`, which has a new number, and what is below it.
    fn visit(&mut self, id: NodeId) {
        let Some(node) = self.before.nodes.get(&id) else { return };
        let number = self.numbers[&id];
        let mut node = Node { opens: 0, links: 0, ..node.clone() };
        if let Kind::File(content) = &node.kind {
            let (left, tally) = content.after_cut(self.percent, self.dice);
            node.kind = Kind::File(left);
            self.tallies.insert(id, tally);
        }
        let is_folder = node.is_folder();
        self.state.nodes.insert(number, node);
        if is_folder {
            self.visit_entries(id, number);
        }
    }

    fn visit_entries(&mut self, id: NodeId, number: NodeId) {
        let mut entries = BTreeMap::new();
        for (name, child) in self.folders.get(&id).into_iter().flatten() {
            if !self.before.nodes.contains_key(child) {
                continue;
            }
            let is_new = !self.numbers.contains_key(child);
            if is_new {
                self.numbers.insert(*child, self.next);
                self.next += 1;
                self.visit(*child);
            }
            let child = self.numbers[child];
            entries.insert(name.clone(), child);
            if let Some(node) = self.state.nodes.get_mut(&child) {
                node.links += 1;
            }
        }
        self.state.folders.insert(number, entries);
    }
}

/// Where the nodes are.
pub(super) fn paths(folders: &Folders) -> BTreeMap<NodeId, PathBuf> {
    let mut paths = BTreeMap::from([(ROOT, PathBuf::new())]);
    let mut open = vec![ROOT];
    while let Some(folder) = open.pop() {
        let path = paths[&folder].clone();
        for (name, node) in folders.get(&folder).into_iter().flatten() {
            if paths.insert(*node, path.join(name)).is_none() {
                open.push(*node);
            }
        }
    }
    paths
}

fn describe(entry: &Entry, paths: &BTreeMap<NodeId, PathBuf>) -> String {
    let folder = paths.get(&entry.folder).map_or(Path::new("a removed folder"), PathBuf::as_path);
    let what = if entry.node.is_some() { "new entry" } else { "removal of the entry" };
    format!("{what} {}", folder.join(&entry.name).display())
}
