//! Objects in versioned repositories: what a user calls an operation, protocol-free.
//!
//! Below, the engine knows keys, opaque values and branches, and the block store knows bytes at
//! addresses. The catalog joins them. A **path** is an engine's key; its value is an **entry**, the
//! record of one object: where its bytes are, how many, their checksum, when they came, what its
//! user said of it. An [`Object`] is an entry as a caller wants to see it. Everything a protocol
//! can ask for is one method of [`Catalog`].
//!
//! ```text
//! HTTP API, S3 ──► Catalog ──► Engine       repositories, branches, commits, keys ──► values
//!                     │                                                         entry ◄──┘
//!                     └──────► BlockStore   addresses ──► bytes                   └─► address
//! ```
//!
//! # The order of things
//!
//! Bytes are stored under a fresh name before the entry that leads to them is staged, so an entry
//! never leads to bytes that are not there yet. What fails in between leaves bytes without an entry:
//! invisible, and for garbage collection to find. They are not removed on the spot, because a write
//! that failed may have been committed by someone else before it failed.
//!
//! # What it does not know
//!
//! Who may do what (the protocols ask `auth` first), and how answers look. Protocols see one error,
//! [`CatalogError`], and the engine's ids and requests under this crate's name.
//!
//! Start reading at [`Catalog::upload`] in `object/upload.rs`; `object/entry.rs` has the record
//! (docs/formats/entries.md), `object/address.rs` the names (docs/formats/addresses.md).

mod branch;
mod catalog;
mod commit;
mod error;
mod expiry;
mod import;
mod import_status;
mod object;
mod protection;
mod pull_request;
mod repository;
mod sample_data;
mod table;
mod tag;

pub use catalog::Catalog;
pub use catalog::CatalogSettings;
pub use error::CatalogError;
pub use error::LinkProblem;
pub use import::ImportKind;
pub use import::ImportPath;
pub use import::NewImport;
pub use import_status::ImportStatus;
pub use object::Object;
pub use object::copy::CopyRequest;
pub use object::diff::Change;
pub use object::diff::ObjectDiff;
pub use object::link::LinkAddress;
pub use object::parts::BegunUpload;
pub use object::parts::ClientUpload;
pub use object::parts::CompletedUpload;
pub use object::stage::Staged;
pub use object::upload::Upload;
pub use pull_request::MergedPullRequest;
pub use pull_request::NewPullRequest;
pub use pull_request::PullRequest;
pub use pull_request::PullRequestFilter;
pub use pull_request::PullRequestId;
pub use pull_request::PullRequestStatus;
pub use pull_request::PullRequestUpdate;
pub use repository::CreateRepository;

pub use lakehold_block::Address;
pub use lakehold_block::BlockStore;
pub use lakehold_block::Body;
pub use lakehold_block::CompletedPart;
pub use lakehold_block::MAX_PART_NUMBER;
pub use lakehold_block::PresignedUrl;
pub use lakehold_block::StorageNamespace;
pub use lakehold_block::StoreDescription;
pub use lakehold_block::StoredPart;
pub use lakehold_block::UploadId;
pub use lakehold_clock::Timestamp;
pub use lakehold_engine::Branch;
pub use lakehold_engine::BranchId;
pub use lakehold_engine::CherryPickRequest;
pub use lakehold_engine::Commit;
pub use lakehold_engine::CommitId;
pub use lakehold_engine::CommitRequest;
pub use lakehold_engine::DiffKind;
pub use lakehold_engine::Engine;
pub use lakehold_engine::EngineError;
pub use lakehold_engine::ErrorKind;
pub use lakehold_engine::InvalidId;
pub use lakehold_engine::KeyQuery;
pub use lakehold_engine::Listed;
pub use lakehold_engine::LogRequest;
pub use lakehold_engine::MergeBase;
pub use lakehold_engine::MergeRequest;
pub use lakehold_engine::Merged;
pub use lakehold_engine::MetaRangeId;
pub use lakehold_engine::Metadata;
pub use lakehold_engine::Page;
pub use lakehold_engine::PageRequest;
pub use lakehold_engine::RefExpr;
pub use lakehold_engine::Repository;
pub use lakehold_engine::RepositoryId;
pub use lakehold_engine::ResetScope;
pub use lakehold_engine::RevertRequest;
pub use lakehold_engine::Strategy;
pub use lakehold_engine::Summary;
pub use lakehold_engine::Tag;
pub use lakehold_engine::TagId;

/// What operations of the catalog return.
type Result<T, E = CatalogError> = std::result::Result<T, E>;
