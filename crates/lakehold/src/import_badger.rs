//! `lakehold import-badger`.

use std::path::PathBuf;

use clap::Args;

use lakehold_server::ImportPhase;
use lakehold_server::ImportProgress;
use lakehold_server::Imported;
use lakehold_server::Records;

use crate::config::ConfigArgs;
use crate::config::print;
use crate::progress::Bar;
use crate::progress::run;

/// Copy the records of a single-machine installation of lakeFS into the store that the settings name
///
/// DIR is the folder that lakeFS calls database.local.path; lakeFS must not be running on it. It is
/// read and never changed, so that lakeFS can be started on it again. The store must have no records
/// yet. The copy is compared with what was read before this ends; one that was interrupted is finished
/// by the same command.
///
/// This is not needed where `lakehold serve` is started with the configuration of that installation: the
/// first start does it. It is for moving to another store at the same time.
///
/// Examples:
///
///   lakehold import-badger ~/lakefs/metadata --data-dir /srv/lakehold
///       Into the embedded store of a data directory
///
///   lakehold import-badger ~/lakefs/metadata --config lakehold.yaml
///       Into the PostgreSQL database that lakehold.yaml names
///
/// Objects stay where they are: set blockstore.type and blockstore.local.path as lakeFS had them, and
/// auth.encrypt.secret_key and blockstore.signing.secret_key, too.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ImportBadgerArgs {
    /// The folder of the store of lakeFS
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    #[command(flatten)]
    config: ConfigArgs,
}

impl ImportBadgerArgs {
    /// Imports, and says how much.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let settings = self.config.load(Vec::new())?.settings()?;
        let bar = Bar::new();
        let imported = run(async {
            let records = Records::open_or_make(&settings).await?;
            let imported = records.import_badger(&self.directory, &mut |now| show(&bar, now)).await;
            let closed = records.close().await;
            let imported = imported?;
            closed.map(|()| imported)
        });
        bar.clear();
        print(&summary(imported?.as_ref()))
    }
}

fn show(bar: &Bar, now: ImportProgress) {
    let doing = match now.phase {
        ImportPhase::Copy => "copied",
        ImportPhase::Verify => "compared",
    };
    bar.show(doing, now.records, Some(now.total));
}

fn summary(imported: Option<&Imported>) -> String {
    match imported {
        None => "All records were imported before.\n".to_owned(),
        Some(Imported { records, bytes, checksum, .. }) => format!(
            "Imported {records} records ({bytes} bytes), read back and found equal (checksum {checksum}).\n"
        ),
    }
}
