//! Naming commits and walking between them.

pub(crate) mod expr;
pub(crate) mod log;
pub(crate) mod merge_base;
pub(crate) mod resolve;
