//! Values of 1 MiB and more: `<number>.vlog`.
//!
//! They lie in files of their own, each as an entry with its key, and the table has a pointer to it.
//! Only entries that a pointer leads to are ever read.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use crate::Error;
use crate::log_file::LogFile;
use crate::stored::Stored;
use crate::stored::StoredValue;
use crate::stored::ValuePointer;

/// A file has up to 1 GiB. More open ones than this are closed again.
const MOST_OPEN: usize = 64;

/// Fetches values, one at a time.
#[derive(Debug)]
pub(crate) struct Values {
    directory: PathBuf,
    open: BTreeMap<u32, LogFile>,
}

impl Values {
    pub(crate) fn of(directory: PathBuf) -> Self {
        Self { directory, open: BTreeMap::new() }
    }

    /// Returns the value of `stored`.
    pub(crate) fn fetch(&mut self, stored: &Stored) -> Result<Vec<u8>, Error> {
        let value = match &stored.value {
            StoredValue::Inline(value) => value.clone(),
            StoredValue::InLog { file, offset, length } => file.read(*offset, *length)?,
        };
        if !stored.state.is_pointer() {
            return Ok(value);
        }
        let pointer = ValuePointer::parse(&value).ok_or_else(|| {
            Error::damaged(&self.directory, 0, "a pointer into the value log has another length")
        })?;
        self.follow(pointer, stored)
    }

    fn follow(&mut self, pointer: ValuePointer, stored: &Stored) -> Result<Vec<u8>, Error> {
        let log = self.log(pointer.file)?;
        let offset = u64::from(pointer.offset);
        let file = log.file().clone();
        let Some(entry) = log.entry(offset)? else {
            let reason = "the value that a record leads to is not there or not whole";
            return Err(file.damaged(offset, reason));
        };
        if entry.end != offset + u64::from(pointer.length) || !stored.key.is_stored_as(&entry.key) {
            return Err(file.damaged(offset, "the value that a record leads to is another one"));
        }
        file.read(entry.value_offset, entry.value_length)
    }

    fn log(&mut self, number: u32) -> Result<&mut LogFile, Error> {
        if !self.open.contains_key(&number) && self.open.len() >= MOST_OPEN {
            self.open.clear();
        }
        match self.open.entry(number) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(place) => {
                Ok(place.insert(LogFile::open(self.directory.join(format!("{number:06}.vlog")))?))
            }
        }
    }
}
