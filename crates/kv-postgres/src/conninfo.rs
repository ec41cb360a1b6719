//! The connection string: what the library takes, what is ours, and what is neither.
//!
//! Existing installations have strings in the dialect of the Go driver: everything that libpq knows,
//! settings of that driver's pool, and parameters of the session. [`ConnectionInfo::parse`] splits
//! them up. What has a meaning here keeps it, what tunes the other driver is listed as ignored, and
//! what would silently do something else is refused.

mod pairs;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::tls::TlsMode;
use crate::tls::TlsSettings;

/// The table that holds the records, unless the string names another with `lakefskv_table`.
const TABLE: &str = "kv";
/// A partition's name is the table's and up to three characters; PostgreSQL cuts names at 63.
const LONGEST_TABLE: usize = 60;
/// Idle for so long, a connection is probed, so that a dead one is noticed before it is needed.
const KEEPALIVES_IDLE: &str = "30";
/// Data that the other side has not acknowledged for so long ends the connection.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the library understands as it is.
const LIBRARY: &[&str] = &[
    "application_name",
    "channel_binding",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "user",
];

/// What tunes another driver, or says what holds here anyway.
const IGNORED: &[&str] = &[
    "client_encoding",
    "description_cache_capacity",
    "fallback_application_name",
    "gssencmode",
    "krbspn",
    "krbsrvname",
    "min_read_buffer_size",
    "sslcompression",
    "sslsni",
];

/// What would have a meaning that this driver cannot give it.
const REFUSED: &[&str] = &[
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "servicefile",
    "sslcrl",
    "sslcrldir",
    "sslpassword",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
];

/// A connection string, understood.
#[derive(Debug)]
pub(crate) struct ConnectionInfo {
    pub(crate) config: Config,
    pub(crate) tls: TlsSettings,
    /// Name of the table, unquoted.
    pub(crate) table: String,
    /// `Some(false)` where the string switches prepared statements off.
    pub(crate) prepared_statements: Option<bool>,
    pub(crate) connect_timeout: Option<Duration>,
    /// Keys that have no effect.
    pub(crate) ignored: Vec<String>,
    /// Hosts and database, for people.
    pub(crate) place: Arc<str>,
}

/// Why a connection string is refused. Does not show values: one of them is the password.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidConnectionString(String);

impl InvalidConnectionString {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl ConnectionInfo {
    /// Reads `text`, a URL or `key=value` pairs.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidConnectionString> {
        let mut draft = Draft::default();
        for (key, value) in pairs::parse(text)? {
            draft.take(&key, value)?;
        }
        draft.complete()
    }
}

#[derive(Debug)]
struct Draft {
    library: Vec<(String, String)>,
    session: String,
    tls: TlsSettings,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    table: String,
    prepared_statements: Option<bool>,
    connect_timeout: Option<Duration>,
    tcp_user_timeout: Duration,
    ignored: Vec<String>,
}

impl Default for Draft {
    fn default() -> Self {
        let default = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        Self {
            library: vec![
                default("application_name", "lakehold"),
                default("keepalives_idle", KEEPALIVES_IDLE),
                default("target_session_attrs", "read-write"),
            ],
            session: String::new(),
            tls: TlsSettings::default(),
            certificate: None,
            key: None,
            table: TABLE.to_owned(),
            prepared_statements: None,
            connect_timeout: None,
            tcp_user_timeout: TCP_USER_TIMEOUT,
            ignored: Vec::new(),
        }
    }
}

impl Draft {
    fn take(&mut self, key: &str, value: String) -> Result<(), InvalidConnectionString> {
        match key {
            "sslmode" => self.tls.mode = tls_mode(&value)?,
            "sslrootcert" => self.tls.root = Some(value.into()),
            "sslcert" => self.certificate = Some(value.into()),
            "sslkey" => self.key = Some(value.into()),
            "lakefskv_table" => self.table = table(value)?,
            "target_session_attrs" => self.set(key, target(&value)?.to_owned()),
            "connect_timeout" => {
                self.connect_timeout = Some(Duration::from_secs(number(key, &value)?));
            }
            "tcp_user_timeout" => {
                self.tcp_user_timeout = Duration::from_millis(number(key, &value)?);
            }
            "default_query_exec_mode" if value == "cache_statement" => {}
            "default_query_exec_mode" => self.prepared_statements = Some(false),
            "statement_cache_capacity" if value != "0" => {}
            "statement_cache_capacity" => self.prepared_statements = Some(false),
            _ if LIBRARY.contains(&key) => self.set(key, value),
            _ if IGNORED.contains(&key) || key.starts_with("pool_") => {
                self.ignored.push(key.to_owned());
            }
            _ if REFUSED.contains(&key) => {
                let what = format!("{key:?} is not supported; remove it");
                return Err(InvalidConnectionString::new(what));
            }
            _ => self.set_in_session(key, &value)?,
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: String) {
        self.library.retain(|(known, _)| known != key);
        self.library.push((key.to_owned(), value));
    }

    /// Any other key is a parameter of the session, such as `search_path`.
    fn set_in_session(&mut self, key: &str, value: &str) -> Result<(), InvalidConnectionString> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        if key.is_empty() || !key.bytes().all(is_name) {
            return Err(InvalidConnectionString::new(format!("{key:?} is not a parameter")));
        }
        append_option(&mut self.session, key, value);
        Ok(())
    }

    fn complete(mut self) -> Result<ConnectionInfo, InvalidConnectionString> {
        self.tls.certificate = match (self.certificate.take(), self.key.take()) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(InvalidConnectionString::new("sslcert and sslkey belong together")),
        };
        if !self.library.iter().any(|(key, _)| matches!(key.as_str(), "host" | "hostaddr")) {
            self.set("host", "localhost".to_owned());
        }
        let mut config: Config = pairs::write(&self.library)
            .parse()
            .map_err(|error| InvalidConnectionString::new(cause_of(&error)))?;
        config.ssl_mode(self.tls.mode.for_library()).tcp_user_timeout(self.tcp_user_timeout);
        if !self.session.is_empty() {
            let asked = config.get_options().unwrap_or_default().to_owned();
            config.options(format!("{asked}{}", self.session));
        }
        Ok(ConnectionInfo {
            place: place(&config).into(),
            config,
            tls: self.tls,
            table: self.table,
            prepared_statements: self.prepared_statements,
            connect_timeout: self.connect_timeout,
            ignored: self.ignored,
        })
    }
}

/// Appends ` -c key=value` to `options`.
pub(crate) fn append_option(options: &mut String, key: &str, value: &str) {
    let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
    write!(options, " -c {key}={value}").expect("a string can be written to");
}

/// The library's errors name the key and not the value.
fn cause_of(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn tls_mode(value: &str) -> Result<TlsMode, InvalidConnectionString> {
    match value {
        "disable" => Ok(TlsMode::Disable),
        // Whoever would do without encryption does not mind it.
        "allow" | "prefer" => Ok(TlsMode::Prefer),
        "require" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" => Ok(TlsMode::VerifyFull),
        _ => Err(InvalidConnectionString::new(format!(
            "sslmode {value:?} is none of disable, allow, prefer, require, verify-ca, verify-full"
        ))),
    }
}

fn target(value: &str) -> Result<&str, InvalidConnectionString> {
    match value {
        "any" | "read-write" => Ok(value),
        "primary" => Ok("read-write"),
        _ => Err(InvalidConnectionString::new(format!(
            "target_session_attrs {value:?} is none of any, read-write, primary"
        ))),
    }
}

/// A name that means the same with and without quotes.
fn table(value: String) -> Result<String, InvalidConnectionString> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let plain = value.bytes().all(is_plain) && !value.starts_with(|c: char| c.is_ascii_digit());
    if plain && (1..=LONGEST_TABLE).contains(&value.len()) {
        return Ok(value);
    }
    Err(InvalidConnectionString::new(format!(
        "lakefskv_table {value:?} is not a name of at most {LONGEST_TABLE} characters a-z, 0-9, _"
    )))
}

fn number(key: &str, value: &str) -> Result<u64, InvalidConnectionString> {
    let what = || InvalidConnectionString::new(format!("{key} {value:?} is not a number"));
    value.parse().map_err(|_| what())
}

fn place(config: &Config) -> String {
    let named = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(host) => host.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let mut hosts: Vec<String> = named.collect();
    if hosts.is_empty() {
        hosts = config.get_hostaddrs().iter().map(ToString::to_string).collect();
    }
    let ports = config.get_ports();
    for (number, host) in hosts.iter_mut().enumerate() {
        let port = ports.get(number).or(ports.first()).copied().unwrap_or(5432);
        write!(host, ":{port}").expect("a string can be written to");
    }
    let database = config.get_dbname().or(config.get_user()).unwrap_or("of the system's user");
    format!("{}, database {database}", hosts.join(","))
}

#[cfg(test)]
mod tests;
