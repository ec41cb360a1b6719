//! Taking over the store of a single-machine installation of lakeFS, where the settings point at it.
//!
//! ```text
//! metadata/             the store of lakeFS (Badger): read, never changed
//! metadata.lakehold/
//!   kv/                 our store, with the records of the other
//!   source.json         what the other looked like when they were copied
//! ```
//!
//! The copy is made once. After it the two go different ways, so that a start on a store of lakeFS that
//! has changed since is refused: serving the older records without a word would be losing the newer.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;
use tracing::info;

use lakehold_badger::Imported;
use lakehold_badger::Phase;
use lakehold_badger::Progress;
use lakehold_badger::import_badger;
use lakehold_badger::unfinished_import;
use lakehold_clock::Runtime;
use lakehold_kv::Store;

use crate::data_dir::sync_directory;
use crate::home::beside;

/// A folder with these is a store of lakeFS.
const MARKS: [&str; 2] = ["MANIFEST", "KEYREGISTRY"];
const ENDING: &str = ".lakehold";
const SOURCE_FILE: &str = "source.json";
/// What changes without a change of a record.
const UNIMPORTANT: &str = "LOCK";
/// How many records there are between two lines in the log.
const LOG_EVERY: u64 = 100_000;

/// A store of lakeFS, and ours beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Takeover {
    source: PathBuf,
    folder: PathBuf,
}

/// What the other store looked like: size and time of change of each file, by name.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Looks {
    directory: PathBuf,
    files: BTreeMap<String, (u64, i64, i64)>,
}

impl Takeover {
    /// `None` where `path` holds no store of lakeFS. Blocks on the disk.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let is_badger = MARKS.iter().all(|name| path.join(name).is_file());
        let folder = beside(path, ENDING).filter(|_| is_badger)?;
        Some(Self { source: path.to_owned(), folder })
    }

    /// The store of lakeFS.
    pub(crate) fn source(&self) -> &Path {
        &self.source
    }

    /// The folder of ours.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether our store is there, complete or not.
    pub(crate) fn has_begun(&self) -> bool {
        self.folder.join(SOURCE_FILE).exists()
    }

    /// Whether `path` is the store of lakeFS. Blocks on the disk.
    pub(crate) fn is_of(&self, path: &Path) -> bool {
        let same = |path: &Path| path.canonicalize().ok();
        same(path).is_some() && same(path) == same(&self.source)
    }

    /// Copies the records into `kv`, the store in our folder. `None` where that was done before.
    ///
    /// Fails where the other store cannot be read, is in use, or has changed since it was copied.
    pub(crate) async fn complete(
        &self,
        kv: &dyn Store,
        runtime: &Runtime,
        report: &mut (dyn FnMut(Progress) + Send),
    ) -> anyhow::Result<Option<Imported>> {
        let place = self.clone();
        let looks = runtime.blocking(move || place.looks()).await?;
        if self.is_complete(kv).await? {
            let place = self.clone();
            let copied = runtime.blocking(move || place.copied()).await?;
            return if copied.files == looks.files { Ok(None) } else { Err(self.changed()) };
        }
        let place = self.clone();
        runtime.blocking(move || place.note(&looks)).await?;
        import(&self.source, kv, runtime, report).await.map(Some)
    }

    /// The same, with lines in the log.
    pub(crate) async fn complete_at_start(
        &self,
        kv: &dyn Store,
        runtime: &Runtime,
    ) -> anyhow::Result<()> {
        let (source, folder) = (self.source.display(), self.folder.display());
        if !self.has_begun() {
            info!("{source} holds a store of lakeFS: copying its records to {folder}");
        }
        let mut told = 0;
        let mut tell = |progress: Progress| {
            let due = progress.records / LOG_EVERY;
            if due != told {
                told = due;
                info!(
                    "{} {} of {} records",
                    verb(progress.phase),
                    progress.records,
                    progress.total
                );
            }
        };
        if let Some(imported) = self.complete(kv, runtime, &mut tell).await? {
            let records = imported.records;
            info!(
                "copied and compared {records} records; {source} stays as it is and is not used any more"
            );
        }
        Ok(())
    }

    async fn is_complete(&self, kv: &dyn Store) -> anyhow::Result<bool> {
        let first = kv.partitions(Bytes::new(), 1).await.context("reading our store")?;
        let unfinished = unfinished_import(kv).await.context("reading our store")?;
        Ok(!first.names.is_empty() && unfinished.is_none())
    }

    fn looks(&self) -> anyhow::Result<Looks> {
        let files = files_in(&self.source)
            .with_context(|| format!("{} cannot be read", self.source.display()))?;
        Ok(Looks { directory: self.source.clone(), files })
    }

    fn copied(&self) -> anyhow::Result<Looks> {
        let path = self.folder.join(SOURCE_FILE);
        let text = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Durable before the first record is copied.
    fn note(&self, looks: &Looks) -> anyhow::Result<()> {
        let path = self.folder.join(SOURCE_FILE);
        let written = write_durably(&path, &serde_json::to_vec_pretty(looks)?);
        written.with_context(|| format!("{} cannot be written", path.display()))
    }

    fn changed(&self) -> anyhow::Error {
        let (source, folder) = (self.source.display(), self.folder.display());
        anyhow::anyhow!(
            "{source} has changed since its records were copied to {folder}: lakeFS was started on it, \
             and what it wrote then is not in our store. To go on with what Lakehold has, set \
             database.local.path to {folder}/kv. To go on with what lakeFS has, move {folder} away; it \
             is copied again, and what Lakehold wrote stays in the folder moved away"
        )
    }
}

fn verb(phase: Phase) -> &'static str {
    match phase {
        Phase::Copy => "copied",
        Phase::Verify => "compared",
    }
}

/// Copies a store of lakeFS into an empty one of ours.
pub(crate) async fn import(
    source: &Path,
    kv: &dyn Store,
    runtime: &Runtime,
    report: &mut (dyn FnMut(Progress) + Send),
) -> anyhow::Result<Imported> {
    let imported = import_badger(source, kv, runtime.now(), report).await;
    imported
        .with_context(|| format!("the store of lakeFS in {} was not imported", source.display()))
}

/// Fails where `kv` holds a part of an installation only.
pub(crate) async fn refuse_unfinished(kv: &dyn Store) -> anyhow::Result<()> {
    if let Some(source) = unfinished_import(kv).await.context("reading the key-value store")? {
        bail!(
            "the import of {source} was interrupted, and a part of its records is missing: finish it \
             with `lakehold import-badger {source}` and the same settings"
        );
    }
    Ok(())
}

fn files_in(folder: &Path) -> io::Result<BTreeMap<String, (u64, i64, i64)>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let found = entry.metadata()?;
        if found.is_file() && name != UNIMPORTANT {
            files.insert(name, (found.len(), found.mtime(), found.mtime_nsec()));
        }
    }
    Ok(files)
}

fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("json.new");
    let mut file = File::create(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}
