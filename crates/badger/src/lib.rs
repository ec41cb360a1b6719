//! The directory of an existing single-machine installation: read, and imported.
//!
//! lakeFS keeps its records in Badger, a log-structured merge tree in one directory, where it runs on
//! one machine. [`Badger`] reads such a directory without changing it, whether it was closed or its
//! process was killed; [`import_badger`] copies all records into a [`lakehold_kv::Store`].
//!
//! ```text
//! MANIFEST ── which tables there are ─┐
//! <n>.sst  ── tables ─────────────────┼─► merge: newest version of each key ─► records
//! <n>.mem  ── write-ahead logs ───────┘                    ▲
//! <n>.vlog ── values of 1 MiB and more ────────────────────┘
//! ```
//!
//! Everything with a checksum is checked, and what is not as it was written is an [`Error`] that names
//! file and offset. Where Badger drops what it cannot read, this refuses (docs/formats/badger.md). What
//! the records mean is not known here. Start reading at `store.rs`, then `directory.rs` and `merge.rs`.

mod block;
mod coding;
mod directory;
mod error;
mod flat_buffer;
mod import;
mod key_registry;
mod lock;
mod log_file;
mod log_tail;
mod manifest;
mod memtable;
mod merge;
mod messages;
mod source_file;
mod store;
mod stored;
mod table;
mod value_log;

pub use error::Error;
pub use import::ImportError;
pub use import::Imported;
pub use import::Phase;
pub use import::Progress;
pub use import::import_badger;
pub use import::unfinished_import;
pub use store::Badger;
pub use store::Record;
pub use store::Records;
