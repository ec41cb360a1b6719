//! `lakehold serve`.

use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap::ValueEnum;

use lakehold_server::LogFormat;
use lakehold_server::LogSettings;
use lakehold_server::Settings;
use lakehold_server::SetupMode;

/// Run the server
///
/// Without any option, everything is kept in ./lakehold-data and the server answers on port 8000 of
/// this machine only. The first start makes an administrator and prints its keys, once. SIGTERM and
/// Ctrl-C let requests finish (30 seconds at most) and stop the server.
///
/// What must not stand in a list of processes is read from the environment:
///
///   LAKEHOLD_ACCESS_KEY_ID, LAKEHOLD_SECRET_ACCESS_KEY
///       Keys of the administrator whom the first start makes, instead of fresh ones
///
///   LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY, LAKEHOLD_SIGNING_SECRET_KEY
///       Secret keys of the installation, instead of those in DATA_DIR/secrets.json
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ServeArgs {
    /// The directory that holds all data
    ///
    /// Created where there is none. One server at a time can use it.
    #[arg(long, value_name = "DIR", env = "LAKEHOLD_DATA_DIR", default_value = "./lakehold-data")]
    data_dir: PathBuf,

    /// The address to listen on, as HOST:PORT
    ///
    /// Use 0.0.0.0 as the host to be reached from other machines, and 0 as the port to take any that
    /// is free. The address is printed once the server listens on it.
    #[arg(long, value_name = "ADDRESS", env = "LAKEHOLD_LISTEN", default_value = "127.0.0.1:8000")]
    listen: String,

    /// Who makes the administrator of a new installation
    #[arg(long, value_name = "MODE", env = "LAKEHOLD_SETUP", default_value = "auto")]
    setup: Setup,

    /// What is logged to standard error: error, warn, info, debug or trace
    ///
    /// A filter for single parts of the server is accepted too, such as info,lakehold_engine=debug.
    /// From debug on, there is a line for every request.
    #[arg(long, value_name = "LEVEL", env = "LAKEHOLD_LOG_LEVEL", default_value = "info")]
    log_level: String,

    /// The form of a log line
    #[arg(long, value_name = "FORMAT", env = "LAKEHOLD_LOG_FORMAT", default_value = "text")]
    log_format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Setup {
    /// The server, at its first start
    Auto,
    /// Whoever calls the setup operation first
    Manual,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl ServeArgs {
    /// Runs the server until it is told to stop.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let settings = self.settings()?;
        use_small_pages();
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("starting the threads of the server")?
            .block_on(lakehold_server::run(settings, &mut io::stdout()))
    }

    fn settings(self) -> anyhow::Result<Settings> {
        let settings = Settings {
            data_dir: self.data_dir,
            listen: self.listen,
            setup: match self.setup {
                Setup::Auto => SetupMode::Auto,
                Setup::Manual => SetupMode::Manual,
            },
            log: LogSettings {
                level: self.log_level,
                format: match self.log_format {
                    Format::Text => LogFormat::Text,
                    Format::Json => LogFormat::Json,
                },
            },
            ..Settings::default()
        };
        settings.with_environment(environment)
    }
}

/// The allocator asks for huge pages, of which an idle server touches little but has them whole: 20 MB
/// more. No measurement showed them to be faster.
fn use_small_pages() {
    // An old kernel that does not know the request costs memory, nothing else.
    let _refused = rustix::thread::disable_transparent_huge_pages(true).is_err();
}

#[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
