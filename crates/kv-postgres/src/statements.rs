//! The statements, and the table they speak of.

use std::fmt;

use bytes::BytesMut;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Write;
use tokio_postgres::types::IsNull;
use tokio_postgres::types::ToSql;
use tokio_postgres::types::Type;
use tokio_postgres::types::to_sql_checked;

use crate::failure::Trouble;

/// PostgreSQL takes a message of one GiB at most, which holds the keys too.
const LARGEST_VALUE: usize = (1 << 30) - (1 << 20);

/// How many statements there are.
pub(crate) const STATEMENTS: usize = 10;

/// One of the statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sql {
    Get,
    Scan,
    Partitions,
    Put,
    Create,
    Replace,
    Swap,
    Delete,
    DeleteUnchanged,
    Find,
}

impl Sql {
    const ALL: [Self; STATEMENTS] = [
        Self::Get,
        Self::Scan,
        Self::Partitions,
        Self::Put,
        Self::Create,
        Self::Replace,
        Self::Swap,
        Self::Delete,
        Self::DeleteUnchanged,
        Self::Find,
    ];

    /// Types of the parameters.
    pub(crate) fn types(self) -> &'static [Type] {
        const BYTES: Type = Type::BYTEA;
        match self {
            Self::Get | Self::Delete | Self::Find => &[BYTES, BYTES],
            Self::Scan => &[BYTES, BYTES, Type::INT8],
            Self::Partitions => &[BYTES, Type::INT8],
            Self::Put | Self::Create | Self::Replace | Self::DeleteUnchanged => {
                &[BYTES, BYTES, BYTES]
            }
            Self::Swap => &[BYTES, BYTES, BYTES, BYTES],
        }
    }

    fn text(self, table: &str) -> String {
        let insert = format!(
            "INSERT INTO {table} (partition_key, key, value) VALUES ($1, $2, $3) ON CONFLICT"
        );
        let here = "partition_key = $1 AND key = $2";
        match self {
            Self::Get => format!("SELECT value FROM {table} WHERE {here}"),
            Self::Find => format!("SELECT 1 FROM {table} WHERE {here}"),
            Self::Scan => format!(
                "SELECT key, value FROM {table} WHERE partition_key = $1 AND key >= $2 \
                 ORDER BY key LIMIT $3"
            ),
            // From name to name by the index, over the records in between.
            Self::Partitions => format!(
                "WITH RECURSIVE names AS (
                    (SELECT partition_key AS name FROM {table} WHERE partition_key >= $1
                     ORDER BY partition_key LIMIT 1)
                    UNION ALL
                    SELECT (SELECT partition_key FROM {table} WHERE partition_key > names.name
                            ORDER BY partition_key LIMIT 1)
                    FROM names WHERE names.name IS NOT NULL
                 ) SELECT name FROM names WHERE name IS NOT NULL LIMIT $2"
            ),
            Self::Put => {
                format!("{insert} (partition_key, key) DO UPDATE SET value = excluded.value")
            }
            Self::Create => format!("{insert} DO NOTHING"),
            Self::Replace => format!("UPDATE {table} SET value = $3 WHERE {here}"),
            Self::Swap => format!("UPDATE {table} SET value = $3 WHERE {here} AND value = $4"),
            Self::Delete => format!("DELETE FROM {table} WHERE {here}"),
            Self::DeleteUnchanged => format!("DELETE FROM {table} WHERE {here} AND value = $3"),
        }
    }
}

/// The texts of all statements.
#[derive(Debug)]
pub(crate) struct Statements {
    texts: [String; STATEMENTS],
}

impl Statements {
    /// The statements on `table`, which is quoted.
    pub(crate) fn on(table: &str) -> Self {
        Self { texts: Sql::ALL.map(|sql| sql.text(table)) }
    }

    pub(crate) fn text(&self, sql: Sql) -> &str {
        &self.texts[sql as usize]
    }
}

/// A [`Write`] as the statement that carries it out.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    pub(crate) sql: Sql,
    pub(crate) parameters: Vec<Binary<'a>>,
    precondition: &'a Precondition,
}

impl<'a> Command<'a> {
    /// Fails where the write can never be carried out.
    pub(crate) fn of(write: &'a Write) -> Result<Self, Trouble> {
        let Write { partition, key, value, precondition } = write;
        if value.as_ref().is_some_and(|value| value.len() > LARGEST_VALUE) {
            return Err(Trouble::Invalid("PostgreSQL takes no value of more than 1,023 MiB"));
        }
        let sql = match (value, precondition) {
            (Some(_), Precondition::Always) => Sql::Put,
            (Some(_), Precondition::Absent) => Sql::Create,
            (Some(_), Precondition::Exists) => Sql::Replace,
            (Some(_), Precondition::Unchanged(_)) => Sql::Swap,
            (None, Precondition::Always | Precondition::Exists) => Sql::Delete,
            (None, Precondition::Absent) => Sql::Find,
            (None, Precondition::Unchanged(_)) => Sql::DeleteUnchanged,
        };
        let mut parameters = vec![Binary(partition), Binary(key)];
        parameters.extend(value.as_deref().map(Binary));
        if let Precondition::Unchanged(version) = precondition {
            parameters.push(Binary(&version.0));
        }
        Ok(Self { sql, parameters, precondition })
    }

    /// What became of the write when the statement met `rows` rows.
    pub(crate) fn outcome(&self, rows: u64) -> Outcome {
        let applied = match (self.sql, self.precondition) {
            (Sql::Find, _) => rows == 0,
            (_, Precondition::Always) => true,
            _ => rows == 1,
        };
        if applied { Outcome::Applied } else { Outcome::PreconditionFailed }
    }

    pub(crate) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync)).collect()
    }
}

/// Bytes as a parameter. The library logs parameters when asked to log everything; these say only
/// how many they are, as records hold secrets.
#[derive(Clone, Copy)]
pub(crate) struct Binary<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Binary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl ToSql for Binary<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, lakehold_kv::BoxError> {
        self.0.to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::BYTEA
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_found_under_its_own_number() {
        let statements = Statements::on("\"kv\"");
        for sql in Sql::ALL {
            assert_eq!(statements.text(sql), sql.text("\"kv\""));
            for number in 1..=4 {
                let named = sql.text("").contains(&format!("${number}"));
                assert_eq!(named, number <= sql.types().len(), "{sql:?} ${number}");
            }
        }
    }

    #[test]
    fn bytes_are_not_shown() {
        assert_eq!(format!("{:?}", Binary(b"secret")), "6 bytes");
    }
}
