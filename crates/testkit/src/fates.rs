//! A block store whose every call is decided upon: carried out, refused, or carried out without an
//! answer.
//!
//! [`FatedBlocks`] asks its [`Fates`] before each call that reaches out to the storage, and waits as
//! long as those want it to. What is decided, and what is counted, is the business of the test.

mod blocks;

pub(crate) use blocks::FatedBlocks;

use async_trait::async_trait;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is carried out and answered.
    CarriedOut,
    /// It is refused, and nothing is done.
    Refused,
    /// It is carried out, and the answer is lost. For a call that changes nothing: as refused.
    Lost,
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It changes nothing.
    Read,
    /// It may change something.
    Write,
}

/// Decides what becomes of calls.
#[async_trait]
pub(crate) trait Fates: std::fmt::Debug + Send + Sync + 'static {
    /// Decides about a call, after a while.
    async fn decide(&self, access: Access) -> Fate;

    /// Lets the answer of a call take a while.
    async fn answer(&self) {}
}
