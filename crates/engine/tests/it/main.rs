//! Tests of the engine over memory stores.

#![expect(clippy::panic, reason = "what a test calls may fail it, too")]

mod branches;
mod commits;
mod concurrency;
mod diffs;
mod faults;
mod hooks;
mod imports;
mod lake;
mod lists;
mod logs;
mod merges;
mod model;
mod moved_heads;
mod old_forms;
mod protection;
mod races;
mod repositories;
mod resets;
mod staging;
