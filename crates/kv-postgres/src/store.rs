//! The store as its users see it.

use std::fmt;
use std::sync::Arc;

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

use crate::PostgresSettings;
use crate::calls::Calls;
use crate::failure::Trouble;
use crate::gathering::Gathering;
use crate::opening;
use crate::opening::Opened;
use crate::retry::Attempts;
use crate::statements::Binary;
use crate::statements::Sql;

/// The largest page of a scan, however many records are asked for.
pub(crate) const LARGEST_PAGE: usize = 1_000;

/// A store in a table of a PostgreSQL database, which other servers may use at the same time.
///
/// A write is durable when it returns, as far as the database is: its transaction was committed. See
/// docs/design/0012-postgres.md for what happens when connections are lost.
pub struct PostgresStore {
    calls: Arc<Calls>,
    gathering: Gathering,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("place", &self.calls.connector.place)
            .field("limits", &self.calls.limits)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to the database, and creates the table where there is none.
    ///
    /// Fails with [`Error::Unavailable`] where the settings cannot be used, the server cannot be
    /// reached, or the table cannot be made or used; the text names the setting or what is missing.
    pub async fn open(settings: PostgresSettings, runtime: &Runtime) -> Result<Self, Error> {
        let Opened { calls, table } = opening::prepare(settings, runtime).await?;
        let calls = Arc::new(calls);
        let store = Self { gathering: Gathering::start(&calls), calls };
        store.ensure_table(&table).await?;
        Ok(store)
    }

    async fn ensure_table(&self, table: &str) -> Result<(), Error> {
        let mut attempts = Attempts::at_read(&self.calls.connector.runtime);
        let connection = loop {
            match self.calls.lending.take().await {
                Ok(connection) => break connection,
                Err(trouble) => {
                    attempts.again(trouble).await.map_err(Trouble::into_unavailable)?;
                }
            }
        };
        opening::ensure_table(&self.calls.connector, &connection, table).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn ownership(&self) -> Ownership {
        Ownership::Shared
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        check_key(&partition, &key)?;
        let mut attempts = Attempts::at_read(&self.calls.connector.runtime);
        let rows = loop {
            match self.calls.get_once(&partition, &key).await {
                Ok(rows) => break rows,
                Err(trouble) => {
                    attempts.again(trouble).await.map_err(Trouble::into_unavailable)?;
                }
            }
        };
        let Some(row) = rows.first() else { return Ok(None) };
        let value = self.calls.column(row, 0)?;
        Ok(Some(Versioned { version: Version(value.clone()), value }))
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        writes.iter().try_for_each(Write::check)?;
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let mut attempts = Attempts::at_write(&self.calls.connector.runtime);
        loop {
            match self.gathering.write(&self.calls, &writes).await {
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
            let (count, asked) = one_more(self.calls.limits.page.min(limit - page.entries.len()));
            let rows = self
                .calls
                .query_again(Sql::Scan, &[&Binary(&partition), &Binary(&from), &asked])
                .await?;
            page.more = rows.len() > count;
            for row in rows.iter().take(count) {
                page.entries.push(Entry {
                    key: self.calls.column(row, 0)?,
                    value: self.calls.column(row, 1)?,
                });
            }
            from = page.entries.last().map_or(from, |last| successor(&last.key));
        }
        Ok(page)
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        check_partitions(limit)?;
        let (count, asked) = one_more(limit.min(LARGEST_PAGE));
        let rows = self.calls.query_again(Sql::Partitions, &[&Binary(&from), &asked]).await?;
        let names = rows.iter().take(count).map(|row| self.calls.column(row, 0));
        Ok(PartitionPage { names: names.collect::<Result<_, _>>()?, more: rows.len() > count })
    }

    async fn close(&self) -> Result<(), Error> {
        self.calls.lending.close();
        self.calls.shared.close();
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
