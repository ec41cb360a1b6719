//! A cursor over the names of all partitions that fetches page by page.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::Error;
use crate::Store;
use crate::scan::successor;

/// Whoever lists partitions wants all of them.
const PAGE: usize = 1_000;

/// A cursor over the names of a store's partitions, in byte order. Holds at most one page; resumes by
/// name, so that it keeps no snapshot.
#[derive(Debug)]
pub struct Partitions<'a> {
    store: &'a dyn Store,
    next: Option<Bytes>,
    page: VecDeque<Bytes>,
}

impl<'a> Partitions<'a> {
    /// A cursor that starts at the first partition.
    pub fn new(store: &'a dyn Store) -> Self {
        Self { store, next: Some(Bytes::new()), page: VecDeque::new() }
    }

    /// Returns the next name, or `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.page.is_empty()
            && let Some(from) = self.next.take()
        {
            let found = self.store.partitions(from, PAGE).await?;
            if found.more {
                self.next = found.names.last().map(|last| successor(last));
            }
            self.page = found.names.into();
        }
        Ok(self.page.pop_front())
    }
}
