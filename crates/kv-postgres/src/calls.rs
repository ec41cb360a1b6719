//! Single attempts: a statement, or the writes of one transaction, on a connection fit for it.

use std::time::Duration;

use bytes::Bytes;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Write;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::connection::Connection;
use crate::connector::Connector;
use crate::failure::Failure;
use crate::failure::Trouble;
use crate::failure::of_statement;
use crate::lending::Lending;
use crate::retry::Attempts;
use crate::shared::Shared;
use crate::statements::Binary;
use crate::statements::Sql;
use crate::writing::Writing;
use crate::writing::overdue;

/// The connections to the database, and what is needed to call it.
pub(crate) struct Calls {
    pub(crate) connector: Connector,
    /// For writes and scans, one at a time each.
    pub(crate) lending: Lending,
    /// For reads of single records.
    pub(crate) shared: Shared,
    pub(crate) limits: Limits,
}

/// What of the settings is needed at each call.
#[derive(Debug)]
pub(crate) struct Limits {
    /// For the answer to one statement.
    pub(crate) answer: Option<Duration>,
    /// Records fetched at once.
    pub(crate) page: usize,
}

impl Calls {
    /// Looks for one record.
    pub(crate) async fn get_once(&self, partition: &[u8], key: &[u8]) -> Result<Vec<Row>, Trouble> {
        self.lending.check_open()?;
        let connection = self.shared.take(&self.connector).await?;
        self.query(&connection, Sql::Get, &[&Binary(partition), &Binary(key)]).await
    }

    /// Carries out `writes` as one transaction.
    pub(crate) async fn write_once(&self, writes: &[Write]) -> Result<Vec<Outcome>, Trouble> {
        let connection = self.lending.take().await?;
        let writing = Writing {
            connection: &connection,
            place: &self.connector.place,
            runtime: &self.connector.runtime,
            limit: self.limits.answer,
        };
        let done = writing.carry_out(writes).await;
        self.lending.give_back(connection);
        done
    }

    /// Sends a statement of the pool's that only reads.
    async fn query_once(
        &self,
        sql: Sql,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Trouble> {
        let connection = self.lending.take().await?;
        let found = self.query(&connection, sql, parameters).await;
        self.lending.give_back(connection);
        found
    }

    /// The same, repeated where that may help.
    pub(crate) async fn query_again(
        &self,
        sql: Sql,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let mut attempts = Attempts::at_read(&self.connector.runtime);
        loop {
            match self.query_once(sql, parameters).await {
                Ok(rows) => return Ok(rows),
                Err(trouble) => {
                    attempts.again(trouble).await.map_err(Trouble::into_unavailable)?;
                }
            }
        }
    }

    /// Sends a statement that only reads. A connection that does not answer is not used again.
    async fn query(
        &self,
        connection: &Connection,
        sql: Sql,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Trouble> {
        let place = &self.connector.place;
        let querying = connection.query(sql, parameters);
        let answered = match self.limits.answer {
            Some(limit) => self.connector.runtime.timeout(limit, querying).await,
            None => Ok(querying.await),
        };
        let trouble = match answered {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) => of_statement(place, error),
            Err(elapsed) => Trouble::Lasting(overdue(place).caused_by(elapsed)),
        };
        connection.mark_broken();
        Err(trouble)
    }

    /// The bytes of one column of `row`.
    pub(crate) fn column(&self, row: &Row, at: usize) -> Result<Bytes, Error> {
        let value = row.try_get::<_, &[u8]>(at);
        let failed = |error| Failure::new(&self.connector.place, "not bytes").caused_by(error);
        value
            .map(Bytes::copy_from_slice)
            .map_err(|error: tokio_postgres::Error| failed(error).into())
    }
}
