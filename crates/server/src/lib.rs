//! The server: settings in, a listening process out.
//!
//! This is the only place that knows which driver is in use, reads settings, and says anything to a
//! person. [`run()`] goes through the life of a server in order:
//!
//! ```text
//! Settings ─► Home (folders, locked) ─► Secrets ─► Stack (stores, engine, catalog, auth, API)
//!          ─► Listener (bound) ─► bootstrap (first administrator, banner) ─► serve until told to stop
//!          ─► drain requests ─► close the block store, then the key-value store
//! ```
//!
//! A request goes through [`telemetry`] (id, span, audit line, metrics) and then through the front
//! door in [`dispatch`], which tells API, S3 and everything else apart. Commands on the same machine come
//! in through [`control`], or open what no server uses ([`offline`]). Start reading at [`run()`].

mod badger;
mod bootstrap;
mod control;
mod data_dir;
mod dispatch;
mod home;
mod listen;
mod offline;
mod run;
mod secrets;
mod settings;
mod stores;
mod telemetry;
mod wiring;

pub use offline::Records;
pub use offline::examine;
pub use run::run;
pub use settings::Configuration;
pub use settings::Settings;
pub use settings::ShowForm;
pub use settings::Sources;
pub use settings::guide;

pub use lakehold_badger::Imported;
pub use lakehold_badger::Phase as ImportPhase;
pub use lakehold_badger::Progress as ImportProgress;
pub use lakehold_doctor::Counts as DoctorCounts;
pub use lakehold_doctor::Options as DoctorOptions;
pub use lakehold_doctor::Progress as DoctorProgress;
pub use lakehold_doctor::Report as DoctorReport;
pub use lakehold_kv::dump::Chosen;
pub use lakehold_kv::dump::Existing;
pub use lakehold_kv::dump::Loaded;
pub use lakehold_kv::dump::Progress as DumpProgress;
pub use lakehold_kv::dump::Section;
