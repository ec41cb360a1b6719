//! A file of entries one after the other: the write-ahead log of a memtable, or a value log.
//!
//! ```text
//! header: number of the encryption key (u64 BE), 0 | 12 random bytes
//! entry:  meta | user meta | uvarint length of the key | of the value | expiry | key | value
//!         | CRC-32C of the above (u32 BE)
//! ```
//!
//! Files are created larger than what is in them; behind the last entry there are zeros.

use std::path::PathBuf;
use std::sync::Arc;

use crate::Error;
use crate::coding::take_uvarint;
use crate::coding::u32_be;
use crate::source_file::SourceFile;
use crate::stored::State;

/// Where the first entry is.
pub(crate) const HEADER_BYTES: u64 = 20;
/// The longest header of an entry: two bytes, two integers of at most five and one of at most ten.
pub(crate) const LONGEST_ENTRY_HEADER: usize = 22;
const CHECKSUM_BYTES: u64 = 4;
/// How much is read at once.
const WINDOW_BYTES: usize = 256 * 1024;

/// The beginning of an entry: everything before its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryHeader {
    pub(crate) state: State,
    /// Of itself, in bytes.
    pub(crate) length: u64,
    pub(crate) key_length: u64,
    pub(crate) value_length: u64,
}

impl EntryHeader {
    /// Parses the beginning of `bytes`; `None` where it is not whole or its numbers are no lengths.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[meta, _], mut rest) = bytes.split_first_chunk()?;
        let key_length = take_uvarint(&mut rest)?;
        let value_length = take_uvarint(&mut rest)?;
        let expires_at = take_uvarint(&mut rest)?;
        if key_length > u32::MAX.into() || value_length > u32::MAX.into() {
            return None;
        }
        let length = (bytes.len() - rest.len()) as u64;
        Some(Self { state: State { meta, expires_at }, length, key_length, value_length })
    }

    /// Of the whole entry with its checksum, in bytes.
    pub(crate) fn entry_length(&self) -> u64 {
        self.checked_length() + CHECKSUM_BYTES
    }

    /// Of what the checksum is of, in bytes.
    pub(crate) fn checked_length(&self) -> u64 {
        self.length + self.key_length + self.value_length
    }
}

/// An entry whose checksum holds.
#[derive(Clone, Debug)]
pub(crate) struct LogEntry {
    pub(crate) state: State,
    /// With its version.
    pub(crate) key: Vec<u8>,
    /// Of the value in the file.
    pub(crate) value_offset: u64,
    /// In bytes.
    pub(crate) value_length: u64,
    /// Where the next entry is.
    pub(crate) end: u64,
}

/// A log, read through a window.
#[derive(Debug)]
pub(crate) struct LogFile {
    file: Arc<SourceFile>,
    window: Vec<u8>,
    window_at: u64,
}

impl LogFile {
    /// Opens the log at `path`. Fails with [`Error::Unsupported`] where it is encrypted.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        let file = Arc::new(SourceFile::open(path)?);
        if file.length() == 0 {
            let reason = "the log is empty: it was cut off, or the process was killed while creating \
                          it (then remove the file from a copy; Badger does not open it either)";
            return Err(file.damaged(0, reason));
        }
        let header = file.read(0, HEADER_BYTES)?;
        if header[..8] != [0; 8] {
            return Err(Error::unsupported(file.path(), "the log is encrypted"));
        }
        Ok(Self { file, window: Vec::new(), window_at: 0 })
    }

    pub(crate) fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// Returns the entry at `offset`, or `None` where what is there is none.
    pub(crate) fn entry(&mut self, offset: u64) -> Result<Option<LogEntry>, Error> {
        let Some(header) = EntryHeader::parse(self.bytes(offset, LONGEST_ENTRY_HEADER)?) else {
            return Ok(None);
        };
        let end = offset + header.entry_length();
        if header.key_length == 0 || end > self.file.length() {
            return Ok(None);
        }
        if self.stored_checksum(end)? != Some(self.checksum(offset, header.checked_length())?) {
            return Ok(None);
        }
        let key_offset = offset + header.length;
        Ok(Some(LogEntry {
            state: header.state,
            key: self.file.read(key_offset, header.key_length)?,
            value_offset: key_offset + header.key_length,
            value_length: header.value_length,
            end,
        }))
    }

    /// Returns the bytes at `offset`: `length` of them, at most a window, fewer where the file ends.
    pub(crate) fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8], Error> {
        let length = length.min(WINDOW_BYTES);
        let wanted_end = (offset + length as u64).min(self.file.length());
        let window_end = self.window_at + self.window.len() as u64;
        if offset < self.window_at || wanted_end > window_end {
            self.window = self.file.read_up_to(offset, WINDOW_BYTES)?;
            self.window_at = offset;
        }
        let start = usize::try_from(offset - self.window_at).unwrap_or(usize::MAX);
        let rest = self.window.get(start..).unwrap_or_default();
        Ok(&rest[..rest.len().min(length)])
    }

    fn stored_checksum(&mut self, end: u64) -> Result<Option<u32>, Error> {
        Ok(u32_be(self.bytes(end - CHECKSUM_BYTES, 4)?, 0))
    }

    /// The CRC-32C of `length` bytes at `offset`, which the file must have.
    pub(crate) fn checksum(&mut self, offset: u64, length: u64) -> Result<u32, Error> {
        self.checksum_onto(0, offset, length)
    }

    /// Goes on with `checksum` over `length` bytes at `offset`, which the file must have.
    pub(crate) fn checksum_onto(
        &mut self,
        mut checksum: u32,
        mut offset: u64,
        length: u64,
    ) -> Result<u32, Error> {
        let end = offset + length;
        while offset < end {
            let left = usize::try_from(end - offset).unwrap_or(usize::MAX);
            let piece = self.bytes(offset, left)?;
            if piece.is_empty() {
                return Err(self.file.damaged(offset, "the file has become shorter"));
            }
            checksum = crc32c::crc32c_append(checksum, piece);
            offset += piece.len() as u64;
        }
        Ok(checksum)
    }
}
