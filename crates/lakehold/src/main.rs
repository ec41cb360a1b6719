//! The command `lakehold`: takes what was typed apart and hands it on.

mod config;
mod doctor;
mod import_badger;
mod kv;
mod progress;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;

use crate::config::ConfigCommand;
use crate::doctor::DoctorArgs;
use crate::import_badger::ImportBadgerArgs;
use crate::kv::KvCommand;
use crate::serve::ServeArgs;

/// Fewer cycles and less fragmentation than the system's for many small, short-lived pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Version control for data: branches, commits and merges over objects of any size.
///
/// Clients of lakeFS 1.84 work with it unchanged.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(ServeArgs),
    Config(ConfigCommand),
    Doctor(DoctorArgs),
    Kv(KvCommand),
    ImportBadger(ImportBadgerArgs),
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Serve(args) => args.run().map(|()| ExitCode::SUCCESS),
        Command::Config(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Doctor(args) => args.run(),
        Command::Kv(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::ImportBadger(args) => args.run().map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            eprintln!("lakehold: {}", causes.join("\n  because: "));
            ExitCode::FAILURE
        }
    }
}
