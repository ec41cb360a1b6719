//! `xtask contract`: our OpenAPI document against the pinned public contract.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use anyhow::bail;
use lakehold_api::UNIMPLEMENTED;
use lakehold_api::contract::DEVIATIONS;
use lakehold_api::contract::differences;
use lakehold_api::contract::unaccounted;
use serde_json::Value;

/// Compares the document that this build serves with the contract in the file `contract`, prints what
/// differs and which operations are answered 501, and fails if anything differs that is not meant.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub(crate) fn run(contract: &Path) -> anyhow::Result<()> {
    let text = fs::read(contract).with_context(|| format!("reading {}", contract.display()))?;
    let contract: Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not JSON", contract.display()))?;
    let document = lakehold_api::openapi();

    println!("{} operations are not implemented (501):", UNIMPLEMENTED.len());
    for operation in UNIMPLEMENTED {
        println!("  {:6} {}  {}", operation.method, operation.path, operation.id);
    }
    println!("{} differences are meant:", DEVIATIONS.len());
    for deviation in DEVIATIONS {
        println!("  {} - {}", deviation.what, deviation.reason);
    }

    let found = differences(&document, &contract);
    let missing = unaccounted(&document, &contract);
    found.iter().for_each(|line| println!("differs: {line}"));
    missing.iter().for_each(|id| println!("neither implemented nor listed, or both: {id}"));
    match found.len() + missing.len() {
        0 => Ok(()),
        count => bail!("{count} differences from the contract"),
    }
}
