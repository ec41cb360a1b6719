//! What happened, in order: as a number that two runs of one seed must share, and as text if asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

/// How many lines are kept: the last ones tell.
const LINES: usize = 20_000;

/// The record of a run. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Trace(Arc<Mutex<Recorded>>);

#[derive(Debug)]
struct Recorded {
    hash: u64,
    is_told: bool,
    lines: VecDeque<String>,
}

impl Trace {
    /// An empty one, which keeps text if `is_told`.
    pub(crate) fn new(is_told: bool) -> Self {
        let hash = 0xcbf2_9ce4_8422_2325;
        Self(Arc::new(Mutex::new(Recorded { hash, is_told, lines: VecDeque::new() })))
    }

    /// Takes a number into the hash.
    pub(crate) fn count(&self, number: u64) {
        self.lock().take(&number.to_le_bytes());
    }

    /// Takes bytes into the hash.
    pub(crate) fn take(&self, bytes: &[u8]) {
        self.lock().take(bytes);
    }

    /// Keeps a line, if lines are kept.
    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        if !self.lock().is_told {
            return;
        }
        let line = line();
        let mut recorded = self.lock();
        if recorded.lines.len() == LINES {
            recorded.lines.pop_front();
        }
        recorded.lines.push_back(line);
    }

    pub(crate) fn hash(&self) -> u64 {
        self.lock().hash
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lock().lines.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().expect("no code panics while holding the lock")
    }
}

impl Recorded {
    /// FNV-1a.
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
