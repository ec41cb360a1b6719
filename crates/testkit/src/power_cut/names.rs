//! Which entry is in which folder: what programs see, what was synced, and the changes between.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::ffi::OsString;

use crate::power_cut::content::Moment;
use crate::power_cut::content::Tally;
use crate::power_cut::dice::Dice;
use crate::power_cut::settings::Naming;

/// The number of a file or folder. A number is never given twice.
pub(super) type NodeId = u64;

/// The folder that everything is below.
pub(super) const ROOT: NodeId = 1;

/// The entries of folders.
pub(super) type Folders = BTreeMap<NodeId, BTreeMap<OsString, NodeId>>;

/// An entry that gets another node, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) folder: NodeId,
    pub(super) name: OsString,
    pub(super) node: Option<NodeId>,
}

impl Entry {
    pub(super) fn new(folder: NodeId, name: &OsStr, node: Option<NodeId>) -> Self {
        Self { folder, name: name.to_owned(), node }
    }

    fn slot(&self) -> (NodeId, &OsStr) {
        (self.folder, &self.name)
    }

    fn apply(&self, folders: &mut Folders) {
        let entries = folders.entry(self.folder).or_default();
        match self.node {
            Some(node) => entries.insert(self.name.clone(), node),
            None => entries.remove(&self.name),
        };
    }
}

/// Entries that change as one.
#[derive(Clone, Debug)]
struct Change {
    moment: Moment,
    entries: Vec<Entry>,
    /// The change that must not be lost where this one is kept.
    after: Option<Moment>,
}

/// The entries of all folders.
#[derive(Clone, Debug)]
pub(super) struct Names {
    current: Folders,
    durable: Folders,
    pending: Vec<Change>,
}

impl Names {
    /// All of them durable.
    pub(super) fn durable(folders: Folders) -> Self {
        Self { current: folders.clone(), durable: folders, pending: Vec::new() }
    }

    /// What programs see.
    pub(super) fn current(&self) -> &Folders {
        &self.current
    }

    pub(super) fn find(&self, folder: NodeId, name: &OsStr) -> Option<NodeId> {
        self.current.get(&folder)?.get(name).copied()
    }

    pub(super) fn is_empty(&self, folder: NodeId) -> bool {
        self.current.get(&folder).is_none_or(BTreeMap::is_empty)
    }

    /// Changes `entries` as one; where the change at the moment `after` is lost, this one is too.
    pub(super) fn change(&mut self, moment: Moment, entries: Vec<Entry>, after: Option<Moment>) {
        for entry in &entries {
            entry.apply(&mut self.current);
        }
        self.pending.push(Change { moment, entries, after });
    }

    /// Makes all changes up to `until` durable.
    pub(super) fn sync_all(&mut self, until: Moment) {
        let settled = self.pending.partition_point(|change| change.moment <= until);
        for change in self.pending.drain(..settled) {
            change.entries.iter().for_each(|entry| entry.apply(&mut self.durable));
        }
    }

    /// Makes those up to `until` durable that concern entries of `folder`, and what they rest on.
    pub(super) fn sync_folder(&mut self, folder: NodeId, until: Moment) {
        let wanted = self.wanted_for(folder, until);
        let mut wanted = wanted.into_iter();
        self.pending.retain(|change| {
            let is_wanted = wanted.next().unwrap_or(false);
            if is_wanted {
                change.entries.iter().for_each(|entry| entry.apply(&mut self.durable));
            }
            !is_wanted
        });
    }

    /// Which of the pending changes a sync of `folder` takes along.
    fn wanted_for(&self, folder: NodeId, until: Moment) -> Vec<bool> {
        let (mut slots, mut moments) = (HashSet::new(), HashSet::new());
        let mut wanted = vec![false; self.pending.len()];
        for (at, change) in self.pending.iter().enumerate().rev() {
            let is_in = |entry: &Entry| entry.folder == folder || slots.contains(&entry.slot());
            let is_wanted = change.entries.iter().any(is_in) || moments.contains(&change.moment);
            if change.moment <= until && is_wanted {
                wanted[at] = true;
                slots.extend(change.entries.iter().map(Entry::slot));
                moments.extend(change.after);
            }
        }
        wanted
    }

    /// What a cut leaves, and the entries whose change was lost.
    pub(super) fn after_cut(
        &self,
        naming: Naming,
        percent: u8,
        dice: &Dice,
    ) -> (Folders, Tally, Vec<&Entry>) {
        let kept = match naming {
            Naming::Ext4 => self.oldest(percent, dice),
            Naming::Strict => self.any(percent, dice),
        };
        let (mut folders, mut tally, mut lost) =
            (self.durable.clone(), Tally::default(), Vec::new());
        for (change, is_kept) in self.pending.iter().zip(kept) {
            if is_kept {
                tally.kept += 1;
                change.entries.iter().for_each(|entry| entry.apply(&mut folders));
            } else {
                tally.lost += 1;
                lost.extend(&change.entries);
            }
        }
        (folders, tally, lost)
    }

    fn oldest(&self, percent: u8, dice: &Dice) -> Vec<bool> {
        let count = self.pending.iter().filter(|_| dice.percent(percent)).count();
        (0..self.pending.len()).map(|at| at < count).collect()
    }

    fn any(&self, percent: u8, dice: &Dice) -> Vec<bool> {
        let (mut slots, mut moments) = (HashSet::new(), HashSet::new());
        let mut kept = Vec::with_capacity(self.pending.len());
        for change in &self.pending {
            let rests_on_lost = change.entries.iter().any(|entry| slots.contains(&entry.slot()))
                || change.after.is_some_and(|after| moments.contains(&after));
            let is_kept = !rests_on_lost && dice.percent(percent);
            if !is_kept {
                slots.extend(change.entries.iter().map(Entry::slot));
                moments.insert(change.moment);
            }
            kept.push(is_kept);
        }
        kept
    }

    /// All nodes that an entry has or may have after a cut.
    pub(super) fn nodes(&self) -> BTreeSet<NodeId> {
        let entered = [&self.current, &self.durable].into_iter().flat_map(BTreeMap::values);
        let pending = self.pending.iter().flat_map(|change| &change.entries);
        let changed = pending.filter_map(|entry| entry.node);
        entered.flat_map(BTreeMap::values).copied().chain(changed).collect()
    }

    /// Forgets the entries of folders that are not among `nodes`.
    pub(super) fn forget_others(&mut self, nodes: &BTreeSet<NodeId>) {
        self.current.retain(|folder, _| nodes.contains(folder));
        self.durable.retain(|folder, _| nodes.contains(folder));
    }
}

#[cfg(test)]
mod tests;
