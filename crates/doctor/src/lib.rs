//! Examines an installation and proves it: everything that is stored is what it should be, and
//! everything that is named is there.
//!
//! [`Doctor::examine`] reads a whole installation, in use or not, and returns a [`Report`] of
//! [`Finding`]s. It changes nothing. What is proven:
//!
//! - every **record** is the message that belongs under its key, and agrees with it;
//! - every **reference** leads to something: branches, tags and commits to commits, commits to trees,
//!   trees to ranges, entries to bytes, key pairs to users;
//! - every commit, metarange and range hashes to its **name**, and every block to its checksum;
//! - metaranges and ranges **agree**: bounds, numbers, order;
//! - every object's **bytes** are there and as many as they should be; with [`Options::deep`] they are
//!   those of its checksum;
//! - where only servers write, there is nothing that nobody knows.
//!
//! ```text
//! Doctor ─ Exam ─┬─ installation   users, hook runs, notes         key-value store
//!                ├─ repository ─┬─ inventory, branches, tags            │
//!                │              ├─ staging ───┐                         │
//!                │              └─ trees ─────┴─► objects          block store
//!                ├─ files          tables that nothing names            │
//!                └─ partitions     partitions that nothing names   key-value store
//! ```
//!
//! Memory is bounded by the number of commits, branches and ranges, never by that of objects. Above
//! the table format nothing is shared with the crates that write what is read here: messages, keys and
//! hashes are declared once more (docs/design/0015-doctor.md).
//!
//! Start reading at `doctor.rs`, then `repository.rs` and `trees.rs`.

mod counts;
mod doctor;
mod error;
mod exam;
mod files;
mod finding;
mod findings;
mod id;
mod installation;
mod objects;
mod partitions;
mod progress;
mod records;
mod report;
mod repository;
mod staging;
mod stored;
mod trees;

pub use counts::Counts;
pub use doctor::Doctor;
pub use doctor::Options;
pub use error::DoctorError;
pub use finding::Finding;
pub use finding::Kind;
pub use finding::Place;
pub use finding::Severity;
pub use progress::Progress;
pub use progress::Stage;
pub use report::Report;
