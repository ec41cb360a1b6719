//! A writer that makes everything differently from ours and still by the format: other block sizes and
//! restart intervals, no properties, two levels where one would do, keys that share all they can.
//!
//! Written without any of the crate's code, so that a mistake there is not repeated here.

use bytes::Bytes;

/// How a table is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Records in a data block.
    pub(crate) block_records: usize,
    /// Entries from restart to restart in data blocks.
    pub(crate) restarts: usize,
    /// The same in index blocks.
    pub(crate) index_restarts: usize,
    /// Data blocks in an index partition, if there are two levels.
    pub(crate) partition: Option<usize>,
    /// Whether blocks are packed, even where it does not pay.
    pub(crate) packed: bool,
    /// Whether the metaindex names a properties block, and what it holds besides the index type.
    pub(crate) properties: Option<Vec<(&'static str, Vec<u8>)>>,
    /// Whether the properties tell the type of the index.
    pub(crate) tells_index_type: bool,
    /// Kind of the records: 1 is "set".
    pub(crate) kind: u8,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            block_records: 3,
            restarts: 2,
            index_restarts: 1,
            partition: None,
            packed: false,
            properties: Some(Vec::new()),
            tells_index_type: true,
            kind: 1,
        }
    }
}

impl Shape {
    /// Makes a table of `records`.
    pub(crate) fn write<B: AsRef<[u8]>>(&self, records: &[(B, B)]) -> Bytes {
        let mut file = Vec::new();
        let mut index = Vec::new();
        for records in records.chunks(self.block_records) {
            let internal = |key: &[u8]| [key, &[self.kind, 0, 0, 0, 0, 0, 0, 0]].concat();
            let entries = records
                .iter()
                .map(|(key, value)| (internal(key.as_ref()), value.as_ref().to_vec()));
            let entries: Vec<_> = entries.collect();
            let last = entries[entries.len() - 1].0.clone();
            let handle = self.put(&mut file, &block(&entries, self.restarts, 8), self.packed);
            index.push((last, handle));
        }
        let top = self.put_index(&mut file, &index);
        self.put_end(file, &top)
    }

    fn put_index(&self, file: &mut Vec<u8>, index: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        let Some(partition) = self.partition else {
            return self.put(file, &block(index, self.index_restarts, 8), self.packed);
        };
        let mut top = Vec::new();
        for part in index.chunks(partition) {
            let handle = self.put(file, &block(part, self.index_restarts, 8), self.packed);
            top.push((part[part.len() - 1].0.clone(), handle));
        }
        self.put(file, &block(&top, self.index_restarts, 8), self.packed)
    }

    fn put_end(&self, mut file: Vec<u8>, index: &[u8]) -> Bytes {
        let mut meta = Vec::new();
        if let Some(properties) = &self.properties {
            let mut all: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            all.extend(
                properties.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.clone())),
            );
            if self.tells_index_type {
                let kind = if self.partition.is_some() { 2_u32 } else { 0 };
                let name = b"rocksdb.block.based.table.index.type";
                all.push((name.to_vec(), kind.to_le_bytes().to_vec()));
            }
            all.sort();
            let handle = self.put(&mut file, &block(&all, 3, 0), false);
            meta.push((b"rocksdb.properties".to_vec(), handle));
        }
        let metaindex = self.put(&mut file, &block(&meta, 1, 0), false);
        let mut footer = [&[1], &metaindex[..], index].concat();
        footer.resize(41, 0);
        footer.extend_from_slice(&2_u32.to_le_bytes());
        footer.extend_from_slice(&0x88e2_41b7_85f4_cff7_u64.to_le_bytes());
        file.extend_from_slice(&footer);
        file.into()
    }

    fn put(&self, file: &mut Vec<u8>, block: &[u8], packed: bool) -> Vec<u8> {
        let mut stored = block.to_vec();
        if packed {
            stored = snap::raw::Encoder::new().compress_vec(block).expect("small");
        }
        let mut handle = Vec::new();
        put_int(&mut handle, file.len());
        put_int(&mut handle, stored.len());
        stored.push(u8::from(packed));
        let crc = crc32c::crc32c(&stored);
        let masked = crc.rotate_right(15).wrapping_add(0xa282_ead8);
        file.extend_from_slice(&stored);
        file.extend_from_slice(&masked.to_le_bytes());
        handle
    }
}

/// A block of `entries`; the last `own` bytes of a key are not shared.
pub(crate) fn block(entries: &[(Vec<u8>, Vec<u8>)], restarts: usize, own: usize) -> Vec<u8> {
    let mut block = Vec::new();
    let mut offsets = Vec::new();
    let mut before: &[u8] = &[];
    for (at, (key, value)) in entries.iter().enumerate() {
        let mut shared = 0;
        if at % restarts == 0 {
            offsets.push(block.len() as u32);
        } else {
            let most = before.len().min(key.len() - own);
            shared = (0..most).take_while(|&at| before[at] == key[at]).count();
        }
        for len in [shared, key.len() - shared, value.len()] {
            put_int(&mut block, len);
        }
        block.extend_from_slice(&key[shared..]);
        block.extend_from_slice(value);
        before = key;
    }
    if offsets.is_empty() {
        offsets.push(0);
    }
    for offset in &offsets {
        block.extend_from_slice(&offset.to_le_bytes());
    }
    block.extend_from_slice(&(offsets.len() as u32).to_le_bytes());
    block
}

fn put_int(out: &mut Vec<u8>, mut value: usize) {
    while value > 127 {
        out.push((value % 128) as u8 + 128);
        value /= 128;
    }
    out.push(value as u8);
}
