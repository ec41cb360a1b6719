//! From a store to JSON.

use std::io;
use std::io::Write;

use chrono::DateTime;
use chrono::SecondsFormat;
use lakehold_clock::Timestamp;

use super::Chosen;
use super::OnProgress;
use super::Progress;
use super::VERSION;
use super::form::Form;
use crate::Error;
use crate::Scan;
use crate::Store;

/// How many records there are between two reports of progress.
const REPORT_EVERY: u64 = 1_000;

/// Why a dump was not completed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The dump could not be written.
    #[error("cannot write the dump")]
    Write(#[from] io::Error),

    /// The store could not be read.
    #[error("cannot read the store")]
    Store(#[from] Error),
}

/// Writes the records of the `chosen` partitions of `store` to `out`, dated `now`.
///
/// Partitions of [`Chosen::All`] come in byte order, others as chosen, and keys in byte order; one that
/// has no records adds nothing. Blocks where `out` does. What was written before an error is no dump:
/// its JSON does not end. Syncing a file is the caller's.
pub async fn dump(
    store: &dyn Store,
    chosen: &Chosen,
    now: Timestamp,
    out: &mut (dyn Write + Send),
    report: OnProgress<'_>,
) -> Result<Progress, DumpError> {
    let mut progress = Progress::default();
    write!(out, r#"{{"version":"{VERSION}","timestamp":"{}""#, text_of(now))?;
    for partition in chosen.names(store).await? {
        let mut scan = Scan::new(store, partition.clone(), bytes::Bytes::new());
        while let Some(entry) = scan.next().await? {
            let before = if progress.records == 0 { ",\"entries\":[\n" } else { ",\n" };
            out.write_all(before.as_bytes())?;
            let form = Form::of(&partition, &entry.key, &entry.value);
            serde_json::to_writer(&mut *out, &form).map_err(io::Error::from)?;
            progress.count(&partition, &entry.key, &entry.value);
            if progress.records.is_multiple_of(REPORT_EVERY) {
                report(progress);
            }
        }
    }
    out.write_all(if progress.records == 0 { b"}\n" } else { b"\n]}\n" })?;
    out.flush()?;
    progress.total = Some(progress.records);
    report(progress);
    Ok(progress)
}

/// RFC 3339 in UTC.
fn text_of(moment: Timestamp) -> String {
    let date = DateTime::from_timestamp(moment.seconds, moment.nanos).unwrap_or_default();
    date.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
