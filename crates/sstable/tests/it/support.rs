//! What several tests need: golden files, writing and reading whole tables, a small generator.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_sstable::Error;
use lakehold_sstable::FinishedTable;
use lakehold_sstable::Table;
use lakehold_sstable::TableWriter;

/// Records in order.
pub(crate) type Records = Vec<(Bytes, Bytes)>;

/// The properties that are part of a table's id.
const HASHED: [&str; 4] = ["type", "entity", "schema_name", "schema_definition"];

/// Where a file or folder of `tests/golden` is.
pub(crate) fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden")).join(name)
}

/// Reads a file of `tests/golden`.
pub(crate) fn golden(name: &str) -> Bytes {
    fs::read(golden_path(name)).expect("golden file").into()
}

/// Reads a JSON file of `tests/golden`.
pub(crate) fn golden_json(name: &str) -> serde_json::Value {
    serde_json::from_slice(&golden(name)).expect("valid JSON")
}

/// The table files (those with 64 hex digits as name) in a folder of `tests/golden`.
pub(crate) fn golden_tables(folder: &str) -> BTreeMap<String, Bytes> {
    let entries = fs::read_dir(golden_path(folder)).expect("golden folder");
    let files = entries.map(|entry| entry.expect("readable folder").path());
    let named = files.map(|path| (path.file_name().expect("name").to_string_lossy().into(), path));
    let tables = named.filter(|(name, _): &(String, _)| name.len() == 64);
    tables.map(|(name, path)| (name, fs::read(path).expect("golden file").into())).collect()
}

/// Opens a table that is whole.
pub(crate) fn open(bytes: &Bytes) -> Arc<Table> {
    Arc::new(Table::open(bytes.clone()).expect("a table"))
}

/// Reads all records from the first on.
pub(crate) fn read_all(table: &Arc<Table>) -> Result<Records, Error> {
    let mut cursor = table.cursor();
    let mut records = Vec::new();
    while let Some(record) = cursor.next()? {
        records.push(record);
    }
    Ok(records)
}

/// Opens `bytes` and reads everything in every way there is.
pub(crate) fn read_bytes(bytes: &Bytes) -> Result<Records, Error> {
    let table = Arc::new(Table::open(bytes.clone())?);
    let records = read_all(&table)?;
    let id = table.compute_id()?;
    for (key, value) in &records {
        assert_eq!(table.get(key)?.as_ref(), Some(value));
    }
    assert_eq!(write(&hashed_properties(&table), &records).id, id);
    Ok(records)
}

/// The properties that were given to the writer of `table`.
pub(crate) fn hashed_properties(table: &Table) -> Vec<(&str, &str)> {
    let pairs = HASHED.iter().map(|&name| (name, table.property(name)));
    let present = pairs.filter_map(|(name, value)| Some((name, value?)));
    present.map(|(name, value)| (name, std::str::from_utf8(value).expect("text"))).collect()
}

/// Writes a table.
pub(crate) fn write<B: AsRef<[u8]>>(
    properties: &[(&str, &str)],
    records: &[(B, B)],
) -> FinishedTable {
    let mut writer = TableWriter::new(properties);
    for (key, value) in records {
        writer.append(key.as_ref(), value.as_ref()).expect("ascending keys");
    }
    writer.finish()
}

/// A sequence of numbers that looks random and is the same in each run (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number less than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}
