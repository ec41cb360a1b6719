//! The short keys that index blocks hold between two data blocks.
//!
//! An index entry needs a key that is not before the last key of its block and before the first key
//! of the next; the shorter, the smaller the index. The writer must choose exactly the ones the
//! real one chooses, because index size counts in the estimated size.

/// A short key `s` with `last <= s < next`, given `last < next`.
pub(crate) fn separator(last: &[u8], next: &[u8]) -> Vec<u8> {
    let shared = shared_len(last, next);
    if shared >= last.len().min(next.len()) || last[shared] >= next[shared] {
        return last.to_vec();
    }
    if shared + 1 < next.len() || last[shared] + 1 < next[shared] {
        return incremented_at(last, shared);
    }
    let below_max = last[shared + 1..].iter().position(|&byte| byte != 0xff);
    below_max.map_or_else(|| last.to_vec(), |at| incremented_at(last, shared + 1 + at))
}

/// A short key that is not before `last`.
pub(crate) fn successor(last: &[u8]) -> Vec<u8> {
    let below_max = last.iter().position(|&byte| byte != 0xff);
    below_max.map_or_else(|| last.to_vec(), |at| incremented_at(last, at))
}

/// Length of the common prefix of `a` and `b`.
pub(crate) fn shared_len(a: &[u8], b: &[u8]) -> usize {
    let different = a.iter().zip(b).position(|(a, b)| a != b);
    different.unwrap_or(a.len().min(b.len()))
}

/// `key` up to and with position `at`, where the byte is one more.
fn incremented_at(key: &[u8], at: usize) -> Vec<u8> {
    let mut short = key[..=at].to_vec();
    short[at] += 1;
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn separators_are_those_of_the_stored_format() {
        assert_eq!(separator(b"abc", b"abd"), b"abc");
        assert_eq!(separator(b"abc", b"abdx"), b"abd");
        assert_eq!(separator(b"abc", b"abf"), b"abd");
        assert_eq!(separator(b"ab", b"abc"), b"ab");
        assert_eq!(separator(b"a1z", b"a2"), b"a1{");
        assert_eq!(separator(b"a1\xff\xffc", b"a2"), b"a1\xff\xffd");
        assert_eq!(separator(b"a1\xff", b"a2"), b"a1\xff");
    }

    #[test]
    fn successors_are_those_of_the_stored_format() {
        assert_eq!(successor(b"key"), b"l");
        assert_eq!(successor(b"\xff\x01z"), b"\xff\x02");
        assert_eq!(successor(b"\xff\xff"), b"\xff\xff");
        assert_eq!(successor(b""), b"");
    }

    proptest! {
        /// Whatever the keys, the separator lies between them.
        #[test]
        fn a_separator_separates(
            a in prop::collection::vec(prop_oneof![Just(0xff_u8), Just(0), 0..4_u8], 0..6),
            b in prop::collection::vec(prop_oneof![Just(0xff_u8), Just(0), 0..4_u8], 0..6),
        ) {
            prop_assume!(a != b);
            let (last, next) = if a < b { (a, b) } else { (b, a) };
            let between = separator(&last, &next);
            prop_assert!(last <= between && between < next, "{between:?}");
            prop_assert!(successor(&last) >= last);
        }
    }
}
