//! The project's own tools, the same on a laptop and in CI. `cargo xtask --help` lists them.

mod check;
mod contract;
mod floor;
mod load;

use std::path::PathBuf;

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
    /// Compare the served OpenAPI document with the pinned contract; list what answers 501
    Contract {
        /// The pinned contract
        #[arg(long, default_value = "tests/contract/api-contract.json")]
        contract: PathBuf,
    },
    /// Send load to any compatible server and report rates, latencies and its CPU per request
    Load(load::LoadArgs),
    /// Measure what this machine can do at best: a plain answer, a synced append, a synced file
    Floor(floor::FloorArgs),
}

fn main() -> anyhow::Result<()> {
    match Args::parse().task {
        Task::Check(args) => check::run(&args),
        Task::Contract { contract } => contract::run(&contract),
        Task::Load(args) => load::run(&args),
        Task::Floor(args) => floor::run(&args),
    }
}
