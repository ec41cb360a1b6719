//! The JSON bodies of the HTTP API, as the server writes and clients read them.
//!
//! One module per area; each type has the name it has in the OpenAPI document (where that name says
//! too little in Rust, as `Error`, it has a longer one here). Names and order of fields, which of them are
//! required, their bounds and defaults are those of the public contract (`tests/contract`), and
//! `cargo xtask contract` compares them. What is not required and absent is left out, never `null`,
//! with the two exceptions that the contract makes.
//!
//! These are bodies and nothing else: no rule about names, no error handling, no defaults that depend
//! on anything. What the server accepts is decided in the `api` crate.

mod actions;
mod auth;
mod branches;
mod commits;
mod common;
mod config;
mod diffs;
mod imports;
mod objects;
mod parts;
mod pulls;
mod repositories;
mod retention;
mod staging;
mod statistics;

pub use actions::ActionRun;
pub use actions::ActionRunList;
pub use actions::HookRun;
pub use actions::HookRunList;
pub use actions::HookStatus;
pub use actions::RunStatus;
pub use auth::AccessKeyCredentials;
pub use auth::AuthCapabilities;
pub use auth::AuthenticationToken;
pub use auth::CommPrefsInput;
pub use auth::Credentials;
pub use auth::CredentialsWithSecret;
pub use auth::CurrentUser;
pub use auth::LoginConfig;
pub use auth::LoginInformation;
pub use auth::LoginUrlMethod;
pub use auth::Rbac;
pub use auth::Setup;
pub use auth::SetupState;
pub use auth::State;
pub use auth::User;
pub use auth::UserCreation;
pub use auth::UserList;
pub use branches::BranchCreation;
pub use branches::CherryPickCreation;
pub use branches::CommitOverrides;
pub use branches::Ref;
pub use branches::RefList;
pub use branches::ResetCreation;
pub use branches::ResetType;
pub use branches::RevertCreation;
pub use branches::TagCreation;
pub use commits::Commit;
pub use commits::CommitCreation;
pub use commits::CommitList;
pub use commits::FindMergeBaseResult;
pub use commits::Merge;
pub use commits::MergeResult;
pub use commits::MergeResultSummary;
pub use common::ErrorBody;
pub use common::Pagination;
pub use common::StorageUri;
pub use config::CapabilitiesConfig;
pub use config::Config;
pub use config::CustomViewer;
pub use config::GarbageCollectionConfig;
pub use config::StorageConfig;
pub use config::StorageConfigList;
pub use config::UiConfig;
pub use config::VersionConfig;
pub use diffs::Diff;
pub use diffs::DiffList;
pub use diffs::DiffObjectStat;
pub use diffs::DiffType;
pub use diffs::PathType;
pub use imports::ImportCreation;
pub use imports::ImportCreationResponse;
pub use imports::ImportLocation;
pub use imports::ImportLocationType;
pub use imports::ImportStatus;
pub use objects::ObjectCopyCreation;
pub use objects::ObjectError;
pub use objects::ObjectErrorList;
pub use objects::ObjectStageCreation;
pub use objects::ObjectStats;
pub use objects::ObjectStatsList;
pub use objects::ObjectUserMetadata;
pub use objects::PathList;
pub use objects::UnderlyingObjectProperties;
pub use objects::UpdateObjectUserMetadata;
pub use parts::AbortPresignMultipartUpload;
pub use parts::CompletePresignMultipartUpload;
pub use parts::CopyPartSource;
pub use parts::PresignMultipartUpload;
pub use parts::UploadPart;
pub use parts::UploadPartCopyFrom;
pub use parts::UploadPartFrom;
pub use parts::UploadTo;
pub use pulls::PullRequest;
pub use pulls::PullRequestBasic;
pub use pulls::PullRequestCreation;
pub use pulls::PullRequestCreationResponse;
pub use pulls::PullRequestStatus;
pub use pulls::PullRequestsList;
pub use repositories::BranchProtectionRule;
pub use repositories::Repository;
pub use repositories::RepositoryCreation;
pub use repositories::RepositoryList;
pub use repositories::RepositoryMetadata;
pub use repositories::RepositoryMetadataKeys;
pub use repositories::RepositoryMetadataSet;
pub use retention::GarbageCollectionRule;
pub use retention::GarbageCollectionRules;
pub use staging::StagingLocation;
pub use staging::StagingMetadata;
pub use statistics::StatsEvent;
pub use statistics::StatsEventsList;
