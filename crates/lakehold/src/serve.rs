//! `lakehold serve`.

use std::io;

use anyhow::Context as _;
use clap::Args;

use crate::config::ConfigArgs;
use crate::config::Flag;

/// Run the server
///
/// Without any option, everything is kept in ./lakehold-data and the server answers on port 8000 of
/// this machine only. The first start makes an administrator and prints its keys, once. SIGTERM and
/// Ctrl-C let requests finish (30 seconds at most) and stop the server.
///
/// Everything else is set in a file (see --config) or in the environment; `lakehold config keys` lists
/// what there is, and `lakehold config show` prints what is in effect. What must not stand in a list of
/// processes has no flag:
///
///   LAKEHOLD_ACCESS_KEY_ID, LAKEHOLD_SECRET_ACCESS_KEY
///       Keys of the administrator whom the first start makes, instead of fresh ones
///
///   LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY, LAKEHOLD_SIGNING_SECRET_KEY
///       Secret keys of the installation, instead of those in DATA_DIR/secrets.json
///
/// Examples:
///
///   lakehold serve
///       Try it
///
///   lakehold serve --config /etc/lakefs/config.yaml
///       Go on with an existing installation of lakeFS, in place
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// The address to listen on, as HOST:PORT [env: LAKEHOLD_LISTEN] [default: 127.0.0.1:8000]
    ///
    /// Use 0.0.0.0 as the host to be reached from other machines, and 0 as the port to take any that
    /// is free. The address is printed once the server listens on it.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Who makes the administrator of a new installation [env: LAKEHOLD_SETUP] [default: auto]
    ///
    /// auto: the server, at its first start. manual: whoever calls the setup operation first.
    #[arg(long, value_name = "MODE", value_parser = ["auto", "manual"])]
    setup: Option<String>,

    /// What is logged to standard error: error, warn, info, debug or trace [env: LAKEHOLD_LOG_LEVEL]
    /// [default: info]
    ///
    /// A filter for single parts of the server is accepted too, such as info,lakehold_engine=debug.
    /// From debug on, there is a line for every request.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,

    /// The form of a log line [env: LAKEHOLD_LOG_FORMAT] [default: text]
    ///
    /// text: for people. json: one JSON object a line.
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"])]
    log_format: Option<String>,
}

impl ServeArgs {
    /// Runs the server until it is told to stop.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let flags = self.flags();
        let settings = self.config.load(flags)?.settings()?;
        use_small_pages();
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("starting the threads of the server")?
            .block_on(lakehold_server::run(settings, &mut io::stdout()))
    }

    fn flags(&self) -> Vec<Flag> {
        let given = [
            ("--listen", "listen_address", &self.listen),
            ("--setup", "setup", &self.setup),
            ("--log-level", "logging.level", &self.log_level),
            ("--log-format", "logging.format", &self.log_format),
        ];
        let given = given.into_iter();
        given.filter_map(|(flag, path, value)| Some((flag, path, value.clone()?))).collect()
    }
}

/// The allocator asks for huge pages, of which an idle server touches little but has them whole: 20 MB
/// more. No measurement showed them to be faster.
fn use_small_pages() {
    // An old kernel that does not know the request costs memory, nothing else.
    let _refused = rustix::thread::disable_transparent_huge_pages(true).is_err();
}
