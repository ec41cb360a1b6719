//! Every operation of the catalog, of users, of garbage collection and of runs: those that change
//! something, each in a way that can be seen, and those that only look.

mod changes;
mod imports;
mod names;
mod objects;
mod pulls;
mod repositories;
mod users;

use std::fmt::Display;

use futures::future::BoxFuture;
use lakehold_actions::ActionsError;
use lakehold_auth::AuthError;
use lakehold_auth::Setup;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::KeyQuery;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::TagId;
use lakehold_gc::GcError;
use lakehold_kv::MemStore;

use super::lake::Bench;
use super::lake::Lake;
use super::lake::Life;
use super::lake::Stored;

/// The administrator's key pair.
pub(super) const KEY: &str = "AKIAJTESTTESTTESTTEQ";
pub(super) const SECRET: &str = "secret+/of the test";

/// An answer as text, or an error.
pub(super) type Outcome = Result<String, Refusal>;

/// Why an operation failed.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) kind: ErrorKind,
    /// For where a test fails.
    pub(super) text: String,
}

/// What happens if an operation that was done is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) enum Again {
    /// It is done again.
    Works,
    /// It is told that it was done.
    Refused(ErrorKind),
}

/// Makes what an operation begins with, of what all begin with.
type Make = fn(Stored) -> Stored;

/// An operation.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) again: Again,
    /// Whether doing it twice is more than doing it once.
    pub(super) adds_up: bool,
    /// Whether it is several things, of which some may be done where the outcome is unknown.
    pub(super) is_piecemeal: bool,
    /// Whether, where it is not known whether it was done, what it has taken stays taken, so that it
    /// cannot be repeated. (Its record may be on its way, and be there later.)
    pub(super) keeps_namespace: bool,
    /// Whether what cannot be done now is put off, and that is no error.
    pub(super) puts_off: bool,
    /// Whether it begins with nothing, not even an administrator.
    from_nothing: bool,
    make: Make,
    pub(super) run: fn(Lake) -> BoxFuture<'static, Outcome>,
}

/// An operation of which nothing special is to be said.
const PLAIN: Operation = Operation {
    name: "",
    again: Again::Works,
    adds_up: false,
    is_piecemeal: false,
    keeps_namespace: false,
    puts_off: false,
    from_nothing: false,
    make: |stored| stored,
    run: |_| Box::pin(async { Ok(String::new()) }),
};

macro_rules! operations {
    ($($name:literal, $again:expr $(, $field:ident = $value:expr)* => |$lake:ident| $body:expr;)*) => {
        &[$(Operation {
            name: $name,
            again: $again,
            run: |$lake| Box::pin(async move { $body }),
            $($field: $value,)*
            ..PLAIN
        },)*]
    };
}
use operations;

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    let tables: [&[Operation]; 7] = [
        objects::OPERATIONS,
        names::OPERATIONS,
        changes::OPERATIONS,
        imports::OPERATIONS,
        repositories::OPERATIONS,
        pulls::OPERATIONS,
        users::OPERATIONS,
    ];
    tables.into_iter().flatten()
}

impl Operation {
    /// What the operation begins with, in an empty store.
    pub(super) fn prepare(&self, empty: MemStore) -> Stored {
        let stored = Stored::nothing(empty);
        if !self.from_nothing {
            let bench = Bench::new(Life::Preparation);
            let lake = bench.plain(&stored);
            bench.complete(prepare(lake)).expect("prepared");
        }
        (self.make)(stored)
    }
}

impl Refusal {
    fn new(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> Self {
        Self { kind, text: format!("{error:?}") }
    }
}

impl From<CatalogError> for Refusal {
    fn from(error: CatalogError) -> Self {
        let kind = match &error {
            // It blames the namespace, because as a rule that cannot be used; which one cannot, and
            // that nothing was created, is what it says.
            CatalogError::StorageAccess { source, .. } => match source {
                lakehold_block::Error::Throttled(_) => ErrorKind::Throttled,
                _ => ErrorKind::Internal,
            },
            other => other.kind(),
        };
        Self::new(kind, &error)
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        CatalogError::from(error).into()
    }
}

impl From<GcError> for Refusal {
    fn from(error: GcError) -> Self {
        match error {
            GcError::Lake(error) => error.into(),
            GcError::NoRules(_) => Self::new(ErrorKind::NotFound, &error),
            other => Self::new(ErrorKind::Invalid, &other),
        }
    }
}

impl From<ActionsError> for Refusal {
    fn from(error: ActionsError) -> Self {
        match error {
            ActionsError::Lake(error) => error.into(),
            other => Self::new(ErrorKind::NotFound, &other),
        }
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        let kind = match &error {
            AuthError::OutcomeUnknown(_) => ErrorKind::OutcomeUnknown,
            AuthError::Throttled => ErrorKind::Throttled,
            AuthError::Kv(_) | AuthError::Corrupt { .. } => ErrorKind::Internal,
            AuthError::NotAuthenticated => ErrorKind::Forbidden,
            AuthError::UserNotFound(_) | AuthError::CredentialsNotFound(_) => ErrorKind::NotFound,
            AuthError::AlreadySetUp
            | AuthError::CommPrefsAlreadySet
            | AuthError::TooManyCredentials(_) => ErrorKind::Conflict,
            _ => ErrorKind::Invalid,
        };
        Self::new(kind, &error)
    }
}

/// An administrator, and a repository with something of everything.
async fn prepare(lake: Lake) -> Result<(), Refusal> {
    users::set_up(&lake).await?;
    lake.catalog.create_repository(repositories::new("lake", false)).await?;
    for path in ["old", "older"] {
        lake.upload("main", path, "1", false).await?;
    }
    lake.commit("main", "base").await?;
    for name in ["dev", "clean"] {
        let (name, main) = (branch(name), at("main"));
        lake.catalog.create_branch(&lake_id(), &name, &main, false, false).await?;
    }
    lake.upload("dev", "from-dev", "1", false).await?;
    lake.commit("dev", "on dev").await?;
    lake.catalog.create_tag(&lake_id(), &tag("v1"), &at("main"), false).await?;
    lake.upload("main", "staged", "1", false).await.map(drop)
}

/// Nothing but that it was done.
fn done<T, E: Into<Refusal>>(result: Result<T, E>) -> Outcome {
    result.map(|_| String::new()).map_err(E::into)
}

/// That it is refused with an error of this kind, for operations that are to be.
fn refused<T, E: Into<Refusal>>(kind: ErrorKind, result: Result<T, E>) -> Outcome {
    match result.map_err(E::into) {
        Err(error) if error.kind == kind => Ok(format!("{kind:?}")),
        Err(error) => Err(error),
        Ok(_) => Ok("was not refused".to_owned()),
    }
}

/// What is in a list.
fn listed<T, S: Display>(rows: &[T], row: impl Fn(&T) -> S) -> Outcome {
    Ok(rows.iter().map(|it| row(it).to_string()).collect::<Vec<_>>().join(" "))
}

fn lake_id() -> RepositoryId {
    RepositoryId::from_stored("lake")
}

fn branch(name: &str) -> BranchId {
    BranchId::from_stored(name)
}

fn tag(name: &str) -> TagId {
    TagId::from_stored(name)
}

fn at(reference: &str) -> RefExpr {
    RefExpr::from_stored(reference)
}

/// A page that has everything.
pub(super) fn all_rows() -> PageRequest {
    PageRequest { amount: 1_000, ..PageRequest::default() }
}

/// A listing that has everything.
pub(super) fn everything() -> KeyQuery {
    KeyQuery { page: all_rows(), delimiter: String::new() }
}
