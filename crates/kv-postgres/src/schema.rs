//! The table: made as an existing installation has it, or found and used as it is.
//!
//! One table of partition, key and value, cut into a hundred by the hash of the partition, and a
//! view that shows partitions and keys as text. All of it is made in one transaction under the
//! advisory lock that other programs on the same database take too, so that servers may be started
//! together.

use std::fmt::Write as _;
use std::time::Duration;

use lakehold_clock::Runtime;
use lakehold_kv::Error;
use tokio_postgres::Row;

use crate::connection::Connection;
use crate::connector::Connector;
use crate::failure::Failure;
use crate::failure::of_statement;

/// How many tables the records are spread over.
const PARTITIONS: usize = 100;
/// For creating all of it, with other servers before us.
const LIMIT: Duration = Duration::from_secs(5 * 60);

const CREATE: &str = "let a user who may create tables start the server once, \
                      or grant the right to create them";

/// The table of one store.
pub(crate) struct Schema<'a> {
    pub(crate) connector: &'a Connector,
    pub(crate) connection: &'a Connection,
    /// Name of the table, unquoted.
    pub(crate) table: &'a str,
}

/// What there is of it.
struct Present {
    /// `p` for a partitioned table, `r` for a plain one.
    kind: Option<String>,
    partitions: i64,
    view: bool,
}

impl Schema<'_> {
    /// Sees to it that the table is there and can be written to.
    pub(crate) async fn ensure(&self) -> Result<(), Error> {
        let present = self.present().await?;
        match present.kind.as_deref() {
            None => self.create().await?,
            Some("p") if present.partitions < PARTITIONS as i64 => self.create().await?,
            Some(_) if !present.view => self.create_view().await,
            Some(_) => {}
        }
        self.check().await?;
        self.warn_of_lost_writes().await
    }

    async fn present(&self) -> Result<Present, Error> {
        let text = "SELECT (SELECT relkind::text FROM pg_class WHERE oid = to_regclass($1)), \
                    (SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass($1)), \
                    to_regclass($2) IS NOT NULL";
        let names = [format!("\"{}\"", self.table), format!("\"{}_v\"", self.table)];
        let text = text.replace("$1", &literal(&names[0])).replace("$2", &literal(&names[1]));
        let row = self.query(&text).await?;
        let read = || -> Result<Present, tokio_postgres::Error> {
            Ok(Present {
                kind: row.try_get(0)?,
                partitions: row.try_get(1)?,
                view: row.try_get(2)?,
            })
        };
        read().map_err(|error| of_statement(&self.connector.place, error).into_unavailable())
    }

    async fn create(&self) -> Result<(), Error> {
        tracing::info!(table = self.table, "creating the table in {}", self.connector.place);
        let text = creation(self.table);
        self.run(&text).await.map_err(|failure| failure.advising(CREATE).into())
    }

    /// The view is for people; that it cannot be made stops nobody.
    async fn create_view(&self) {
        if let Err(failure) = self.run(&view(self.table)).await {
            let error = &failure as &dyn std::error::Error;
            tracing::warn!(table = self.table, error, "the view is missing and cannot be made");
        }
    }

    /// Has the server plan a write and look at the rights for it, without carrying it out.
    async fn check(&self) -> Result<(), Error> {
        let table = self.table;
        let text = format!(
            "EXPLAIN INSERT INTO \"{table}\" (partition_key, key, value) \
             VALUES ('\\x00'::bytea, '\\x00'::bytea, ''::bytea) \
             ON CONFLICT (partition_key, key) DO UPDATE SET value = excluded.value \
             WHERE \"{table}\".value = ''::bytea"
        );
        let advice = "it needs columns partition_key, key and value of type bytea, unique by the \
                      first two, and the rights to select, insert, update and delete";
        self.run(&text).await.map_err(|failure| failure.advising(advice).into())
    }

    async fn warn_of_lost_writes(&self) -> Result<(), Error> {
        let settings = self
            .query("SELECT current_setting('synchronous_commit'), current_setting('fsync')")
            .await?;
        let is_off = |at: usize| settings.try_get::<_, &str>(at).is_ok_and(|value| value == "off");
        for (number, name) in ["synchronous_commit", "fsync"].into_iter().enumerate() {
            if is_off(number) {
                let place = &self.connector.place;
                tracing::warn!("{place}: {name} is off: acknowledged writes may be lost");
            }
        }
        Ok(())
    }

    async fn query(&self, text: &str) -> Result<Row, Error> {
        let failed = |error| of_statement(&self.connector.place, error).into_unavailable();
        let querying = self.connection.client().query_typed_one(text, &[]);
        match self.runtime().timeout(LIMIT, querying).await {
            Ok(answer) => answer.map_err(failed),
            Err(elapsed) => Err(self.failure("cannot be looked at").caused_by(elapsed).into()),
        }
    }

    async fn run(&self, text: &str) -> Result<(), Failure> {
        let failure = self.failure("cannot be made or used");
        match self.runtime().timeout(LIMIT, self.connection.run(text)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failure.caused_by(refusal(error))),
            Err(elapsed) => Err(failure.caused_by(elapsed)),
        }
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(&self.connector.place, format!("table {:?} {what}", self.table))
    }

    fn runtime(&self) -> &Runtime {
        &self.connector.runtime
    }
}

/// The server's own words where there are any.
fn refusal(error: tokio_postgres::Error) -> lakehold_kv::BoxError {
    match error.as_db_error() {
        Some(db) => Box::new(db.clone()),
        None => Box::new(error),
    }
}

fn literal(text: &str) -> String {
    format!("'{text}'")
}

/// All of it, in one transaction.
fn creation(table: &str) -> String {
    let mut text = format!(
        "BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({});
         CREATE TABLE IF NOT EXISTS \"{table}\" (
             partition_key BYTEA NOT NULL, key BYTEA NOT NULL, value BYTEA NOT NULL,
             PRIMARY KEY (partition_key, key)
         ) PARTITION BY HASH (partition_key);",
        lock_number(table)
    );
    for number in 0..PARTITIONS {
        write!(
            text,
            "CREATE TABLE IF NOT EXISTS \"{table}_{number}\" PARTITION OF \"{table}\"
             FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number});"
        )
        .expect("a string can be written to");
    }
    text + &view(table) + "COMMIT"
}

fn view(table: &str) -> String {
    format!(
        "CREATE OR REPLACE VIEW \"{table}_v\" AS
         SELECT ENCODE(partition_key, 'escape') AS partition_key,
                ENCODE(key, 'escape') AS key, value FROM \"{table}\";"
    )
}

/// The advisory lock under which the table is made: 32-bit FNV-1a.
fn lock_number(table: &str) -> u32 {
    let bytes = b"lakefs:".iter().chain(table.as_bytes());
    bytes.fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_the_one_that_other_programs_take() {
        assert_eq!(lock_number("kv"), 4_109_714_936);
    }
}
