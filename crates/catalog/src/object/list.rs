//! Listing objects.
//!
//! An entry that cannot be decoded is an error of the page. An entry whose bytes this store could not
//! serve is listed like any other: no recorded address can make a listing fail.

use lakehold_engine::KeyQuery;
use lakehold_engine::Listed;
use lakehold_engine::Page;
use lakehold_engine::RefExpr;
use lakehold_engine::RepositoryId;

use super::reader::ObjectReader;
use crate::Catalog;
use crate::Object;
use crate::Result;

impl Catalog {
    /// Lists the objects at `reference` in byte order of their paths, those below a delimiter as one
    /// common prefix.
    pub async fn list_objects(
        &self,
        repository: &RepositoryId,
        reference: &RefExpr,
        query: &KeyQuery,
    ) -> Result<Page<Listed<Object>>> {
        let repository = self.repository(repository).await?;
        let page = self.engine().list(&repository, reference, query).await?;
        let reader = ObjectReader::for_page(self, &repository);
        convert(page, |record| reader.read(to_path(&record.key), &record.value))
    }
}

/// A page whose records became something else; common prefixes stay.
pub(super) fn convert<T, U>(
    page: Page<Listed<T>>,
    mut each: impl FnMut(T) -> Result<U>,
) -> Result<Page<Listed<U>>> {
    let mut results = Vec::with_capacity(page.results.len());
    for row in page.results {
        results.push(match row {
            Listed::CommonPrefix(prefix) => Listed::CommonPrefix(prefix),
            Listed::Record(record) => Listed::Record(each(record)?),
        });
    }
    Ok(Page { results, has_more: page.has_more })
}

/// The path of a stored key. Paths are UTF-8; a key that is not is shown lossily, because a listing
/// that fails for good helps nobody.
pub(super) fn to_path(key: &[u8]) -> String {
    match std::str::from_utf8(key) {
        Ok(path) => path.to_owned(),
        Err(_) => String::from_utf8_lossy(key).into_owned(),
    }
}
