//! The block store: immutable bytes under addresses.
//!
//! Objects, ranges and metaranges lie here. [`BlockStore`] is the trait, [`MemBlockStore`] a driver
//! over memory, [`LocalBlockStore`] the driver over a directory with the layout of an existing
//! installation, [`conformance`] what every driver must pass. A [`StorageNamespace`] is where one
//! repository's data lives; an [`Address`] names bytes relative to one, or in full
//! (docs/formats/addresses.md). [`CachedBlockStore`] keeps chosen objects of another store on the local
//! disk.

mod address;
mod body;
mod cache;
pub mod conformance;
mod error;
pub mod faults;
mod local;
mod mem;
mod multipart;
mod store;

pub use address::Address;
pub use address::InvalidNamespace;
pub use address::StorageNamespace;
pub use body::Body;
pub use body::Measured;
pub use cache::CacheSettings;
pub use cache::CachedBlockStore;
pub use error::BoxError;
pub use error::Error;
pub use local::LocalBlockStore;
pub use local::LocalSettings;
pub use local::Tuning;
pub use mem::MemBlockStore;
pub use multipart::Completed;
pub use multipart::CompletedPart;
pub use multipart::MAX_PART_NUMBER;
pub use multipart::MIN_PART_BYTES;
pub use multipart::Part;
pub use multipart::PartProblem;
pub use multipart::UploadId;
pub use multipart::check_part_number;
pub use multipart::select_parts;
pub use store::BlockStore;
pub use store::Head;
pub use store::Listed;
pub use store::PresignedUrl;
pub use store::SourceObject;
pub use store::StoreDescription;
pub use store::StoredPart;
