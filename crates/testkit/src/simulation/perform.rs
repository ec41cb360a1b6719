//! A request, as a server carries it out.

use bytes::Bytes;
use lakehold_catalog::Address;
use lakehold_catalog::BlockStore as _;
use lakehold_catalog::Body;
use lakehold_catalog::BranchId;
use lakehold_catalog::CatalogError;
use lakehold_catalog::Change;
use lakehold_catalog::CherryPickRequest;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::CopyRequest;
use lakehold_catalog::CreateRepository;
use lakehold_catalog::DiffKind;
use lakehold_catalog::EngineError;
use lakehold_catalog::KeyQuery;
use lakehold_catalog::Listed;
use lakehold_catalog::LogRequest;
use lakehold_catalog::MergeRequest;
use lakehold_catalog::Metadata;
use lakehold_catalog::ObjectDiff;
use lakehold_catalog::Page;
use lakehold_catalog::PageRequest;
use lakehold_catalog::RefExpr;
use lakehold_catalog::RepositoryId;
use lakehold_catalog::ResetScope;
use lakehold_catalog::RevertRequest;
use lakehold_catalog::Staged;
use lakehold_catalog::Strategy;
use lakehold_catalog::TagId;
use lakehold_catalog::Upload;

use super::ledger::content_type;
use super::ledger::value_of;
use super::request::Answer;
use super::request::Paging;
use super::request::Request;
use super::request::Scope;
use super::request::Val;
use super::server::Server;

/// The repository of every simulation.
pub(crate) const LAKE: &str = "lake";

/// The longest object.
const LONGEST: usize = 1 << 10;

type Result<T> = std::result::Result<T, CatalogError>;

/// Carries out `request`.
pub(crate) async fn perform(server: &Server, request: Request) -> Result<Answer> {
    match request {
        Request::CreatePond { pond, namespace } => {
            let new = new_repository(&pond, &format!("mem://{pond}-{namespace}"));
            server.catalog.create_repository(new).await.map(done)
        }
        Request::DeletePond { pond } => {
            let pond = RepositoryId::from_stored(&pond);
            server.catalog.delete_repository(&pond, false).await.map(done)
        }
        Request::PutInPond { pond, key, value } => {
            let (pond, upload) = (RepositoryId::from_stored(&pond), new_upload(key, value, false));
            server.catalog.upload(&pond, &id("main"), upload).await.map(done)
        }
        Request::ReadPond { pond, key } => {
            let pond = RepositoryId::from_stored(&pond);
            get(server, &pond, "main", &key).await.map(Answer::Value)
        }
        Request::Upload { branch, key, value, if_absent } => {
            let upload = new_upload(key, value, if_absent);
            server.catalog.upload(&lake(), &id(&branch), upload).await.map(done)
        }
        Request::Stage { branch, key, value, if_absent } => {
            let staged = new_staged(server, key, value, if_absent).await?;
            server.catalog.stage(&lake(), &id(&branch), staged).await.map(done)
        }
        Request::Delete { branch, keys, no_tombstone } => {
            server.catalog.delete(&lake(), &id(&branch), &keys, no_tombstone, false).await.map(done)
        }
        Request::Copy { source, from, branch, key } => {
            let request = CopyRequest {
                source_ref: at(&source),
                source_path: from,
                destination_path: key,
                force: false,
            };
            server.catalog.copy(&lake(), &id(&branch), request).await.map(done)
        }
        Request::Get { at, key } => get(server, &lake(), &at, &key).await.map(Answer::Value),
        Request::List { at, paging } => list(server, &at, paging).await,
        Request::Log { at } => log(server, &at).await,
        Request::Diff { left, right, kind, paging } => {
            diff(server, &left, &right, kind, paging).await
        }
        Request::DiffStaged { left, branch } => {
            let (right, all) = (format!("{branch}$"), Paging::everything());
            diff(server, &left, &right, DiffKind::TwoDot, all).await
        }
        Request::Uncommitted { branch } => {
            let all = query(Paging::everything());
            let page = server.catalog.diff_uncommitted(&lake(), &id(&branch), &all).await?;
            Ok(differences(page))
        }
        Request::Protect { branches } => {
            let patterns: Vec<String> = branches.into_iter().collect();
            server.catalog.set_protected_patterns(&lake(), &patterns, None).await.map(done)
        }
        Request::CreateTag { tag, source } => {
            server.catalog.create_tag(&lake(), &tag_id(&tag), &at(&source), false).await.map(done)
        }
        Request::DeleteTag { tag } => {
            server.catalog.delete_tag(&lake(), &tag_id(&tag), false).await.map(done)
        }
        other => move_branch(server, other).await,
    }
}

async fn move_branch(server: &Server, request: Request) -> Result<Answer> {
    let Server { catalog, .. } = server;
    match request {
        Request::Commit { branch } => {
            let made = catalog.commit(&lake(), &id(&branch), new_commit()).await?;
            Ok(Answer::Moved(made.id.to_string()))
        }
        Request::Merge { source, branch, strategy, squash } => {
            let request = new_merge(strategy, squash);
            let merged = catalog.merge(&lake(), &at(&source), &id(&branch), request).await?;
            Ok(Answer::Moved(merged.commit.id.to_string()))
        }
        Request::Revert { branch, reference } => {
            let made = catalog.revert(&lake(), &id(&branch), new_revert(&reference)).await?;
            Ok(Answer::Moved(made.id.to_string()))
        }
        Request::CherryPick { branch, reference } => {
            let made = catalog.cherry_pick(&lake(), &id(&branch), new_pick(&reference)).await?;
            Ok(Answer::Moved(made.id.to_string()))
        }
        Request::Reset { branch, scope } => {
            let scope = match scope {
                Scope::All => ResetScope::All,
                Scope::Prefix(prefix) => ResetScope::Prefix(prefix),
                Scope::Key(key) => ResetScope::Key(key),
            };
            catalog.reset_branch(&lake(), &id(&branch), &scope, false).await.map(done)
        }
        Request::HardReset { branch, reference } => {
            let reference = at(&reference);
            catalog.hard_reset_branch(&lake(), &id(&branch), &reference, false).await.map(done)
        }
        Request::CreateBranch { branch, source } => {
            let source = at(&source);
            catalog.create_branch(&lake(), &id(&branch), &source, false, false).await.map(done)
        }
        Request::DeleteBranch { branch } => {
            catalog.delete_branch(&lake(), &id(&branch), false).await.map(done)
        }
        other => Err(CatalogError::NotSupported(other.kind())),
    }
}

/// The value at a path: what the entry says and the bytes say, too.
async fn get(
    server: &Server,
    repository: &RepositoryId,
    reference: &str,
    key: &str,
) -> Result<Option<Val>> {
    let object = match server.catalog.object(repository, &at(reference), key).await {
        Err(CatalogError::Engine(EngineError::KeyNotFound(_))) => return Ok(None),
        found => found?,
    };
    let body = server.catalog.open(&object, None).await?;
    let bytes = body.collect(LONGEST).await.unwrap_or_default();
    let is_whole = bytes == object.content_type.as_bytes();
    Ok(Some(if is_whole { value_of(&object.content_type) } else { 0 }))
}

async fn list(server: &Server, reference: &str, paging: Paging) -> Result<Answer> {
    let page = server.catalog.list_objects(&lake(), &at(reference), &query(paging)).await?;
    let row = |row| match row {
        Listed::CommonPrefix(prefix) => (prefix, 0),
        Listed::Record(object) => {
            let object: lakehold_catalog::Object = object;
            (object.path, value_of(&object.content_type))
        }
    };
    Ok(Answer::Listing(page.results.into_iter().map(row).collect(), page.has_more))
}

async fn diff(
    server: &Server,
    left: &str,
    right: &str,
    kind: DiffKind,
    paging: Paging,
) -> Result<Answer> {
    let query = query(paging);
    let page = server.catalog.diff(&lake(), &at(left), &at(right), kind, &query).await?;
    Ok(differences(page))
}

fn differences(page: Page<Listed<ObjectDiff>>) -> Answer {
    let row = |row| match row {
        Listed::CommonPrefix(prefix) => (prefix, Change::Changed, 0),
        Listed::Record(ObjectDiff { change, object }) => {
            (object.path, change, value_of(&object.content_type))
        }
    };
    Answer::Differences(page.results.into_iter().map(row).collect(), page.has_more)
}

fn query(paging: Paging) -> KeyQuery {
    let Paging { prefix, after, amount } = paging;
    KeyQuery { page: PageRequest { prefix, after, amount }, delimiter: String::new() }
}

async fn log(server: &Server, reference: &str) -> Result<Answer> {
    let request = LogRequest { amount: 10_000, ..LogRequest::default() };
    let page = server.catalog.log(&lake(), &at(reference), &request).await?;
    Ok(Answer::History(page.results.iter().map(|commit| commit.id.to_string()).collect()))
}

fn new_upload(path: String, value: Val, if_absent: bool) -> Upload {
    let content_type = content_type(value);
    Upload {
        path,
        body: Body::from(Bytes::from(content_type.clone())),
        content_type,
        metadata: Metadata::new(),
        if_absent,
        force: false,
    }
}

/// An object whose bytes somebody has stored without us.
async fn new_staged(server: &Server, path: String, value: Val, if_absent: bool) -> Result<Staged> {
    let content_type = content_type(value);
    let physical_address = format!("mem://elsewhere/{value}");
    let bytes = Bytes::from(content_type.clone());
    server
        .blocks
        .put(&Address::Full(physical_address.as_str().into()), bytes.clone().into())
        .await?;
    Ok(Staged {
        path,
        physical_address,
        checksum: format!("checksum of {content_type}"),
        size: bytes.len() as u64,
        modified: None,
        metadata: Metadata::new(),
        content_type,
        if_absent,
        force: false,
    })
}

fn new_commit() -> CommitRequest {
    let (committer, message) = ("client".to_owned(), "commit".to_owned());
    CommitRequest { committer, message, ..CommitRequest::default() }
}

fn new_merge(strategy: Strategy, squash: bool) -> MergeRequest {
    MergeRequest { committer: "client".to_owned(), strategy, squash, ..MergeRequest::default() }
}

fn new_revert(reference: &str) -> RevertRequest {
    RevertRequest {
        committer: "client".to_owned(),
        reference: at(reference),
        parent_number: 0,
        message: None,
        metadata: None,
        allow_empty: false,
        force: false,
    }
}

fn new_pick(reference: &str) -> CherryPickRequest {
    CherryPickRequest {
        committer: "client".to_owned(),
        reference: at(reference),
        parent_number: None,
        message: None,
        metadata: None,
        force: false,
    }
}

fn done<T>(_: T) -> Answer {
    Answer::Done
}

/// A repository with a branch `main`.
pub(crate) fn new_repository(name: &str, namespace: &str) -> CreateRepository {
    CreateRepository {
        id: RepositoryId::from_stored(name),
        storage_namespace: namespace.to_owned(),
        storage_id: String::new(),
        default_branch: "main".to_owned(),
        read_only: false,
        bare: false,
        sample_data: false,
        committer: String::new(),
    }
}

/// The id of the one repository.
pub(crate) fn lake() -> RepositoryId {
    RepositoryId::from_stored(LAKE)
}

fn id(branch: &str) -> BranchId {
    BranchId::from_stored(branch)
}

fn tag_id(tag: &str) -> TagId {
    TagId::from_stored(tag)
}

fn at(reference: &str) -> RefExpr {
    RefExpr::from_stored(reference)
}
