//! The load tool: sends the hot operations to any compatible server, from a process of its own.
//!
//! It makes one repository with objects in one commit, then runs each scenario for some seconds and
//! prints rate, latencies and, where the server's process id is given, its CPU time per request, also as
//! a multiple of what a plain axum answer takes with as many connections a moment before. The multiple
//! is the figure that neither a busy nor a slow machine can move much; rates are for quiet ones.
//!
//! A server may put work off (small bodies become files later). That belongs to the scenario that
//! caused it, so each is followed by a wait until the server rests.

pub(crate) mod http;
pub(crate) mod run;
mod scenarios;

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use crate::floor::PlainServer;
use crate::load::http::Target;
use crate::load::run::Done;
use crate::load::run::drive;
use crate::load::scenarios::Filled;
use crate::load::scenarios::Scenario;

/// Clock ticks a second of `/proc/<pid>/stat`; Linux on x86-64 and arm64 has always had 100.
const TICKS_PER_SECOND: u64 = 100;
/// How long a server may take to finish what it puts off.
const SETTLING_LIMIT: Duration = Duration::from_secs(120);
/// A server that used less than `REST_CPU` in `REST_PAUSE`, twice, rests.
const REST_PAUSE: Duration = Duration::from_millis(1_500);
const REST_CPU: Duration = Duration::from_millis(20);
/// How long the plain answer is measured before each scenario.
const PLAIN_DURATION: Duration = Duration::from_millis(1_500);

/// Arguments of `load`.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// The server, without /api/v1; several, with commas between them, share the connections
    #[arg(long, env = "LAKEHOLD_HOST", default_value = "http://127.0.0.1:8000")]
    endpoint: String,

    /// Access key id of an administrator
    #[arg(long, env = "LAKEHOLD_ACCESS_KEY_ID")]
    access_key: String,

    /// Its secret access key
    #[arg(long, env = "LAKEHOLD_SECRET_ACCESS_KEY", hide_env_values = true)]
    secret: String,

    /// Process id of the server, to report its CPU and memory; of several with commas between them
    #[arg(long, value_delimiter = ',')]
    server_pid: Vec<u32>,

    /// Parent of the storage namespace that is made
    #[arg(long, default_value = "local://load")]
    namespace: String,

    /// Objects in the commit that is read
    #[arg(long, default_value_t = 10_000)]
    objects: u64,

    /// Also upload and read bodies of so many MiB
    #[arg(long)]
    large_mib: Option<usize>,

    /// Seconds for each scenario
    #[arg(long, default_value_t = 5)]
    seconds: u64,

    /// Only scenarios whose name contains this
    #[arg(long, default_value = "")]
    only: String,
}

/// Fills a repository, then runs the scenarios and prints a table.
pub(crate) fn run(args: &LoadArgs) -> anyhow::Result<()> {
    let target = Target::parse(&args.endpoint, &args.access_key, &args.secret)?;
    let filled = Filled::fill(&target, args)?;
    let plain = PlainServer::start()?;
    eprintln!(
        "{:<28} {:>5} {:>10} {:>8} {:>8} {:>8} {:>7} {:>9} {:>8} {:>7}",
        "scenario",
        "conns",
        "rate/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "errors",
        "CPU us/rq",
        "plain us",
        "x plain"
    );
    for scenario in filled.scenarios(args.large_mib) {
        if scenario.name.contains(&args.only) {
            measure(&target, &plain, args, &scenario)?;
        }
    }
    for pid in &args.server_pid {
        eprintln!("resident memory of the server: {} MB", resident_kib(*pid)? / 1024);
    }
    Ok(())
}

fn measure(
    target: &Target,
    plain: &PlainServer,
    args: &LoadArgs,
    scenario: &Scenario,
) -> anyhow::Result<()> {
    let plain = plain.measure(scenario.connections, PLAIN_DURATION)?;
    let before = cpu_of_all(&args.server_pid)?;
    let duration = Duration::from_secs(args.seconds);
    let done: Done = drive(target, scenario.connections, duration, &scenario.job)?;
    settle(&args.server_pid)?;
    let cpu = if args.server_pid.is_empty() {
        format!("{:>9} {:>8.1} {:>7}", "-", plain.micros, "-")
    } else {
        let used = cpu_of_all(&args.server_pid)?.saturating_sub(before);
        let micros = used.as_secs_f64() * 1e6 / done.requests.max(1) as f64;
        format!("{micros:>9.1} {:>8.1} {:>7.1}", plain.micros, micros / plain.micros.max(0.1))
    };
    eprintln!(
        "{:<28} {:>5} {:>10.0} {:>8.2} {:>8.2} {:>8.2} {:>7} {cpu}",
        scenario.name,
        scenario.connections,
        done.rate(),
        done.latency_ms(0.5),
        done.latency_ms(0.99),
        done.latency_ms(1.0),
        done.errors,
    );
    if let Some(first) = &done.first_error {
        eprintln!("  first error: {first}");
    }
    Ok(())
}

/// Waits until the server has done what it put off: until it uses next to no CPU.
fn settle(servers: &[u32]) -> anyhow::Result<()> {
    if servers.is_empty() {
        pause(REST_PAUSE * 2);
        return Ok(());
    }
    let mut rested = 0;
    for _ in 0..SETTLING_LIMIT.as_millis() / REST_PAUSE.as_millis() {
        let before = cpu_of_all(servers)?;
        pause(REST_PAUSE);
        rested = if cpu_of_all(servers)? - before < REST_CPU { rested + 1 } else { 0 };
        if rested == 2 {
            return Ok(());
        }
    }
    eprintln!("  the server was still busy {SETTLING_LIMIT:?} later: its figures are too low");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "no other task waits for this thread")]
fn pause(duration: Duration) {
    thread::sleep(duration);
}

fn cpu_of_all(servers: &[u32]) -> anyhow::Result<Duration> {
    servers.iter().map(|pid| process_cpu(*pid)).sum()
}

/// User and system time that process `pid` has used so far.
pub(crate) fn process_cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("reading its CPU time")?;
    // The program's name stands in parentheses and may hold blanks; fields 14 and 15 are the times.
    let after_name = stat.rsplit_once(')').context("unexpected /proc/<pid>/stat")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |index: usize| -> anyhow::Result<u64> {
        fields.get(index).context("short /proc/<pid>/stat")?.parse().context("ticks")
    };
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 1_000 / TICKS_PER_SECOND))
}

fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("reading its memory")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    line.split_whitespace().nth(1).context("no VmRSS")?.parse().context("VmRSS")
}
