//! What is known of every request: one middleware for id, span, audit line and metrics.
//!
//! ```text
//! begin: id, clock, operation's figures, (debug: span, audit) ─► observe: run, catch a panic,
//!        log what went wrong below ─► the answer's body ─► dropped: count, time, (debug: audit line)
//! ```
//!
//! A call ends when the last byte of its answer was handed on, or the client went away: whatever
//! happens, [`Call`](call::Call) is dropped, and that is where it is counted. With the default log level this
//! costs about a microsecond; nothing is formatted that nobody reads
//! (docs/design/0011-telemetry.md).

mod audit;
mod body;
mod call;
mod figures;
mod request_id;
mod start;

pub(crate) use call::Arrival;
pub(crate) use call::Telemetry;
pub(crate) use start::Rendered;
pub(crate) use start::start;
