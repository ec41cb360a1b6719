//! The versioning engine: repositories, branches, tags, commits, staging and merges.
//!
//! A **repository** is a place for data with a history. A **commit** names a tree (every key and its
//! value) and its parents; it never changes, and its id is a hash of what it says. A **branch** names
//! a commit and carries a **staging area**: what has been written and not committed. A **tag** names
//! a commit for good. A **reference expression** such as `main~2` is what a user types to name one of
//! these.
//!
//! ```text
//! Engine ── Repository ─┬─ Branch ──► commit ──► parents ...       refs/    naming and walking
//!                       │    └─ staging token, sealed tokens       staging  what is not committed
//!                       ├─ Tag ─────► commit
//!                       └─ Commit ──► tree                         lakehold-tree
//!
//! one key at a time:  read  write         many at once: diff
//! moves a branch:     commit  merge  revert  cherry_pick  import (all by branch/advance)  reset
//! ```
//!
//! All that changes lies in the key-value store, one record per thing (docs/formats/kv-records.md),
//! and is changed by conditional writes of single records: there are no transactions. In which order
//! the writes of an operation happen, and what a crash between two of them leaves, is written down in
//! docs/design/0007-crash-protocol.md. All that does not change lies in trees.
//!
//! Values are opaque here: an identity (equal identities mean equal content) and bytes. Objects, their
//! checksums and where their data is are the catalog's business, as is who may do what.
//!
//! Start reading with [`Engine`], then the header of `staging`, then `branch/advance`.

mod branch;
mod cherry_pick;
mod commit;
mod conditional;
mod diff;
mod engine;
mod error;
mod fresh;
mod hooks;
mod ids;
mod import;
mod keys;
mod merge;
mod page;
mod protection;
mod read;
mod records;
mod refs;
mod repository;
mod reset;
mod revert;
mod staging;
mod tag;
mod write;

pub use branch::Branch;
pub use cherry_pick::CherryPickRequest;
pub use commit::Commit;
pub use commit::CommitRequest;
pub use commit::Metadata;
pub use diff::DiffKind;
pub use diff::DiffRow;
pub use engine::Engine;
pub use error::EngineError;
pub use error::ErrorKind;
pub use hooks::HookEvent;
pub use hooks::Hooks;
pub use hooks::NoHooks;
pub use ids::BranchId;
pub use ids::CommitId;
pub use ids::InvalidId;
pub use ids::RefExpr;
pub use ids::RepositoryId;
pub use ids::TagId;
pub use import::ImportRequest;
pub use lakehold_tree::BoxError;
pub use lakehold_tree::Change;
pub use lakehold_tree::ChangeSource;
pub use lakehold_tree::Difference;
pub use lakehold_tree::KeySet;
pub use lakehold_tree::MetaRangeId;
pub use lakehold_tree::Record;
pub use lakehold_tree::Strategy;
pub use lakehold_tree::Summary;
pub use lakehold_tree::Value;
pub use merge::MergeRequest;
pub use merge::Merged;
pub use page::KeyQuery;
pub use page::Listed;
pub use page::Page;
pub use page::PageRequest;
pub use protection::BlockedAction;
pub use protection::ProtectionRules;
pub use refs::log::LogRequest;
pub use refs::merge_base::MergeBase;
pub use repository::NewRepository;
pub use repository::Repository;
pub use repository::create::BegunRepository;
pub use reset::ResetScope;
pub use revert::RevertRequest;
pub use tag::Tag;
pub use write::StageCondition;
