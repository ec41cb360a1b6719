//! The one table from what went wrong to what a client sees.
//!
//! Where clients or their tests look at a text, it is the one they look for (docs/API-DESIGN.md);
//! else it names the value that was refused. What the operator has to see to, a full disk or a corrupt
//! table, names its place.

use std::borrow::Cow;

use http::StatusCode;
use lakehold_actions::ActionsError;
use lakehold_auth::AuthError;
use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::InvalidId;
use lakehold_catalog::LinkProblem;
use lakehold_gc::GcError;

use super::ApiError;
use super::chain;

/// What is answered where a write may or may not have happened. Clients repeat a 500 by themselves,
/// which is harmless where a write is conditional; people should look first.
const OUTCOME_UNKNOWN: &str = "the outcome of the write is unknown: it may have been applied; \
                               look at the present state before sending it again";

/// What is answered where a store asks to be called less often.
const THROTTLED: &str = "Throughput exceeded. Slow down and retry";

type Text = Cow<'static, str>;

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        let (status, message) = match &error {
            CatalogError::Engine(engine) => of_engine(engine),
            other => of_catalog(other),
        };
        let answer = Self::new(status, message);
        match status.is_server_error() {
            true => answer.caused_by(error),
            false => answer,
        }
    }
}

impl From<InvalidId> for ApiError {
    fn from(error: InvalidId) -> Self {
        Self::bad_request(invalid_id(&error))
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let answer = |status, message: &'static str| Self::new(status, message);
        match &error {
            AuthError::NotAuthenticated => Self::unauthenticated(),
            AuthError::UserNotFound(_) => answer(StatusCode::NOT_FOUND, "user not found"),
            AuthError::CredentialsNotFound(_) => {
                answer(StatusCode::NOT_FOUND, "credentials not found")
            }
            AuthError::UserExists(_) => answer(StatusCode::CONFLICT, "Already exists"),
            AuthError::TooManyCredentials(_) => answer(
                StatusCode::BAD_REQUEST,
                "exceeded number of allowed credentials: invalid request",
            ),
            AuthError::InvalidName { reason, .. } => {
                Self::bad_request(format!("{reason}: validation error"))
            }
            AuthError::AlreadySetUp => answer(StatusCode::CONFLICT, "lakeFS already initialized"),
            AuthError::NotSetUp => {
                answer(StatusCode::PRECONDITION_FAILED, "lakeFS is not initialized")
            }
            AuthError::CommPrefsAlreadySet => {
                answer(StatusCode::CONFLICT, "communication preferences already set")
            }
            AuthError::InvalidArgument { name, .. } => {
                Self::bad_request(format!("argument {name}: invalid value: validation error"))
            }
            AuthError::OutcomeUnknown(_) => {
                answer(StatusCode::INTERNAL_SERVER_ERROR, OUTCOME_UNKNOWN).caused_by(error)
            }
            AuthError::Throttled => {
                answer(StatusCode::SERVICE_UNAVAILABLE, THROTTLED).caused_by(error)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<ActionsError> for ApiError {
    fn from(error: ActionsError) -> Self {
        match error {
            ActionsError::RunNotFound(_) | ActionsError::HookRunNotFound(_) => {
                Self::new(StatusCode::NOT_FOUND, "not found")
            }
            ActionsError::Lake(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<GcError> for ApiError {
    fn from(error: GcError) -> Self {
        match error {
            GcError::NoRules(_) => Self::new(StatusCode::NOT_FOUND, "not found"),
            GcError::InvalidRetention { days } => {
                Self::bad_request(format!("{days} days: invalid value: validation error"))
            }
            GcError::Lake(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

fn of_catalog(error: &CatalogError) -> (StatusCode, Text) {
    use CatalogError as E;
    let bad = StatusCode::BAD_REQUEST;
    match error {
        // Of the right form, but it leads out of the store.
        E::InvalidNamespace { namespace, expected }
            if namespace.starts_with(expected.trim_start_matches('^')) =>
        {
            (bad, "failed to create repository: failed to access storage".into())
        }
        E::InvalidNamespace { expected, .. } => {
            (bad, format!("failed to match required regex {expected}: invalid namespace").into())
        }
        E::NamespaceInUse { namespace, place } => (bad, namespace_in_use(namespace, place)),
        // Clients look for the text and the status, whatever the reason; but not where it is patience.
        E::StorageAccess { .. } if error.kind() != ErrorKind::Throttled => {
            (bad, "failed to create repository: failed to access storage".into())
        }
        E::UnknownStorageId(_) => (bad, "storage id: invalid value: validation error".into()),
        E::PullRequestNotFound(_) => (StatusCode::NOT_FOUND, "pull request not found".into()),
        E::SameBranch(_) => (
            bad,
            "source and destination branches are the same: same branch validation error".into(),
        ),
        E::PullRequestNotOpen(_) => (bad, "bad pull request status".into()),
        E::ImportNotFound(_) => (StatusCode::NOT_FOUND, "not found".into()),
        E::ImportNotSupported => {
            (StatusCode::FORBIDDEN, "import is not supported for this storage".into())
        }
        E::InvalidImportSource { path, namespace, above } => {
            (bad, import_source(path, namespace, *above).into())
        }
        E::ImportCommitted(_) => (StatusCode::CONFLICT, "conflict found".into()),
        E::TooManyImports => {
            (StatusCode::TOO_MANY_REQUESTS, "too many imports are waiting, try again later".into())
        }
        E::InvalidPath(0) => {
            (bad, "argument path: missing path: required value: validation error".into())
        }
        E::InvalidPath(length) => (bad, path_too_long(*length).into()),
        E::TooManyPaths(_) => (bad, "request size exceeded, max paths is set to 1000".into()),
        E::AddressTaken(address) => {
            (StatusCode::CONFLICT, format!("there is data at {address} already").into())
        }
        E::DataMissing(_) => (StatusCode::GONE, "No data".into()),
        E::InvalidAddress { address, reason } => {
            (bad, format!("physical address {address:?} is not valid: {reason}").into())
        }
        E::ForbiddenAddress(_) => (StatusCode::FORBIDDEN, "forbidden".into()),
        E::InvalidLink { reason: LinkProblem::NotSigned, .. } => {
            (bad, "address is not signed: link address invalid".into())
        }
        E::InvalidLink { reason: LinkProblem::Malformed, .. } => {
            (bad, "malformed address signature: link address invalid".into())
        }
        E::InvalidLink { .. } => (bad, "invalid address signature: invalid address".into()),
        E::LinkExpired(_) => (bad, "link address expired".into()),
        E::AddressOutsideData(_) => {
            (bad, "physical address must be relative to the storage namespace".into())
        }
        E::UploadNotFound(id) => (StatusCode::NOT_FOUND, format!("upload {id:?} not found").into()),
        E::InvalidPart { number, problem } => (bad, format!("part {number}: {problem}").into()),
        E::BrokenUpload(reason) => (bad, format!("request body has an error: {reason}").into()),
        E::NotSupported(what) => (bad, format!("{what}: operation not supported").into()),
        E::StorageFull(place) => (StatusCode::INSUFFICIENT_STORAGE, place.clone().into()),
        other => failure(other.kind(), other),
    }
}

fn of_engine(error: &EngineError) -> (StatusCode, Text) {
    use EngineError as E;
    let bad = StatusCode::BAD_REQUEST;
    let not_found = StatusCode::NOT_FOUND;
    let conflict = StatusCode::CONFLICT;
    let forbidden = StatusCode::FORBIDDEN;
    match error {
        E::RepositoryNotFound(_) => (not_found, "repository not found".into()),
        E::RepositoryExists(_) => (conflict, "error creating repository: not unique".into()),
        E::RepositoryInDeletion(_) => (StatusCode::GONE, "repository in deletion".into()),
        E::ReadOnlyRepository(_) => (forbidden, "read-only repository".into()),
        E::BranchNotFound(_) => (not_found, "branch not found".into()),
        E::BranchExists(_) => (conflict, "branch already exists: not unique".into()),
        E::DefaultBranch(_) => (forbidden, "cannot delete repository default branch".into()),
        E::DirtyBranch(_) => (bad, "uncommitted changes (dirty branch)".into()),
        E::ProtectedBranch { action, .. } => (forbidden, protected(*action as u8).into()),
        E::BranchBusy { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, "Too many attempts, try again later".into())
        }
        E::TagNotFound(_) => (not_found, "tag not found".into()),
        E::TagExists(_) => (conflict, "tag already exists: not unique".into()),
        E::NameTaken { kind, name } => (conflict, name_taken(kind, name).into()),
        E::RefNotFound(_) | E::KeyNotFound(_) => (not_found, "not found".into()),
        E::InvalidRef { .. } => (bad, "ref: invalid value: validation error".into()),
        E::NotACommit(reference) => (bad, not_a_commit(reference.as_str()).into()),
        E::CommitNotFound(_) => (not_found, "commit not found".into()),
        E::MetaRangeNotFound(_) => (not_found, "metarange not found".into()),
        E::PreconditionFailed(_) => (StatusCode::PRECONDITION_FAILED, "Precondition failed".into()),
        E::NoChanges => (bad, "no changes".into()),
        E::Conflict { .. } => (conflict, "conflict found".into()),
        E::NoMergeBase { .. } => (bad, "no merge base".into()),
        E::RevertMergeWithoutParent(_) => {
            (conflict, "must specify 1-based parent number for reverting merge commit".into())
        }
        E::CherryPickMergeWithoutParent(_) => {
            (bad, "must specify 1-based parent number for cherry-picking merge commit".into())
        }
        E::ParentOutOfRange(number) => {
            let text = "given commit does not have the given parent number";
            (bad, format!("{text}: parent {number}").into())
        }
        E::SourceMetaRangeOnDirtyBranch(_) => {
            (bad, "cannot use source MetaRange on a branch with uncommitted changes".into())
        }
        E::InvalidId(invalid) => (bad, invalid_id(invalid).into()),
        E::InvalidArgument { name, value } => {
            (bad, format!("argument {name}: {value:?}: invalid value: validation error").into())
        }
        E::HookRefused(reason) => (StatusCode::PRECONDITION_FAILED, reason.clone().into()),
        other => failure(other.kind(), other),
    }
}

/// What is left: the kinds that say to wait, to look, or to call the operator.
fn failure(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> (StatusCode, Text) {
    match kind {
        ErrorKind::Throttled => (StatusCode::SERVICE_UNAVAILABLE, THROTTLED.into()),
        ErrorKind::OutcomeUnknown => (StatusCode::INTERNAL_SERVER_ERROR, OUTCOME_UNKNOWN.into()),
        _ => internal(error),
    }
}

fn internal(error: &(dyn std::error::Error + 'static)) -> (StatusCode, Text) {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("internal error: {}", chain(error)).into())
}

fn import_source(path: &str, namespace: &str, above: bool) -> String {
    match above {
        true => format!(
            "prefix ({path}) contains repository namespace: ({namespace}), invalid import source"
        ),
        false => format!(
            "import path ({path}) in repository namespace ({namespace}) is prohibited: invalid import \
             source"
        ),
    }
}

/// By the number that stands for the action in stored rules.
fn protected(action: u8) -> &'static str {
    match action {
        0 => "cannot write to protected branch",
        1 => "cannot commit to protected branch",
        _ => "protected branch",
    }
}

fn name_taken(kind: &str, name: &str) -> String {
    let what = match kind {
        "branch" => "branch name",
        "tag" => "tag ID",
        _ => "commit ID",
    };
    format!("{what} {name}: conflict found")
}

fn namespace_in_use(namespace: &str, place: &str) -> Text {
    let place = match place {
        "dummy" => format!("root (:{namespace})"),
        other => format!("(:{namespace}) key({other})"),
    };
    format!(
        "failed to create repository: found lakeFS objects in the storage {place}: storage \
         namespace already in use"
    )
    .into()
}

fn invalid_id(error: &InvalidId) -> String {
    match error.value.is_empty() {
        true => "required value: validation error".to_owned(),
        false => format!("{}: invalid value: validation error", error.kind),
    }
}

/// What is said of a path of `length` bytes, where at most 1024 are allowed.
pub(crate) fn path_too_long(length: usize) -> String {
    format!(
        "argument path: invalid value: validation error: {length} is above maximum length (1024)"
    )
}

/// What is said of a reference to a staging area where a commit is needed.
pub(crate) fn not_a_commit(reference: &str) -> String {
    format!("reference '{reference}': reference to staging area with $ is not a commit")
}

#[cfg(test)]
mod tests {
    use super::*;

    use axum::response::IntoResponse as _;
    use lakehold_catalog::BranchId;
    use lakehold_catalog::RefExpr;
    use lakehold_catalog::RepositoryId;
    use lakehold_kv::Error as KvError;

    use crate::error::Cause;

    fn answer(error: impl Into<CatalogError>) -> (u16, String) {
        let answer = ApiError::from(error.into());
        (answer.status().as_u16(), answer.message().to_owned())
    }

    fn says(status: u16, message: &str) -> (u16, String) {
        (status, message.to_owned())
    }

    #[test]
    fn what_clients_look_for_is_what_they_get() {
        use EngineError as E;
        let branch = || BranchId::from_stored("main");
        let lake = || RepositoryId::from_stored("lake");
        assert_eq!(answer(E::RepositoryNotFound(lake())), says(404, "repository not found"));
        assert_eq!(answer(E::RepositoryInDeletion(lake())), says(410, "repository in deletion"));
        assert_eq!(
            answer(E::DirtyBranch(branch())),
            says(400, "uncommitted changes (dirty branch)")
        );
        assert_eq!(
            answer(E::BranchBusy { branch: branch(), attempts: 3 }),
            says(429, "Too many attempts, try again later")
        );
        assert_eq!(
            answer(E::NotACommit(RefExpr::from_stored("main$"))),
            says(400, "reference 'main$': reference to staging area with $ is not a commit")
        );
        assert_eq!(answer(E::HookRefused("pre-commit".to_owned())), says(412, "pre-commit"));
        assert_eq!(
            answer(E::Kv(KvError::Throttled)),
            says(503, "Throughput exceeded. Slow down and retry")
        );
        assert_eq!(
            answer(CatalogError::LinkExpired("a".to_owned())),
            says(400, "link address expired")
        );
        assert_eq!(answer(CatalogError::DataMissing("a".to_owned())), says(410, "No data"));
        assert_eq!(answer(CatalogError::StorageFull("/data is full".to_owned())).0, 507);
    }

    #[test]
    fn a_namespace_of_another_form_is_told_from_one_that_leads_outside() {
        let namespace = |namespace: &str| CatalogError::InvalidNamespace {
            namespace: namespace.to_owned(),
            expected: "^local://".to_owned(),
        };
        assert_eq!(
            answer(namespace("s3://bucket")),
            says(400, "failed to match required regex ^local://: invalid namespace")
        );
        assert_eq!(
            answer(namespace("local://../outside")),
            says(400, "failed to create repository: failed to access storage")
        );
    }

    #[test]
    fn whoever_is_asked_for_patience_is_told_how_long() {
        let place = || "s3://lake/main".to_owned();
        let throttled = || lakehold_block::Error::Throttled(place());
        for answer in [
            ApiError::from(CatalogError::from(EngineError::Kv(KvError::Throttled))),
            ApiError::from(CatalogError::from(throttled())),
            ApiError::from(CatalogError::StorageAccess { namespace: place(), source: throttled() }),
            ApiError::from(AuthError::from(KvError::Throttled)),
        ] {
            let response = answer.into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[http::header::RETRY_AFTER], "1");
        }
    }

    #[test]
    fn what_a_block_store_could_not_tell_is_unknown_and_what_is_in_the_way_is_named() {
        let location = "s3://lake/main".to_owned();
        let lost = lakehold_block::Error::OutcomeUnknown { location, source: "cut off".into() };
        assert_eq!(answer(CatalogError::from(lost)), says(500, OUTCOME_UNKNOWN));
        let taken = CatalogError::from(lakehold_block::Error::Exists("s3://lake/x".to_owned()));
        assert_eq!(answer(taken), says(409, "there is data at s3://lake/x already"));
    }

    #[test]
    fn a_missing_table_is_no_missing_reference() {
        let file = "_lakefs/f00d".to_owned();
        let (status, message) = answer(EngineError::TableMissing { what: "metarange", file });
        assert_eq!(status, 500);
        assert!(
            message.contains("_lakefs/f00d") && message.contains("lakehold doctor"),
            "{message}"
        );
    }

    #[test]
    fn an_unknown_outcome_is_neither_a_success_nor_a_plain_failure() {
        let lost = || KvError::Unknown("connection reset".into());
        for error in [EngineError::OutcomeUnknown("create branch", lost()), EngineError::Kv(lost())]
        {
            let (status, message) = answer(error);
            assert_eq!(status, 500);
            assert!(message.contains("may have been applied"), "{message}");
        }
    }

    #[test]
    fn what_the_operator_has_to_see_to_names_its_place_and_reaches_the_log() {
        let corrupt = EngineError::Corrupt {
            what: "branch",
            location: "graveler/lake/branches/main".to_owned(),
            source: "truncated".into(),
        };
        let answer = ApiError::from(CatalogError::from(corrupt));
        assert_eq!(
            answer.message(),
            "internal error: corrupt branch at graveler/lake/branches/main: truncated"
        );
        let response = answer.into_response();
        assert!(response.extensions().get::<Cause>().is_some());
        let refused = ApiError::from(CatalogError::TooManyPaths(2000)).into_response();
        assert!(refused.extensions().get::<Cause>().is_none());
    }
}
