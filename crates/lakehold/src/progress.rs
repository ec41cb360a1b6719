//! What commands that take a while have in common: threads, and a bar.

use std::io;
use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

/// How often the bar moves while nothing is told.
const TICK: Duration = Duration::from_millis(120);

/// Runs the work of a command to its end.
pub(crate) fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    threads.context("starting the threads of the command")?.block_on(work)
}

/// A bar for people who look; nothing where standard error is no terminal.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        }
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// Says that `records` of `total` are `doing`, such as `copied`.
    pub(crate) fn show(&self, doing: &str, records: u64, total: Option<u64>) {
        match total {
            Some(total) => self.say(format!("records {doing}"), records, Some(total)),
            None => self.say(format!("{records} records {doing}"), 0, None),
        }
    }

    /// Says what is being done, and how much of it is.
    pub(crate) fn say(&self, what: String, done: u64, total: Option<u64>) {
        let style = match total {
            Some(_) => ProgressStyle::with_template("{spinner} [{bar:30}] {pos}/{len} {msg}"),
            None => ProgressStyle::with_template("{spinner} {msg}"),
        };
        if let Ok(style) = style {
            self.0.set_style(style.progress_chars("=> "));
        }
        if let Some(total) = total {
            self.0.set_length(total);
            self.0.set_position(done);
        }
        self.0.set_message(what);
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
