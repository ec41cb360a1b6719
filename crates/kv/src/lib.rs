//! The partitioned key-value store that holds all mutable state.
//!
//! Repositories, branches, tags, commits, staged entries and users live here; everything immutable
//! lives in the block store. The interface is kept to what an embedded store, PostgreSQL and
//! DynamoDB can all do well: read a record, write records each under its own [`Precondition`], and
//! read a partition in key order. There is no transaction over two keys. Whoever needs one builds it
//! from conditional writes.
//!
//! [`Store`] is the trait, [`StoreExt`] the conveniences on top of it, [`MemStore`] a driver over
//! memory, [`Scan`] a cursor over a partition and [`Partitions`] one over their names, [`Record`] a
//! typed record that carries fields we do not know, [`settle`] finds out what became of writes whose
//! answer was lost, [`dump`] moves records between stores, [`conformance`] is what every driver must
//! pass, and [`faults`] has wrappers that fail or lose the answer of chosen calls
//! (docs/design/0003-kv-trait.md).

pub mod conformance;
pub mod dump;
mod error;
mod ext;
pub mod faults;
mod mem;
mod partitions;
mod record;
mod scan;
pub mod settle;
mod store;

pub use error::BoxError;
pub use error::Error;
pub use ext::StoreExt;
pub use mem::MemStore;
pub use partitions::Partitions;
pub use record::Known;
pub use record::Record;
pub use record::RecordError;
pub use record::TimestampMessage;
pub use scan::Scan;
pub use store::Entry;
pub use store::Outcome;
pub use store::Ownership;
pub use store::PartitionPage;
pub use store::Precondition;
pub use store::ScanPage;
pub use store::Store;
pub use store::Version;
pub use store::Versioned;
pub use store::Write;
pub use store::check_key;
pub use store::check_partitions;
pub use store::check_scan;
