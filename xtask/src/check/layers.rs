//! Crates import downwards only.
//!
//! The table is the map of docs/ARCHITECTURE.md: each crate with all of ours that it may import. A
//! crate that is not in it, or a line in `[dependencies]` that it does not have, fails the check.
//! Dev-dependencies are free: tests may look anywhere.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::Context as _;
use anyhow::bail;
use serde_json::Value;

/// Each crate and what it may import of ours.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("sstable", &[]),
    ("kv", &["clock"]),
    ("kv-local", &["kv", "clock"]),
    ("kv-postgres", &["kv", "clock"]),
    ("badger", &["kv", "clock"]),
    ("block", &["clock"]),
    ("block-s3", &["block", "clock"]),
    ("tree", &["sstable", "block", "clock"]),
    ("engine", &["tree", "sstable", "kv", "clock"]),
    ("catalog", &["engine", "sstable", "block", "kv", "clock"]),
    ("auth", &["kv", "clock"]),
    ("actions", &["catalog", "engine", "block", "kv", "clock"]),
    ("gc", &["catalog", "engine", "block", "kv", "clock"]),
    ("doctor", &["sstable", "block", "kv", "clock"]),
    ("api-types", &[]),
    ("api", &["api-types", "actions", "catalog", "auth", "gc", "clock"]),
    (
        "server",
        &[
            "actions",
            "api",
            "auth",
            "badger",
            "block",
            "block-s3",
            "catalog",
            "clock",
            "doctor",
            "engine",
            "gc",
            "kv",
            "kv-local",
            "kv-postgres",
            "tree",
        ],
    ),
    ("lakehold", &["server"]),
    (
        "testkit",
        &["actions", "api", "auth", "catalog", "engine", "gc", "tree", "block", "kv", "clock"],
    ),
    ("xtask", &["api", "clock"]),
];

/// Fails with every arrow that the table does not have.
pub(super) fn check() -> anyhow::Result<()> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .context("starting cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("reading metadata")?;
    let packages = metadata["packages"].as_array().context("metadata without packages")?;
    let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let wrong: Vec<String> = packages.iter().flat_map(|p| wrong_arrows(p, &names)).collect();
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("\n")) }
}

fn wrong_arrows(package: &Value, ours: &BTreeSet<&str>) -> Vec<String> {
    let name = short(package["name"].as_str().unwrap_or_default());
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == name) else {
        return vec![format!("crate {name} is not on the map: add it to check/layers.rs")];
    };
    let dependencies = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    dependencies
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|dependency| ours.contains(dependency) && !allowed.contains(&short(dependency)))
        .map(|dependency| format!("{name} may not import {}", short(dependency)))
        .collect()
}

fn short(name: &str) -> &str {
    name.strip_prefix("lakehold-").unwrap_or(name)
}
