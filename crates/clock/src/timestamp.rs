//! A moment, as it is stored: seconds and nanoseconds since 1970.

use std::time::Duration;

/// A moment in UTC: seconds since 1970-01-01 (may be negative) and nanoseconds within the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub seconds: i64,
    /// Nanoseconds within that second, below 1,000,000,000.
    pub nanos: u32,
}

impl Timestamp {
    /// The beginning of the second `seconds`.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    /// The moment `duration` after this one. Stays at the end of time rather than wrap.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let nanos = u64::from(self.nanos) + u64::from(duration.subsec_nanos());
        let carried = i64::try_from(nanos / 1_000_000_000).unwrap_or(0);
        let added = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self {
            seconds: self.seconds.saturating_add(added).saturating_add(carried),
            nanos: u32::try_from(nanos % 1_000_000_000).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_carry_into_seconds() {
        let start = Timestamp { seconds: 1, nanos: 900_000_000 };
        let end = start.plus(Duration::from_millis(1_200));
        assert_eq!(end, Timestamp { seconds: 3, nanos: 100_000_000 });
    }
}
