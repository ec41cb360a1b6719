//! Chance that follows from a seed: every decision of a simulation is a throw of these.

use std::time::Duration;

/// A source of decisions. A copy makes the same ones (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Self(seed);
        // Neighbouring seeds should have nothing in common from the first throw on.
        Self(dice.throw() ^ seed.rotate_left(32))
    }

    /// Dice of their own for one part of the simulation.
    pub(crate) fn fork(&mut self) -> Self {
        Self::new(self.throw())
    }

    /// Any number.
    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`, which must not be zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = end as u64;
        usize::try_from(self.throw() % end).unwrap_or(0)
    }

    /// True `times` times in a thousand.
    pub(crate) fn per_mille(&mut self, times: usize) -> bool {
        self.below(1_000) < times
    }

    /// One of `choices`, of which there must be one.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A time of at most so many microseconds, short ones more often than long ones.
    pub(crate) fn micros(&mut self, most: usize) -> Duration {
        let limit = self.below(most) + 1;
        Duration::from_micros(self.below(limit) as u64 + 1)
    }
}
