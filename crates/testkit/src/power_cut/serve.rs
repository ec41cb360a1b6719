//! A volume that somebody else's test drives, one line of text at a time.
//!
//! ```text
//! cut SEED nothing     the power is cut; only what was synced survives
//! cut SEED PERCENT     the same, and of the rest each piece with this probability
//! syncfs               somebody called syncfs: everything until now is synced
//! ignore WHAT [PATH]   answer syncs of files, folders or the volume and do nothing, if PATH is given
//!                      only those of it and below it; nothing: be honest
//! fail [PATH]          the next sync of a file fails, of one at PATH or below if that is given
//! export FOLDER        copy what the last cut left to a new folder
//! clear                an empty disk
//! stats                bytes and nodes in use, syncs that failed
//! quit                 unmount; the end of the input does the same
//! ```
//!
//! Each line is answered by one line of JSON: what was asked for, or `{"error": …}`.

use std::io;
use std::io::BufRead;
use std::io::Write;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::power_cut::export::export;
use crate::power_cut::image::PAGE_BYTES;
use crate::power_cut::mount::Mounted;
use crate::power_cut::settings::Survival;
use crate::power_cut::volume::CutReport;

/// Obeys the lines of `commands` until they end or one says `quit`, then unmounts.
///
/// Fails only where a line cannot be read or an answer not be written.
pub fn serve(mounted: Mounted, commands: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    for line in commands.lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = obey(&mounted, &words).unwrap_or_else(|error| json!({ "error": error }));
        writeln!(answers, "{answer}")?;
        answers.flush()?;
        if words == ["quit"] {
            break;
        }
    }
    drop(mounted);
    Ok(())
}

fn obey(mounted: &Mounted, words: &[&str]) -> Result<Value, String> {
    match words {
        ["cut", seed, survival] => {
            let seed = seed.parse().map_err(|_| format!("{seed} is not a seed"))?;
            Ok(cut_report(mounted.volume().cut(seed, parse_survival(survival)?)))
        }
        ["syncfs"] => {
            mounted.sync();
            Ok(json!({}))
        }
        ["ignore", what, below @ ..] if below.len() < 2 => {
            mounted.volume().ignore(what.parse()?, Path::new(&below.concat()));
            Ok(json!({}))
        }
        ["fail", below @ ..] if below.len() < 2 => {
            mounted.volume().fail(Path::new(&below.concat()));
            Ok(json!({}))
        }
        ["export", folder] => export_to(mounted, Path::new(folder)),
        ["clear"] => {
            mounted.volume().clear();
            Ok(json!({}))
        }
        ["stats"] => Ok(stats(mounted)),
        ["quit"] => Ok(json!({})),
        _ => Err(format!("unknown command: {}", words.join(" "))),
    }
}

fn parse_survival(text: &str) -> Result<Survival, String> {
    if text == "nothing" {
        return Ok(Survival::Nothing);
    }
    let percent = text.parse().ok().filter(|percent| *percent <= 100);
    percent.map(Survival::Percent).ok_or_else(|| format!("{text} is not a percentage"))
}

fn cut_report(report: CutReport) -> Value {
    let CutReport { pages_kept, pages_lost, names_kept, names_lost, lost } = report;
    json!({
        "pages_kept": pages_kept,
        "pages_lost": pages_lost,
        "names_kept": names_kept,
        "names_lost": names_lost,
        "lost": lost,
    })
}

fn export_to(mounted: &Mounted, folder: &Path) -> Result<Value, String> {
    let left = mounted.volume().left().cloned().ok_or("the power has not been cut yet")?;
    export(&left, folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(json!({}))
}

fn stats(mounted: &Mounted) -> Value {
    let volume = mounted.volume();
    json!({
        "bytes": volume.used_pages() * PAGE_BYTES as u64,
        "nodes": volume.node_count(),
        "failed_syncs": volume.failures(),
    })
}
