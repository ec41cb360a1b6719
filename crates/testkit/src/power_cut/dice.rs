//! Chance that follows from a seed.

use lakehold_clock::Random as _;
use lakehold_clock::SeededRandom;

/// Dice that fall the same way each time for a seed.
#[derive(Debug)]
pub(super) struct Dice(SeededRandom);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    /// A number below `end`, which is not zero. The slight preference for small ones does no harm.
    pub(super) fn below(&self, end: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        (u64::from_le_bytes(bytes) % end as u64) as usize
    }

    /// True in `percent` of 100 cases.
    pub(super) fn percent(&self, percent: u8) -> bool {
        self.below(100) < usize::from(percent)
    }
}
