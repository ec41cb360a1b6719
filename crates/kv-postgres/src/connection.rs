//! One connection: the client's end of it, and the statements prepared on it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_postgres::Client;
use tokio_postgres::Error;
use tokio_postgres::Row;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use tokio_postgres::types::Type;

use crate::statements::STATEMENTS;
use crate::statements::Sql;
use crate::statements::Statements;

/// An open connection. Dropping it closes it once what was sent is answered.
pub(crate) struct Connection {
    client: Client,
    statements: Arc<Statements>,
    prepared: Option<[OnceCell<Statement>; STATEMENTS]>,
    /// When it is to be replaced, by the runtime's monotonic clock.
    expires: Option<Duration>,
    broken: AtomicBool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("expires", &self.expires)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn new(
        client: Client,
        statements: Arc<Statements>,
        prepare: bool,
        expires: Option<Duration>,
    ) -> Self {
        let prepared = prepare.then(|| std::array::from_fn(|_| OnceCell::new()));
        Self { client, statements, prepared, expires, broken: AtomicBool::new(false) }
    }

    /// Whether a new statement may be sent on it at the moment `now`.
    pub(crate) fn is_usable(&self, now: Duration) -> bool {
        !self.client.is_closed()
            && !self.broken.load(Ordering::Relaxed)
            && self.expires.is_none_or(|expires| now < expires)
    }

    /// From now on nobody takes it from the pool.
    pub(crate) fn mark_broken(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Takes back [`Connection::mark_broken`].
    pub(crate) fn mark_whole(&self) {
        self.broken.store(false, Ordering::Relaxed);
    }

    /// Whether `sql` can be sent with one message.
    pub(crate) fn is_prepared(&self, sql: Sql) -> bool {
        self.prepared.as_ref().is_none_or(|prepared| prepared[sql as usize].initialized())
    }

    /// Sees to it that `sql` can be sent with one message. Writes nothing.
    pub(crate) async fn prepare(&self, sql: Sql) -> Result<(), Error> {
        if let Some(prepared) = &self.prepared {
            let text = self.statements.text(sql);
            let prepare = || self.client.prepare_typed(text, sql.types());
            prepared[sql as usize].get_or_try_init(prepare).await?;
        }
        Ok(())
    }

    /// Returns the rows that `sql` finds.
    pub(crate) async fn query(
        &self,
        sql: Sql,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        self.prepare(sql).await?;
        match self.prepared(sql) {
            Some(statement) => self.client.query(statement, parameters).await,
            None => {
                let text = self.statements.text(sql);
                self.client.query_typed(text, &typed(sql, parameters)).await
            }
        }
    }

    /// Carries out `sql`, for which [`Connection::prepare`] was called, and returns how many rows it
    /// met. It is sent when the future is first polled.
    pub(crate) async fn execute(
        &self,
        sql: Sql,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        match self.prepared(sql) {
            Some(statement) => self.client.execute(statement, parameters).await,
            None => {
                let text = self.statements.text(sql);
                self.client.execute_typed(text, &typed(sql, parameters)).await
            }
        }
    }

    /// Carries out statements without parameters. They are sent when the future is first polled.
    pub(crate) async fn run(&self, text: &str) -> Result<(), Error> {
        self.client.batch_execute(text).await
    }

    /// The library's client, for what is asked once.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    fn prepared(&self, sql: Sql) -> Option<&Statement> {
        self.prepared.as_ref()?[sql as usize].get()
    }
}

fn typed<'a>(
    sql: Sql,
    parameters: &[&'a (dyn ToSql + Sync)],
) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    parameters.iter().copied().zip(sql.types().iter().cloned()).collect()
}
