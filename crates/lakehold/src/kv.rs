//! `lakehold kv`.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use lakehold_server::Chosen;
use lakehold_server::DumpProgress;
use lakehold_server::Existing;
use lakehold_server::Records;
use lakehold_server::Section;
use lakehold_server::Settings;

use crate::config::ConfigArgs;
use crate::config::print;
use crate::progress::Bar;
use crate::progress::run;

/// Move records between key-value stores
///
/// Records are repositories, branches, commits, users: everything but objects and committed trees. They
/// are moved as JSON, in the form of `lakefs kv dump` and `lakefs kv load`.
///
/// Example: from the embedded store of one machine to PostgreSQL, with no server running:
///
///   lakehold kv dump --data-dir /srv/lakehold --output records.json
///   lakehold kv load --config lakehold.yaml records.json
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct KvCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    Dump(DumpArgs),
    Load(LoadArgs),
}

/// Write the records of the store that the settings name
///
/// The embedded store is read while no server uses it. One on PostgreSQL can be read at any time, but
/// what is written meanwhile may be in it in part: stop the servers for an exact copy.
#[derive(Args, Clone, Debug)]
struct DumpArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// The file to write, instead of standard output
    ///
    /// It is replaced once the dump is whole.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    chosen: ChosenArgs,
}

/// Load records into the store that the settings name
///
/// The dump is read twice: nothing is written unless all of it can be. No server may use the store
/// meanwhile.
#[derive(Args, Clone, Debug)]
struct LoadArgs {
    /// The dump
    #[arg(value_name = "FILE")]
    input: PathBuf,

    #[command(flatten)]
    config: ConfigArgs,

    /// What becomes of records that are there already with another value
    #[arg(long, value_name = "STRATEGY", default_value = "refuse")]
    strategy: Strategy,

    #[command(flatten)]
    chosen: ChosenArgs,
}

#[derive(Args, Clone, Debug)]
struct ChosenArgs {
    /// Only these records, with commas between them; without it all
    ///
    /// auth: users and what is known of the installation. pulls: the index of pull requests. kv: the
    /// version of the stored form.
    #[arg(long, value_name = "SECTIONS", value_delimiter = ',', value_parser = section)]
    sections: Vec<Section>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Strategy {
    /// Nothing is loaded if there is one
    Refuse,
    /// They stay as they are
    Skip,
    /// They take the value that they have in the dump
    Overwrite,
}

fn section(name: &str) -> Result<Section, String> {
    let names = Section::ALL.map(Section::as_str).join(", ");
    Section::parse(name).ok_or_else(|| format!("expected one of {names}"))
}

impl KvCommand {
    /// Moves records.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.action {
            Action::Dump(args) => args.run(),
            Action::Load(args) => args.run(),
        }
    }
}

impl ChosenArgs {
    fn chosen(&self) -> Chosen {
        if self.sections.is_empty() { Chosen::All } else { Chosen::sections(&self.sections) }
    }
}

impl DumpArgs {
    fn run(self) -> anyhow::Result<()> {
        let settings = self.config.load(Vec::new())?.settings()?;
        let chosen = self.chosen.chosen();
        let dumped = match &self.output {
            None => dump(&settings, &chosen, &mut BufWriter::new(io::stdout())),
            Some(path) => dump_to_file(&settings, &chosen, path),
        };
        eprintln!("{} records written", dumped?.records);
        Ok(())
    }
}

fn dump(
    settings: &Settings,
    chosen: &Chosen,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<DumpProgress> {
    let bar = Bar::new();
    let dumped = run(async {
        let records = Records::open_existing(settings).await?;
        let tell = &mut |now: DumpProgress| bar.show("written", now.records, now.total);
        let dumped = records.dump(chosen, out, tell).await;
        let closed = records.close().await;
        let dumped = dumped?;
        closed.map(|()| dumped)
    });
    bar.clear();
    dumped
}

/// Whole and durable, or not at all.
fn dump_to_file(settings: &Settings, chosen: &Chosen, path: &Path) -> anyhow::Result<DumpProgress> {
    let cannot = || format!("{} cannot be written", path.display());
    let Some(name) = path.file_name() else { bail!(cannot()) };
    let mut unfinished = name.to_owned();
    unfinished.push("-unfinished");
    let unfinished = path.with_file_name(unfinished);
    let file = File::create(&unfinished).with_context(cannot)?;
    let mut out = BufWriter::new(file);
    let dumped = dump(settings, chosen, &mut out).and_then(|dumped| {
        let file = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(cannot)?;
        file.sync_all().with_context(cannot)?;
        std::fs::rename(&unfinished, path).with_context(cannot)?;
        Ok(dumped)
    });
    if dumped.is_err() {
        // What cannot be removed is in nobody's way.
        drop(std::fs::remove_file(&unfinished));
    }
    dumped
}

impl LoadArgs {
    fn run(self) -> anyhow::Result<()> {
        let settings = self.config.load(Vec::new())?.settings()?;
        let path = self.input.display().to_string();
        let input = File::open(&self.input).with_context(|| format!("{path} cannot be read"))?;
        let chosen = self.chosen.chosen();
        let existing = match self.strategy {
            Strategy::Refuse => Existing::Refuse,
            Strategy::Skip => Existing::Keep,
            Strategy::Overwrite => Existing::Replace,
        };
        let bar = Bar::new();
        let loaded = run(async {
            let records = Records::open_or_make(&settings).await?;
            let tell = &mut |now: DumpProgress| bar.show("loaded", now.records, now.total);
            let loaded = records.load(BufReader::new(input), &chosen, existing, tell).await;
            let closed = records.close().await;
            let loaded = loaded.with_context(|| format!("{path} was not loaded"))?;
            closed.map(|()| loaded)
        });
        bar.clear();
        let loaded = loaded?;
        print(&format!(
            "{} records loaded, {} were there already, {} not chosen\n",
            loaded.written, loaded.kept, loaded.left_out
        ))
    }
}
