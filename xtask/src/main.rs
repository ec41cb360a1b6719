//! The project's own tools, the same on a laptop and in CI. `cargo xtask --help` lists them.

mod check;
mod floor;
mod load;

use clap::Parser;
use clap::Subcommand;

/// Checks, contract comparison and measurements of Lakehold.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check formats, lints, the layers of crates and the documents' links
    Check(check::CheckArgs),
    /// Send load to any compatible server and report rates, latencies and its CPU per request
    Load(load::LoadArgs),
    /// Measure what this machine can do at best: a plain answer, a synced append, a synced file
    Floor(floor::FloorArgs),
}

fn main() -> anyhow::Result<()> {
    match Args::parse().task {
        Task::Check(args) => check::run(&args),
        Task::Load(args) => load::run(args),
        Task::Floor(args) => floor::run(&args),
    }
}
