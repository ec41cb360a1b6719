//! Making, finding, moving and removing entries of folders.

use std::ffi::OsStr;
use std::ffi::OsString;

use crate::power_cut::content::Moment;
use crate::power_cut::names::Entry;
use crate::power_cut::names::NodeId;
use crate::power_cut::settings::Naming;

use crate::power_cut::volume::Attributes;
use crate::power_cut::volume::Kind;
use crate::power_cut::volume::Node;
use crate::power_cut::volume::Refused;
use crate::power_cut::volume::Volume;
use crate::power_cut::volume::check_name;

/// What a move does where something is at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::power_cut) enum Taken {
    Replace,
    Refuse,
    Exchange,
}

impl Volume {
    pub(in crate::power_cut) fn find(
        &self,
        folder: NodeId,
        name: &OsStr,
    ) -> Result<NodeId, Refused> {
        self.folder(folder)?;
        check_name(name)?;
        self.names.find(folder, name).ok_or(Refused::Absent)
    }

    /// The entries of `folder`, by name.
    pub(in crate::power_cut) fn list(
        &self,
        folder: NodeId,
    ) -> Result<Vec<(OsString, NodeId)>, Refused> {
        self.folder(folder)?;
        let entries = self.names.current().get(&folder).into_iter().flatten();
        Ok(entries.map(|(name, node)| (name.clone(), *node)).collect())
    }

    /// Makes a node with an entry.
    pub(in crate::power_cut) fn make(
        &mut self,
        folder: NodeId,
        name: &OsStr,
        kind: Kind,
        attributes: Attributes,
    ) -> Result<NodeId, Refused> {
        self.check_free(folder, name)?;
        self.forget_abandoned();
        let (id, now) = (self.next_node, self.tick());
        self.next_node += 1;
        self.nodes.insert(id, Node::new(kind, attributes, now));
        self.change(now, vec![Entry::new(folder, name, Some(id))], None);
        Ok(id)
    }

    /// Makes one more entry for a file.
    pub(in crate::power_cut) fn link(
        &mut self,
        id: NodeId,
        folder: NodeId,
        name: &OsStr,
    ) -> Result<(), Refused> {
        self.content(id)?;
        self.check_free(folder, name)?;
        let now = self.tick();
        self.change(now, vec![Entry::new(folder, name, Some(id))], None);
        Ok(())
    }

    /// Removes the entry of a file.
    pub(in crate::power_cut) fn unlink(
        &mut self,
        folder: NodeId,
        name: &OsStr,
    ) -> Result<(), Refused> {
        if self.node(self.find(folder, name)?)?.is_folder() {
            return Err(Refused::IsFolder);
        }
        let now = self.tick();
        self.change(now, vec![Entry::new(folder, name, None)], None);
        Ok(())
    }

    /// Removes the entry of an empty folder.
    pub(in crate::power_cut) fn remove_folder(
        &mut self,
        folder: NodeId,
        name: &OsStr,
    ) -> Result<(), Refused> {
        let id = self.find(folder, name)?;
        self.folder(id)?;
        if !self.names.is_empty(id) {
            return Err(Refused::NotEmpty);
        }
        let now = self.tick();
        self.change(now, vec![Entry::new(folder, name, None)], None);
        Ok(())
    }

    /// Moves an entry.
    pub(in crate::power_cut) fn rename(
        &mut self,
        from: (NodeId, &OsStr),
        to: (NodeId, &OsStr),
        taken: Taken,
    ) -> Result<(), Refused> {
        let id = self.find(from.0, from.1)?;
        self.folder(to.0)?;
        check_name(to.1)?;
        let there = self.names.find(to.0, to.1);
        match (taken, there) {
            (Taken::Refuse, Some(_)) => return Err(Refused::Exists),
            (Taken::Exchange, None) => return Err(Refused::Absent),
            (Taken::Replace, Some(there)) if there == id => return Ok(()),
            (Taken::Replace, Some(there)) => self.check_replaceable(id, there)?,
            _ => {}
        }
        let added = Entry::new(to.0, to.1, Some(id));
        let left = there.filter(|_| taken == Taken::Exchange);
        let removed = Entry::new(from.0, from.1, left);
        let now = self.tick();
        let may_be_in_both = self.settings.naming == Naming::Strict
            && from.0 != to.0
            && left.is_none()
            && !self.node(id)?.is_folder();
        if may_be_in_both {
            self.change(now, vec![added], None);
            let then = self.tick();
            self.change(then, vec![removed], Some(now));
        } else {
            self.change(now, vec![removed, added], None);
        }
        Ok(())
    }

    fn check_replaceable(&self, id: NodeId, there: NodeId) -> Result<(), Refused> {
        match (self.node(id)?.is_folder(), self.node(there)?.is_folder()) {
            (true, false) => Err(Refused::NotFolder),
            (false, true) => Err(Refused::IsFolder),
            (true, true) if !self.names.is_empty(there) => Err(Refused::NotEmpty),
            _ => Ok(()),
        }
    }

    fn check_free(&self, folder: NodeId, name: &OsStr) -> Result<(), Refused> {
        match self.find(folder, name) {
            Ok(_) => Err(Refused::Exists),
            Err(Refused::Absent) => Ok(()),
            Err(other) => Err(other),
        }
    }

    fn folder(&self, id: NodeId) -> Result<(), Refused> {
        if self.node(id)?.is_folder() { Ok(()) } else { Err(Refused::NotFolder) }
    }

    /// Changes entries as one, and counts who leads where.
    fn change(&mut self, now: Moment, entries: Vec<Entry>, after: Option<Moment>) {
        let gone = entries.iter().filter_map(|entry| self.names.find(entry.folder, &entry.name));
        for id in gone.collect::<Vec<_>>() {
            self.count_links(id, |links| links.saturating_sub(1));
        }
        for id in entries.iter().filter_map(|entry| entry.node) {
            self.count_links(id, |links| links + 1);
        }
        self.names.change(now, entries, after);
    }

    fn count_links(&mut self, id: NodeId, count: impl FnOnce(u32) -> u32) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.links = count(node.links);
        }
    }
}
