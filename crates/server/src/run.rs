//! The life of a server, from settings to a clean stop.

use std::io;

use lakehold_clock::Runtime;
use tracing::info;
use tracing::warn;

use crate::bootstrap;
use crate::bootstrap::Surroundings;
use crate::control::Control;
use crate::dispatch::FrontDoor;
use crate::home::Home;
use crate::home::Missing;
use crate::listen::Listener;
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::telemetry;
use crate::wiring::Stack;

/// Runs a server until SIGTERM or SIGINT. What people should read goes to `out`, logs go to standard
/// error. To be called once in a process.
///
/// Fails, with an error that says what to do, where the data directory, its content or the address
/// cannot be used.
pub async fn run(settings: Settings, out: &mut (dyn io::Write + Send)) -> anyhow::Result<()> {
    let metrics = telemetry::start(&settings.log)?;
    settings.notes.iter().for_each(|note| warn!("{note}"));
    let runtime = Runtime::real();
    metrics.keep_up(&runtime);
    let (home, secrets) = open_home(&settings, &runtime).await?;
    // Before anything else is opened: a port that is in use is the commonest mistake.
    let listener = Listener::bind(&settings).await?;
    let stack = Stack::open(&settings, &home, secrets, &runtime).await?;
    let served = start_and_serve(&settings, &home, listener, &stack, metrics, &runtime, out).await;
    let closed = stack.close().await;
    info!("stopped");
    served.and(closed)
}

async fn open_home(settings: &Settings, runtime: &Runtime) -> anyhow::Result<(Home, Secrets)> {
    let (settings, own) = (settings.clone(), runtime.clone());
    runtime
        .blocking(move || {
            let home = Home::open(&settings, Missing::Make)?;
            let secrets = Secrets::load(home.data_dir(), &settings.secrets, &own)?;
            Ok((home, secrets))
        })
        .await
}

async fn start_and_serve(
    settings: &Settings,
    home: &Home,
    listener: Listener,
    stack: &Stack,
    metrics: telemetry::Rendered,
    runtime: &Runtime,
    out: &mut (dyn io::Write + Send),
) -> anyhow::Result<()> {
    let welcome = bootstrap::prepare(settings, &stack.auth).await?;
    let front_door = FrontDoor::new(stack, metrics, runtime).await?;
    // Closed before the stores are.
    let folder = home.control_folder(settings);
    let _control = folder.and_then(|folder| Control::open(&folder, stack, settings, runtime));
    let namespace = stack.stores.blocks.description().namespace_example;
    let around = Surroundings { places: home.describe(settings), namespace };
    welcome.print(out, listener.address(), &around)?;
    listener.serve(front_door, runtime).await
}
