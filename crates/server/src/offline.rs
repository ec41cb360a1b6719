//! An installation whose server does not run, opened for a command.

use std::io::BufRead;
use std::io::Seek;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use anyhow::bail;

use lakehold_badger::Imported;
use lakehold_badger::Progress as ImportProgress;
use lakehold_clock::Runtime;
use lakehold_doctor::Doctor;
use lakehold_doctor::Options;
use lakehold_doctor::Progress;
use lakehold_doctor::Report;
use lakehold_kv::Store;
use lakehold_kv::dump;
use lakehold_kv::dump::Chosen;
use lakehold_kv::dump::Existing;
use lakehold_kv::dump::Loaded;

use crate::badger;
use crate::control;
use crate::home::Home;
use crate::home::Missing;
use crate::home::RecordsPlace;
use crate::settings::DatabaseSettings;
use crate::settings::Settings;
use crate::stores;
use crate::stores::Stores;

/// Examines the installation that the settings name: through its server if one runs on this machine
/// that alone can open it, else by itself.
///
/// Fails, with an error that says what to do, where there is none, where it cannot be opened or read,
/// and where the server stops.
pub async fn examine(
    settings: &Settings,
    options: Options,
    progress: impl Fn(Progress) + Send + Sync,
) -> anyhow::Result<Report> {
    let runtime = Runtime::real();
    let options = Options { table_folder: settings.trees.prefix.clone(), ..options };
    let own = settings.clone();
    let folder = runtime.blocking(move || Home::control_folder_of(&own)).await;
    if let Some(folder) = folder
        && let Some(report) = control::client::doctor(&folder, &options, &progress).await?
    {
        return Ok(report);
    }
    if matches!(settings.database, DatabaseSettings::Memory) {
        bail!("records are kept in memory (database.type), so nothing is there to be examined");
    }
    // Not made, as a server would: that there is nothing must not look like that nothing is wrong.
    let home = open_home(settings, Missing::Refuse, &runtime).await?;
    let stores = Stores::open(settings, &home, &runtime).await?;
    let doctor = Doctor::new(stores.kv.clone(), stores.blocks_beneath.clone(), &runtime, options);
    let examined = doctor.examine(progress).await;
    let closed = stores.close().await;
    let report = examined.context("the examination could not be finished")?;
    closed.map(|()| report)
}

/// The key-value store that the settings name, for commands that move records.
///
/// What is one server's alone is nobody else's while this value lives.
#[derive(Debug)]
pub struct Records {
    kv: Arc<dyn Store>,
    runtime: Runtime,
    home: Home,
}

impl Records {
    /// Opens a store that is there.
    ///
    /// Fails where there is none, where it holds a part of an installation only, and where a server
    /// uses it.
    pub async fn open_existing(settings: &Settings) -> anyhow::Result<Self> {
        let opened = Self::open(settings, Missing::Refuse).await?;
        badger::refuse_unfinished(&*opened.kv).await?;
        Ok(opened)
    }

    /// Opens the store, and makes it where there is none.
    ///
    /// Fails where a server uses it.
    pub async fn open_or_make(settings: &Settings) -> anyhow::Result<Self> {
        Self::open(settings, Missing::Make).await
    }

    async fn open(settings: &Settings, missing: Missing) -> anyhow::Result<Self> {
        let runtime = Runtime::real();
        let home = open_home(settings, missing, &runtime).await?;
        let kv = stores::open_kv_as_it_is(settings, &home, &runtime).await?;
        Ok(Self { kv, runtime, home })
    }

    /// Writes the chosen records as JSON.
    pub async fn dump(
        &self,
        chosen: &Chosen,
        out: &mut (dyn Write + Send),
        report: dump::OnProgress<'_>,
    ) -> anyhow::Result<dump::Progress> {
        Ok(dump::dump(&*self.kv, chosen, self.runtime.now(), out, report).await?)
    }

    /// Writes the chosen records of a dump into the store.
    pub async fn load(
        &self,
        input: impl BufRead + Seek + Send,
        chosen: &Chosen,
        existing: Existing,
        report: dump::OnProgress<'_>,
    ) -> anyhow::Result<Loaded> {
        Ok(dump::load(&*self.kv, input, chosen, existing, report).await?)
    }

    /// Copies the store of lakeFS in `source`. `None` where that was done before, by a start with
    /// the same settings.
    ///
    /// Fails where the store has other records, and where the source cannot be read or is in use.
    pub async fn import_badger(
        &self,
        source: &Path,
        report: &mut (dyn FnMut(ImportProgress) + Send),
    ) -> anyhow::Result<Option<Imported>> {
        match self.home.place() {
            Some(RecordsPlace::Beside(takeover)) if takeover.is_of(source) => {
                takeover.complete(&*self.kv, &self.runtime, report).await
            }
            _ => badger::import(source, &*self.kv, &self.runtime, report).await.map(Some),
        }
    }

    /// Closes the store. To be called whatever happened before.
    pub async fn close(&self) -> anyhow::Result<()> {
        self.kv.close().await.context("closing the key-value store")
    }
}

async fn open_home(
    settings: &Settings,
    missing: Missing,
    runtime: &Runtime,
) -> anyhow::Result<Home> {
    let own = settings.clone();
    runtime.blocking(move || Home::open(&own, missing)).await
}
