//! The index: which data block a key can be in.
//!
//! One entry per data block, under a key that is not before the block's last key and before the next
//! block's first. A big index is cut into partitions with an index of their own (two levels). In
//! memory it is one list, whatever the levels in the file.
//!
//! # Written
//!
//! ```text
//! one level   data ... | index
//! two levels  data ... | partition ... | top: last key of each partition
//! ```

mod read;
mod write;

pub(crate) use self::read::Index;
pub(crate) use self::read::IndexReader;
pub(crate) use self::write::IndexBuilder;
