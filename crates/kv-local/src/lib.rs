//! The embedded key-value store: everything in one directory, every answer durable.
//!
//! [`LocalStore`] keeps its records in a log-structured merge tree (the `fjall` library) and puts a
//! **committer** in front of it: one thread that owns the write path. It takes all writes that wait,
//! decides their preconditions against the store and the writes before them, appends them to the
//! journal as one batch, syncs once, and only then answers. Sixty-four waiting writers share one
//! sync, and no two writers of a key can race. Reads go to the tree directly.
//!
//! ```text
//! write ─► queue ─► committer: gather ─ decide ─ append + sync ─ mark ─ answer
//! get, scan ─────────────────────────► tree ◄────────┘
//! ```
//!
//! After each batch the committer notes its number in the file `acknowledged`. On opening, before the
//! library may touch a file, journals and manifests are read and compared with that number, so that
//! damage to something acknowledged is an error and not a shorter history. Start reading at
//! [`LocalStore`], then `committer`, then `journal` (docs/formats/embedded-kv.md).

mod acknowledged;
mod archive;
mod batch;
mod committer;
mod failure;
mod journal;
mod keys;
mod opening;
mod partitions;
mod settings;
mod store;
mod trees;

pub use settings::LocalSettings;
pub use store::LocalStore;
