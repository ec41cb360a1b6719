//! Which bytes of an object a request wants.

use std::ops::Range;

/// What a `Range` header comes to for an object of known size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// These bytes. Never empty.
    Bytes(Range<u64>),
    /// Bytes that the object does not have.
    Unsatisfiable,
    /// More than one range, or one that ends before it begins.
    Malformed,
}

/// Reads the value of a `Range` header, whose form was checked, for an object of `size` bytes.
pub(crate) fn wanted(header: &str, size: u64) -> Wanted {
    let ranges = header.strip_prefix("bytes=").unwrap_or(header).trim();
    let Some((first, last)) = ranges.split_once('-') else { return Wanted::Malformed };
    match (number(first), number(last)) {
        _ if !is_number(first) || !is_number(last) => Wanted::Malformed,
        (None, None) => Wanted::Malformed,
        (None, Some(count)) if count == 0 || size == 0 => Wanted::Unsatisfiable,
        (None, Some(count)) => Wanted::Bytes(size.saturating_sub(count)..size),
        (Some(first), Some(last)) if last < first => Wanted::Malformed,
        (Some(first), _) if first >= size => Wanted::Unsatisfiable,
        (Some(first), None) => Wanted::Bytes(first..size),
        (Some(first), Some(last)) => Wanted::Bytes(first..last.saturating_add(1).min(size)),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number that is too large for us is larger than every object.
fn number(text: &str) -> Option<u64> {
    (!text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    #[test]
    fn ranges_are_cut_to_the_object() {
        let bytes = |header| wanted(header, 10);
        assert_eq!(bytes("bytes=0-0"), Wanted::Bytes(0..1));
        assert_eq!(bytes("bytes=2-5"), Wanted::Bytes(2..6));
        assert_eq!(bytes("bytes=7-"), Wanted::Bytes(7..10));
        assert_eq!(bytes("bytes=-3"), Wanted::Bytes(7..10));
        assert_eq!(bytes("bytes=-30"), Wanted::Bytes(0..10));
        assert_eq!(bytes("bytes=8-99"), Wanted::Bytes(8..10));
        assert_eq!(bytes("bytes=8-99999999999999999999999"), Wanted::Bytes(8..10));
    }

    #[test]
    fn what_the_object_does_not_have_is_told_from_what_cannot_be() {
        for header in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
            assert_eq!(wanted(header, 10), Wanted::Unsatisfiable, "{header}");
        }
        for header in ["bytes=0-", "bytes=-2", "bytes=0-0"] {
            assert_eq!(wanted(header, 0), Wanted::Unsatisfiable, "{header}");
        }
        for header in ["bytes=5-2", "bytes=0-1,3-4", "bytes=-", "bytes=1-2-3"] {
            assert_eq!(wanted(header, 10), Wanted::Malformed, "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_range_lies_within_the_object(header in "bytes=[0-9]{0,3}-[0-9]{0,3}", size in 0u64..500) {
            if let Wanted::Bytes(range) = wanted(&header, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
