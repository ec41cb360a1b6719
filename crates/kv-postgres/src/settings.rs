//! What an operator may tune.

use std::time::Duration;

use secrecy::SecretString;

/// Where a [`PostgresStore`](crate::PostgresStore) lies, and its limits.
///
/// Errors name these as `database.postgres.<field>`. A duration of zero means no limit.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// A URL (`postgres://user:secret@host:5432/database?sslmode=verify-full`) or `key=value` pairs.
    /// What may stand in it: docs/design/0012-postgres.md.
    pub connection_string: SecretString,
    /// How many connections may be open, at least two. A third of them, at most four, are shared by
    /// reads of single records; each of the others serves one write or scan at a time.
    pub max_open_connections: usize,
    /// How many connections stay open while nothing happens.
    pub max_idle_connections: usize,
    /// A connection that is older is replaced before its next use, so that a changed address or
    /// certificate is noticed.
    pub connection_max_lifetime: Duration,
    /// How long one host may take to accept a connection and log in.
    pub connect_timeout: Duration,
    /// How long a write or scan waits for a free connection. Opening one is not part of it.
    pub connection_wait: Duration,
    /// How long the server may work on one statement. It then stops it and nothing was written.
    pub statement_timeout: Duration,
    /// How many records one statement fetches at most; 0, as anything above, for 1,000.
    pub scan_page_size: usize,
    /// Whether statements are prepared once per connection. To be switched off where the server is
    /// reached through a pooler that hands out connections per transaction.
    pub prepared_statements: bool,
}

impl PostgresSettings {
    /// The server that `connection_string` names, with limits that suit a small server.
    pub fn new(connection_string: impl Into<String>) -> Self {
        Self {
            connection_string: SecretString::from(connection_string.into()),
            max_open_connections: 12,
            max_idle_connections: 12,
            connection_max_lifetime: Duration::from_secs(5 * 60),
            connect_timeout: Duration::from_secs(10),
            connection_wait: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(30),
            scan_page_size: 0,
            prepared_statements: true,
        }
    }
}
