//! What trees are made of, and how operations on them are told and answered.

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::BoxError;
use crate::MetaRangeId;

/// What a key leads to: what identifies the content, and the record itself, both opaque here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Equal identities mean equal content (for the engine 32 bytes, but never assumed).
    pub identity: Bytes,
    /// The stored record, carried on verbatim.
    pub data: Bytes,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Value,
}

/// A change to apply to a tree; `None` removes the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Bytes,
    /// The new value, or `None` to remove the key.
    pub value: Option<Value>,
}

/// Changes in ascending key order, each key at most once.
pub trait ChangeSource: Send {
    /// Returns the next change, or `None` after the last.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Change>, BoxError>>;
}

/// How many keys an operation added, changed and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Keys that were not there before.
    pub added: u64,
    /// Keys whose identity changed.
    pub changed: u64,
    /// Keys that are gone.
    pub removed: u64,
}

/// A written tree and how it differs from the one it came from (`apply`: the base; `merge`: the
/// destination). For ranges taken over unread the counts come from their metarange records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The tree.
    pub meta_range: MetaRangeId,
    /// How it differs.
    pub summary: Summary,
}

/// What decides where both sides of a merge changed a key differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Nothing: the merge fails with [`Error::Conflict`](crate::Error::Conflict).
    #[default]
    Fail,
    /// The destination's side wins, deletions included.
    DestinationWins,
    /// The source's side wins, deletions included.
    SourceWins,
}

/// How a key differs between the left and the right tree of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: Bytes,
    /// Its value on the left; `None`: added.
    pub left: Option<Value>,
    /// Its value on the right; `None`: removed.
    pub right: Option<Value>,
}
