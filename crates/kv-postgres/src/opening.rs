//! From settings to a store: what is checked and made before the first call.

use std::sync::Arc;
use std::time::Duration;

use lakehold_clock::Runtime;
use lakehold_kv::Error;
use secrecy::ExposeSecret as _;

use crate::PostgresSettings;
use crate::calls::Calls;
use crate::calls::Limits;
use crate::connection::Connection;
use crate::connector::Connector;
use crate::conninfo::ConnectionInfo;
use crate::conninfo::append_option;
use crate::failure::Failure;
use crate::lending::Lending;
use crate::schema::Schema;
use crate::shared::Shared;
use crate::statements::Statements;
use crate::store::LARGEST_PAGE;
use crate::tls;

/// More shared connections than this gain nothing.
const MOST_SHARED: usize = 4;
/// The server stops a statement by itself; only if nothing is heard for this much longer is the
/// connection given up.
const GRACE: Duration = Duration::from_secs(3);

/// The parts of a store whose table was not looked at yet.
pub(crate) struct Opened {
    pub(crate) calls: Calls,
    /// Name of the table, unquoted.
    pub(crate) table: String,
}

/// Understands the settings. Connects to nothing yet.
pub(crate) async fn prepare(
    settings: PostgresSettings,
    runtime: &Runtime,
) -> Result<Opened, Error> {
    let unplaced: Arc<str> = "database.postgres.connection_string".into();
    let mut info = ConnectionInfo::parse(settings.connection_string.expose_secret())
        .map_err(|error| Failure::new(&unplaced, "cannot be understood").caused_by(error))?;
    if !info.ignored.is_empty() {
        tracing::info!(keys = ?info.ignored, "these have no effect in the connection string");
    }
    if settings.max_open_connections < 2 {
        let what = "database.postgres.max_open_connections is less than 2";
        return Err(Failure::new(&info.place, what).into());
    }
    let prepare = settings.prepared_statements && info.prepared_statements != Some(false);
    if prepare {
        set_session(&mut info, settings.statement_timeout);
    }
    let tls = info.tls.clone();
    let tls = runtime
        .blocking(move || tls::connector(&tls))
        .await
        .map_err(|error| Failure::new(&info.place, "TLS cannot be set up").caused_by(error))?;
    let connector = Connector {
        config: info.config,
        tls,
        place: info.place,
        statements: Arc::new(Statements::on(&format!("\"{}\"", info.table))),
        prepare,
        connect_timeout: info.connect_timeout.unwrap_or(settings.connect_timeout),
        max_lifetime: settings.connection_max_lifetime,
        runtime: runtime.clone(),
    };
    let shared = (settings.max_open_connections / 3).clamp(1, MOST_SHARED);
    let some = |limit: Duration| (!limit.is_zero()).then_some(limit);
    let lending = Lending::new(
        connector.clone(),
        settings.max_open_connections - shared,
        settings.max_idle_connections.saturating_sub(shared),
        some(settings.connection_wait),
    )
    .map_err(|error| Failure::new(&connector.place, "no pool").caused_by(error))?;
    let limits = Limits {
        answer: some(settings.statement_timeout).map(|limit| limit + GRACE),
        page: match settings.scan_page_size {
            0 => LARGEST_PAGE,
            size => size.min(LARGEST_PAGE),
        },
    };
    let calls = Calls { connector, lending, shared: Shared::new(shared), limits };
    Ok(Opened { calls, table: info.table })
}

/// What each session is told on login; the connection string has the last word. A pooler would pass
/// it on to other clients, or refuse it.
fn set_session(info: &mut ConnectionInfo, statement_timeout: Duration) {
    let asked = info.config.get_options().unwrap_or_default().to_owned();
    let mut options = String::new();
    let milliseconds = statement_timeout.as_millis().to_string();
    append_option(&mut options, "statement_timeout", &milliseconds);
    append_option(&mut options, "idle_in_transaction_session_timeout", &milliseconds);
    append_option(&mut options, "default_transaction_isolation", "read committed");
    info.config.options(format!("{options} {asked}"));
}

/// Sees to it that the table is there and can be written to.
pub(crate) async fn ensure_table(
    connector: &Connector,
    connection: &Connection,
    table: &str,
) -> Result<(), Error> {
    Schema { connector, connection, table }.ensure().await
}
