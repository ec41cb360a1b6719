//! Copying what a cut left to a folder of a real file system, to be looked at or started from again.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::power_cut::names::NodeId;
use crate::power_cut::names::ROOT;
use crate::power_cut::volume::Kind;
use crate::power_cut::volume::State;

/// Copies `state` into the folder at `target`, which is made.
pub(super) fn export(state: &State, target: &Path) -> io::Result<()> {
    copy(state, ROOT, target)
}

fn copy(state: &State, id: NodeId, target: &Path) -> io::Result<()> {
    let Some(node) = state.nodes.get(&id) else { return Ok(()) };
    match &node.kind {
        Kind::Link(to) => return symlink(to, target),
        Kind::File(content) => fs::write(target, content.current().read(0..u64::MAX))?,
        Kind::Folder => {
            fs::create_dir_all(target)?;
            for (name, child) in state.folders.get(&id).into_iter().flatten() {
                copy(state, *child, &target.join(name))?;
            }
        }
    }
    fs::set_permissions(target, fs::Permissions::from_mode(node.attributes.mode.into()))
}
