//! A file system that loses power: it knows what was synced, and forgets the rest when told to.
//!
//! Disks and file systems promise to keep what was synced. Of everything else they may keep all,
//! nothing, or any part, in any order. This one is a disk that makes use of every such liberty. A whole
//! server runs on it; then the power is cut, and what a real disk might have kept is what the server
//! finds when it starts again.
//!
//! ```text
//! kernel ── FUSE ── mount ─┐                          ┌ names    which entry is in which folder
//!                          ├─► Volume ── nodes ── … ──┤
//! tests ─── stdin ─ serve ─┘                          └ content  what is in a file ── image: pages
//! ```
//!
//! Both halves keep two states, *current* (what programs see) and *durable* (what was synced), and
//! what lies between: for a file the versions of each page of 4 KiB, for folders the list of changed
//! entries. A sync moves what happened before it began from the one to the other. A cut makes a new
//! state out of the durable one and, if it is told to, a part of what lies between:
//!
//! - a page survives or not, whatever became of others, in its last version or an earlier one; one in
//!   four is torn, so that each sector of 512 bytes is new or old;
//! - a file that was made shorter may be longer again, but no write passes such a change;
//! - entries of folders survive as [`Naming`] says.
//!
//! Everything is in memory and ends with the process. Owners, rights and times of files are not
//! subject to cuts.
//!
//! The kernel does not tell file systems of this kind about `syncfs`: whoever runs a program that
//! relies on it has to notice the call by other means and say so ([`serve()`]).

mod content;
mod dice;
mod export;
mod image;
mod mount;
mod names;
mod serve;
mod settings;
mod volume;

pub use mount::Mounted;
pub use serve::serve;
pub use settings::Ignored;
pub use settings::Naming;
pub use settings::Settings;
pub use settings::Survival;
pub use volume::CutReport;
pub use volume::Refused;
pub use volume::Volume;
