//! Lists as pages: what is asked for, and how keys are folded into common prefixes.
//!
//! A list of keys is read off a cursor that can jump ([`Rows`]). With a delimiter, the first key
//! below a common prefix becomes one row, and the cursor jumps past all others, so that a page of
//! ten "folders" costs ten jumps however much lies in them.

use bytes::Bytes;

use crate::error::Result;

/// How many rows a page has that does not say.
const DEFAULT_AMOUNT: usize = 100;

/// Which part of a sorted list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Only rows that begin with this.
    pub prefix: String,
    /// Only rows after this one.
    pub after: String,
    /// At most so many rows: 1..=1000 (internally up to 10,000); 0 stands for 100.
    pub amount: usize,
}

/// A piece of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub results: Vec<T>,
    /// Whether the list goes on after them.
    pub has_more: bool,
}

/// What may be wanted of a listing of keys or differences.
#[derive(Clone, Debug, Default)]
pub struct KeyQuery {
    /// Prefix, exclusive start and number; keys as text (paths are UTF-8).
    pub page: PageRequest,
    /// Keys with this after the prefix become one common prefix each; empty: none.
    pub delimiter: String,
}

/// A row of a listing: a record, or a common prefix up to and including the delimiter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed<T> {
    /// What all keys folded into this row begin with.
    CommonPrefix(String),
    /// One key.
    Record(T),
}

impl PageRequest {
    /// At most how many rows the page has.
    pub fn amount(&self) -> usize {
        if self.amount == 0 { DEFAULT_AMOUNT } else { self.amount }
    }
}

/// Something sorted by key that can be read in order and jumped forward in.
pub(crate) trait Rows: Send {
    /// A row.
    type Row: Send;

    /// The key of a row.
    fn key(row: &Self::Row) -> &[u8];

    /// Moves forward so that the next row is the first whose key is `key` or greater.
    fn seek(&mut self, key: &[u8]);

    /// Returns the next row, or `None` after the last.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Row>>> + Send;
}

/// Reads one page off `rows`.
pub(crate) async fn read_page<R: Rows>(
    rows: &mut R,
    query: &KeyQuery,
) -> Result<Page<Listed<R::Row>>> {
    let prefix = query.page.prefix.as_bytes();
    let after = query.page.after.as_bytes();
    let amount = query.page.amount();
    let mut results = Vec::with_capacity(amount.min(1_000));

    let Some(start) = first_key(query) else {
        return Ok(Page { results, has_more: false });
    };
    rows.seek(&start);
    while let Some(row) = rows.next().await? {
        let key = R::key(&row);
        if !key.starts_with(prefix) {
            break;
        }
        if key == after {
            continue;
        }
        if results.len() == amount {
            return Ok(Page { results, has_more: true });
        }
        let Some(common) = common_prefix(key, prefix, query.delimiter.as_bytes()) else {
            results.push(Listed::Record(row));
            continue;
        };
        let next = first_key_past(common);
        results.push(Listed::CommonPrefix(String::from_utf8_lossy(common).into_owned()));
        match next {
            Some(next) => rows.seek(&next),
            None => break,
        }
    }
    Ok(Page { results, has_more: false })
}

/// Where a page begins; `None` where there can be nothing.
///
/// After a common prefix it begins past everything below that prefix. `after` is taken for one only
/// if it ends in the delimiter: after an object `a`, the object `ab` comes next.
fn first_key(query: &KeyQuery) -> Option<Bytes> {
    let KeyQuery { page, delimiter } = query;
    if page.after <= page.prefix {
        return Some(Bytes::copy_from_slice(page.prefix.as_bytes()));
    }
    let after = page.after.as_bytes();
    let below_prefix = after.strip_prefix(page.prefix.as_bytes());
    let is_common_prefix = !delimiter.is_empty()
        && below_prefix.is_some_and(|rest| rest.ends_with(delimiter.as_bytes()));
    if is_common_prefix { first_key_past(after) } else { Some(Bytes::copy_from_slice(after)) }
}

/// The part of `key` up to and including the first delimiter after the prefix.
fn common_prefix<'a>(key: &'a [u8], prefix: &[u8], delimiter: &[u8]) -> Option<&'a [u8]> {
    let rest = &key[prefix.len()..];
    let found = match delimiter {
        [] => return None,
        [byte] => rest.iter().position(|b| b == byte)?,
        _ => rest.windows(delimiter.len()).position(|window| window == delimiter)?,
    };
    Some(&key[..prefix.len() + found + delimiter.len()])
}

/// The smallest key greater than every key that begins with `prefix`; `None` where there is none.
pub(crate) fn first_key_past(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut past = prefix[..=last].to_vec();
    past[last] += 1;
    Some(past.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_a_prefix_comes_the_next_byte_that_can_grow() {
        assert_eq!(first_key_past(b"a/").as_deref(), Some(&b"a0"[..]));
        assert_eq!(first_key_past(b"a\xff").as_deref(), Some(&b"b"[..]));
        assert_eq!(first_key_past(b"\xff\xff"), None);
        assert_eq!(first_key_past(b""), None);
    }

    #[test]
    fn a_common_prefix_ends_with_the_first_delimiter_after_the_prefix() {
        assert_eq!(common_prefix(b"a/b/c", b"a/", b"/"), Some(&b"a/b/"[..]));
        assert_eq!(common_prefix(b"a/b", b"a/", b"/"), None);
        assert_eq!(common_prefix(b"a::b::c", b"", b"::"), Some(&b"a::"[..]));
        assert_eq!(common_prefix(b"a/b", b"", b""), None);
    }
}
