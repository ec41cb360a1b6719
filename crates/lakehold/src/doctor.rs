//! `lakehold doctor`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use lakehold_server::DoctorCounts;
use lakehold_server::DoctorOptions;
use lakehold_server::DoctorProgress;
use lakehold_server::DoctorReport;

use crate::config::ConfigArgs;
use crate::config::print;
use crate::progress::Bar;
use crate::progress::run;

/// Examine an installation and prove that everything is there
///
/// Reads every record and every table of every commit, checks that each is what its name says, that
/// whatever is named exists, and that the bytes of every object are there. Nothing is changed. A
/// running server is asked to do it, through the socket in its data directory; where none runs, the
/// directory is opened, which finishes what a killed server was writing, as starting one would.
///
/// Findings are errors (something stored cannot be read as it was), warnings (something is not as it
/// should be, or cannot be proven) or information (such as space that could be freed). The exit
/// status says which was the worst:
///
///   0  nothing, or information only
///   1  the examination could not be carried out
///   2  the command was not understood
///   3  warnings
///   4  errors
///
/// Examples:
///
///   lakehold doctor
///       Is everything there?
///
///   lakehold doctor --deep --json > report.json
///       Are all bytes of all objects the same as when they were uploaded? For programs
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// Read the bytes of every object and compare them with its checksum
    ///
    /// Takes as long as reading the whole data directory. Checksums that were not computed of the
    /// bytes, such as those of imports and of some uploads in parts, are counted and not compared.
    #[arg(long)]
    deep: bool,

    /// Examine only this repository; may be given several times
    ///
    /// Users and what belongs to no repository are left out then.
    #[arg(long = "repository", value_name = "NAME")]
    repositories: Vec<String>,

    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

impl DoctorArgs {
    /// Examines, prints the report, and returns the exit status that it asks for.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.config.clone().load(Vec::new())?.settings()?;
        let bar = Bar::new();
        let tell = |now: DoctorProgress| show(&bar, &now);
        let report = run(lakehold_server::examine(&settings, self.options(), tell));
        bar.clear();
        let report = report?;
        print(&self.text(&report)?)?;
        Ok(ExitCode::from(report.exit_status()))
    }

    fn options(&self) -> DoctorOptions {
        let repositories = (!self.repositories.is_empty()).then(|| self.repositories.clone());
        DoctorOptions { deep: self.deep, repositories, ..DoctorOptions::default() }
    }

    fn text(&self, report: &DoctorReport) -> anyhow::Result<String> {
        if !self.json {
            return Ok(report.to_string());
        }
        let text = serde_json::to_string_pretty(report).context("writing the report")?;
        Ok(text + "\n")
    }
}

fn show(bar: &Bar, now: &DoctorProgress) {
    let of = now.repository.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
    let stage = now.stage.describe();
    let DoctorCounts { records, ranges, objects, .. } = now.counts;
    let what = format!("{stage}{of} ({records} records, {ranges} ranges, {objects} objects)");
    bar.say(what, now.done, now.total);
}
