//! The staging area: what has been written to a branch and not committed.
//!
//! Each branch points at one *staging token*, which names a key-value partition that takes its
//! writes, and at a list of *sealed tokens*, newest first, that no new write goes to. A read looks in
//! the staging token, then in each sealed token, then in the branch's commit; a tombstone ends the
//! search. Tokens are never reused.
//!
//! # Writing while someone commits
//!
//! A commit first seals the token (one conditional write of the branch record, which also installs a
//! fresh token), then reads the sealed partitions. A writer that read the branch before the seal may
//! store its entry after the commit has read past that key, and the entry would be lost. Writers
//! therefore look twice:
//!
//! ```text
//! writer:    read token A ── store in A ── read token: still A? ── done
//!                                              └─ now B ── store in B ── ...
//! committer:        seal A, install B ── read A ── write commit, drop A
//! ```
//!
//! If the token is still A afterwards, the seal comes after the store, and the commit sees the entry.
//! If not, the entry is stored again in B; that it may be in A as well, even after A was sealed, does
//! no harm: it is the same entry, and A is read after B. (Stored after A was dropped it would be
//! garbage for ever; the writer takes it back.)
//!
//! The same holds for what is *not* there: who finds nothing to delete because A has just been sealed
//! and emptied by its own first attempt must say so in B all the same, see `write`.
//!
//! # Reading while someone drops
//!
//! Once a commit has been installed its tokens are wiped. A reader that holds an older branch record
//! would find nothing in them, and nothing in the older commit either. What is concluded from an
//! absence is therefore believed only if no token was wiped meanwhile ([`drops`]), or the branch
//! record is still the same.

pub(crate) mod cursor;
pub(crate) mod drops;
pub(crate) mod layers;
mod seal;
pub(crate) mod tidy;

use bytes::Bytes;
use lakehold_clock::Runtime;
use lakehold_clock::uuid_v4;
use lakehold_tree::Value;
use prost::Message as _;

use crate::BranchId;
use crate::EngineError;
use crate::Repository;
use crate::error::Result;
use crate::records::StagedEntryData;

/// Names the partition that takes a branch's writes: `<repository>-<branch>:<uuid>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StagingToken(Bytes);

impl StagingToken {
    /// A token that was never used.
    pub(crate) fn fresh(repository: &Repository, branch: &BranchId, runtime: &Runtime) -> Self {
        let uuid = uuid_v4(runtime);
        let (repository, branch) = (repository.id.as_str(), branch.as_str());
        let mut token = String::with_capacity(repository.len() + branch.len() + uuid.len() + 2);
        token.push_str(repository);
        token.push('-');
        token.push_str(branch);
        token.push(':');
        token.push_str(&uuid);
        Self(token.into())
    }

    /// Takes a token out of a branch record.
    pub(crate) fn from_stored(token: Bytes) -> Self {
        Self(token)
    }

    /// The partition of the token's entries.
    pub(crate) fn partition(&self) -> Bytes {
        self.0.clone()
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Whether the record had none, as that of a branch that never took a write may.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The stored form of a value, or of a tombstone.
pub(crate) fn encode_entry(key: &Bytes, value: Option<&Value>) -> Bytes {
    let (identity, data) = match value {
        Some(value) => (value.identity.clone(), value.data.clone()),
        None => (Bytes::new(), Bytes::new()),
    };
    StagedEntryData { key: key.clone(), identity, data }.encode_to_vec().into()
}

/// Takes a stored entry apart; `None` is a tombstone.
pub(crate) fn decode_entry(key: &[u8], stored: Bytes) -> Result<Option<Value>> {
    // Decoded from the buffer itself, so that the parts are slices of it.
    let entry = StagedEntryData::decode(stored).map_err(|source| EngineError::Corrupt {
        what: "staged entry",
        location: String::from_utf8_lossy(key).into_owned(),
        source: source.into(),
    })?;
    let is_tombstone = entry.identity.is_empty();
    Ok((!is_tombstone).then_some(Value { identity: entry.identity, data: entry.data }))
}
