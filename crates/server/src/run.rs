//! The life of a server, from settings to a clean stop.

use std::io;

use lakehold_clock::Runtime;
use tracing::info;

use crate::Settings;
use crate::bootstrap;
use crate::data_dir::DataDir;
use crate::dispatch::FrontDoor;
use crate::listen::Listener;
use crate::secrets::Secrets;
use crate::telemetry;
use crate::wiring::Stack;

/// Runs a server until SIGTERM or SIGINT. What people should read goes to `out`, logs go to standard
/// error. To be called once in a process.
///
/// Fails, with an error that says what to do, where the data directory, its content or the address
/// cannot be used.
pub async fn run(settings: Settings, out: &mut (dyn io::Write + Send)) -> anyhow::Result<()> {
    let metrics = telemetry::start(&settings.log)?;
    let runtime = Runtime::real();
    metrics.keep_up(&runtime);
    let (data_dir, secrets) = open_data_dir(&settings, &runtime).await?;
    // Before anything else is opened: a port that is in use is the commonest mistake.
    let listener = Listener::bind(&settings).await?;
    let stack = Stack::open(&data_dir, secrets, &runtime).await?;
    let served =
        start_and_serve(&settings, &data_dir, listener, &stack, metrics, &runtime, out).await;
    let closed = stack.close().await;
    info!("stopped");
    served.and(closed)
}

async fn open_data_dir(
    settings: &Settings,
    runtime: &Runtime,
) -> anyhow::Result<(DataDir, Secrets)> {
    let (path, given, own) = (settings.data_dir.clone(), settings.secrets.clone(), runtime.clone());
    runtime
        .blocking(move || {
            let data_dir = DataDir::open(&path)?;
            let secrets = Secrets::load(&data_dir, &given, &own)?;
            Ok((data_dir, secrets))
        })
        .await
}

async fn start_and_serve(
    settings: &Settings,
    data_dir: &DataDir,
    listener: Listener,
    stack: &Stack,
    metrics: telemetry::Rendered,
    runtime: &Runtime,
    out: &mut (dyn io::Write + Send),
) -> anyhow::Result<()> {
    let welcome = bootstrap::prepare(settings, &stack.auth).await?;
    let front_door = FrontDoor::new(stack, metrics, runtime).await?;
    welcome.print(out, listener.address(), data_dir.path())?;
    listener.serve(front_door, runtime).await
}
