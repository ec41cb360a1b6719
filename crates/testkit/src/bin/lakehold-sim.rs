//! Runs simulations of many seeds, and says which fail (docs/design/0016-simulation.md).

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use clap::Parser;
use lakehold_clock::Runtime;
use lakehold_testkit::Sabotage;
use lakehold_testkit::SimulationFailure;
use lakehold_testkit::SimulationReport;
use lakehold_testkit::SimulationSettings;
use lakehold_testkit::simulate;

/// How often progress is shown: to people, and in a file.
const SHOWN_EVERY: Duration = Duration::from_secs(1);
const WRITTEN_EVERY: Duration = Duration::from_secs(60);

/// How many failed seeds are shown in the end.
const MOST_SHOWN: usize = 20;

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
    jobs: usize,

    /// Stop after so many seconds
    #[arg(long)]
    seconds: Option<u64>,

    /// Have the stores break their promises, one kind after the other, until each is noticed
    #[arg(long)]
    sabotage: bool,
}

/// What is common to all threads.
struct Work<'a> {
    args: &'a Args,
    clock: Runtime,
    total: Mutex<Total>,
}

#[derive(Default)]
struct Total {
    /// Seeds that were begun, and that came to an end.
    begun: u64,
    ended: u64,
    sum: SimulationReport,
    failures: Vec<SimulationFailure>,
    shown: Duration,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.sabotage {
        return sabotage(&args);
    }
    let work = Work { args: &args, clock: Runtime::real(), total: Mutex::default() };
    std::thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| work.run());
        }
    });
    work.summarize()
}

impl Work<'_> {
    /// Runs seeds until there are no more.
    fn run(&self) {
        while let Some(seed) = self.next() {
            let Args { steps, trace, .. } = *self.args;
            let settings = SimulationSettings { seed, requests: steps, trace, sabotage: None };
            let done = simulate(settings);
            let mut total = self.total();
            total.ended += 1;
            match done {
                Ok(report) => {
                    report.trace.iter().for_each(|line| say(line));
                    add(&mut total.sum, &report);
                }
                Err(failure) => {
                    say(&failure.to_string());
                    total.failures.push(*failure);
                }
            }
            self.show(&mut total);
        }
    }

    fn next(&self) -> Option<u64> {
        let mut total = self.total();
        let is_time_up =
            self.args.seconds.is_some_and(|most| self.clock.monotonic().as_secs() >= most);
        if total.begun == self.args.seeds || is_time_up {
            return None;
        }
        total.begun += 1;
        Some(self.args.from + total.begun - 1)
    }

    /// How far it is, now and then, on the error output.
    fn show(&self, total: &mut Total) {
        let now = self.clock.monotonic();
        let mut out = std::io::stderr();
        let (every, start, end) = if out.is_terminal() {
            (SHOWN_EVERY, "\r", "\x1b[K")
        } else {
            (WRITTEN_EVERY, "", "\n")
        };
        if now < total.shown + every {
            return;
        }
        total.shown = now;
        let all = self.args.seeds;
        let rate = total.ended as f64 / now.as_secs_f64();
        let left = (all - total.ended) as f64 / rate / 60.0;
        let (ended, failed) = (total.ended, total.failures.len());
        // Whoever cannot be told how far it is misses nothing.
        let _shown = write!(
            out,
            "{start}{ended} of {all} seeds, {failed} failed, {rate:.1} a second, {left:.0} min left{end}"
        );
    }

    fn summarize(&self) -> ExitCode {
        let Total { ended, sum, failures, .. } = &*self.total();
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
        for failure in failures.iter().take(MOST_SHOWN) {
            let what = failure.what.lines().next().unwrap_or_default();
            say(&format!("failed: seed {}: {what}", failure.seed));
        }
        let SimulationReport { steps, refused, lost, crashes, hash, .. } = sum;
        let Args { steps: each, jobs, .. } = self.args;
        let seconds = self.clock.monotonic().as_secs_f64();
        let rate = *ended as f64 / seconds;
        say(&format!(
            "{ended} seeds of {each} requests, {:.1} million steps, {refused} refused calls, {lost} lost \
             answers, {crashes} crashes; {} seeds failed; {seconds:.0} s with {jobs} threads, {rate:.1} \
             seeds a second; hash {hash:016x}",
            *steps as f64 / 1e6,
            failures.len()
        ));
        if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn total(&self) -> MutexGuard<'_, Total> {
        self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Breaks each promise in turn, and says how many seeds it takes to notice.
fn sabotage(args: &Args) -> ExitCode {
    let mut all_noticed = true;
    for sabotage in Sabotage::ALL {
        let settings = |seed| SimulationSettings {
            seed,
            requests: args.steps,
            trace: false,
            sabotage: Some(sabotage),
        };
        let failures = (args.from..args.from + args.seeds).map(|seed| simulate(settings(seed)));
        match failures.enumerate().find_map(|(number, done)| Some((number, done.err()?))) {
            Some((number, failure)) => {
                let what = failure.what.lines().next().unwrap_or_default();
                say(&format!("{sabotage}: noticed after {} seeds: {what}", number + 1));
            }
            None => {
                say(&format!("{sabotage}: not noticed in {} seeds", args.seeds));
                all_noticed = false;
            }
        }
    }
    if all_noticed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

/// A line for people; a closed pipe is no failure.
fn say(line: &str) {
    let _said = writeln!(std::io::stdout(), "{line}");
}
