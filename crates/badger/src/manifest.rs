//! Which tables there are: the file `MANIFEST`, a log of tables that came and went.
//!
//! ```text
//! "Bdgr" | 0 (u16) | 8 (u16) | record ...        all numbers big-endian
//! record: length of the body (u32) | CRC-32C of the body (u32) | body, a ManifestChangeSet
//! ```
//!
//! Badger cuts off a record that is not whole at the end. We do not: a table that is not listed is
//! data that is not seen, and whoever starts Badger once more gets a manifest that is whole.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::Error;
use crate::coding::u32_be;
use crate::messages::ManifestChange;
use crate::messages::ManifestChangeSet;
use crate::source_file::SourceFile;

const HEADER: &[u8; 8] = b"Bdgr\0\0\0\x08";
const RECORD_HEADER_BYTES: u64 = 8;
const CREATE: i32 = 0;
const DELETE: i32 = 1;
/// The deepest level of lakeFS's stores is 6. More would cost an open file each.
const MOST_LEVELS: u32 = 16;

/// How the blocks of a table are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Snappy,
}

/// A table as the manifest lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListedTable {
    pub(crate) level: u32,
    pub(crate) compression: Compression,
}

/// Returns the tables that `file` lists, by their numbers.
pub(crate) fn read(file: &SourceFile) -> Result<BTreeMap<u64, ListedTable>, Error> {
    if file.read_up_to(0, HEADER.len())? != HEADER {
        return Err(file.damaged(0, "is not the manifest of a Badger store of version 8"));
    }
    let mut tables = BTreeMap::new();
    let mut offset = HEADER.len() as u64;
    while offset < file.length() {
        let body = read_record(file, offset)?;
        let set = ManifestChangeSet::decode(&body[..])
            .map_err(|error| file.damaged(offset, format!("not a list of changes: {error}")))?;
        for change in &set.changes {
            apply(file, offset, &mut tables, change)?;
        }
        offset += RECORD_HEADER_BYTES + body.len() as u64;
    }
    Ok(tables)
}

fn read_record(file: &SourceFile, offset: u64) -> Result<Vec<u8>, Error> {
    let header = file.read(offset, RECORD_HEADER_BYTES)?;
    let (Some(length), Some(checksum)) = (u32_be(&header, 0), u32_be(&header, 4)) else {
        return Err(file.damaged(offset, "a record without a length"));
    };
    let body = file.read(offset + RECORD_HEADER_BYTES, length.into())?;
    if crc32c::crc32c(&body) != checksum {
        return Err(file.damaged(offset, "a record does not have its checksum"));
    }
    Ok(body)
}

fn apply(
    file: &SourceFile,
    offset: u64,
    tables: &mut BTreeMap<u64, ListedTable>,
    change: &ManifestChange,
) -> Result<(), Error> {
    let id = change.id;
    let previous = match change.operation {
        CREATE => tables.insert(id, listed(file, offset, change)?).is_none(),
        DELETE => tables.remove(&id).is_some(),
        other => return Err(file.damaged(offset, format!("an unknown change {other}"))),
    };
    if !previous {
        return Err(file.damaged(offset, format!("table {id} comes or goes twice")));
    }
    Ok(())
}

fn listed(file: &SourceFile, offset: u64, change: &ManifestChange) -> Result<ListedTable, Error> {
    if change.key_id != 0 {
        return Err(Error::unsupported(file.path(), format!("table {} is encrypted", change.id)));
    }
    if change.level >= MOST_LEVELS {
        return Err(file.damaged(offset, format!("a table on level {}", change.level)));
    }
    let compression = match change.compression {
        0 => Compression::None,
        1 => Compression::Snappy,
        2 => {
            let what = format!("table {} is packed with zstd", change.id);
            return Err(Error::unsupported(file.path(), what));
        }
        other => return Err(file.damaged(offset, format!("unknown compression {other}"))),
    };
    Ok(ListedTable { level: change.level, compression })
}
