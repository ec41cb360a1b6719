//! `lakehold config`, and the options of every command that works with settings.

use std::collections::BTreeMap;
use std::io;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap::Subcommand;

use lakehold_server::Configuration;
use lakehold_server::ShowForm;
use lakehold_server::Sources;

/// A flag, the setting it is for, and its value.
pub(crate) type Flag = (&'static str, &'static str, String);

/// Show the settings in effect, and which there are
///
/// Settings come from flags, from the environment, and from one file, in this order: what is named
/// first wins. The file is the one that --config or LAKEHOLD_CONFIG names, else the first there is of
///
///   ./lakehold.yaml
///   ~/.config/lakehold/lakehold.yaml
///   /etc/lakehold/lakehold.yaml
///
/// Every setting has a name in the environment: LAKEHOLD_ and its path in capital letters, with _ for
/// each dot, such as LAKEHOLD_DATABASE_TYPE for database.type. The configuration of an existing
/// installation of lakeFS is understood as it is, as a file and as LAKEFS_ variables.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    Show(ShowArgs),
    /// List all settings, with default and meaning, as Markdown
    Keys,
}

/// Print the settings in effect, and where each comes from
///
/// The text can be used as a file of settings. Secrets are hidden. A setting that cannot be is an
/// error, with the place where it stands, so that this checks a file before a server uses it.
#[derive(Args, Clone, Debug)]
struct ShowArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Where settings are.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArgs {
    /// The file of settings [env: LAKEHOLD_CONFIG]
    ///
    /// Ours, or the config.yaml of an existing installation of lakeFS. `lakehold config --help` says
    /// which is read where none is named.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The directory of what has no place of its own [env: LAKEHOLD_DATA_DIR] [default: ./lakehold-data]
    ///
    /// Without other settings that is everything. Created where there is none. One server at a time can
    /// use it.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
}

impl ConfigArgs {
    /// Reads the settings, with these flags above all.
    pub(crate) fn load(self, flags: Vec<Flag>) -> anyhow::Result<Configuration> {
        let data_dir = self.data_dir.map(|dir| ("--data-dir", "data_dir", dir));
        let flags = flags.into_iter().chain(data_dir).collect();
        Configuration::load(&Sources { config: self.config, flags, environment: environment() })
    }
}

impl ConfigCommand {
    /// Prints what was asked for.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.action {
            Action::Show(args) => args.run(),
            Action::Keys => print(&lakehold_server::guide()),
        }
    }
}

impl ShowArgs {
    fn run(self) -> anyhow::Result<()> {
        let configuration = self.config.load(Vec::new())?;
        let form = if self.json { ShowForm::Json } else { ShowForm::Text };
        print(&configuration.show(form))?;
        // What is shown may still not be enough for a server.
        configuration.settings().map(drop)
    }
}

/// Prints for whoever reads; that nobody does any more is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("writing to standard output"),
    }
}

/// What is no text cannot be a setting.
fn environment() -> BTreeMap<String, String> {
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
