//! What must hold of the source itself before a change lands.

mod layers;
mod links;

use std::process::Command;

use anyhow::Context as _;
use anyhow::bail;
use clap::Args;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Only the checks that need no compiler: formats, layers, links
    #[arg(long)]
    fast: bool,
}

/// Runs every check, and fails after the last if any failed.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    let mut note = |name: &'static str, outcome: anyhow::Result<()>| match outcome {
        Ok(()) => eprintln!("ok      {name}"),
        Err(error) => {
            eprintln!("FAILED  {name}\n{error:#}");
            failed.push(name);
        }
    };
    note("layers: crates import downwards only", layers::check());
    note("links: documents name files that are there", links::check());
    note("format", cargo(&["fmt", "--all", "--check"], &[]));
    if !args.fast {
        let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        note("lints", cargo(&clippy, &[]));
        let doc = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"];
        note("documentation", cargo(&doc, &[("RUSTDOCFLAGS", "-D warnings")]));
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn cargo(args: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command.args(args).arg("--quiet").envs(environment.iter().copied());
    // `--quiet` belongs before a `--`, where there is one.
    if let Some(split) = args.iter().position(|arg| *arg == "--") {
        command = Command::new(env!("CARGO"));
        command.args(&args[..split]).arg("--quiet").args(&args[split..]);
        command.envs(environment.iter().copied());
    }
    let status = command.status().context("starting cargo")?;
    if status.success() { Ok(()) } else { bail!("cargo {} failed", args.join(" ")) }
}
