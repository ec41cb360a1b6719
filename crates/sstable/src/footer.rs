//! The last 53 bytes of a table.
//!
//! ```text
//! byte 0        1: checksums are CRC-32C
//! bytes 1..40   handle of the metaindex, handle of the index, zeros
//! bytes 41..44  2: format version, little endian
//! bytes 45..52  magic number
//! ```

use crate::Error;
use crate::coding::Handle;

/// Length of the footer in bytes.
pub(crate) const FOOTER_LEN: usize = 53;

const HANDLES_AT: usize = 1;
const VERSION_AT: usize = 41;
const MAGIC_AT: usize = 45;

const CRC32C: u8 = 1;
const VERSION: u32 = 2;
const MAGIC: [u8; 8] = [0xf7, 0xcf, 0xf4, 0x85, 0xb7, 0x41, 0xe2, 0x88];

/// Endings of files that are tables, but of a kind that is not used here.
const OTHER_MAGICS: [([u8; 8], &str); 2] = [
    ([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb], "LevelDB"),
    ([0xf0, 0x9f, 0xaa, 0xb3, 0xf0, 0x9f, 0xaa, 0xb3], "Pebble"),
];

/// Where reading a table begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footer {
    pub(crate) metaindex: Handle,
    pub(crate) index: Handle,
}

impl Footer {
    pub(crate) fn encode(self) -> [u8; FOOTER_LEN] {
        let mut handles = self.metaindex.encode();
        self.index.put(&mut handles);

        let mut footer = [0; FOOTER_LEN];
        footer[0] = CRC32C;
        footer[HANDLES_AT..HANDLES_AT + handles.len()].copy_from_slice(&handles);
        footer[VERSION_AT..MAGIC_AT].copy_from_slice(&VERSION.to_le_bytes());
        footer[MAGIC_AT..].copy_from_slice(&MAGIC);
        footer
    }

    /// Reads the footer of `file`.
    pub(crate) fn read(file: &[u8]) -> Result<Self, Error> {
        let at = file.len().saturating_sub(FOOTER_LEN);
        let corrupt = |within: usize, reason: String| Error::corrupt((at + within) as u64, reason);
        let Some((_, footer)) = file.split_last_chunk::<FOOTER_LEN>() else {
            return Err(corrupt(0, format!("{} bytes are too few for a table", file.len())));
        };
        if footer[MAGIC_AT..] != MAGIC {
            return Err(corrupt(MAGIC_AT, format!("ends like {}", kind_of(footer))));
        }
        if footer[VERSION_AT..MAGIC_AT] != VERSION.to_le_bytes() {
            return Err(corrupt(VERSION_AT, format!("format version is not {VERSION}")));
        }
        if footer[0] != CRC32C {
            return Err(corrupt(0, format!("unknown checksum type {}", footer[0])));
        }
        let mut handles = &footer[HANDLES_AT..VERSION_AT];
        let metaindex = Handle::take(&mut handles);
        let index = Handle::take(&mut handles);
        let both = metaindex.zip(index);
        both.map(|(metaindex, index)| Self { metaindex, index })
            .ok_or_else(|| corrupt(HANDLES_AT, "no block handles in the footer".into()))
    }
}

fn kind_of(footer: &[u8; FOOTER_LEN]) -> String {
    let other = OTHER_MAGICS.iter().find(|(magic, _)| footer[MAGIC_AT..] == *magic);
    other.map_or("no table".into(), |(_, kind)| format!("a {kind} table, which is not supported"))
}
