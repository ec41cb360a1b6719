//! Sets of keys that can be large and are told in few words: single keys, and everything that begins
//! with some prefix.
//!
//! Both are spans of the key order, so the set is a sorted list of spans that lie apart, and whether a
//! range of a tree has anything to do with it is a binary search:
//!
//! ```text
//! key a/b     ["a/b", "a/b\0")
//! prefix a/   ["a/", "a0")         '0' is the byte after '/'
//! prefix ""   ["", ...)            everything
//! ```

use bytes::Bytes;

/// A set of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    /// Ascending, and apart from each other.
    spans: Vec<Span>,
}

/// The keys from `start` on that are smaller than `end`; all of them where there is no end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    start: Bytes,
    end: Option<Bytes>,
}

impl KeySet {
    /// The set of `keys` and of all keys that begin with one of `prefixes`.
    pub fn new(
        keys: impl IntoIterator<Item = Bytes>,
        prefixes: impl IntoIterator<Item = Bytes>,
    ) -> Self {
        let keys = keys.into_iter().map(Span::of_key);
        let mut spans: Vec<Span> = keys.chain(prefixes.into_iter().map(Span::of_prefix)).collect();
        spans.sort_unstable();
        let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match apart.last_mut() {
                Some(last) if last.reaches(&span.start) => last.extend_to(span.end),
                _ => apart.push(span),
            }
        }
        Self { spans: apart }
    }

    /// Whether `key` is one of the keys.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.span_from(key).is_some_and(|span| span.start <= key)
    }

    /// Whether all keys from `min` to `max`, both included, are in the set.
    pub(crate) fn covers(&self, min: &[u8], max: &[u8]) -> bool {
        self.span_from(min).is_some_and(|span| span.start <= min && span.ends_after(max))
    }

    /// Whether some key from `min` to `max`, both included, is in the set.
    pub(crate) fn touches(&self, min: &[u8], max: &[u8]) -> bool {
        self.span_from(min).is_some_and(|span| span.start <= max)
    }

    /// The first span that ends after `key`.
    fn span_from(&self, key: &[u8]) -> Option<&Span> {
        self.spans.get(self.spans.partition_point(|span| !span.ends_after(key)))
    }
}

impl Span {
    fn of_key(key: Bytes) -> Self {
        let end = [&key[..], b"\0"].concat();
        Self { start: key, end: Some(end.into()) }
    }

    fn of_prefix(prefix: Bytes) -> Self {
        let end = after_all_with(&prefix);
        Self { start: prefix, end }
    }

    fn ends_after(&self, key: &[u8]) -> bool {
        self.end.as_ref().is_none_or(|end| end > key)
    }

    /// Whether no key lies between this and a span that begins at `start`, or later than this one.
    fn reaches(&self, start: &[u8]) -> bool {
        self.end.as_ref().is_none_or(|end| end >= start)
    }

    fn extend_to(&mut self, end: Option<Bytes>) {
        self.end = match (self.end.take(), end) {
            (Some(own), Some(other)) => Some(own.max(other)),
            _ => None,
        };
    }
}

/// The smallest key that is greater than all keys beginning with `prefix`, if there is one.
fn after_all_with(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(keys: &[&str], prefixes: &[&str]) -> KeySet {
        let bytes = |texts: &[&str]| {
            texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect::<Vec<_>>()
        };
        KeySet::new(bytes(keys), bytes(prefixes))
    }

    #[test]
    fn a_folder_is_not_its_neighbours() {
        let set = set(&["k"], &["foo/"]);
        for key in ["foo/", "foo/bar", "foo/\u{10ffff}", "k"] {
            assert!(set.contains(key.as_bytes()), "{key}");
        }
        for key in ["", "foo", "foo.", "foo0", "foobar/x", "fo", "j", "k\0", "ka"] {
            assert!(!set.contains(key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn the_empty_prefix_is_everything_and_no_prefix_is_nothing() {
        assert!(set(&[], &[""]).covers(b"", b"\xff\xff"));
        assert_eq!(set(&["a"], &["", "b"]), set(&[], &[""]));
        assert!(!KeySet::default().touches(b"", b"\xff\xff"));
    }

    #[test]
    fn a_prefix_of_the_greatest_bytes_has_no_end() {
        let all = KeySet::new([], [Bytes::from_static(b"a\xff")]);
        assert!(all.contains(b"a\xff\xff") && !all.contains(b"b"));
        let last = KeySet::new([], [Bytes::from_static(b"\xff\xff")]);
        assert!(last.contains(b"\xff\xff\xff") && !last.contains(b"\xff"));
    }

    proptest! {
        /// Every question is answered as by looking at each key and prefix.
        #[test]
        fn it_says_what_its_parts_say(
            keys in prop::collection::vec("[ab/]{0,3}", 0..6),
            prefixes in prop::collection::vec("[ab/]{0,3}", 0..4),
            bounds in ["[ab/]{0,4}", "[ab/]{0,4}"],
        ) {
            let texts = |texts: &[String]| -> Vec<Bytes> {
                texts.iter().map(|text| Bytes::from(text.clone())).collect()
            };
            let set = KeySet::new(texts(&keys), texts(&prefixes));
            let is_in = |key: &String| {
                keys.contains(key) || prefixes.iter().any(|prefix| key.starts_with(prefix))
            };
            let mut bounds = bounds;
            bounds.sort();
            let [min, max] = bounds;
            prop_assert_eq!(set.contains(min.as_bytes()), is_in(&min));
            let all: Vec<String> = all_texts().into_iter().filter(|text| min <= *text && *text <= max).collect();
            if set.covers(min.as_bytes(), max.as_bytes()) {
                prop_assert!(all.iter().all(is_in));
            }
            if all.iter().any(is_in) {
                prop_assert!(set.touches(min.as_bytes(), max.as_bytes()));
            }
            prop_assert!(set.spans.windows(2).all(|two| two[0].end.as_ref() < Some(&two[1].start)));
        }
    }

    /// All texts of up to four of the letters.
    fn all_texts() -> Vec<String> {
        let mut texts = vec![String::new()];
        for length in 0..4 {
            let longer: Vec<String> = texts
                .iter()
                .filter(|text| text.len() == length)
                .flat_map(|text| ["/", "a", "b"].map(|letter| format!("{text}{letter}")))
                .collect();
            texts.extend(longer);
        }
        texts
    }
}
