//! Where a local block store lies, and its sizes and times.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// Where a local block store lies and what it may touch.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// The block folder; made if it is not there.
    pub root: PathBuf,
    /// The folder of the journal, outside the block folder but on the same file system; made if it
    /// is not there.
    pub journal: PathBuf,
    /// Whether files that already exist can be imported.
    pub import_enabled: bool,
    /// Whether imports of folders take files and folders whose names begin with a dot.
    pub import_hidden: bool,
    /// Folders outside `root` whose files full addresses may name.
    pub allowed_external_prefixes: Vec<PathBuf>,
    /// Sizes and times that hardly anyone needs to change.
    pub tuning: Tuning,
}

impl LocalSettings {
    /// The places in `data_dir` that a server without configuration uses.
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Self {
            root: data_dir.join("block"),
            journal: data_dir.join("block-journal"),
            import_enabled: false,
            import_hidden: false,
            allowed_external_prefixes: Vec::new(),
            tuning: Tuning::default(),
        }
    }
}

/// Sizes and times of the journal (docs/formats/block-journal.md).
///
/// What the journal holds in memory until it is written out is at most
/// `waiting_kib + (segments + 1) * segment_bytes`.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// A segment this big is closed and written out.
    pub segment_bytes: u64,
    /// A segment with this many bodies is closed and written out.
    pub segment_entries: usize,
    /// A segment this old is closed and written out.
    pub segment_age: Duration,
    /// How many closed segments may wait to be written out before a `put` has to wait.
    pub segments: usize,
    /// How many KiB of bodies may wait for the next sync; each counts as one at least.
    pub waiting_kib: u32,
    /// How long to wait after writing out has failed, before it is tried again.
    pub retry_after: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
            segment_entries: 16_384,
            segment_age: Duration::from_secs(1),
            segments: 3,
            waiting_kib: 16 << 10,
            retry_after: Duration::from_secs(2),
        }
    }
}
