//! The server: settings in, a listening process out.
//!
//! This is the only place that knows which driver is in use, reads settings, and says anything to a
//! person. [`run()`] goes through the life of a server in order:
//!
//! ```text
//! Settings ─► DataDir (created, locked) ─► Secrets ─► Stack (drivers, engine, catalog, auth, API)
//!          ─► Listener (bound) ─► bootstrap (first administrator, banner) ─► serve until told to stop
//!          ─► drain requests ─► close the block store, then the key-value store
//! ```
//!
//! A request goes through [`telemetry`] (id, span, audit line, metrics) and then through the front
//! door in [`dispatch`], which tells API, S3 and everything else apart. Start reading at [`run()`].

mod bootstrap;
mod data_dir;
mod dispatch;
mod listen;
mod run;
mod secrets;
mod settings;
mod telemetry;
mod wiring;

pub use run::run;
pub use settings::LogFormat;
pub use settings::LogSettings;
pub use settings::Settings;
pub use settings::SetupMode;
