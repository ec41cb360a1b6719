//! Runs simulations of many seeds, and says which fail (docs/design/0016-simulation.md).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use clap::Parser;
use lakehold_clock::Runtime;
use lakehold_testkit::SimulationFailure;
use lakehold_testkit::SimulationReport;
use lakehold_testkit::SimulationSettings;
use lakehold_testkit::simulate;

/// Simulate servers in bad weather, one seed after the other
#[derive(Clone, Debug, Parser)]
struct Args {
    /// How many seeds to run
    #[arg(long, default_value_t = 500)]
    seeds: u64,

    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,

    /// Requests that the clients of each seed make
    #[arg(long, default_value_t = 100)]
    steps: usize,

    /// Print what happens, step by step
    #[arg(long)]
    trace: bool,

    /// Seeds that run at the same time; each has a thread of its own
    #[arg(long, default_value_t = 2)]
    threads: usize,

    /// Stop after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
}

#[derive(Default)]
struct Total {
    seeds: u64,
    sum: SimulationReport,
    failures: Vec<SimulationFailure>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let clock = Runtime::real();
    let next = AtomicU64::new(0);
    let threads: Vec<Total> = std::thread::scope(|scope| {
        let begin = |number| {
            let (args, clock, next) = (&args, &clock, &next);
            scope.spawn(move || run(args, clock, next, number == 0))
        };
        let running: Vec<_> = (0..args.threads.max(1)).map(begin).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut all = Total::default();
    for part in threads {
        all.seeds += part.seeds;
        add(&mut all.sum, &part.sum);
        all.failures.extend(part.failures);
    }
    summarize(&all, clock.monotonic().as_secs_f64())
}

/// Runs seeds until there are no more; `is_first` shows the progress of all.
fn run(args: &Args, clock: &Runtime, next: &AtomicU64, is_first: bool) -> Total {
    let mut total = Total::default();
    let is_time_up = || args.seconds.is_some_and(|most| clock.monotonic().as_secs() >= most);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= args.seeds || is_time_up() {
            return total;
        }
        let seed = args.from + number;
        total.seeds += 1;
        match simulate(SimulationSettings { seed, requests: args.steps, trace: args.trace }) {
            Ok(report) => {
                for line in &report.trace {
                    say(line);
                }
                add(&mut total.sum, &report);
            }
            Err(failure) => {
                say(&failure.to_string());
                total.failures.push(*failure);
            }
        }
        if is_first && number % 100 < args.threads as u64 {
            let _shown = write!(std::io::stderr(), "\r{number} of {}", args.seeds);
        }
    }
}

fn add(sum: &mut SimulationReport, report: &SimulationReport) {
    sum.steps += report.steps;
    sum.refused += report.refused;
    sum.lost += report.lost;
    sum.crashes += report.crashes;
    sum.hash ^= report.hash;
    for (kind, counts) in &report.requests {
        let known = sum.requests.entry(kind).or_default();
        known.iter_mut().zip(counts).for_each(|(known, count)| *known += count);
    }
}

fn summarize(all: &Total, seconds: f64) -> ExitCode {
    let Total { seeds, sum, failures } = all;
    say("");
    say("request         done     failed    unknown");
    let mut requests: BTreeMap<_, _> = sum.requests.clone();
    let total = requests
        .values()
        .fold([0; 3], |all, one| [all[0] + one[0], all[1] + one[1], all[2] + one[2]]);
    requests.insert("~ all", total);
    for (kind, [done, failed, unknown]) in requests {
        say(&format!("{kind:<13}{done:>7} {failed:>10} {unknown:>10}"));
    }
    let SimulationReport { steps, refused, lost, crashes, hash, .. } = sum;
    say(&format!("{steps} steps, {refused} calls refused, {lost} answers lost, {crashes} crashes"));
    say(&format!("{seeds} seeds in {seconds:.0} s, hash {hash:016x}, {} failed", failures.len()));
    for failure in failures.iter().take(20) {
        say(&format!(
            "failed: seed {}: {}",
            failure.seed,
            failure.what.lines().next().unwrap_or_default()
        ));
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A line for people; a closed pipe is no failure.
fn say(line: &str) {
    let _said = writeln!(std::io::stdout(), "{line}");
}
