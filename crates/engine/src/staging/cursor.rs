//! Reading staged entries in key order: one token, several of them, and all of it over a tree.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use lakehold_kv::Entry;
use lakehold_kv::Store;
use lakehold_tree::BoxError;
use lakehold_tree::Change;
use lakehold_tree::ChangeSource;
use lakehold_tree::MetaRangeId;
use lakehold_tree::Record;
use lakehold_tree::TreeCursor;

use crate::Engine;
use crate::Repository;
use crate::error::Result;
use crate::page::Rows;
use crate::staging::StagingToken;
use crate::staging::decode_entry;

/// Sizes of the pages in which a token is read: the first, and the largest, which they double up to.
const FIRST_PAGE: usize = 128;
const LARGEST_PAGE: usize = 1_000;

/// The entries of several tokens, newest first: of one key the newest token's counts.
#[derive(Debug)]
pub(crate) struct StagedCursor {
    layers: Vec<TokenCursor>,
}

/// The entries of one token. Holds at most one page; moves only forward.
#[derive(Debug)]
struct TokenCursor {
    kv: Arc<dyn Store>,
    token: StagingToken,
    page: VecDeque<Entry>,
    /// Where the next page begins; `None` after the last.
    next: Option<Bytes>,
    page_size: usize,
}

impl TokenCursor {
    fn new(kv: Arc<dyn Store>, token: StagingToken) -> Self {
        Self { kv, token, page: VecDeque::new(), next: Some(Bytes::new()), page_size: FIRST_PAGE }
    }

    fn seek(&mut self, key: &[u8]) {
        while self.page.front().is_some_and(|entry| entry.key < key) {
            self.page.pop_front();
        }
        if self.page.is_empty()
            && let Some(from) = &mut self.next
            && &from[..] < key
        {
            *from = Bytes::copy_from_slice(key);
        }
    }

    /// Makes sure that the first entry of the page is the next one, if there is one.
    async fn fill(&mut self) -> Result<()> {
        let Some(from) = self.next.clone().filter(|_| self.page.is_empty()) else {
            return Ok(());
        };
        let found = self.kv.scan(self.token.partition(), from, self.page_size).await?;
        self.page_size = (self.page_size * 2).min(LARGEST_PAGE);
        self.next = found.entries.last().filter(|_| found.more).map(|last| successor(&last.key));
        self.page = found.entries.into();
        Ok(())
    }

    fn first_key(&self) -> Option<&Bytes> {
        self.page.front().map(|entry| &entry.key)
    }
}

/// The smallest key greater than `key`.
fn successor(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

impl StagedCursor {
    /// Returns the next staged change.
    pub(crate) async fn next_change(&mut self) -> Result<Option<Change>> {
        for layer in &mut self.layers {
            layer.fill().await?;
        }
        let mut newest: Option<(usize, &Bytes)> = None;
        for (index, layer) in self.layers.iter().enumerate() {
            if let Some(key) = layer.first_key()
                && newest.is_none_or(|(_, smallest)| key < smallest)
            {
                newest = Some((index, key));
            }
        }
        let Some(index) = newest.map(|(index, _)| index) else { return Ok(None) };
        let Some(entry) = self.layers[index].page.pop_front() else { return Ok(None) };
        for older in &mut self.layers[index + 1..] {
            if older.first_key() == Some(&entry.key) {
                older.page.pop_front();
            }
        }
        let value = decode_entry(&entry.key, entry.value)?;
        Ok(Some(Change { key: entry.key, value }))
    }
}

impl Rows for StagedCursor {
    type Row = Change;

    fn key(row: &Change) -> &[u8] {
        &row.key
    }

    fn seek(&mut self, key: &[u8]) {
        for layer in &mut self.layers {
            layer.seek(key);
        }
    }

    async fn next(&mut self) -> Result<Option<Change>> {
        self.next_change().await
    }
}

impl ChangeSource for StagedCursor {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Change>, BoxError>> {
        async move { self.next_change().await.map_err(BoxError::from) }.boxed()
    }
}

/// The records of a tree with staged changes on top.
#[derive(Debug)]
pub(crate) struct ViewCursor {
    staged: Ahead<StagedCursor>,
    tree: Ahead<TreeRows>,
}

/// The records of a tree.
#[derive(Debug)]
pub(crate) struct TreeRows(pub(crate) TreeCursor);

/// Rows of which the next one can be looked at before it is taken.
#[derive(Debug)]
pub(crate) struct Ahead<R: Rows> {
    rows: R,
    next: Option<R::Row>,
    is_read: bool,
}

impl<R: Rows> Ahead<R> {
    pub(crate) fn new(rows: R) -> Self {
        Self { rows, next: None, is_read: false }
    }

    /// Jumps forward; a row that was looked at stays if it is not passed.
    pub(crate) fn seek(&mut self, key: &[u8]) {
        if self.is_read && self.next.as_ref().is_none_or(|row| R::key(row) >= key) {
            return;
        }
        self.is_read = false;
        self.next = None;
        self.rows.seek(key);
    }

    /// Looks at the next row.
    pub(crate) async fn peek(&mut self) -> Result<Option<&R::Row>> {
        if !self.is_read {
            self.next = self.rows.next().await?;
            self.is_read = true;
        }
        Ok(self.next.as_ref())
    }

    /// Takes the row that was looked at.
    pub(crate) fn take(&mut self) -> Option<R::Row> {
        let row = self.next.take();
        // After the last row there is nothing more to read.
        self.is_read = row.is_none() && self.is_read;
        row
    }
}

impl Rows for TreeRows {
    type Row = Record;

    fn key(row: &Record) -> &[u8] {
        &row.key
    }

    fn seek(&mut self, key: &[u8]) {
        self.0.seek(key);
    }

    async fn next(&mut self) -> Result<Option<Record>> {
        Ok(self.0.next().await?)
    }
}

impl Rows for ViewCursor {
    type Row = Record;

    fn key(row: &Record) -> &[u8] {
        &row.key
    }

    fn seek(&mut self, key: &[u8]) {
        self.staged.seek(key);
        self.tree.seek(key);
    }

    async fn next(&mut self) -> Result<Option<Record>> {
        loop {
            let committed = self.tree.peek().await?;
            let Some(staged) = self.staged.peek().await? else { return Ok(self.tree.take()) };
            match committed.map(|record| record.key.cmp(&staged.key)) {
                Some(std::cmp::Ordering::Less) => return Ok(self.tree.take()),
                Some(std::cmp::Ordering::Equal) => drop(self.tree.take()),
                Some(std::cmp::Ordering::Greater) | None => {}
            }
            if let Some(Change { key, value: Some(value) }) = self.staged.take() {
                return Ok(Some(Record { key, value }));
            }
        }
    }
}

impl Engine {
    /// A cursor over what is staged under `tokens`, newest first.
    pub(crate) fn staged(&self, tokens: impl Iterator<Item = StagingToken>) -> StagedCursor {
        let layers = tokens.filter(|token| !token.is_empty());
        let layers = layers.map(|token| TokenCursor::new(self.parts.kv.clone(), token));
        StagedCursor { layers: layers.collect() }
    }

    /// A cursor over the records of a tree.
    pub(crate) fn tree_rows(&self, repository: &Repository, tree: &MetaRangeId) -> TreeRows {
        TreeRows(self.parts.trees.cursor(&repository.storage_namespace, tree))
    }

    /// A cursor over the records of a tree with what is staged under `tokens` on top.
    pub(crate) fn view(
        &self,
        repository: &Repository,
        tokens: impl Iterator<Item = StagingToken>,
        tree: &MetaRangeId,
    ) -> ViewCursor {
        ViewCursor {
            staged: Ahead::new(self.staged(tokens)),
            tree: Ahead::new(self.tree_rows(repository, tree)),
        }
    }
}
