//! Syncs. Each makes durable what happened before it began, which may be a while ago when it is
//! carried out; what happened since then is another sync's.

use std::path::Path;

use crate::power_cut::content::Moment;
use crate::power_cut::names::NodeId;
use crate::power_cut::settings::Ignored;
use crate::power_cut::settings::Naming;

use crate::power_cut::volume::Kind;
use crate::power_cut::volume::Refused;
use crate::power_cut::volume::Volume;
use crate::power_cut::volume::cut::paths;

impl Volume {
    /// The beginning of a sync: what happened until now is to be durable at its end.
    pub(in crate::power_cut) fn begin_sync(&self) -> Moment {
        self.now
    }

    /// Carries out the `fsync` of a file that began at `until`, or the `fdatasync`.
    pub(in crate::power_cut) fn sync_file(
        &mut self,
        id: NodeId,
        until: Moment,
        data_only: bool,
    ) -> Result<(), Refused> {
        let (naming, names_synced) = (self.settings.naming, self.names_synced);
        let is_ignored = self.ignores(Ignored::Files, id);
        let has_failed = self.failing.as_deref().is_some_and(|below| self.is_below(id, below));
        let node = self.node_mut(id)?;
        if is_ignored {
            return Ok(());
        }
        let Kind::File(content) = &mut node.kind else { return Err(Refused::Invalid) };
        if has_failed {
            content.lose(until);
            self.failing = None;
            self.failures += 1;
            return Err(Refused::Failed);
        }
        let has_other_length = content.sync(until);
        let writes_journal = !data_only || has_other_length || node.created > names_synced;
        if naming == Naming::Ext4 && writes_journal {
            self.sync_names(until);
        }
        Ok(())
    }

    /// Carries out the `fsync` of a folder that began at `until`.
    pub(in crate::power_cut) fn sync_folder(
        &mut self,
        id: NodeId,
        until: Moment,
    ) -> Result<(), Refused> {
        self.node(id)?;
        if self.ignores(Ignored::Folders, id) {
            return Ok(());
        }
        match self.settings.naming {
            Naming::Ext4 => self.sync_names(until),
            Naming::Strict => self.names.sync_folder(id, until),
        }
        Ok(())
    }

    /// Carries out the `syncfs` that began at `until`.
    pub(in crate::power_cut) fn sync_volume(&mut self, until: Moment) {
        if self.ignored == Ignored::Volume {
            return;
        }
        for node in self.nodes.values_mut() {
            if let Kind::File(content) = &mut node.kind {
                content.sync(until);
            }
        }
        self.sync_names(until);
    }

    fn ignores(&self, what: Ignored, id: NodeId) -> bool {
        self.ignored == what && self.is_below(id, &self.ignored_below)
    }

    fn is_below(&self, id: NodeId, folder: &Path) -> bool {
        paths(self.names.current()).get(&id).is_some_and(|path| path.starts_with(folder))
    }

    fn sync_names(&mut self, until: Moment) {
        self.names.sync_all(until);
        self.names_synced = until.max(self.names_synced);
    }
}
