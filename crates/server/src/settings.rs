//! What an operator may decide: read once, from a file, the environment and flags, and passed on as
//! values.
//!
//! ```text
//! known (the table) ──┬──► file ───────────┐
//!                     ├──► variables, flags ┴─► Configuration ──┬─► Settings, one struct per subject
//!                     └──► guide                                └─► `lakehold config show`
//! ```
//!
//! The table names every setting, ours and those of lakeFS, and everything else follows from it
//! (docs/design/0017-settings.md). Start reading at [`known`], then [`configuration`].

mod configuration;
mod duration;
mod file;
mod guide;
mod known;
mod lookup;
mod nearest;
mod show;
#[cfg(test)]
mod tests;
mod typed;
mod value;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use lakehold_block_s3::S3Settings;
use lakehold_kv_postgres::PostgresSettings;
use lakehold_tree::TreeSettings;

pub use configuration::Configuration;
pub use configuration::Sources;
pub use guide::guide;
pub use show::ShowForm;

/// Everything.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder for what has no place of its own.
    pub(crate) data_dir: PathBuf,
    /// Host and port to listen on, port 0 for any free one.
    pub(crate) listen: String,
    /// Who creates the administrator.
    pub(crate) setup: SetupMode,
    /// What is logged.
    pub(crate) log: LogSettings,
    /// The first administrator.
    pub(crate) administrator: AdministratorSettings,
    /// Secret keys.
    pub(crate) secrets: SecretSettings,
    /// Where records are.
    pub(crate) database: DatabaseSettings,
    /// Where objects are.
    pub(crate) blocks: BlocksSettings,
    /// Sizes of committed trees.
    pub(crate) trees: TreeSettings,
    /// Whether a namespace's root is looked at when a repository is created.
    pub(crate) ensure_readable_root: bool,
    /// How long a login is good for.
    pub(crate) login_duration: Duration,
    /// What to tell the operator at the start.
    pub(crate) notes: Vec<String>,
}

/// Who creates the administrator of a new installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SetupMode {
    /// The server, when it starts.
    #[default]
    Auto,
    /// Whoever calls the setup operation first.
    Manual,
}

/// What is logged, to standard error.
#[derive(Clone, Debug)]
pub(crate) struct LogSettings {
    /// A level, or a filter such as `info,lakehold_engine=debug`.
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The first administrator.
#[derive(Clone)]
pub(crate) struct AdministratorSettings {
    pub(crate) name: String,
    /// Access key and secret; fresh ones where there are none.
    pub(crate) keys: Option<(String, String)>,
    /// Id of the installation, if it is not to be a fresh one.
    pub(crate) installation_id: Option<String>,
}

impl fmt::Debug for AdministratorSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access_key_id = self.keys.as_ref().map(|(id, _)| id);
        out.debug_struct("AdministratorSettings")
            .field("name", &self.name)
            .field("access_key_id", &access_key_id)
            .finish_non_exhaustive()
    }
}

/// Secret keys of the installation.
#[derive(Clone, Default)]
pub(crate) struct SecretSettings {
    /// Encrypts stored secrets and signs tokens.
    pub(crate) auth_secret_key: Option<String>,
    /// Signs addresses that clients link.
    pub(crate) signing_secret_key: Option<String>,
    /// Whether what is missing is made, and kept in the data directory.
    pub(crate) may_be_made: bool,
}

impl fmt::Debug for SecretSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SecretSettings")
            .field("has_auth_secret_key", &self.auth_secret_key.is_some())
            .field("has_signing_secret_key", &self.signing_secret_key.is_some())
            .field("may_be_made", &self.may_be_made)
            .finish()
    }
}

/// Where records are.
#[derive(Clone, Debug)]
pub(crate) enum DatabaseSettings {
    /// In the embedded store.
    Local {
        /// Its folder; `kv` in the data directory where there is none.
        path: Option<PathBuf>,
    },
    /// In PostgreSQL.
    Postgres(PostgresSettings),
    /// In memory.
    Memory,
}

/// Where objects are.
#[derive(Clone, Debug)]
pub(crate) enum BlocksSettings {
    /// In a folder.
    Local(LocalBlocksSettings),
    /// In S3.
    S3(S3BlocksSettings),
    /// In memory.
    Memory,
}

/// Objects in a folder.
#[derive(Clone, Debug)]
pub(crate) struct LocalBlocksSettings {
    /// The folder; `block` in the data directory where there is none.
    pub(crate) path: Option<PathBuf>,
    /// The folder of the journal; beside the other one, with `-journal` after its name, where there is
    /// none.
    pub(crate) journal_path: Option<PathBuf>,
    /// Whether files that already exist can be imported.
    pub(crate) import_enabled: bool,
    /// Whether imports take files and folders whose names begin with a dot.
    pub(crate) import_hidden: bool,
    /// Folders outside whose files may be named.
    pub(crate) allowed_external_prefixes: Vec<PathBuf>,
}

/// Objects in S3.
#[derive(Clone, Debug)]
pub(crate) struct S3BlocksSettings {
    pub(crate) s3: Box<S3Settings>,
    /// How much of committed trees is kept on the local disk; 0 for nothing.
    pub(crate) cache_bytes: u64,
    /// Where; `cache` in the data directory where there is none.
    pub(crate) cache_dir: Option<PathBuf>,
}

impl Settings {
    /// `listen` as something that can be resolved; a bare port is taken for all interfaces.
    pub(crate) fn listen_address(&self) -> anyhow::Result<(String, u16)> {
        let wrong = || format!("{:?} is no address to listen on: give HOST:PORT", self.listen);
        let (host, port) = self.listen.rsplit_once(':').with_context(wrong)?;
        let port = port.parse().with_context(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = if host.is_empty() { "0.0.0.0" } else { host };
        Ok((host.to_owned(), port))
    }

    /// Whether anything lies in the data directory.
    pub(crate) fn needs_data_dir(&self) -> bool {
        let records = matches!(self.database, DatabaseSettings::Local { path: None });
        let objects = match &self.blocks {
            BlocksSettings::Local(local) => local.path.is_none(),
            BlocksSettings::S3(s3) => s3.cache_bytes > 0 && s3.cache_dir.is_none(),
            BlocksSettings::Memory => false,
        };
        records || objects || self.secrets.are_to_be_made()
    }
}

impl SecretSettings {
    fn are_to_be_made(&self) -> bool {
        let both = self.auth_secret_key.is_some() && self.signing_secret_key.is_some();
        self.may_be_made && !both
    }
}
