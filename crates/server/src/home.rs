//! The folders on this machine that one process at a time may use, locked.
//!
//! There need be none: with records in PostgreSQL and objects in S3, several servers run beside each
//! other. The folder of objects has a lock of its own (in its journal), and the cache of a remote store
//! needs none.

use std::path::Path;
use std::path::PathBuf;

use anyhow::bail;

use crate::badger;
use crate::data_dir::DataDir;
use crate::settings::BlocksSettings;
use crate::settings::DatabaseSettings;
use crate::settings::LocalBlocksSettings;
use crate::settings::S3BlocksSettings;
use crate::settings::Settings;

const FLAG: &str = "--data-dir";
const DATABASE_PATH: &str = "database.local.path";
const JOURNAL_ENDING: &str = "-journal";

/// The locked folders.
#[derive(Debug)]
pub(crate) struct Home {
    data_dir: Option<DataDir>,
    place: Option<RecordsPlace>,
    /// The folder of the embedded store, where it is not in the data directory.
    records: Option<DataDir>,
}

/// What becomes of a folder that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is made: a server starts for the first time.
    Make,
    /// That is an error: a command is about an installation that should be there.
    Refuse,
}

/// Where the embedded store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordsPlace {
    /// `kv` in the data directory.
    InDataDir,
    /// A folder of its own.
    Folder(PathBuf),
    /// Beside a store of lakeFS, whose records are copied there.
    Beside(badger::Takeover),
}

impl RecordsPlace {
    /// Where the settings want it. `None` where there is no embedded store. Blocks on the disk.
    pub(crate) fn of(settings: &Settings) -> Option<Self> {
        match &settings.database {
            DatabaseSettings::Local { path: None } => Some(Self::InDataDir),
            DatabaseSettings::Local { path: Some(path) } => {
                Some(match badger::Takeover::of(path) {
                    Some(takeover) => Self::Beside(takeover),
                    None => Self::Folder(path.clone()),
                })
            }
            DatabaseSettings::Postgres(_) | DatabaseSettings::Memory => None,
        }
    }

    /// The folder that is locked for it, unless that is the data directory.
    fn own_folder(&self) -> Option<&Path> {
        match self {
            Self::InDataDir => None,
            Self::Folder(path) => Some(path),
            Self::Beside(takeover) => Some(takeover.folder()),
        }
    }
}

impl Home {
    /// Locks what the settings need. Blocks on the disk.
    ///
    /// Fails where a folder cannot be used, and where another process uses it.
    pub(crate) fn open(settings: &Settings, missing: Missing) -> anyhow::Result<Self> {
        let place = RecordsPlace::of(settings);
        if missing == Missing::Refuse {
            refuse_missing(settings, place.as_ref())?;
        }
        let data_dir = settings.needs_data_dir();
        let data_dir = data_dir.then(|| DataDir::open(&settings.data_dir, FLAG)).transpose()?;
        let own = place.as_ref().and_then(RecordsPlace::own_folder);
        let records = own.map(|path| DataDir::open(path, DATABASE_PATH)).transpose()?;
        Ok(Self { data_dir, place, records })
    }

    /// The data directory, if anything lies in it.
    pub(crate) fn data_dir(&self) -> Option<&DataDir> {
        self.data_dir.as_ref()
    }

    /// Where commands on the same machine reach the server that holds these folders.
    pub(crate) fn control_folder(&self, settings: &Settings) -> Option<PathBuf> {
        let own = self.records.as_ref().or(self.data_dir.as_ref()).map(DataDir::path);
        own.map(Path::to_owned).or_else(|| journal_of(settings))
    }

    /// The same, of a server that may be running. Blocks on the disk.
    pub(crate) fn control_folder_of(settings: &Settings) -> Option<PathBuf> {
        let place = RecordsPlace::of(settings);
        let own = place.as_ref().and_then(RecordsPlace::own_folder).map(Path::to_owned);
        let data_dir = || settings.needs_data_dir().then(|| settings.data_dir.clone());
        own.or_else(data_dir).or_else(|| journal_of(settings))
    }

    /// Where the embedded store is; `None` where there is none.
    pub(crate) fn place(&self) -> Option<&RecordsPlace> {
        self.place.as_ref()
    }

    /// The folder in which the embedded store keeps its files.
    pub(crate) fn records(&self) -> Option<PathBuf> {
        let own = self.records.as_ref().map(DataDir::path);
        match self.place.as_ref()? {
            RecordsPlace::InDataDir => self.data_dir.as_ref().map(DataDir::kv),
            RecordsPlace::Folder(_) => own.map(Path::to_owned),
            RecordsPlace::Beside(_) => own.map(|folder| folder.join("kv")),
        }
    }

    /// Where objects lie, and their journal.
    pub(crate) fn objects(
        &self,
        settings: &LocalBlocksSettings,
    ) -> anyhow::Result<(PathBuf, PathBuf)> {
        let root = match (&settings.path, &self.data_dir) {
            (Some(path), _) => path.clone(),
            (None, Some(data_dir)) => data_dir.path().join("block"),
            (None, None) => bail!("there is no folder for objects"),
        };
        let journal = settings.journal_path.clone().or_else(|| beside(&root, JOURNAL_ENDING));
        match journal {
            Some(journal) => Ok((root, journal)),
            None => {
                bail!("{} cannot be a folder of objects: set blockstore.local.path", root.display())
            }
        }
    }

    /// Where the cache of a remote store lies; `None` where there is to be none.
    pub(crate) fn cache(&self, settings: &S3BlocksSettings) -> Option<PathBuf> {
        let own = settings.cache_dir.as_ref().map(|dir| dir.join("lakehold"));
        let folder = own.or_else(|| Some(self.data_dir.as_ref()?.path().join("cache")));
        folder.filter(|_| settings.cache_bytes > 0)
    }

    /// Where everything is, for people: whole lines.
    pub(crate) fn describe(&self, settings: &Settings) -> String {
        let (records, objects) = (self.describe_records(settings), self.describe_objects(settings));
        let data_dir = self.data_dir.as_ref().map(|dir| dir.path().display().to_string());
        let data_dir = data_dir.unwrap_or_default();
        if records.is_none() && objects.is_none() {
            return format!("  data      {data_dir}\n");
        }
        let or_here = |place: Option<String>| place.unwrap_or_else(|| data_dir.clone());
        format!("  records   {}\n  objects   {}\n", or_here(records), or_here(objects))
    }

    /// `None` where they are in the data directory.
    fn describe_records(&self, settings: &Settings) -> Option<String> {
        match &settings.database {
            DatabaseSettings::Postgres(_) => Some("in PostgreSQL".to_owned()),
            DatabaseSettings::Memory => Some("in memory, until the server stops".to_owned()),
            DatabaseSettings::Local { .. } => {
                self.records.as_ref().map(|own| own.path().display().to_string())
            }
        }
    }

    /// `None` where they are in the data directory.
    fn describe_objects(&self, settings: &Settings) -> Option<String> {
        match &settings.blocks {
            BlocksSettings::Local(local) => {
                local.path.as_ref().map(|path| path.display().to_string())
            }
            BlocksSettings::S3(s3) => {
                let endpoint = s3.s3.endpoint.as_ref().map(|url| format!(" at {url}"));
                Some("in S3".to_owned() + &endpoint.unwrap_or_default())
            }
            BlocksSettings::Memory => Some("in memory, until the server stops".to_owned()),
        }
    }
}

/// The folder of the journal of objects that have a place of their own. It is locked while they are
/// in use.
fn journal_of(settings: &Settings) -> Option<PathBuf> {
    let BlocksSettings::Local(local) = &settings.blocks else { return None };
    let beside = || beside(local.path.as_ref()?, JOURNAL_ENDING);
    local.journal_path.clone().or_else(beside)
}

/// A folder with a longer name.
pub(crate) fn beside(path: &Path, ending: &str) -> Option<PathBuf> {
    let mut name = path.file_name()?.to_owned();
    name.push(ending);
    Some(path.with_file_name(name))
}

fn refuse_missing(settings: &Settings, place: Option<&RecordsPlace>) -> anyhow::Result<()> {
    match place {
        Some(RecordsPlace::InDataDir) if !settings.data_dir.join("kv").is_dir() => bail!(
            "there is no installation in {}: name its directory with --data-dir",
            settings.data_dir.display()
        ),
        Some(RecordsPlace::Folder(path)) if !path.is_dir() => {
            bail!("there is no key-value store in {}: see {DATABASE_PATH}", path.display())
        }
        Some(RecordsPlace::Beside(takeover)) if !takeover.has_begun() => bail!(
            "{} holds a store of lakeFS that was not imported yet: start `lakehold serve` with these \
             settings",
            takeover.source().display()
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::settings::Configuration;
    use crate::settings::Sources;

    use super::*;

    fn settings(variables: &[(&str, String)]) -> Settings {
        let variables =
            variables.iter().map(|(name, value)| (format!("LAKEHOLD_{name}"), value.clone()));
        let environment = variables.collect();
        let sources = Sources { environment, ..Sources::default() };
        Configuration::load(&sources).and_then(|loaded| loaded.settings()).expect("valid")
    }

    /// Settings of a shared installation, with further ones.
    fn shared(further: &[(&str, String)]) -> Settings {
        let secrets = [("AUTH_ENCRYPT_SECRET_KEY", "a"), ("SIGNING_SECRET_KEY", "s")];
        let database = [
            ("DATABASE_TYPE", "postgres"),
            ("DATABASE_POSTGRES_CONNECTION_STRING", "postgres://localhost/db"),
        ];
        let fixed = secrets.into_iter().chain(database);
        let mut all: Vec<_> = fixed.map(|(name, value)| (name, value.to_owned())).collect();
        all.extend_from_slice(further);
        settings(&all)
    }

    fn text(path: &Path) -> String {
        path.display().to_string()
    }

    #[test]
    fn without_other_places_everything_is_in_the_data_directory() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let root = temp.path().canonicalize().expect("there");
        let settings = settings(&[("DATA_DIR", text(&root))]);
        let home = Home::open(&settings, Missing::Make).expect("opened");
        assert_eq!(home.records(), Some(root.join("kv")));
        let BlocksSettings::Local(local) = &settings.blocks else { panic!("local") };
        let (objects, journal) = home.objects(local).expect("places");
        assert_eq!((objects, journal), (root.join("block"), root.join("block-journal")));
        assert_eq!(home.control_folder(&settings), Some(root.clone()));
        assert_eq!(Home::control_folder_of(&settings), Some(root.clone()));
        assert_eq!(home.describe(&settings), format!("  data      {}\n", root.display()));
        assert!(Home::open(&settings, Missing::Make).is_err(), "locked");
    }

    #[test]
    fn with_remote_stores_nothing_is_locked_but_the_place_of_the_cache() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let cache = temp.path().join("cache");
        let remote = shared(&[
            ("BLOCKSTORE_TYPE", "s3".to_owned()),
            ("COMMITTED_LOCAL_CACHE_DIR", text(&cache)),
        ]);
        let homes = [(); 2].map(|()| Home::open(&remote, Missing::Refuse).expect("opened"));
        assert!(homes.iter().all(|home| home.data_dir().is_none() && home.records().is_none()));
        let BlocksSettings::S3(s3) = &remote.blocks else { panic!("s3") };
        assert_eq!(homes[0].cache(s3), Some(cache.join("lakehold")));
        assert_eq!(homes[0].control_folder(&remote), None);
        assert_eq!(homes[0].describe(&remote), "  records   in PostgreSQL\n  objects   in S3\n");

        let data_dir = temp.path().join("data");
        let cached = shared(&[("BLOCKSTORE_TYPE", "s3".to_owned()), ("DATA_DIR", text(&data_dir))]);
        let home = Home::open(&cached, Missing::Make).expect("opened");
        let BlocksSettings::S3(s3) = &cached.blocks else { panic!("s3") };
        let there = data_dir.canonicalize().expect("made");
        assert_eq!(home.cache(s3), Some(there.join("cache")));
        let uncached = shared(&[
            ("BLOCKSTORE_TYPE", "s3".to_owned()),
            ("COMMITTED_LOCAL_CACHE_SIZE_BYTES", "0".to_owned()),
        ]);
        let BlocksSettings::S3(s3) = &uncached.blocks else { panic!("s3") };
        let home = Home::open(&uncached, Missing::Make).expect("opened");
        assert!(home.data_dir().is_none() && home.cache(s3).is_none());
    }

    #[test]
    fn objects_of_a_shared_installation_have_the_way_in_beside_them() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let block = temp.path().join("block");
        let settings = shared(&[("BLOCKSTORE_LOCAL_PATH", text(&block))]);
        let home = Home::open(&settings, Missing::Make).expect("opened");
        let journal = temp.path().join("block-journal");
        assert_eq!(home.control_folder(&settings), Some(journal.clone()));
        assert_eq!(Home::control_folder_of(&settings), Some(journal));
    }

    #[test]
    fn an_embedded_store_with_a_place_of_its_own_is_locked_there() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let root = temp.path().canonicalize().expect("there");
        let (records, block) = (root.join("records"), root.join("block"));
        let variables = [
            ("DATABASE_LOCAL_PATH", text(&records)),
            ("BLOCKSTORE_LOCAL_PATH", text(&block)),
            ("AUTH_ENCRYPT_SECRET_KEY", "a".to_owned()),
            ("SIGNING_SECRET_KEY", "s".to_owned()),
        ];
        let own = settings(&variables);
        let missing = Home::open(&own, Missing::Refuse).expect_err("missing").to_string();
        assert!(missing.contains("database.local.path"), "{missing}");
        let home = Home::open(&own, Missing::Make).expect("opened");
        assert!(home.data_dir().is_none());
        assert_eq!(home.records(), Some(records.clone()));
        assert_eq!(home.control_folder(&own), Some(records.clone()));
        let held = Home::open(&own, Missing::Make).expect_err("locked").to_string();
        assert!(held.contains("choose another directory with database.local.path"), "{held}");
    }

    #[test]
    fn a_store_of_lakefs_gets_ours_beside_it() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let root = temp.path().canonicalize().expect("there");
        let metadata = root.join("metadata");
        fs::create_dir(&metadata).expect("made");
        for file in ["MANIFEST", "KEYREGISTRY"] {
            fs::write(metadata.join(file), "").expect("written");
        }
        let settings = settings(&[
            ("DATABASE_LOCAL_PATH", text(&metadata)),
            ("DATA_DIR", text(&root.join("data"))),
        ]);
        let missing = Home::open(&settings, Missing::Refuse).expect_err("missing").to_string();
        assert!(missing.contains("was not imported yet"), "{missing}");
        let home = Home::open(&settings, Missing::Make).expect("opened");
        assert_eq!(home.records(), Some(root.join("metadata.lakehold/kv")));
        assert!(
            matches!(home.place(), Some(RecordsPlace::Beside(takeover)) if takeover.source() == metadata)
        );
    }
}
