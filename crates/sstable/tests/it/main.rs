//! Tests of the table format against files written by a real lakeFS and by the library it uses, against
//! an oracle, and against damage.

#![expect(clippy::panic, reason = "where a helper panics, its test fails")]

mod cursor;
mod damage;
mod foreign;
mod fuzz;
mod golden;
mod ident;
mod installations;
mod memory;
mod oracle;
mod proto;
mod support;
mod tolerance;
