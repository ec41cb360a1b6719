//! Pages of lists.

use lakehold_api_types::Pagination;
use lakehold_catalog::Page;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeStruct as _;

/// What every page says the most it can hold is.
const MAX_PER_PAGE: i64 = 1000;

/// A page as it is written: rows are made one by one while the answer is being written.
#[derive(Debug)]
pub(crate) struct PageAnswer<'a, T, F> {
    pagination: Pagination,
    results: Rows<'a, T, F>,
}

impl<'a, T, R: Serialize, F: Fn(&'a T) -> R> PageAnswer<'a, T, F> {
    /// The answer for `page`, whose items are called by `key` and shown by `row`.
    pub(crate) fn new(page: &'a Page<T>, key: impl Fn(&'a T) -> &'a str, row: F) -> Self {
        Self { pagination: pagination(page, key), results: Rows { items: &page.results, row } }
    }
}

/// Where `page`, whose items are called by `key`, lies in its list.
pub(crate) fn pagination<'a, T>(page: &'a Page<T>, key: impl Fn(&'a T) -> &'a str) -> Pagination {
    let last = page.results.last().filter(|_| page.has_more);
    Pagination {
        has_more: page.has_more,
        next_offset: last.map(key).unwrap_or_default().to_owned(),
        results: i64::try_from(page.results.len()).unwrap_or(i64::MAX),
        max_per_page: MAX_PER_PAGE,
    }
}

impl<'a, T, R: Serialize, F: Fn(&'a T) -> R> Serialize for PageAnswer<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("Page", 2)?;
        answer.serialize_field("pagination", &self.pagination)?;
        answer.serialize_field("results", &self.results)?;
        answer.end()
    }
}

#[derive(Debug)]
struct Rows<'a, T, F> {
    items: &'a [T],
    row: F,
}

impl<'a, T, R: Serialize, F: Fn(&'a T) -> R> Serialize for Rows<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.items.iter().map(&self.row))
    }
}
