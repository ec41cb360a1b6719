//! Times as S3 spells them.

use chrono::DateTime;
use lakehold_clock::Timestamp;

/// Reads `2009-10-12T17:50:30.000Z`, as documents have it, or `Mon, 12 Oct 2009 17:50:30 GMT`, as
/// headers do. What is neither is the beginning of time.
pub(crate) fn parse(text: &str) -> Timestamp {
    let parsed = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text));
    parsed.map_or_else(
        |_| Timestamp::default(),
        |time| Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos() },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        let expected = Timestamp::from_seconds(1_255_369_830);
        assert_eq!(parse("2009-10-12T17:50:30.000Z"), expected);
        assert_eq!(parse("Mon, 12 Oct 2009 17:50:30 GMT"), expected);
        assert_eq!(parse("2009-10-12T17:50:30.250Z").nanos, 250_000_000);
        assert_eq!(parse("yesterday"), Timestamp::default());
    }
}
