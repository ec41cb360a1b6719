//! What an operator may decide: one struct per subject, read once and passed on as values.
//!
//! Flags come parsed from the binary. What must not stand in a list of processes (keys and secrets)
//! comes from the environment only, through [`Settings::with_environment`].

use std::fmt;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;

const ACCESS_KEY_ID: &str = "LAKEHOLD_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "LAKEHOLD_SECRET_ACCESS_KEY";
const AUTH_SECRET_KEY: &str = "LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY";
const SIGNING_SECRET_KEY: &str = "LAKEHOLD_SIGNING_SECRET_KEY";

/// Everything.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory that holds all data: `--data-dir`, `LAKEHOLD_DATA_DIR`.
    pub data_dir: PathBuf,
    /// Host and port to listen on, port 0 for any free one: `--listen`, `LAKEHOLD_LISTEN`.
    pub listen: String,
    /// Who creates the administrator: `--setup`, `LAKEHOLD_SETUP`.
    pub setup: SetupMode,
    /// What is logged.
    pub log: LogSettings,
    /// Keys of the first administrator.
    pub administrator: AdministratorSettings,
    /// Secrets that replace those kept in the data directory.
    pub secrets: SecretSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: "./lakehold-data".into(),
            listen: "127.0.0.1:8000".to_owned(),
            setup: SetupMode::Auto,
            log: LogSettings::default(),
            administrator: AdministratorSettings::default(),
            secrets: SecretSettings::default(),
        }
    }
}

/// Who creates the administrator of a new installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SetupMode {
    /// The server, when it starts.
    #[default]
    Auto,
    /// Whoever calls the setup operation first.
    Manual,
}

/// What is logged, to standard error.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// A level, or a filter such as `info,lakehold_engine=debug`: `--log-level`, `LAKEHOLD_LOG_LEVEL`.
    pub level: String,
    /// `--log-format`, `LAKEHOLD_LOG_FORMAT`.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Keys of the first administrator; fresh ones where there are none.
#[derive(Clone, Default)]
pub struct AdministratorSettings {
    /// `LAKEHOLD_ACCESS_KEY_ID` and `LAKEHOLD_SECRET_ACCESS_KEY`.
    pub keys: Option<(String, String)>,
}

impl fmt::Debug for AdministratorSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access_key_id = self.keys.as_ref().map(|(id, _)| id);
        out.debug_struct("AdministratorSettings")
            .field("access_key_id", &access_key_id)
            .finish_non_exhaustive()
    }
}

/// Secrets given from outside.
#[derive(Clone, Default)]
pub struct SecretSettings {
    /// Encrypts stored secrets and signs tokens: `LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY`.
    pub auth_secret_key: Option<String>,
    /// Signs addresses that clients link: `LAKEHOLD_SIGNING_SECRET_KEY`.
    pub signing_secret_key: Option<String>,
}

impl fmt::Debug for SecretSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SecretSettings")
            .field("has_auth_secret_key", &self.auth_secret_key.is_some())
            .field("has_signing_secret_key", &self.signing_secret_key.is_some())
            .finish()
    }
}

impl Settings {
    /// Adds what the environment says. An empty variable counts as none.
    ///
    /// Fails where only one half of a key pair is there.
    pub fn with_environment(
        mut self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let read = |name: &str| environment(name).filter(|value| !value.is_empty());
        self.administrator.keys = match (read(ACCESS_KEY_ID), read(SECRET_ACCESS_KEY)) {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => None,
            (Some(_), None) => bail!("{ACCESS_KEY_ID} is set, so {SECRET_ACCESS_KEY} must be too"),
            (None, Some(_)) => bail!("{SECRET_ACCESS_KEY} is set, so {ACCESS_KEY_ID} must be too"),
        };
        self.secrets.auth_secret_key = read(AUTH_SECRET_KEY);
        self.secrets.signing_secret_key = read(SIGNING_SECRET_KEY);
        Ok(self)
    }

    /// `listen` as something that can be resolved; a bare port is taken for all interfaces.
    pub(crate) fn listen_address(&self) -> anyhow::Result<(String, u16)> {
        let wrong = || format!("{:?} is no address to listen on: give HOST:PORT", self.listen);
        let (host, port) = self.listen.rsplit_once(':').with_context(wrong)?;
        let port = port.parse().with_context(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = if host.is_empty() { "0.0.0.0" } else { host };
        Ok((host.to_owned(), port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> anyhow::Result<Settings> {
        Settings::default().with_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_changes_nothing() {
        for settings in [with(&[]), with(&[(ACCESS_KEY_ID, ""), (SECRET_ACCESS_KEY, "")])] {
            let settings = settings.expect("valid");
            assert!(settings.administrator.keys.is_none());
            assert!(settings.secrets.auth_secret_key.is_none());
        }
    }

    #[test]
    fn half_a_key_pair_is_refused_by_naming_the_other_half() {
        let refused = with(&[(ACCESS_KEY_ID, "a")]).expect_err("refused").to_string();
        assert!(refused.contains("LAKEHOLD_SECRET_ACCESS_KEY must"), "{refused}");
        let refused = with(&[(SECRET_ACCESS_KEY, "a")]).expect_err("refused").to_string();
        assert!(refused.contains("LAKEHOLD_ACCESS_KEY_ID must"), "{refused}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let settings = with(&[
            (ACCESS_KEY_ID, "AKIA"),
            (SECRET_ACCESS_KEY, "first-secret"),
            (AUTH_SECRET_KEY, "second-secret"),
            (SIGNING_SECRET_KEY, "third-secret"),
        ]);
        let shown = format!("{:?}", settings.expect("valid"));
        assert!(shown.contains("AKIA") && !shown.contains("-secret"), "{shown}");
    }

    #[test]
    fn an_address_is_host_and_port() {
        let address = |listen: &str| {
            Settings { listen: listen.into(), ..Settings::default() }.listen_address().ok()
        };
        assert_eq!(address("localhost:80"), Some(("localhost".into(), 80)));
        assert_eq!(address("[::1]:0"), Some(("::1".into(), 0)));
        assert_eq!(address(":8000"), Some(("0.0.0.0".into(), 8000)));
        for wrong in ["", "8000", "localhost", "localhost:", "localhost:http", "localhost:70000"] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }
}
