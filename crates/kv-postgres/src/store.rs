//! The store as its users see it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lakehold_clock::Runtime;
use lakehold_kv::Entry;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::PartitionPage;
use lakehold_kv::ScanPage;
use lakehold_kv::Store;
use lakehold_kv::Version;
use lakehold_kv::Versioned;
use lakehold_kv::Write;
use lakehold_kv::check_key;
use lakehold_kv::check_partitions;
use lakehold_kv::check_scan;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::PostgresSettings;
use crate::connection::Connection;
use crate::connector::Connector;
use crate::failure::Failure;
use crate::failure::Trouble;
use crate::failure::of_statement;
use crate::lending::Lending;
use crate::opening;
use crate::opening::Opened;
use crate::retry::Attempts;
use crate::shared::Shared;
use crate::statements::Binary;
use crate::statements::Sql;
use crate::writing::Writing;
use crate::writing::overdue;

/// The largest page of a scan, however many records are asked for.
pub(crate) const LARGEST_PAGE: usize = 1_000;

/// A store in a table of a PostgreSQL database, which other servers may use at the same time.
///
/// A write is durable when it returns, as far as the database is: its transaction was committed. See
/// docs/design/0012-postgres.md for what happens when connections are lost.
pub struct PostgresStore {
    connector: Connector,
    /// For writes and scans, one at a time each.
    lending: Lending,
    /// For reads of single records.
    shared: Shared,
    limits: Limits,
}

/// What of the settings is needed at each call.
#[derive(Debug)]
pub(crate) struct Limits {
    /// For the answer to one statement.
    pub(crate) answer: Option<Duration>,
    /// Records fetched at once.
    pub(crate) page: usize,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("place", &self.connector.place)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to the database, and creates the table where there is none.
    ///
    /// Fails with [`Error::Unavailable`] where the settings cannot be used, the server cannot be
    /// reached, or the table cannot be made or used; the text names the setting or what is missing.
    pub async fn open(settings: PostgresSettings, runtime: &Runtime) -> Result<Self, Error> {
        let Opened { connector, lending, shared, limits, table } =
            opening::prepare(settings, runtime).await?;
        let store = Self { connector, lending, shared, limits };
        store.ensure_table(&table).await?;
        Ok(store)
    }

    async fn ensure_table(&self, table: &str) -> Result<(), Error> {
        let mut attempts = Attempts::at_read(&self.connector.runtime);
        let connection = loop {
            match self.lending.take().await {
                Ok(connection) => break connection,
                Err(trouble) => {
                    attempts.again(trouble).await.map_err(Trouble::into_unavailable)?;
                }
            }
        };
        opening::ensure_table(&self.connector, &connection, table).await
    }

    async fn get_once(&self, partition: &[u8], key: &[u8]) -> Result<Vec<Row>, Trouble> {
        self.lending.check_open()?;
        let connection = self.shared.take(&self.connector).await?;
        self.query(&connection, Sql::Get, &[&Binary(partition), &Binary(key)]).await
    }

    async fn write_once(&self, writes: &[Write]) -> Result<Vec<Outcome>, Trouble> {
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
    async fn query_again(
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

    fn column(&self, row: &Row, at: usize) -> Result<Bytes, Error> {
        let value = row.try_get::<_, &[u8]>(at);
        let failed = |error| Failure::new(&self.connector.place, "not bytes").caused_by(error);
        value
            .map(Bytes::copy_from_slice)
            .map_err(|error: tokio_postgres::Error| failed(error).into())
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn ownership(&self) -> Ownership {
        Ownership::Shared
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        check_key(&partition, &key)?;
        let mut attempts = Attempts::at_read(&self.connector.runtime);
        let rows = loop {
            match self.get_once(&partition, &key).await {
                Ok(rows) => break rows,
                Err(trouble) => {
                    attempts.again(trouble).await.map_err(Trouble::into_unavailable)?;
                }
            }
        };
        let Some(row) = rows.first() else { return Ok(None) };
        let value = self.column(row, 0)?;
        Ok(Some(Versioned { version: Version(value.clone()), value }))
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        writes.iter().try_for_each(Write::check)?;
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let mut attempts = Attempts::at_write(&self.connector.runtime);
        loop {
            match self.write_once(&writes).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(trouble) => {
                    attempts.again(trouble).await.map_err(Trouble::into_write_error)?;
                }
            }
        }
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        check_scan(&partition, limit)?;
        let limit = limit.min(LARGEST_PAGE);
        let mut page = ScanPage { entries: Vec::new(), more: true };
        let mut from = from;
        while page.more && page.entries.len() < limit {
            let (count, asked) = one_more(self.limits.page.min(limit - page.entries.len()));
            let rows =
                self.query_again(Sql::Scan, &[&Binary(&partition), &Binary(&from), &asked]).await?;
            page.more = rows.len() > count;
            for row in rows.iter().take(count) {
                page.entries.push(Entry { key: self.column(row, 0)?, value: self.column(row, 1)? });
            }
            from = page.entries.last().map_or(from, |last| successor(&last.key));
        }
        Ok(page)
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        check_partitions(limit)?;
        let (count, asked) = one_more(limit.min(LARGEST_PAGE));
        let rows = self.query_again(Sql::Partitions, &[&Binary(&from), &asked]).await?;
        let names = rows.iter().take(count).map(|row| self.column(row, 0));
        Ok(PartitionPage { names: names.collect::<Result<_, _>>()?, more: rows.len() > count })
    }

    async fn close(&self) -> Result<(), Error> {
        self.lending.close();
        self.shared.close();
        Ok(())
    }
}

/// How many rows to take, and to ask for so as to see whether there are more.
fn one_more(count: usize) -> (usize, i64) {
    (count, i64::try_from(count).map_or(i64::MAX, |count| count.saturating_add(1)))
}

/// The smallest key greater than `key`.
fn successor(key: &[u8]) -> Bytes {
    [key, b"\0"].concat().into()
}
