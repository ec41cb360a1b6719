//! Opens connections, and says which of the pool's may be used again.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::Manager;
use deadpool::managed::Metrics;
use deadpool::managed::RecycleError;
use deadpool::managed::RecycleResult;
use lakehold_clock::Runtime;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::failure::Trouble;
use crate::failure::of_connecting;
use crate::statements::Statements;

/// Opens connections to one database.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
    pub(crate) place: Arc<str>,
    pub(crate) statements: Arc<Statements>,
    pub(crate) prepare: bool,
    /// For one host.
    pub(crate) connect_timeout: Duration,
    pub(crate) max_lifetime: Duration,
    pub(crate) runtime: Runtime,
}

impl Connector {
    /// Opens a connection to the first host that takes it.
    pub(crate) async fn connect(&self) -> Result<Connection, Trouble> {
        let opening = Box::pin(self.config.connect(self.tls.clone()));
        let (client, connection) = match self.limit() {
            Some(limit) => self.runtime.timeout(limit, opening).await.map_err(|elapsed| {
                let advice = "check host and port, or raise database.postgres.connect_timeout";
                let failure = Failure::new(&self.place, "no answer to connecting");
                Trouble::Passing(failure.advising(advice).caused_by(elapsed))
            })?,
            None => opening.await,
        }
        .map_err(|error| of_connecting(&self.place, error))?;
        let place = Arc::clone(&self.place);
        self.runtime.spawn("postgres-connection", async move {
            // Whoever waits for an answer on it is told; here it is only noted.
            if let Err(error) = connection.await {
                tracing::debug!(%place, error = &error as &dyn std::error::Error, "connection ended");
            }
        });
        let statements = Arc::clone(&self.statements);
        Ok(Connection::new(client, statements, self.prepare, self.expiry()))
    }

    fn limit(&self) -> Option<Duration> {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len());
        let limit = self.connect_timeout * u32::try_from(hosts).unwrap_or(u32::MAX);
        (!limit.is_zero()).then_some(limit)
    }

    /// Up to an eighth earlier than asked for, so that connections that were opened together are not
    /// replaced together.
    fn expiry(&self) -> Option<Duration> {
        let [chance] = self.runtime.random_bytes();
        let early = self.max_lifetime / 2_048 * u32::from(chance);
        let lives = self.max_lifetime - early;
        (!lives.is_zero()).then(|| self.runtime.monotonic() + lives)
    }
}

impl Manager for Connector {
    type Type = Connection;
    type Error = Trouble;

    async fn create(&self) -> Result<Connection, Trouble> {
        self.connect().await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Trouble> {
        if connection.is_usable(self.runtime.monotonic()) {
            Ok(())
        } else {
            Err(RecycleError::message("closed, broken or too old"))
        }
    }
}
