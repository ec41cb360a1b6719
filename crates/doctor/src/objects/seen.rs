//! What has been looked for, as far as memory goes.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::hash::Hasher;

/// How many hashes are kept of each generation: as many as a set of two million places takes before it
/// grows, which has some 20 MiB.
const GENERATION: usize = 7 << 18;

/// Remembers the last hashes: between one and two generations of them.
#[derive(Debug)]
pub(crate) struct Seen {
    generation: usize,
    young: Hashes,
    old: Hashes,
}

type Hashes = HashSet<u64, BuildHasherDefault<AsItIs>>;

impl Default for Seen {
    fn default() -> Self {
        Self { generation: GENERATION, young: Hashes::default(), old: Hashes::default() }
    }
}

impl Seen {
    /// Adds `hash`; returns whether it was not remembered.
    pub(crate) fn insert(&mut self, hash: u64) -> bool {
        let is_known = self.young.contains(&hash) || self.old.contains(&hash);
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        // Also where it is known already: what is asked for again stays.
        self.young.insert(hash);
        !is_known
    }
}

/// A hasher of what is a hash already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spreads small numbers as hashes are.
    fn hash(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn the_last_generation_is_remembered_and_memory_is_bounded() {
        let generation = 1_000;
        let mut seen = Seen { generation, ..Seen::default() };
        let many = 3 * generation as u64;
        for number in 0..many {
            assert!(seen.insert(hash(number)), "{number}");
        }
        assert!(seen.young.len() + seen.old.len() <= 2 * generation);
        for number in many - generation as u64..many {
            assert!(!seen.insert(hash(number)), "{number}");
        }
        assert!(seen.insert(hash(0)), "the first ones are forgotten");
    }
}
