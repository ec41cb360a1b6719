//! Logs and metrics of the process: set up once, before anything else.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::Matcher;
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_exporter_prometheus::PrometheusHandle;
use tracing_subscriber::EnvFilter;

use lakehold_clock::Runtime;

use crate::settings::LogFormat;
use crate::settings::LogSettings;

/// Dashboards of existing installations have these.
const DURATION_BUCKETS: [f64; 12] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];
/// Durations wait in memory until they are sorted into buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

static METRICS: OnceLock<Rendered> = OnceLock::new();

/// The figures of the process, for whoever asks.
#[derive(Clone, Debug)]
pub(crate) struct Rendered(PrometheusHandle);

impl Rendered {
    pub(crate) fn text(&self) -> String {
        self.0.render()
    }

    /// Keeps what waits small, as long as the runtime runs.
    pub(crate) fn keep_up(&self, runtime: &Runtime) {
        let (handle, own) = (self.0.clone(), runtime.clone());
        runtime.spawn("metrics-upkeep", async move {
            loop {
                own.sleep(UPKEEP_INTERVAL).await;
                handle.run_upkeep();
            }
        });
    }
}

/// Sends logs to standard error and begins to count.
///
/// Fails where the level is none.
pub(crate) fn start(log: &LogSettings) -> anyhow::Result<Rendered> {
    let filter = EnvFilter::try_new(directives(&log.level)).with_context(|| {
        format!("{:?} is no log level: give error, warn, info, debug or trace", log.level)
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // An error means that the process logs already, in a test.
    drop(match log.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    });
    count()
}

/// A bare level is ours; of libraries, what they warn of is enough. Anything longer is taken as it is.
fn directives(level: &str) -> String {
    let is_filter = level.contains(['=', ',']);
    if is_filter { level.to_owned() } else { format!("warn,lakehold={level}") }
}

fn count() -> anyhow::Result<Rendered> {
    if let Some(counting) = METRICS.get() {
        return Ok(counting.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), &DURATION_BUCKETS)
        .context("buckets of durations")?
        .install_recorder()
        .context("installing metrics")?;
    Ok(METRICS.get_or_init(|| Rendered(handle)).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_a_level_and_a_filter_is_a_filter() {
        for good in ["error", "warn", "info", "debug", "trace", "info,lakehold_engine=debug"] {
            assert!(EnvFilter::try_new(directives(good)).is_ok(), "{good}");
        }
        for bad in ["verbose", "lakehold_engine=verbose", "a=b=c"] {
            assert!(EnvFilter::try_new(directives(bad)).is_err(), "{bad}");
        }
    }
}
