//! A range in memory, and a position in it.

use std::sync::Arc;

use bytes::Bytes;
use lakehold_sstable::Cursor;
use lakehold_sstable::Table;

use crate::BoxError;
use crate::Error;
use crate::Record;
use crate::Value;

/// A loaded range. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    table: Arc<Table>,
    location: Arc<str>,
}

impl Range {
    /// The range in the table that was read at `location`.
    pub(crate) fn new(table: Table, location: Arc<str>) -> Self {
        Self { table: Arc::new(table), location }
    }

    /// Bytes of memory it takes, once all of it was touched.
    pub(crate) fn memory(&self) -> usize {
        self.table.memory()
    }

    /// Returns the value of `key`.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        let stored = self.table.get(key).map_err(|error| self.corrupt(error))?;
        stored.map(Value::decode).transpose().map_err(|error| self.corrupt(error))
    }

    pub(crate) fn reader(&self) -> RangeReader {
        RangeReader { cursor: self.table.cursor(), range: self.clone() }
    }

    fn corrupt(&self, source: impl Into<BoxError>) -> Error {
        Error::corrupt("range", &self.location, source)
    }
}

/// A position in a range.
#[derive(Debug)]
pub(crate) struct RangeReader {
    range: Range,
    cursor: Cursor,
}

impl RangeReader {
    /// Moves so that [`RangeReader::next`] returns the first record whose key is `key` or greater.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<(), Error> {
        self.cursor.seek(key).map_err(|error| self.range.corrupt(error))
    }

    /// Returns the next record, or `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, Error> {
        let next = self.cursor.next().map_err(|error| self.range.corrupt(error))?;
        next.map(|(key, stored)| self.decode(key, stored)).transpose()
    }

    /// The error of reading on where reading failed before.
    pub(crate) fn broken(&self) -> Error {
        self.range.corrupt("reading it failed before")
    }

    fn decode(&self, key: Bytes, stored: Bytes) -> Result<Record, Error> {
        let value = Value::decode(stored).map_err(|error| self.range.corrupt(error))?;
        Ok(Record { key, value })
    }
}
