//! Writing JSON by hand, for the few answers that have a thousand rows.

use std::fmt::Display;
use std::io::Write as _;

/// Appends a text in quotes.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    if needs_escape(text.as_bytes()) {
        // Writing a text into memory cannot fail.
        drop(serde_json::to_writer(out, text));
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Appends a number.
pub(crate) fn number(out: &mut Vec<u8>, number: impl Display) {
    // Writing a number into memory cannot fail.
    drop(write!(out, "{number}"));
}

/// Whether JSON has to write some of the bytes differently. Looks at all of them, without leaving
/// early: so the compiler makes it look at many at once.
fn needs_escape(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(false, |found, byte| found | (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_are_written_as_everybody_writes_them(written: String) {
            let mut out = Vec::new();
            text(&mut out, &written);
            prop_assert_eq!(String::from_utf8(out).ok(), serde_json::to_string(&written).ok());
        }

        #[test]
        fn numbers_are_written_as_everybody_writes_them(written: i64) {
            let mut out = Vec::new();
            number(&mut out, written);
            prop_assert_eq!(String::from_utf8(out).ok(), Some(written.to_string()));
        }
    }
}
