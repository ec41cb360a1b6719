//! Committed trees: ranges and metaranges, read, compared, merged and written.
//!
//! A **tree** is a sorted list of records. It is stored as **ranges**, sorted tables of at most some
//! 20 MiB, and one **metarange**, a table that lists them in order; each file is named by the hash of
//! its content, so files are written once, never changed, and shared by all trees that contain them.
//! The metarange's name is the tree's name ([`MetaRangeId`]).
//!
//! ```text
//! metarange 9c56…  ── [a .. data/7] 4ff8…  ── table of records
//!                  ├─ [data/8 .. n] deeb… ── ...        key ─► identity, data
//!                  └─ [p .. z]      b81b… ── ...
//! ```
//!
//! [`Trees`] is the way in: look a key up, walk a tree ([`TreeCursor`]), walk the difference of two
//! ([`DiffCursor`]), write a tree with some changes applied ([`Trees::apply`]) or the merge of two
//! ([`Trees::merge`]), or with some keys replaced by another tree ([`Trees::replace`]). Whatever needs
//! no reading is not read: ranges with equal names are skipped, and taken over whole when a tree is
//! written.
//!
//! The algorithms ([`walk`], [`diff`], [`apply`], [`merge`], [`replace`], [`layout`]) are synchronous and
//! do no input or output; each step says what it needs, and a driver ([`cursor`], [`writer`]) fetches it
//! through the cache ([`store`]) and goes on (docs/design/0002-synchronous-core.md and
//! docs/design/0006-range-store.md). What lies in the files is in docs/formats/trees.md.
//!
//! Keys, identities and data are opaque here. There is no branch, no commit and no key-value store.
//! Start reading at [`walk`].

mod apply;
mod count;
mod cursor;
mod diff;
mod error;
mod key_set;
mod layout;
mod limits;
mod merge;
mod meta_range;
mod plan;
mod range;
mod record;
mod replace;
mod settings;
mod store;
#[cfg(test)]
mod testing;
mod trees;
mod value;
mod walk;
mod writer;

pub use lakehold_block::StorageNamespace;

pub use cursor::DiffCursor;
pub use cursor::TreeCursor;
pub use error::BoxError;
pub use error::Error;
pub use key_set::KeySet;
pub use meta_range::MetaRangeId;
pub use record::Change;
pub use record::ChangeSource;
pub use record::Difference;
pub use record::Record;
pub use record::Strategy;
pub use record::Summary;
pub use record::Value;
pub use record::Written;
pub use settings::TreeSettings;
pub use trees::Trees;
