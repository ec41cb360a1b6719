//! Stores whose every call is decided upon: carried out, refused, or carried out without an answer.
//!
//! [`FatedBlocks`] and `FatedStore` ask their [`Fates`] before each call that reaches out to the
//! storage, and wait as long as those want them to. What is decided, and what is counted, is the
//! business of the test.

mod blocks;
#[cfg(test)]
mod records;

pub(crate) use blocks::FatedBlocks;
#[cfg(test)]
pub(crate) use records::FatedStore;

use async_trait::async_trait;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is carried out and answered.
    CarriedOut,
    /// It is refused, and nothing is done.
    Refused,
    /// It is refused because there are too many calls, and nothing is done.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the weather of simulations knows two faults")
    )]
    Throttled,
    /// It is carried out, and the answer is lost. For a call that changes nothing: as refused.
    Lost,
    /// The call itself is lost: nothing is done, and the caller cannot know. For a call that changes
    /// nothing: as refused.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the weather of simulations knows two faults")
    )]
    Vanished,
    /// Of several changes one is carried out, and the answer is lost. For any other call: as lost.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the weather of simulations knows two faults")
    )]
    Torn,
    /// It is carried out, and called a conflict.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the weather of simulations knows two faults")
    )]
    Denied,
    /// It is carried out, and called refused.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the weather of simulations knows two faults")
    )]
    Disowned,
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It changes nothing.
    Read,
    /// It may change something.
    Write,
    /// It may change several things, each by itself.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "simulations have a record store of their own")
    )]
    Several,
}

/// Decides what becomes of calls.
#[async_trait]
pub(crate) trait Fates: std::fmt::Debug + Send + Sync + 'static {
    /// Decides about a call, after a while.
    async fn decide(&self, access: Access) -> Fate;

    /// Lets the answer of a call take a while.
    async fn answer(&self) {}
}
