//! Whether the manifests are the ones that were written, and name tables that are there.
//!
//! The library does not compare a manifest with the checksum it stores of it, removes tables that
//! the manifest does not name and whole trees it cannot find a manifest or a name of. A changed byte
//! could thus delete data that is still whole. So this looks first, without changing anything:
//!
//! ```text
//! keyspaces/<tree>/current      number of the manifest (u64) | its XXH3-128 | 0
//! keyspaces/<tree>/v<number>    manifest, an archive with the section "tables"
//! keyspaces/<tree>/tables/<id>  table, an archive; its blocks carry checksums that reads compare
//! ```
//!
//! Tree 0 holds the names of the others.

use std::path::Path;

use lakehold_kv::Error;
use xxhash_rust::xxh3::xxh3_128;

use crate::archive;
use crate::failure::damaged;
use crate::failure::unreadable;

const CURRENT_BYTES: usize = 25;
/// Of one table in the manifest: id, kind of checksum, checksum, sequence number.
const TABLE_BYTES: usize = 33;

/// Fails where a tree of the library's directory `path` is damaged, or, with `complete`, missing.
pub(crate) fn check(path: &Path, complete: bool) -> Result<(), Error> {
    let trees = path.join("keyspaces");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&trees).map_err(|error| unreadable(&trees, error))? {
        let tree = entry.map_err(|error| unreadable(&trees, error))?.path();
        if !tree.is_dir() {
            continue;
        }
        let Some(number) = number_of(&tree) else {
            return Err(damaged(&tree, "a folder that does not belong here"));
        };
        if tree.join("current").exists() {
            check_tree(&tree)?;
            found.push(number);
        }
    }
    if complete && !found.contains(&0) {
        return Err(damaged(&trees.join("0").join("current"), "the file is missing"));
    }
    if complete && found.len() < 2 {
        return Err(damaged(&trees, "the manifest of the records is missing"));
    }
    Ok(())
}

fn number_of(tree: &Path) -> Option<u64> {
    tree.file_name()?.to_str()?.parse().ok()
}

fn check_tree(tree: &Path) -> Result<(), Error> {
    let current = read(&tree.join("current"))?;
    let Some((number, checksum)) = parse_current(&current) else {
        return Err(damaged(&tree.join("current"), "does not name a manifest"));
    };
    let path = tree.join(format!("v{number}"));
    let manifest = read(&path)?;
    if xxh3_128(&manifest) != checksum {
        return Err(damaged(&path, "the manifest does not have the checksum noted for it"));
    }
    let tables = archive::section(&path, &manifest, b"tables")?;
    let tables = table_ids(tables).ok_or_else(|| damaged(&path, "no list of tables"))?;
    let folder = tree.join("tables");
    tables.iter().try_for_each(|table| archive::check(&folder.join(table.to_string())))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| unreadable(path, error))
}

fn parse_current(current: &[u8]) -> Option<(u64, u128)> {
    let current: &[u8; CURRENT_BYTES] = current.try_into().ok()?;
    let number = u64::from_le_bytes(current[..8].try_into().ok()?);
    let checksum = u128::from_le_bytes(current[8..24].try_into().ok()?);
    (current[24] == 0).then_some((number, checksum))
}

/// The section is: levels (u8); per level: runs (u8); per run: tables (u32).
fn table_ids(section: &[u8]) -> Option<Vec<u64>> {
    let mut ids = Vec::new();
    let (levels, mut rest) = section.split_first()?;
    for _ in 0..*levels {
        let (runs, after) = rest.split_first()?;
        rest = after;
        for _ in 0..*runs {
            let (tables, after) = rest.split_first_chunk::<4>()?;
            rest = after;
            for _ in 0..u32::from_le_bytes(*tables) {
                let (table, after) = rest.split_first_chunk::<TABLE_BYTES>()?;
                rest = after;
                ids.push(u64::from_le_bytes(table[..8].try_into().ok()?));
            }
        }
    }
    Some(ids)
}
