//! What is in the directory: which tables and memtables there are, all of them checked.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Badger;
use crate::Error;
use crate::coding::VersionedKey;
use crate::key_registry;
use crate::manifest;
use crate::manifest::Compression;
use crate::memtable::Memtable;
use crate::merge::Source;
use crate::source_file::SourceFile;
use crate::table::Table;

/// The level whose tables may overlap.
const OVERLAPPING_LEVEL: u32 = 0;

/// A table that was opened once and found whole, as far as its index goes.
#[derive(Clone, Debug)]
pub(crate) struct TablePlace {
    directory: Arc<Path>,
    number: u64,
    compression: Compression,
    first: VersionedKey,
}

impl TablePlace {
    pub(crate) fn open(&self) -> Result<Table, Error> {
        Table::open(&self.directory, self.number, self.compression)
    }
}

/// The parts that a store consists of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Newest first.
    memtables: Vec<Arc<Memtable>>,
    levels: BTreeMap<u32, Vec<TablePlace>>,
    versions: u64,
}

impl Parts {
    /// Reads manifest, write-ahead logs and the index of every table.
    pub(crate) fn read(directory: &Path) -> Result<Self, Error> {
        let tables = manifest::read(&open_manifest(directory)?)?;
        let registry = directory.join("KEYREGISTRY");
        if registry.exists() {
            key_registry::check(&SourceFile::open(registry)?)?;
        }
        let mut parts = Self { memtables: Vec::new(), levels: BTreeMap::new(), versions: 0 };
        let shared: Arc<Path> = directory.into();
        for (number, listed) in tables {
            let table = Table::open(directory, number, listed.compression)?;
            parts.versions += u64::from(table.entries());
            if let Some(first) = table.first().cloned() {
                let compression = listed.compression;
                let place = TablePlace { directory: shared.clone(), number, compression, first };
                parts.levels.entry(listed.level).or_default().push(place);
            }
        }
        parts.read_memtables(directory)?;
        parts.levels.values_mut().for_each(|level| level.sort_by(|a, b| a.first.cmp(&b.first)));
        Ok(parts)
    }

    fn read_memtables(&mut self, directory: &Path) -> Result<(), Error> {
        let logs = numbered_logs(directory).map_err(|error| Error::io(directory, error))?;
        // Where a newer log has entries, the older one was closed.
        let mut newer = false;
        for path in logs.into_values().rev() {
            let memtable = Memtable::read(path)?;
            if newer {
                memtable.check_finished()?;
            }
            newer |= memtable.count() > 0;
            self.versions += memtable.count() as u64;
            self.memtables.push(Arc::new(memtable));
        }
        Ok(())
    }

    /// How many versions of keys there are, deleted and overwritten ones included.
    pub(crate) fn versions(&self) -> u64 {
        self.versions
    }

    /// Everything there is to read, newest first.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let mut sources: Vec<Source> =
            self.memtables.iter().cloned().map(Source::memtable).collect();
        for (level, tables) in &self.levels {
            if *level == OVERLAPPING_LEVEL {
                let mut newest_first = tables.clone();
                newest_first.sort_by_key(|table| std::cmp::Reverse(table.number));
                sources.extend(newest_first.into_iter().map(|table| Source::level(vec![table])));
            } else {
                sources.push(Source::level(tables.clone()));
            }
        }
        sources
    }
}

fn open_manifest(directory: &Path) -> Result<SourceFile, Error> {
    if !Badger::is_in(directory) {
        let reason = "there is no file MANIFEST".into();
        return Err(Error::NotAStore { path: directory.into(), reason });
    }
    SourceFile::open(directory.join("MANIFEST"))
}

/// The write-ahead logs in `directory` by their numbers.
fn numbered_logs(directory: &Path) -> io::Result<BTreeMap<u64, PathBuf>> {
    let mut logs = BTreeMap::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(number) = number
            && path.extension().is_some_and(|extension| extension == "mem")
        {
            logs.insert(number, path);
        }
    }
    Ok(logs)
}
