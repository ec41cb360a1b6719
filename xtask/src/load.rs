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

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use lakehold_clock::Runtime;
use serde_json::Value;
use serde_json::json;

use crate::floor::PlainServer;
use crate::load::http::Target;
use crate::load::run::Done;
use crate::load::run::Job;
use crate::load::run::drive;
use crate::load::run::send_all;

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
    /// The server, without /api/v1
    #[arg(long, env = "LAKEHOLD_HOST", default_value = "http://127.0.0.1:8000")]
    endpoint: String,

    /// Access key id of an administrator
    #[arg(long, env = "LAKEHOLD_ACCESS_KEY_ID")]
    access_key: String,

    /// Its secret access key
    #[arg(long, env = "LAKEHOLD_SECRET_ACCESS_KEY", hide_env_values = true)]
    secret: String,

    /// Process id of the server, to report its CPU and memory
    #[arg(long)]
    server_pid: Option<u32>,

    /// Parent of the storage namespace that is made
    #[arg(long, default_value = "local://load")]
    namespace: String,

    /// Objects in the commit that is read
    #[arg(long, default_value_t = 10_000)]
    objects: u64,

    /// Seconds for each scenario
    #[arg(long, default_value_t = 5)]
    seconds: u64,

    /// Only scenarios whose name contains this
    #[arg(long, default_value = "")]
    only: String,
}

/// One kind of load.
struct Scenario {
    name: &'static str,
    connections: usize,
    job: Box<dyn Fn(u64) -> Job>,
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
    for scenario in scenarios(&filled) {
        if scenario.name.contains(&args.only) {
            measure(&target, &plain, args, &scenario)?;
        }
    }
    if let Some(pid) = args.server_pid {
        eprintln!("resident memory of the server: {} MB", resident_kib(pid)? / 1024);
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
    let before = args.server_pid.map(process_cpu).transpose()?;
    let duration = Duration::from_secs(args.seconds);
    let done: Done = drive(target, scenario.connections, duration, &scenario.job)?;
    settle(args.server_pid)?;
    let cpu = match (before, args.server_pid) {
        (Some(before), Some(pid)) => {
            let used = process_cpu(pid)?.saturating_sub(before);
            let micros = used.as_secs_f64() * 1e6 / done.requests.max(1) as f64;
            format!("{micros:>9.1} {:>8.1} {:>7.1}", plain.micros, micros / plain.micros.max(0.1))
        }
        _ => format!("{:>9} {:>8.1} {:>7}", "-", plain.micros, "-"),
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

/// A repository with objects in one commit.
struct Filled {
    base: String,
    run: String,
    commit: String,
    objects: u64,
    physical_address: String,
}

impl Filled {
    fn fill(target: &Target, args: &LoadArgs) -> anyhow::Result<Self> {
        let run = hex::encode(Runtime::real().random_bytes::<4>());
        let repository = format!("load-{run}");
        let base = format!("/api/v1/repositories/{repository}");
        let namespace = format!("{}/{repository}", args.namespace.trim_end_matches('/'));
        let new = json!({"name": repository, "storage_namespace": namespace});
        one(target, Job::json("POST", "/api/v1/repositories", &new))?;
        let upload = |number: u64| {
            Job::bytes("POST", format!("{base}/branches/main/objects?path={}", path(number)), 10)
        };
        send_all(target, 64, args.objects, &upload)?;
        let message = json!({"message": "filled by the load tool"});
        let answer =
            one(target, Job::json("POST", &format!("{base}/branches/main/commits"), &message))?;
        let commit = answer["id"].as_str().context("commit without an id")?.to_owned();
        // What the server still has to do about the filling is not to be counted with a scenario.
        settle(args.server_pid)?;
        let stat = Job::get(&format!("{base}/refs/main/objects/stat?path={}", path(0)));
        let answer = one(target, stat)?;
        let physical_address =
            answer["physical_address"].as_str().context("object without address")?.to_owned();
        Ok(Self { base, run, commit, objects: args.objects, physical_address })
    }
}

fn one(target: &Target, job: Job) -> anyhow::Result<Value> {
    let shown = job.path.clone();
    let answers = send_all(target, 1, 1, &move |_| job.clone())?;
    let body = answers.into_iter().next().with_context(|| format!("no answer to {shown}"))?;
    serde_json::from_slice(&body).with_context(|| format!("answer to {shown}"))
}

fn path(number: u64) -> String {
    format!("tables/events/day%3D{:03}/part-{number:08}.parquet", number % 100)
}

fn scenarios(filled: &Filled) -> Vec<Scenario> {
    let Filled { base, run, commit, objects, physical_address } = filled;
    let (objects, at_commit) = (*objects, format!("{base}/refs/{commit}/objects"));
    let scenario =
        |name, connections, job: Box<dyn Fn(u64) -> Job>| Scenario { name, connections, job };
    let write = |kind: &'static str, size: usize| -> Box<dyn Fn(u64) -> Job> {
        let to = format!("{base}/branches/main/objects?path=new/{kind}/");
        Box::new(move |number| Job::bytes("POST", format!("{to}{number:09}"), size))
    };
    let stage = {
        let to = format!("{base}/branches/main/objects?path=staged/");
        let body =
            json!({"physical_address": physical_address, "checksum": "d41d8cd9", "size_bytes": 10});
        move |number| Job::json("PUT", &format!("{to}{number:09}"), &body)
    };
    let branch = {
        let (to, run) = (format!("{base}/branches"), run.clone());
        move |number| {
            Job::json("POST", &to, &json!({"name": format!("b-{run}-{number}"), "source": "main"}))
        }
    };
    let page = format!("{at_commit}/ls?amount=1000&after=");
    let (stat, read) = (format!("{at_commit}/stat?path="), format!("{at_commit}?path="));
    let any = move |number: u64| path(number.wrapping_mul(7_919) % objects);
    let deep = objects.saturating_sub(1_000).max(1);
    vec![
        scenario(
            "stat on a commit",
            128,
            Box::new(move |n| Job::get(&format!("{stat}{}", any(n)))),
        ),
        scenario("upload 10 B", 64, write("ten", 10)),
        scenario("upload 1 KiB", 64, write("kib", 1_024)),
        scenario("upload 10 B, one writer", 1, write("one", 10)),
        scenario("stage an address", 64, Box::new(stage)),
        scenario("create branch", 64, Box::new(branch)),
        scenario(
            "list page of 1,000",
            8,
            Box::new(move |n| Job::get(&format!("{page}{}", path(n % deep / 2)))),
        ),
        scenario("read 10 B", 64, Box::new(move |n| Job::get(&format!("{read}{}", any(n))))),
    ]
}

/// Waits until the server has done what it put off: until it uses next to no CPU.
fn settle(pid: Option<u32>) -> anyhow::Result<()> {
    let Some(pid) = pid else {
        pause(REST_PAUSE * 2);
        return Ok(());
    };
    let mut rested = 0;
    for _ in 0..SETTLING_LIMIT.as_millis() / REST_PAUSE.as_millis() {
        let before = process_cpu(pid)?;
        pause(REST_PAUSE);
        rested = if process_cpu(pid)? - before < REST_CPU { rested + 1 } else { 0 };
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
