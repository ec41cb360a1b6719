//! What went wrong, sorted by what is known afterwards.
//!
//! The one question is whether a write may have been applied. PostgreSQL answers it: a statement that
//! is refused with severity ERROR was rolled back. A connection that broke, or was closed by the
//! server with FATAL, while a statement was underway leaves it open.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use lakehold_kv::BoxError;
use lakehold_kv::Error;
use tokio_postgres::error::DbError;
use tokio_postgres::error::Severity;
use tokio_postgres::error::SqlState;

/// An error that names the server and, where there is one, the way out.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    place: Arc<str>,
    what: Cow<'static, str>,
    advice: Option<&'static str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL at {}: {}", self.place, self.what)?;
        self.advice.map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Failure {
    pub(crate) fn new(place: &Arc<str>, what: impl Into<Cow<'static, str>>) -> Self {
        Self { place: Arc::clone(place), what: what.into(), advice: None, source: None }
    }

    pub(crate) fn advising(self, advice: &'static str) -> Self {
        Self { advice: Some(advice), ..self }
    }

    pub(crate) fn caused_by(self, source: impl Into<BoxError>) -> Self {
        Self { source: Some(Arc::from(source.into())), ..self }
    }
}

/// A failed attempt.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// No statement was sent, or it was rolled back; another connection or another moment may do.
    Passing(Failure),
    /// The same, and it will not get better by itself.
    Lasting(Failure),
    /// The connection broke while a statement was underway.
    Lost(Failure),
    /// The request can never be carried out. Nothing was written.
    Invalid(&'static str),
}

impl Trouble {
    /// The error of a read, or of a write that had not been sent: nothing was written.
    pub(crate) fn into_unavailable(self) -> Error {
        match self {
            Self::Passing(failure) | Self::Lasting(failure) | Self::Lost(failure) => {
                Error::Unavailable(Box::new(failure))
            }
            Self::Invalid(what) => Error::Invalid(what),
        }
    }

    /// The error of a write that had been sent.
    pub(crate) fn into_write_error(self) -> Error {
        match self {
            Self::Lost(failure) => Error::Unknown(Box::new(failure)),
            other => other.into_unavailable(),
        }
    }
}

/// Sorts the error of a statement that was sent.
pub(crate) fn of_statement(place: &Arc<str>, error: tokio_postgres::Error) -> Trouble {
    match error.as_db_error() {
        Some(db) if ended_session(db) || leaves_open(db) => {
            Trouble::Lost(Failure::new(place, "the server ended the connection").caused_by(error))
        }
        Some(db) => of_refusal(place, &db.clone()),
        None => Trouble::Lost(Failure::new(place, "the connection broke").caused_by(error)),
    }
}

/// Whether the server has closed the connection with this error. It may say so at any moment, also
/// after a commit.
fn ended_session(db: &DbError) -> bool {
    match db.parsed_severity() {
        Some(severity) => matches!(severity, Severity::Fatal | Severity::Panic),
        None => matches!(db.severity(), "FATAL" | "PANIC"),
    }
}

fn leaves_open(db: &DbError) -> bool {
    *db.code() == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
}

/// Sorts an answer of severity ERROR: the statement, and the transaction it was in, are rolled back.
fn of_refusal(place: &Arc<str>, db: &DbError) -> Trouble {
    let failure = |what| Failure::new(place, what).caused_by(db.clone());
    let code = db.code();
    if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        return Trouble::Passing(failure("the server takes no writes now"));
    }
    if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
        return Trouble::Passing(failure("the statement met another one"));
    }
    if *code == SqlState::PROGRAM_LIMIT_EXCEEDED {
        return Trouble::Invalid("partition and key are longer than PostgreSQL can index");
    }
    if *code == SqlState::QUERY_CANCELED {
        let advice = "find out what keeps it, or raise database.postgres.statement_timeout";
        return Trouble::Lasting(failure("the statement was stopped").advising(advice));
    }
    if *code == SqlState::INVALID_SQL_STATEMENT_NAME || *code == SqlState::DUPLICATE_PSTATEMENT {
        let advice = "behind a pooler set database.postgres.prepared_statements to false";
        return Trouble::Lasting(failure("prepared statements do not work").advising(advice));
    }
    Trouble::Lasting(failure("the statement was refused"))
}

/// Sorts the error of connecting and logging in.
pub(crate) fn of_connecting(place: &Arc<str>, error: tokio_postgres::Error) -> Trouble {
    let Some(db) = error.as_db_error() else {
        return Trouble::Passing(Failure::new(place, "cannot be reached").caused_by(error));
    };
    let failure = |what| Failure::new(place, what).caused_by(db.clone());
    let code = db.code();
    if *code == SqlState::TOO_MANY_CONNECTIONS {
        let advice = "lower database.postgres.max_open_connections or raise its max_connections";
        return Trouble::Passing(failure("all its connections are taken").advising(advice));
    }
    if code.code().starts_with("28") {
        let advice = "check user and password in database.postgres.connection_string";
        return Trouble::Lasting(failure("the login was refused").advising(advice));
    }
    if *code == SqlState::UNDEFINED_DATABASE {
        let advice = "create it, or name another in database.postgres.connection_string";
        return Trouble::Lasting(failure("there is no such database").advising(advice));
    }
    Trouble::Passing(failure("the connection was refused"))
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(Box::new(failure))
    }
}
