//! Objects: what a path leads to, for callers.

pub(crate) mod address;
pub(crate) mod copy;
mod delete;
pub(crate) mod diff;
mod digest;
mod entry;
mod imported;
pub(crate) mod link;
mod list;
mod metadata;
pub(crate) mod parts;
mod reader;
pub(crate) mod signature;
pub(crate) mod stage;
pub(crate) mod upload;

use std::ops::Range;
use std::time::Duration;

use lakehold_block::Address;
use lakehold_block::Body;
use lakehold_block::BoxError;
use lakehold_block::PresignedUrl;
use lakehold_clock::Timestamp;
use lakehold_engine::Metadata;
use lakehold_engine::RefExpr;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_engine::Value;
use lakehold_kv::Record;

use crate::Catalog;
use crate::CatalogError;
use crate::Result;
use entry::Entry;
use reader::ObjectReader;

/// The longest path, in bytes. Part of the API.
const MAX_PATH_BYTES: usize = 1024;

/// An object as its record tells of it; its bytes are not touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Where it is in the repository. A stored path that is no UTF-8 is shown with replacement
    /// characters.
    pub path: String,
    /// Complete URI of its bytes as clients see it.
    pub physical_address: String,
    /// Checksum: of an uploaded object the MD5 in lower-case hex, else what its recorder gave.
    pub checksum: String,
    /// Number of bytes.
    pub size: u64,
    /// When its bytes were stored.
    pub modified: Timestamp,
    /// What its user said of it.
    pub metadata: Metadata,
    /// Media type; empty for objects recorded without one.
    pub content_type: String,
    /// Where the bytes are, for [`Catalog::open`].
    pub address: Address,
}

impl Catalog {
    /// Returns the object at `path`.
    ///
    /// An object whose bytes this store cannot reach is returned too: only [`Catalog::open`] fails.
    pub async fn object(
        &self,
        repository: &RepositoryId,
        reference: &RefExpr,
        path: &str,
    ) -> Result<Object> {
        check_path(path)?;
        let repository = self.repository(repository).await?;
        let value = self.engine().get(&repository, reference, path.as_bytes()).await?;
        ObjectReader::new(self, &repository).read(path.to_owned(), &value)
    }

    /// The bytes of an object, or `range` of them, which must lie within its size.
    ///
    /// Fails with [`CatalogError::DataMissing`] where they are gone.
    pub async fn open(&self, object: &Object, range: Option<Range<u64>>) -> Result<Body> {
        Ok(self.blocks().get(&object.address, range).await?)
    }

    /// A URL at which a client may read the bytes of an object itself until `ttl` has passed, as a
    /// download under the last component of its path; `None` where the block store gives out none.
    ///
    /// Whether the bytes are there is not looked at. Fails with [`CatalogError::InvalidAddress`] or
    /// [`CatalogError::ForbiddenAddress`] where this block store could never serve them.
    pub async fn presign(&self, object: &Object, ttl: Duration) -> Result<Option<PresignedUrl>> {
        let name = object.path.rsplit('/').next().filter(|name| !name.is_empty());
        Ok(self.blocks().presign_get(&object.address, ttl, name).await?)
    }
}

/// Takes a stored entry apart so that a new one can be made of it.
fn decode_record(repository: &Repository, path: &str, value: &Value) -> Result<Record<Entry>> {
    Record::decode(&value.data).map_err(|error| corrupt(repository, path, error.into()))
}

fn corrupt(repository: &Repository, path: &str, source: BoxError) -> CatalogError {
    CatalogError::CorruptEntry { location: location_of(repository, path), source }
}

fn location_of(repository: &Repository, path: &str) -> String {
    format!("{}: {path:?}", repository.id)
}

/// Fails with [`CatalogError::InvalidPath`] where nothing can be stored at `path`.
pub(crate) fn check_path(path: &str) -> Result<()> {
    match path.len() {
        1..=MAX_PATH_BYTES => Ok(()),
        other => Err(CatalogError::InvalidPath(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_counted_in_bytes() {
        assert!(check_path(&"x".repeat(1024)).is_ok());
        assert!(check_path("/a//b/").is_ok());
        assert!(matches!(check_path(""), Err(CatalogError::InvalidPath(0))));
        assert!(matches!(check_path(&"ä".repeat(513)), Err(CatalogError::InvalidPath(1026))));
    }
}
