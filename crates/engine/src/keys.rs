//! Where records lie in the key-value store: partitions and keys (docs/formats/kv-records.md).

use bytes::Bytes;

use crate::BranchId;
use crate::CommitId;
use crate::RepositoryId;
use crate::TagId;

/// Partition of the records of all repositories.
pub(crate) const REPOSITORIES: Bytes = Bytes::from_static(b"graveler");
/// Partition whose keys are partitions waiting to be wiped.
pub(crate) const CLEANUP: Bytes = Bytes::from_static(b"cleanup-tokens");
/// What stands under such a key.
pub(crate) const CLEANUP_VALUE: Bytes = Bytes::from_static(b"stub-value");
/// Partition of an index of pull requests by repository and branches.
pub(crate) const PULLS: Bytes = Bytes::from_static(b"pulls");
/// Key of a repository's own metadata, in its partition.
pub(crate) const METADATA: Bytes = Bytes::from_static(b"repo-metadata");
/// Key of a repository's branch protection rules, in its partition.
pub(crate) const PROTECTION: Bytes = Bytes::from_static(b"settings/protected_branches");

/// What the keys of repositories begin with, in [`REPOSITORIES`].
pub(crate) const REPOSITORY_PREFIX: &str = "repos/";
/// What the keys of branches begin with, in a repository's partition.
pub(crate) const BRANCH_PREFIX: &str = "branches/";
/// What the keys of tags begin with, in a repository's partition.
pub(crate) const TAG_PREFIX: &str = "tags/";
/// What the keys of commits begin with, in a repository's partition.
pub(crate) const COMMIT_PREFIX: &str = "commits/";

pub(crate) fn repository(id: &RepositoryId) -> Bytes {
    joined(REPOSITORY_PREFIX, id.as_str())
}

pub(crate) fn branch(id: &BranchId) -> Bytes {
    joined(BRANCH_PREFIX, id.as_str())
}

pub(crate) fn tag(id: &TagId) -> Bytes {
    joined(TAG_PREFIX, id.as_str())
}

pub(crate) fn commit(id: &CommitId) -> Bytes {
    joined(COMMIT_PREFIX, id.as_str())
}

/// The partition of the repository `id` that was created as `instance`.
pub(crate) fn partition(id: &RepositoryId, instance: &str) -> Bytes {
    Bytes::from(format!("{id}-{instance}"))
}

/// `prefix` and `name` as one key.
pub(crate) fn joined(prefix: &str, name: &str) -> Bytes {
    let mut key = String::with_capacity(prefix.len() + name.len());
    key.push_str(prefix);
    key.push_str(name);
    key.into()
}
