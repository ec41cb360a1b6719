//! The key-value store on PostgreSQL, which several servers share.
//!
//! [`PostgresStore`] keeps its records in the table that an existing installation has: partition, key
//! and value as bytes, a hundred partitions by hash. A version is the value itself, compared by the
//! database, so that conditional writes of different programs on one table decide between each other.
//!
//! ```text
//! get ─────────► shared: a few connections, statements of many callers behind each other
//! write ───────► gathering: what comes at the same time is one transaction
//!        └─────┐
//! scan ────────┴► lending: one caller at a time; several writes are one transaction, one round trip
//! ```
//!
//! Writes want connections of their own, since each waits for the disk; reads gain from sharing. A connection that broke is replaced at the next use. Reads are then repeated; a
//! write only if the database cannot have carried it out, else it ends in
//! [`lakehold_kv::Error::Unknown`] (docs/design/0012-postgres.md). Start reading at [`PostgresStore`],
//! then `writing`, then `failure`.

mod calls;
mod connection;
mod connector;
mod conninfo;
mod failure;
mod gathering;
mod lending;
mod opening;
mod retry;
mod schema;
mod settings;
mod shared;
mod statements;
mod store;
mod tls;
mod writing;

pub use settings::PostgresSettings;
pub use store::PostgresStore;
