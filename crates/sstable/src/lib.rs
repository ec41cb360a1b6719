//! The sorted-table file format that ranges and metaranges are stored in.
//!
//! - A **table** is one immutable file of records in ascending key order. Its **id** is a hash of the
//!   records and of a few properties, not of the file: two files with the same records, cut into
//!   different blocks, have the same id.
//! - A **block** is a run of entries whose keys share prefixes, followed by a checksum. Data blocks
//!   hold records; index blocks say which data block a key can be in; one block holds the
//!   **properties**, and the **footer** at the end of the file says where everything is.
//! - The **estimated size** is what the writer knows of its file's size while writing. It decides
//!   where ranges are cut and is stored (hence hashed) in metaranges, so it is reproduced to the byte.
//!
//! ```text
//! TableWriter ── append, append, finish ──► FinishedTable { bytes, id, ... }
//!      │                                            │ bytes
//!      ├ BlockBuilder  entries of one block         ▼
//!      ├ IndexBuilder  one entry per block        Table ── get
//!      └ TableHasher   the id                       └───── Cursor: seek, next
//! ```
//!
//! What is written equals, byte for byte, what lakeFS writes: the format is described in
//! `docs/formats/tables.md` and pinned by the files in `tests/golden`. What is read may come from
//! somebody else's bucket: any bytes at all lead to records or to an [`Error`] that says where,
//! never to a panic and never to more memory than a small multiple of the file.
//!
//! Keys and values are opaque here: what a value contains, and where a sequence of records is cut
//! into tables, is the `tree` crate's subject. Start reading at [`TableWriter`] and [`Table`].

mod block;
mod coding;
mod cursor;
mod error;
mod footer;
mod hash;
pub mod ident;
mod index;
mod properties;
mod separator;
mod stored;
mod table;
mod writer;

pub use cursor::Cursor;
pub use error::Error;
pub use table::Table;
pub use writer::{FinishedTable, TableWriter};
