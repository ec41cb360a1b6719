//! What this machine can do at best, in the same run as the measurements that are compared with it.

use std::fs;
use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use lakehold_clock::Runtime;

use crate::load::http::Target;
use crate::load::process_cpu;
use crate::load::run::Job;
use crate::load::run::drive;

/// Arguments of `floor`.
#[derive(Debug, Args)]
pub(crate) struct FloorArgs {
    /// Folder on the disk to measure; a sub-folder is made and removed
    #[arg(long, default_value = "target/floor")]
    folder: PathBuf,

    /// Seconds for each measurement
    #[arg(long, default_value_t = 3)]
    seconds: u64,

    /// Serve the plain answer until killed (what `floor` starts as its own child)
    #[arg(long, hide = true)]
    serve: bool,
}

/// Measures and prints one line for each.
pub(crate) fn run(args: &FloorArgs) -> anyhow::Result<()> {
    if args.serve {
        return serve();
    }
    let duration = Duration::from_secs(args.seconds);
    let plain = PlainServer::start()?.measure(64, duration)?;
    report("plain axum answer, 64 connections", plain.rate);
    eprintln!("{:<42} {:>10.1} us CPU a request", "", plain.micros);
    fs::create_dir_all(&args.folder).context("making the folder")?;
    for threads in [1, 64] {
        let rate = in_threads(threads, duration, |name| appends(&args.folder.join(name)))?;
        report(&format!("append 1 KiB + fdatasync, {threads} files"), rate);
    }
    for threads in [1, 64] {
        let rate = in_threads(threads, duration, |name| created_files(&args.folder.join(name)))?;
        report(&format!("create a file + fsync, {threads} threads"), rate);
    }
    fs::remove_dir_all(&args.folder).context("removing the folder")
}

fn report(what: &str, rate: f64) {
    eprintln!("{what:<42} {rate:>10.0} /s");
}

/// A plain axum server in a child process, so that its CPU can be told from ours. It ends when this is
/// dropped.
pub(crate) struct PlainServer {
    child: Child,
    target: Target,
}

/// What a plain answer costs.
pub(crate) struct PlainAnswer {
    /// Answers a second.
    pub(crate) rate: f64,
    /// CPU time of the server for one, in microseconds.
    pub(crate) micros: f64,
}

impl PlainServer {
    /// Starts it on a free port.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        let mut child = Command::new(program)
            .args(["floor", "--serve"])
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the plain server")?;
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().context("its output")?);
        output.read_line(&mut line).context("reading its address")?;
        let target = Target::parse(line.trim(), "", "")?;
        Ok(Self { child, target })
    }

    /// Asks it for answers over `connections` connections until `duration` has passed.
    pub(crate) fn measure(
        &self,
        connections: usize,
        duration: Duration,
    ) -> anyhow::Result<PlainAnswer> {
        let before = process_cpu(self.child.id())?;
        let done = drive(&self.target, connections, duration, &|_| Job::get("/"))?;
        let used = process_cpu(self.child.id())?.saturating_sub(before);
        let micros = used.as_secs_f64() * 1e6 / done.requests.max(1) as f64;
        Ok(PlainAnswer { rate: done.rate(), micros })
    }
}

impl Drop for PlainServer {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("starting tokio")?;
    runtime.block_on(async {
        let app = axum::Router::new().route("/", axum::routing::get(|| async { "hello" }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("binding")?;
        let address = listener.local_addr().context("its address")?;
        let mut out = std::io::stdout();
        writeln!(out, "http://{address}").context("printing the address")?;
        out.flush().context("printing the address")?;
        axum::serve(listener, app).await.context("serving")
    })
}

/// Runs `work` in threads until `duration` has passed, and returns how often it was done a second.
/// `work` gets a name of the thread's own and returns the function to repeat.
fn in_threads<F, W>(threads: usize, duration: Duration, work: F) -> anyhow::Result<f64>
where
    F: Fn(String) -> anyhow::Result<W>,
    W: FnMut(u64) -> std::io::Result<()> + Send + 'static,
{
    let clock = Runtime::real();
    let started = clock.monotonic();
    let done = Arc::new(AtomicU64::new(0));
    let mut running = Vec::new();
    for thread in 0..threads {
        let mut step = work(format!("thread-{thread}"))?;
        let (clock, done) = (clock.clone(), done.clone());
        running.push(thread::spawn(move || -> std::io::Result<()> {
            let mut count = 0;
            while clock.monotonic() - started < duration {
                step(count)?;
                count += 1;
            }
            done.fetch_add(count, Ordering::Relaxed);
            Ok(())
        }));
    }
    for thread in running {
        thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    }
    let seconds = (clock.monotonic() - started).as_secs_f64();
    Ok(done.load(Ordering::Relaxed) as f64 / seconds)
}

fn appends(path: &Path) -> anyhow::Result<impl FnMut(u64) -> std::io::Result<()> + use<>> {
    let mut file = File::create(path).context("creating a file")?;
    let block = [7; 1024];
    Ok(move |_| {
        file.write_all(&block)?;
        file.sync_data()
    })
}

fn created_files(folder: &Path) -> anyhow::Result<impl FnMut(u64) -> std::io::Result<()> + use<>> {
    let folder = folder.with_extension("files");
    fs::create_dir_all(&folder).context("making a folder")?;
    Ok(move |count| {
        let mut file = File::create(folder.join(format!("{count}")))?;
        file.write_all(b"ten bytes.")?;
        file.sync_all()
    })
}
