//! The disk: files and folders by number, what programs do with them, and the cut.
//!
//! Everything happens at a [`Moment`] of its own. A program's calls are in [`entries`] (folders),
//! [`sync`] and here (files); [`cut`] makes the state after a cut out of the one before. All nodes get
//! new numbers then, so that whoever still had a file open finds that it is gone.

mod cut;
mod entries;
mod sync;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use lakehold_clock::Timestamp;

use crate::power_cut::content::Content;
use crate::power_cut::content::Moment;
use crate::power_cut::image::PAGE_BYTES;
use crate::power_cut::names::Folders;
use crate::power_cut::names::Names;
use crate::power_cut::names::NodeId;
use crate::power_cut::names::ROOT;
use crate::power_cut::settings::Ignored;
use crate::power_cut::settings::Settings;

pub use cut::CutReport;
pub(super) use entries::Taken;

/// So many nodes that nothing leads to may wait until they are looked for.
const MAX_ABANDONED: usize = 1_000;

/// The longest name of an entry, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 255;

/// Why a call was not carried out; each is the error of the system that has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `ENOENT`
    Absent,
    /// `EEXIST`
    Exists,
    /// `ENOTEMPTY`
    NotEmpty,
    /// `ENOTDIR`
    NotFolder,
    /// `EISDIR`
    IsFolder,
    /// `ENOSPC`
    Full,
    /// `ENAMETOOLONG`
    TooLong,
    /// `EINVAL`
    Invalid,
    /// `EIO`
    Failed,
    /// `ESTALE`: it was there before the cut.
    Stale,
}

/// Owner, rights and time of a node. Not subject to cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) mode: u16,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) modified: Timestamp,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    File(Content),
    Folder,
    Link(OsString),
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) attributes: Attributes,
    /// Entries that lead to it.
    pub(super) links: u32,
    /// How often it is open.
    opens: u32,
    created: Moment,
}

impl Node {
    fn new(kind: Kind, attributes: Attributes, created: Moment) -> Self {
        Self { kind, attributes, links: 0, opens: 0, created }
    }

    pub(super) fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder)
    }

    pub(super) fn length(&self) -> u64 {
        match &self.kind {
            Kind::File(content) => content.current().length(),
            Kind::Folder => PAGE_BYTES as u64,
            Kind::Link(target) => target.len() as u64,
        }
    }

    /// How many pages it takes.
    pub(super) fn pages(&self) -> u64 {
        match &self.kind {
            Kind::File(content) => content.current().page_count(),
            Kind::Folder | Kind::Link(_) => 0,
        }
    }
}

/// All nodes and their names, as a cut left them.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) nodes: BTreeMap<NodeId, Node>,
    pub(super) folders: Folders,
}

/// A disk in memory.
#[derive(Debug)]
pub struct Volume {
    settings: Settings,
    ignored: Ignored,
    /// Where syncs are ignored; everywhere if empty.
    ignored_below: PathBuf,
    /// Where the next sync of a file fails.
    failing: Option<PathBuf>,
    /// How many syncs have failed.
    failures: u64,
    nodes: BTreeMap<NodeId, Node>,
    names: Names,
    next_node: NodeId,
    now: Moment,
    /// When the last sync began that made all names durable.
    names_synced: Moment,
    used_pages: u64,
    /// How many nodes there were after the last look for abandoned ones.
    known_nodes: usize,
    /// What the last cut left.
    left: Option<State>,
}

impl Volume {
    /// An empty disk. Its root belongs to `user` and `group`.
    pub fn new(settings: Settings, user: u32, group: u32) -> Self {
        let attributes = Attributes { mode: 0o755, user, group, modified: Timestamp::default() };
        let mut root = Node::new(Kind::Folder, attributes, 0);
        root.links = 1;
        Self {
            settings,
            ignored: Ignored::default(),
            ignored_below: PathBuf::new(),
            failing: None,
            failures: 0,
            nodes: BTreeMap::from([(ROOT, root)]),
            names: Names::durable(Folders::from([(ROOT, BTreeMap::new())])),
            next_node: ROOT + 1,
            now: 0,
            names_synced: 0,
            used_pages: 0,
            known_nodes: 1,
            left: None,
        }
    }

    /// Answers some syncs from now on without carrying them out: those of `below`, a path from the
    /// root, and of what is below it.
    pub fn ignore(&mut self, ignored: Ignored, below: &Path) {
        self.ignored = ignored;
        self.ignored_below = below.to_owned();
    }

    /// Has the next sync of a file fail that is at `below`, a path from the root, or below it. What it
    /// was for is lost, as it is on Linux: the next sync knows nothing of it.
    pub fn fail(&mut self, below: &Path) {
        self.failing = Some(below.to_owned());
    }

    /// How many syncs have failed since there was an empty disk.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Removes everything, as if it had never been.
    pub fn clear(&mut self) {
        let Attributes { user, group, .. } = self.nodes[&ROOT].attributes;
        let (next_node, ignored) = (self.next_node, self.ignored);
        let ignored_below = std::mem::take(&mut self.ignored_below);
        let empty = Self::new(self.settings, user, group);
        *self = Self { next_node, ignored, ignored_below, ..empty };
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings
    }

    pub(super) fn used_pages(&self) -> u64 {
        self.used_pages
    }

    pub(super) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn left(&self) -> Option<&State> {
        self.left.as_ref()
    }

    /// The moment of a change that is about to be made.
    fn tick(&mut self) -> Moment {
        self.now += 1;
        self.now
    }

    pub(super) fn node(&self, id: NodeId) -> Result<&Node, Refused> {
        self.nodes.get(&id).ok_or(Refused::Stale)
    }

    fn node_mut(&mut self, id: NodeId) -> Result<&mut Node, Refused> {
        self.nodes.get_mut(&id).ok_or(Refused::Stale)
    }

    fn content(&self, id: NodeId) -> Result<&Content, Refused> {
        match &self.node(id)?.kind {
            Kind::File(content) => Ok(content),
            Kind::Folder => Err(Refused::IsFolder),
            Kind::Link(_) => Err(Refused::Invalid),
        }
    }

    /// Changes the content of a file, unless the disk is full.
    fn change_content(
        &mut self,
        id: NodeId,
        modified: Timestamp,
        change: impl FnOnce(&mut Content, Moment),
    ) -> Result<(), Refused> {
        let before = self.content(id)?.current().page_count();
        let now = self.tick();
        let node = self.node_mut(id)?;
        let Kind::File(content) = &mut node.kind else { return Err(Refused::Invalid) };
        change(content, now);
        node.attributes.modified = modified;
        let after = content.current().page_count();
        self.used_pages = (self.used_pages + after).saturating_sub(before);
        Ok(())
    }

    /// The bytes of `range`, as far as the file has them.
    pub(super) fn read(&self, id: NodeId, range: Range<u64>) -> Result<Vec<u8>, Refused> {
        Ok(self.content(id)?.current().read(range))
    }

    pub(super) fn write(
        &mut self,
        id: NodeId,
        offset: u64,
        data: &[u8],
        modified: Timestamp,
    ) -> Result<(), Refused> {
        if self.free_bytes() < data.len() as u64 {
            return Err(Refused::Full);
        }
        self.change_content(id, modified, |content, now| content.write(now, offset, data))
    }

    pub(super) fn set_length(
        &mut self,
        id: NodeId,
        length: u64,
        modified: Timestamp,
    ) -> Result<(), Refused> {
        self.change_content(id, modified, |content, now| content.set_length(now, length))
    }

    /// Makes the file as long as `end`, if it is shorter.
    pub(super) fn extend(
        &mut self,
        id: NodeId,
        end: u64,
        modified: Timestamp,
    ) -> Result<(), Refused> {
        let length = self.content(id)?.current().length();
        if self.free_bytes() < end.saturating_sub(length) {
            return Err(Refused::Full);
        }
        if end > length { self.set_length(id, end, modified) } else { Ok(()) }
    }

    pub(super) fn zero(
        &mut self,
        id: NodeId,
        range: Range<u64>,
        modified: Timestamp,
    ) -> Result<(), Refused> {
        self.change_content(id, modified, |content, now| content.zero(now, range))
    }

    /// Changes owner, rights and time.
    pub(super) fn set_attributes(
        &mut self,
        id: NodeId,
        change: impl FnOnce(&mut Attributes),
    ) -> Result<(), Refused> {
        change(&mut self.node_mut(id)?.attributes);
        Ok(())
    }

    pub(super) fn open(&mut self, id: NodeId) -> Result<(), Refused> {
        self.node_mut(id)?.opens += 1;
        Ok(())
    }

    /// Takes back an [`Volume::open`]; whatever was opened before a cut is closed already.
    pub(super) fn close(&mut self, id: NodeId) {
        if let Ok(node) = self.node_mut(id) {
            node.opens = node.opens.saturating_sub(1);
        }
        self.forget_abandoned();
    }

    pub(super) fn free_bytes(&self) -> u64 {
        self.settings.limit_bytes.saturating_sub(self.used_pages * PAGE_BYTES as u64)
    }

    /// Forgets nodes that no program has and that no cut could bring back, now and then.
    fn forget_abandoned(&mut self) {
        if self.nodes.len() < 2 * self.known_nodes + MAX_ABANDONED {
            return;
        }
        let mut wanted: BTreeSet<NodeId> = self.names.nodes();
        wanted.extend(self.nodes.iter().filter(|(_, node)| node.opens > 0).map(|(id, _)| id));
        wanted.insert(ROOT);
        self.nodes.retain(|id, _| wanted.contains(id));
        self.names.forget_others(&wanted);
        self.used_pages = self.nodes.values().map(Node::pages).sum();
        self.known_nodes = self.nodes.len();
    }
}

/// Whether `name` can be the name of an entry.
fn check_name(name: &OsStr) -> Result<(), Refused> {
    if name.len() > MAX_NAME_BYTES { Err(Refused::TooLong) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
