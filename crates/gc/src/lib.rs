//! Garbage collection: which data of a repository nobody needs any more.
//!
//! **Rules** say how long the commits of a branch keep their data after a later commit has replaced
//! it. This crate keeps the rules; nothing is marked or removed yet.
//!
//! Start reading at [`Gc::rules`] in `rules.rs`.

mod error;
mod gc;
mod rules;

pub use error::GcError;
pub use gc::Gc;
pub use rules::RetentionRules;
