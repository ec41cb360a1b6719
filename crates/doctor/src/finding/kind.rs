//! The kinds of findings, how severe each usually is, and what to do about it.

use serde::Deserialize;
use serde::Serialize;

use crate::Severity;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $severity:ident, $advice:literal;)*) => {
        /// What kind of thing was found.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize,
        )]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl Kind {
            /// Returns the name as JSON has it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// Returns how severe a finding of this kind usually is.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$kind => Severity::$severity,)*
                }
            }

            /// What usually is to be done.
            pub(crate) fn advice(self) -> &'static str {
                match self {
                    $(Self::$kind => $advice,)*
                }
            }
        }
    };
}

kinds! {
    /// A record is not the message that belongs under its key.
    RecordUnreadable = "record_unreadable", Error,
        "Restore the record from a backup of the key-value store.";
    /// A record says something else than its key or another record.
    RecordContradictory = "record_contradictory", Error,
        "Restore the record from a backup of the key-value store.";
    /// A record has fields that the stored format does not name.
    UnknownFields = "unknown_fields", Warning,
        "They are kept as they are. Find out which program wrote them: a newer one may rely on them.";
    /// A key of a kind that the stored format does not name, in a partition that it does.
    UnknownRecord = "unknown_record", Warning,
        "It is left alone. Find out which program wrote it before anything is removed.";
    /// A partition of a kind that the stored format does not name.
    UnknownPartition = "unknown_partition", Warning,
        "It is left alone. Find out which program wrote it before anything is removed.";
    /// Records that nothing leads to: of a repository that was deleted, or staged and then dropped.
    LeftoverPartition = "leftover_partition", Info,
        "Nothing has to be done: it takes space and does no harm.";
    /// Records are stored in another form than the one this version reads.
    SchemaVersion = "schema_version", Error,
        "Start the version that wrote them, or let it migrate them.";

    /// A branch names a commit that is not there.
    BranchCommitMissing = "branch_commit_missing", Error,
        "Restore the commit's record from a backup, or move the branch to a commit that is there.";
    /// A tag names a commit that is not there.
    TagCommitMissing = "tag_commit_missing", Error,
        "Restore the commit's record from a backup, or delete the tag and make it again.";
    /// A commit names a parent that is not there.
    ParentMissing = "parent_missing", Error,
        "Restore the parent's record from a backup: the history before it cannot be read.";
    /// A commit's content does not hash to its id.
    CommitIdMismatch = "commit_id_mismatch", Error,
        "The record was changed after it was written. Restore it from a backup.";
    /// A commit's generation is not above its parents'.
    CommitGeneration = "commit_generation", Warning,
        "Merges across this commit may choose another base than they should.";
    /// A repository has branches, but not the one that it names as its default.
    DefaultBranchMissing = "default_branch_missing", Warning,
        "Create a branch of that name.";
    /// The deletion of a repository was cut off.
    RepositoryInDeletion = "repository_in_deletion", Info,
        "Delete the repository again to finish.";
    /// Two repositories have the same storage namespace.
    NamespaceShared = "namespace_shared", Warning,
        "Garbage collection of one deletes what only the other refers to. Move one elsewhere.";
    /// The block store cannot have the repository's storage namespace.
    NamespaceOutOfReach = "namespace_out_of_reach", Warning,
        "Nothing below it could be examined. Examine it where that storage is configured.";

    /// Two branches have the same staging token.
    StagingTokenShared = "staging_token_shared", Error,
        "What is staged on one shows on the other. Commit or reset one of them.";
    /// What is to be wiped is in use.
    WipedWhileInUse = "wiped_while_in_use", Error,
        "Do not start a server before the record under cleanup-tokens is removed: it would delete \
         live data.";

    /// A metarange is not there.
    MetaRangeMissing = "meta_range_missing", Error,
        "Restore the file from a backup of the block store: the whole tree depends on it.";
    /// A metarange's file is damaged.
    MetaRangeCorrupt = "meta_range_corrupt", Error,
        "Restore the file from a backup of the block store: the whole tree depends on it.";
    /// A range is not there.
    RangeMissing = "range_missing", Error,
        "Restore the file from a backup of the block store: the objects it lists depend on it.";
    /// A range's file is damaged.
    RangeCorrupt = "range_corrupt", Error,
        "Restore the file from a backup of the block store: the objects it lists depend on it.";
    /// A metarange says something else of a range than is true.
    RangeMismatch = "range_mismatch", Error,
        "Lookups through this tree may miss objects. Restore the metarange from a backup, or commit \
         the objects again.";
    /// A metarange says another estimated size of a range than the range's writer noted.
    RangeSizeMismatch = "range_size_mismatch", Warning,
        "Only programs that split work by size depend on it.";

    /// What is stored of an object does not decode.
    EntryCorrupt = "entry_corrupt", Error,
        "Upload the object again, or restore what was stored from a backup.";
    /// The bytes of an object are not there.
    ObjectMissing = "object_missing", Error,
        "Restore the bytes from a backup, or upload the object again.";
    /// The bytes of an object are not as many as its entry says.
    ObjectSizeMismatch = "object_size_mismatch", Error,
        "Restore the bytes from a backup, or upload the object again.";
    /// The bytes of an object are not those that its checksum was computed of.
    ObjectChecksumMismatch = "object_checksum_mismatch", Error,
        "Restore the bytes from a backup, or upload the object again.";
    /// The bytes of a large object are not those of its checksum, unless it was uploaded in parts of
    /// an unusual length.
    ObjectChecksumUnproven = "object_checksum_unproven", Warning,
        "If it was uploaded in parts through S3, compare it with its source. Otherwise restore its \
         bytes from a backup.";
    /// An object's bytes were removed by garbage collection, as its rules allow.
    ObjectCollected = "object_collected", Info,
        "Nothing has to be done: old commits keep their listings and lose their bytes.";
    /// An address that cannot be one.
    AddressInvalid = "address_invalid", Error,
        "Upload the object again, or restore what was stored from a backup.";
    /// An address outside what the block store may touch, so that nothing can be said of it.
    AddressOutOfReach = "address_out_of_reach", Warning,
        "If it should be readable, allow the folder or configure the storage it lies in.";
    /// The block store failed when it was asked.
    StoreFailed = "store_failed", Error,
        "Nothing is known of it. See to the storage, then examine again.";

    /// A table that nothing refers to.
    TableUnreferenced = "table_unreferenced", Info,
        "Nothing has to be done: an operation that was cut off or refused leaves such files.";
    /// A file that the stored format does not name, where other programs take every file for a table.
    UnknownFile = "unknown_file", Warning,
        "Find out which program wrote it, and move it elsewhere.";
    /// A part of an upload that nobody will complete.
    PartLeftOver = "part_left_over", Info,
        "Nothing has to be done: it takes space and does no harm.";

    /// A key pair of a user who is not there.
    CredentialWithoutUser = "credential_without_user", Error,
        "Nobody can log in with it. Restore the user's record, or delete the key pair.";
    /// A membership or attachment of which one side is not there.
    MembershipDangling = "membership_dangling", Warning,
        "It has no effect. Remove it, or restore the missing side.";
    /// An index that leads to a record that is not there.
    IndexDangling = "index_dangling", Warning,
        "What it should lead to is not listed. Nothing else depends on it.";
}
