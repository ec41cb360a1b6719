//! The messages that an installation is stored as, declared once more.
//!
//! The engine and the others have their own declarations of what they write. These here follow the
//! stored format (docs/formats/kv-records.md, docs/formats/entries.md, docs/formats/auth-records.md)
//! and cover what other programs write as well: a mistake that writer and reader share would not show
//! if the examiner shared it too. Fields that nothing is concluded from are declared all the same, so
//! that a wrong type is found.

/// Says which numbers the fields of messages have.
macro_rules! known {
    ($($message:ident: $($number:literal)*;)*) => {
        $(impl lakehold_kv::Known for $message {
            const FIELDS: &'static [u32] = &[$($number),*];
        })*
    };
}

mod auth;
mod lake;
mod work;

pub(crate) use auth::CredentialData;
pub(crate) use auth::GroupData;
pub(crate) use auth::PolicyData;
pub(crate) use auth::TokenData;
pub(crate) use auth::UserData;
pub(crate) use lake::BranchData;
pub(crate) use lake::BranchProtectionRules;
pub(crate) use lake::CommitData;
pub(crate) use lake::EntryData;
pub(crate) use lake::GarbageCollectionRules;
pub(crate) use lake::RangeData;
pub(crate) use lake::RepoMetadata;
pub(crate) use lake::RepositoryData;
pub(crate) use lake::StagedEntryData;
pub(crate) use lake::TagData;
pub(crate) use work::AsyncStatus;
pub(crate) use work::DumpStatus;
pub(crate) use work::ImportStatus;
pub(crate) use work::InstanceHeartbeat;
pub(crate) use work::LinkAddressData;
pub(crate) use work::MostlyCorrectOwnership;
pub(crate) use work::PullRequestData;
pub(crate) use work::RunResult;
pub(crate) use work::SecondaryIndex;
pub(crate) use work::TaskResult;
pub(crate) use work::UploadData;
