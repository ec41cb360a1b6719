//! A cursor over one partition that fetches page by page.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::Entry;
use crate::Error;
use crate::Store;

/// How many entries the first page has; each further page doubles up to [`LARGEST_PAGE`]. A listing
/// that wants ten entries reads little, a commit of a million does not ask a million times.
const FIRST_PAGE: usize = 64;
const LARGEST_PAGE: usize = 1_000;

/// A cursor over one partition. Holds at most one page; resumes by key, so that it keeps no snapshot.
#[derive(Debug)]
pub struct Scan<'a> {
    store: &'a dyn Store,
    partition: Bytes,
    next: Option<Bytes>,
    page: VecDeque<Entry>,
    page_size: usize,
}

impl<'a> Scan<'a> {
    /// A cursor over `partition` that starts at `from`.
    pub fn new(store: &'a dyn Store, partition: Bytes, from: Bytes) -> Self {
        Self { store, partition, next: Some(from), page: VecDeque::new(), page_size: FIRST_PAGE }
    }

    /// Returns the next entry, or `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Entry>, Error> {
        if self.page.is_empty()
            && let Some(from) = self.next.take()
        {
            let found = self.store.scan(self.partition.clone(), from, self.page_size).await?;
            self.page_size = (self.page_size * 2).min(LARGEST_PAGE);
            if found.more {
                self.next = found.entries.last().map(|last| successor(&last.key));
            }
            self.page = found.entries.into();
        }
        Ok(self.page.pop_front())
    }
}

/// The smallest key greater than `key`.
pub(crate) fn successor(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}
