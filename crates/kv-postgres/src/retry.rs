//! How often something that failed is tried again.

use std::time::Duration;

use lakehold_clock::Runtime;

use crate::failure::Trouble;

/// How often at most. With the pauses in between this bridges the restart of a server, about a second
/// and a half, and not a failover: whoever called decides whether to wait that long.
const ATTEMPTS: u32 = 5;
/// Once this much has passed there is a second attempt, if there was none yet, and no further one.
const PATIENCE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Counts the attempts at one call.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    runtime: &'a Runtime,
    is_read: bool,
    failed: u32,
    began: Duration,
}

impl<'a> Attempts<'a> {
    /// At a read, which may be repeated whatever became of it.
    pub(crate) fn at_read(runtime: &'a Runtime) -> Self {
        Self { runtime, is_read: true, failed: 0, began: runtime.monotonic() }
    }

    /// At a write, which may be repeated only where nothing was written.
    pub(crate) fn at_write(runtime: &'a Runtime) -> Self {
        Self { is_read: false, ..Self::at_read(runtime) }
    }

    /// Returns once it is time for another attempt, or hands `trouble` back where there is to be none.
    pub(crate) async fn again(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        let worth = match &trouble {
            Trouble::Passing(_) => true,
            Trouble::Lost(_) => self.is_read,
            Trouble::Lasting(_) | Trouble::Invalid(_) => false,
        };
        self.failed += 1;
        let late = self.failed > 1 && self.runtime.monotonic() > self.began + PATIENCE;
        if !worth || late || self.failed >= ATTEMPTS {
            return Err(trouble);
        }
        tracing::debug!(attempt = self.failed, ?trouble, "trying again");
        self.runtime.sleep(FIRST_PAUSE * (1 << (self.failed - 1))).await;
        Ok(())
    }
}
