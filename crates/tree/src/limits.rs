//! Where a tree is cut into ranges.
//!
//! Two trees that differ in one key should share all ranges but one or two, so the cuts must not
//! shift along when a record is added. [`RangeLimits::cut_after`] therefore lets the keys decide:
//! once a range is big enough it ends after the first key whose hash is divisible by `raggedness`,
//! and in any case once it is too big.
//!
//! ```text
//! size:  0 ........ min ........................ max
//!        never cut  | cut if hash(key) % r == 0  | always cut
//! ```
//!
//! The hash and the three limits are part of the stored format: changing them changes the names of
//! all ranges, and with them every commit made from then on.

use crate::TreeSettings;

/// The limits of one range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeLimits {
    /// A smaller range is never closed, except the last of a tree.
    pub(crate) min_bytes: u64,
    /// A range is closed after the record that brings it here.
    pub(crate) max_bytes: u64,
    /// How many records past `min_bytes` a range has on average.
    pub(crate) raggedness: u64,
}

impl RangeLimits {
    pub(crate) fn from_settings(settings: &TreeSettings) -> Self {
        Self {
            min_bytes: settings.min_range_bytes,
            max_bytes: settings.max_range_bytes,
            raggedness: settings.raggedness,
        }
    }

    /// Whether a range that has grown to `size` ends with `key`.
    pub(crate) fn cut_after(&self, key: &[u8], size: u64) -> bool {
        if size < self.min_bytes {
            return false;
        }
        size >= self.max_bytes || fnv1a_64(key).is_multiple_of(self.raggedness)
    }
}

fn fnv1a_64(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::golden_hash_vectors;

    #[test]
    fn hash_is_the_published_one() {
        assert_eq!(fnv1a_64(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a_64(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a_64(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_first_cuts_of_the_vectors_fall_where_the_stored_format_says() {
        let vectors = golden_hash_vectors();
        let expected: Vec<&str> = vectors["range_break"]["first_five_break_keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cut| cut["key"].as_str().unwrap())
            .collect();
        let limits = RangeLimits { min_bytes: 0, max_bytes: u64::MAX, raggedness: 50_000 };
        let cuts: Vec<String> = (0..80_000)
            .map(|number| format!("data/part-{number:06}"))
            .filter(|key| limits.cut_after(key.as_bytes(), 1))
            .take(5)
            .collect();
        assert_eq!(cuts, expected);
    }

    #[test]
    fn size_comes_before_the_key() {
        let limits = RangeLimits { min_bytes: 10, max_bytes: 20, raggedness: 1 };
        assert!(!limits.cut_after(b"k", 9));
        assert!(limits.cut_after(b"k", 10));
        let smooth = RangeLimits { raggedness: u64::MAX, ..limits };
        assert!(!smooth.cut_after(b"k", 19));
        assert!(smooth.cut_after(b"k", 20));
    }
}
