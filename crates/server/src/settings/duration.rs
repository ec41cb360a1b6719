//! Times as settings of lakeFS write them: `1h30m`, `1.5s`, `500ms`.

use std::time::Duration;

/// Nanoseconds of each unit, with those that begin like another one before it.
const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// The time that `text` stands for: numbers, each with its unit, or `0`. `None` where it stands for
/// none, or for more than fits.
pub(super) fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let length = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(length);
        let (unit, nanos) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        total = total.checked_add(times(number, *nanos)?)?;
        rest = &after[unit.len()..];
    }
    (!text.is_empty()).then_some(total)
}

/// Whole and broken part apart, so that nothing is rounded that need not be.
fn times(number: &str, nanos: u64) -> Option<Duration> {
    let (whole, broken) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && broken.is_empty() {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut sum = whole.checked_mul(nanos)?;
    let mut part = nanos;
    for digit in broken.bytes() {
        part /= 10;
        sum = sum.checked_add(part * u64::from(char::from(digit).to_digit(10)?))?;
    }
    Some(Duration::from_nanos(sum))
}

/// The shortest text that stands for `time`.
pub(super) fn text(time: Duration) -> String {
    let mut rest = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, nanos) in UNITS.iter().rev().filter(|(unit, _)| *unit != "µs") {
        let count = rest / nanos;
        rest %= nanos;
        if count > 0 {
            text += &format!("{count}{unit}");
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_units() {
        let millis = |text| parse(text).map(|time| time.as_millis());
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis("1.5s"), Some(1_500));
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis(".5h"), Some(1_800_000));
        assert_eq!(parse("3µs"), Some(Duration::from_micros(3)));
        assert_eq!(millis("0"), Some(0));
        assert_eq!(millis("0s"), Some(0));
        for none in ["", "5", "5 m", "m", ".s", "-1s", "1.2.3s", "1d", "99999999999h"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos: u64) {
            let time = Duration::from_nanos(nanos);
            prop_assert_eq!(parse(&text(time)), Some(time));
        }
    }
}
