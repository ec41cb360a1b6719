//! A sorted table: `<number>.sst`.
//!
//! ```text
//! block ... | index | its length (u32 BE) | checksum of the index | its length (u32 BE)
//! ```
//!
//! The index is a FlatBuffer: slot 0 the blocks (each: 0 its first key, 1 offset, 2 length), slot 3 the
//! number of entries. An open table keeps offset and length of each block, and at most one block.

use std::path::Path;

use crate::Error;
use crate::block::Block;
use crate::coding::VersionedKey;
use crate::coding::u32_be;
use crate::flat_buffer::FlatTable;
use crate::manifest::Compression;
use crate::messages::Checksum;
use crate::source_file::SourceFile;
use crate::stored::Stored;

const LENGTH_BYTES: u64 = 4;
/// An encoded checksum has at most 13 bytes. More is damage, not worth reading.
const MOST_CHECKSUM_BYTES: u64 = 64;

/// A table whose index was read and found whole.
#[derive(Debug)]
pub(crate) struct Table {
    file: SourceFile,
    compression: Compression,
    blocks: Vec<BlockPlace>,
    first: Option<VersionedKey>,
    entries: u32,
}

#[derive(Clone, Copy, Debug)]
struct BlockPlace {
    offset: u32,
    length: u32,
}

impl Table {
    /// Opens table `number` of `directory`.
    pub(crate) fn open(
        directory: &Path,
        number: u64,
        compression: Compression,
    ) -> Result<Self, Error> {
        let file = SourceFile::open(directory.join(format!("{number:06}.sst")))?;
        let (start, index) = read_index(&file)?;
        let broken = || file.damaged(start, "the index is no index");
        let root = FlatTable::root(&index).ok_or_else(broken)?;
        let mut blocks = Vec::new();
        let mut first = None;
        for listed in root.tables(0).ok_or_else(broken)? {
            let listed = listed.ok_or_else(broken)?;
            if first.is_none() {
                first = listed.bytes(0).and_then(VersionedKey::parse);
            }
            blocks.push(place(listed, start).ok_or_else(broken)?);
        }
        if first.is_none() && !blocks.is_empty() {
            return Err(broken());
        }
        let entries = root.u32(3).ok_or_else(broken)?;
        Ok(Self { file, compression, blocks, first, entries })
    }

    /// The smallest key; `None` where the table is empty.
    pub(crate) fn first(&self) -> Option<&VersionedKey> {
        self.first.as_ref()
    }

    /// How many versions of keys the table has.
    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }

    /// Reads from the smallest key on.
    pub(crate) fn into_cursor(self) -> TableCursor {
        TableCursor { table: self, next_block: 0, block: None, next_entry: 0 }
    }
}

fn read_index(file: &SourceFile) -> Result<(u64, Vec<u8>), Error> {
    let cut_off = || file.damaged(file.length(), "the file is cut off");
    let before = |end: u64, length: u64| end.checked_sub(length).ok_or_else(cut_off);
    let length_at = |offset: u64| {
        let stored = file.read(offset, LENGTH_BYTES)?;
        u32_be(&stored, 0).map(u64::from).ok_or_else(cut_off)
    };
    let checksum_end = before(file.length(), LENGTH_BYTES)?;
    let checksum_length = length_at(checksum_end)?;
    if checksum_length > MOST_CHECKSUM_BYTES {
        return Err(file.damaged(checksum_end, "the file does not end as a table does"));
    }
    let checksum_start = before(checksum_end, checksum_length)?;
    let index_end = before(checksum_start, LENGTH_BYTES)?;
    let index_start = before(index_end, length_at(index_end)?)?;
    let index = file.read(index_start, index_end - index_start)?;
    let checksum = file.read(checksum_start, checksum_length)?;
    match Checksum::holds(&checksum, &index) {
        Some(true) => Ok((index_start, index)),
        Some(false) => Err(file.damaged(index_start, "the index does not have its checksum")),
        None => Err(file.damaged(checksum_start, "the checksum is of an unknown kind")),
    }
}

fn place(listed: FlatTable<'_>, blocks_end: u64) -> Option<BlockPlace> {
    let place = BlockPlace { offset: listed.u32(1)?, length: listed.u32(2)? };
    let end = u64::from(place.offset) + u64::from(place.length);
    (end <= blocks_end).then_some(place)
}

/// Where reading a table has come to.
#[derive(Debug)]
pub(crate) struct TableCursor {
    table: Table,
    next_block: usize,
    block: Option<Block>,
    next_entry: usize,
}

impl TableCursor {
    pub(crate) fn next(&mut self) -> Result<Option<Stored>, Error> {
        loop {
            if let Some(block) = &self.block
                && self.next_entry < block.count()
            {
                let entry = block.entry(self.next_entry);
                self.next_entry += 1;
                return entry.map(Some).ok_or_else(|| self.damaged("an entry is no entry"));
            }
            let Some(&BlockPlace { offset, length }) = self.table.blocks.get(self.next_block)
            else {
                return Ok(None);
            };
            self.next_block += 1;
            self.next_entry = 0;
            let packed = self.table.file.read(offset.into(), length.into())?;
            let block = Block::parse(packed, self.table.compression);
            self.block = Some(block.map_err(|reason| self.damaged(reason))?);
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.table.file.path()
    }

    /// An error in the block read last.
    fn damaged(&self, reason: &str) -> Error {
        let last = self.next_block.saturating_sub(1);
        let offset = self.table.blocks.get(last).map_or(0, |place| place.offset.into());
        self.table.file.damaged(offset, reason)
    }
}
