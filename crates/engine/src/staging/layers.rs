//! One key on a branch: in which layer it is found.

use bytes::Bytes;
use lakehold_kv::Version;
use lakehold_tree::Value;

use crate::Engine;
use crate::Repository;
use crate::branch::BranchState;
use crate::error::Result;
use crate::staging::StagingToken;
use crate::staging::decode_entry;

/// A staged entry as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The value; `None` is a tombstone.
    pub(crate) value: Option<Value>,
    /// For a conditional write.
    pub(crate) version: Version,
}

/// What lies under the staging token at a key.
#[derive(Clone, Debug)]
pub(crate) enum Below {
    /// A sealed token has an entry; `None` is a tombstone.
    Sealed(Option<Value>),
    /// The commit has the key.
    Committed(Value),
    /// Nothing.
    Nothing,
}

impl Below {
    /// The value that can be read, if any.
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Sealed(value) => value.as_ref(),
            Self::Committed(value) => Some(value),
            Self::Nothing => None,
        }
    }
}

impl Engine {
    /// Reads the entry of `key` under one token.
    pub(crate) async fn entry(&self, token: &StagingToken, key: &Bytes) -> Result<Option<Entry>> {
        if token.is_empty() {
            return Ok(None);
        }
        let stored = self.parts.kv.get(token.partition(), key.clone()).await?;
        let Some(stored) = stored else { return Ok(None) };
        Ok(Some(Entry { value: decode_entry(key, stored.value)?, version: stored.version }))
    }

    /// Reads what lies under the staging token at `key`.
    pub(crate) async fn below(
        &self,
        repository: &Repository,
        state: &BranchState,
        key: &Bytes,
    ) -> Result<Below> {
        for token in state.sealed() {
            if let Some(entry) = self.entry(&token, key).await? {
                return Ok(Below::Sealed(entry.value));
            }
        }
        let committed = self.committed(repository, state, key).await?;
        Ok(committed.map_or(Below::Nothing, Below::Committed))
    }

    /// Reads the value that the branch's commit has at `key`.
    pub(crate) async fn committed(
        &self,
        repository: &Repository,
        state: &BranchState,
        key: &[u8],
    ) -> Result<Option<Value>> {
        let Some(head) = self.head(repository, state).await? else { return Ok(None) };
        let namespace = &repository.storage_namespace;
        Ok(self.parts.trees.get(namespace, &head.meta_range_id, key).await?)
    }
}
