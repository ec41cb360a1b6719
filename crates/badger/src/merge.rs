//! All versions of all keys, in one order, out of every table and memtable.
//!
//! Memtables and the tables of level 0 overlap: each is a source of its own. The tables of a deeper
//! level do not: they are one source, read one after the other, so that the number of open tables does
//! not grow with the store.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::path::Path;
use std::sync::Arc;

use crate::Error;
use crate::coding::VersionedKey;
use crate::directory::TablePlace;
use crate::memtable::Memtable;
use crate::stored::Stored;
use crate::table::TableCursor;

/// A sorted sequence of versions.
#[derive(Debug)]
pub(crate) enum Source {
    /// What was in memory when the process ended.
    Memtable { memtable: Arc<Memtable>, next: usize },
    /// Tables that follow one another, in order of their first keys.
    Level { rest: std::vec::IntoIter<TablePlace>, current: Option<TableCursor> },
}

impl Source {
    pub(crate) fn memtable(memtable: Arc<Memtable>) -> Self {
        Self::Memtable { memtable, next: 0 }
    }

    pub(crate) fn level(tables: Vec<TablePlace>) -> Self {
        Self::Level { rest: tables.into_iter(), current: None }
    }

    fn next(&mut self) -> Result<Option<Stored>, Error> {
        match self {
            Self::Memtable { memtable, next } => {
                *next += 1;
                Ok(memtable.entry(*next - 1))
            }
            Self::Level { rest, current } => loop {
                if let Some(cursor) = current
                    && let Some(stored) = cursor.next()?
                {
                    return Ok(Some(stored));
                }
                let Some(place) = rest.next() else { return Ok(None) };
                *current = Some(place.open()?.into_cursor());
            },
        }
    }

    /// The file that the last version came from.
    fn path(&self) -> &Path {
        match self {
            Self::Level { current, .. } => current.as_ref().map_or("".as_ref(), TableCursor::path),
            Self::Memtable { memtable, .. } => memtable.path(),
        }
    }
}

/// The next version of a source.
#[derive(Debug)]
struct Head {
    stored: Stored,
    source: usize,
}

impl Head {
    /// By key and version; of one version in two places, the place that was listed first.
    fn rank(&self) -> (&VersionedKey, usize) {
        (&self.stored.key, self.source)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    /// Reversed: the heap has its greatest on top, and we want the smallest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank().cmp(&self.rank())
    }
}

/// Reads several sources as one.
#[derive(Debug)]
pub(crate) struct Merge {
    sources: Vec<Source>,
    heads: BinaryHeap<Head>,
    started: bool,
}

impl Merge {
    /// Of one version in two sources, that of the earlier source is taken.
    pub(crate) fn of(sources: Vec<Source>) -> Self {
        Self { sources, heads: BinaryHeap::new(), started: false }
    }

    /// Returns the next version: ascending by key, newest first.
    pub(crate) fn next(&mut self) -> Result<Option<Stored>, Error> {
        if !self.started {
            self.started = true;
            for source in 0..self.sources.len() {
                self.advance(source, None)?;
            }
        }
        let Some(Head { stored, source }) = self.heads.pop() else { return Ok(None) };
        self.advance(source, Some(&stored.key))?;
        Ok(Some(stored))
    }

    fn advance(&mut self, source: usize, last: Option<&VersionedKey>) -> Result<(), Error> {
        let Some(stored) = self.sources[source].next()? else { return Ok(()) };
        if last.is_some_and(|last| *last >= stored.key) {
            let path = self.sources[source].path();
            return Err(Error::damaged(path, 0, "the keys do not ascend"));
        }
        self.heads.push(Head { stored, source });
        Ok(())
    }
}
