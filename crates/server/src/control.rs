//! The way in for commands on the same machine, while the server runs.
//!
//! The embedded key-value store is one process's. A command that needs it asks that process, through a
//! socket in the data directory that only its owner can open:
//!
//! ```text
//! lakehold doctor ── {"command":"doctor","deep":true} ──► control.sock ── server
//!                 ◄── {"progress":{...}} ...
//!                 ◄── {"report":{...}}   or   {"error":"..."}
//! ```
//!
//! Each is one line of JSON. Who hangs up stops what was asked for. The socket is there while the
//! server accepts requests; one that a killed server left behind is replaced, which is safe because the
//! data directory is locked.

pub(crate) mod client;
mod protocol;
mod socket;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::UnixListener;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tracing::debug;
use tracing::info;
use tracing::warn;

use lakehold_clock::Runtime;
use lakehold_doctor::Doctor;

use crate::control::protocol::Answer;
use crate::control::protocol::Request;
use crate::settings::Settings;
use crate::wiring::Stack;

/// Name of the socket in the data directory.
const SOCKET: &str = "control.sock";

/// A request is one line, and never as long as this.
const LONGEST_REQUEST: u64 = 64 << 10;

/// How long a client may take to say what it wants, and to take in an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often progress is told.
const PACE: Duration = Duration::from_millis(100);

/// When no connection can be accepted (too many open files), trying again at once is no use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many clients are listened to at a time.
const CLIENTS: usize = 8;

/// The open way in. Closed when dropped, with all that goes on.
#[derive(Debug)]
pub(crate) struct Control {
    socket: PathBuf,
    /// Dropping it tells all tasks to stop.
    _open: watch::Sender<()>,
}

/// What the tasks share.
#[derive(Clone)]
struct Desk {
    doctor: DoctorParts,
    runtime: Runtime,
    clients: Arc<Semaphore>,
    /// One examination at a time: it reads as fast as the disk goes.
    examinations: Arc<Semaphore>,
    /// Closed when the server stops.
    open: watch::Receiver<()>,
}

/// What a doctor examines.
#[derive(Clone)]
struct DoctorParts {
    kv: Arc<dyn lakehold_kv::Store>,
    blocks: Arc<dyn lakehold_block::BlockStore>,
    /// Folder of tables below a namespace.
    table_folder: String,
}

impl Control {
    /// Opens the socket and answers whoever comes. Where it cannot be opened the server goes on without
    /// it, and the log says why.
    pub(crate) fn open(
        folder: &Path,
        stack: &Stack,
        settings: &Settings,
        runtime: &Runtime,
    ) -> Option<Self> {
        let listener = match socket::bind(folder, SOCKET) {
            Ok(listener) => listener,
            Err(error) => {
                let path = folder.display();
                warn!(%error, "lakehold doctor cannot ask this server: no socket in {path}: {error}");
                return None;
            }
        };
        let (sender, receiver) = watch::channel(());
        let doctor = DoctorParts {
            kv: stack.stores.kv.clone(),
            blocks: stack.stores.blocks_beneath.clone(),
            table_folder: settings.trees.prefix.clone(),
        };
        let desk = Desk {
            doctor,
            runtime: runtime.clone(),
            clients: Arc::new(Semaphore::new(CLIENTS)),
            examinations: Arc::new(Semaphore::new(1)),
            open: receiver,
        };
        runtime.spawn("control", desk.attend_all(listener));
        Some(Self { socket: folder.join(SOCKET), _open: sender })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.socket) {
            debug!(%error, "the control socket stays: {error}");
        }
    }
}

impl Desk {
    async fn attend_all(mut self, listener: UnixListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.open.changed() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    self.runtime.spawn("control-client", self.clone().attend(stream));
                }
                Err(error) => {
                    warn!(%error, "a command could not be accepted: {error}");
                    self.runtime.sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves one client.
    async fn attend(self, stream: UnixStream) {
        let Ok(_permit) = self.clients.clone().try_acquire_owned() else { return };
        let (reader, writer) = stream.into_split();
        let mut line = Line { writer, runtime: self.runtime.clone() };
        let mut open = self.open.clone();
        let served = tokio::select! {
            served = self.serve(reader, &mut line) => served,
            _ = open.changed() => Err(anyhow::anyhow!("the server is stopping")),
        };
        if let Err(error) = served {
            // Who has gone away is told nothing.
            let told = line.say(&Answer::Error(format!("{error:#}"))).await;
            debug!("a command ended early: {error:#} {told:?}");
        }
    }

    async fn serve(&self, reader: OwnedReadHalf, line: &mut Line) -> anyhow::Result<()> {
        let mut reader = BufReader::new(reader);
        let request = self.runtime.timeout(PATIENCE, read_request(&mut reader)).await;
        match request.context("no request came")?? {
            Request::Doctor(options) => {
                let permit = self.examinations.clone().try_acquire_owned();
                let _permit = permit.context("another examination is under way; wait for it")?;
                info!("an examination begins");
                self.examine(options.into(), reader, line).await
            }
        }
    }

    async fn examine(
        &self,
        options: lakehold_doctor::Options,
        reader: BufReader<OwnedReadHalf>,
        line: &mut Line,
    ) -> anyhow::Result<()> {
        let DoctorParts { kv, blocks, table_folder } = self.doctor.clone();
        let options = lakehold_doctor::Options { table_folder, ..options };
        let doctor = Doctor::new(kv, blocks, &self.runtime, options);
        // Only the last progress counts, so a slow client slows nothing down.
        let (tell, mut told) = watch::channel(None);
        let mut examined = Box::pin(doctor.examine(move |progress| {
            tell.send_replace(Some(progress));
        }));
        let mut gone = Box::pin(hang_up(reader));
        loop {
            tokio::select! {
                report = &mut examined => {
                    let report = report?;
                    info!("an examination ended: {}", report.summary());
                    return line.say(&Answer::Report(Box::new(report))).await;
                }
                () = &mut gone => anyhow::bail!("the client went away"),
                () = self.runtime.sleep(PACE) => {
                    let news = told.has_changed().unwrap_or(false);
                    let progress = told.borrow_and_update().clone().filter(|_| news);
                    if let Some(progress) = progress {
                        line.say(&Answer::Progress(progress)).await?;
                    }
                }
            }
        }
    }
}

async fn read_request(reader: &mut BufReader<OwnedReadHalf>) -> anyhow::Result<Request> {
    let mut text = String::new();
    reader.take(LONGEST_REQUEST).read_line(&mut text).await.context("reading the request")?;
    serde_json::from_str(&text).context("no request that this server knows")
}

/// Completes when the other side closes the connection.
async fn hang_up(mut reader: BufReader<OwnedReadHalf>) {
    let mut unwanted = [0; 64];
    // What comes after the request is ignored; an error is an end as well.
    while reader.read(&mut unwanted).await.is_ok_and(|length| length > 0) {}
}

/// The way to one client.
struct Line {
    writer: OwnedWriteHalf,
    runtime: Runtime,
}

impl Line {
    async fn say(&mut self, answer: &Answer) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec(answer).context("writing an answer")?;
        text.push(b'\n');
        let written = self.runtime.timeout(PATIENCE, self.writer.write_all(&text)).await;
        written.context("the client takes nothing in")?.context("the client went away")
    }
}
