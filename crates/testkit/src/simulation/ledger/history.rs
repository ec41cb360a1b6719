//! What something was, and since when.

/// The values of something over time, the present one last.
#[derive(Clone, Debug)]
pub(crate) struct History<T>(Vec<(u64, T)>);

/// A time during which something was the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// The first moment.
    pub(crate) from: u64,
    /// The last one.
    pub(crate) to: u64,
}

impl<T: Clone + PartialEq> History<T> {
    pub(crate) fn beginning_with(value: T) -> Self {
        Self(vec![(0, value)])
    }

    /// The present value.
    pub(crate) fn now(&self) -> &T {
        &self.0[self.0.len() - 1].1
    }

    /// Since when it has the present value.
    pub(crate) fn since(&self) -> u64 {
        self.0[self.0.len() - 1].0
    }

    /// Notes the value since `tick`.
    pub(crate) fn set(&mut self, tick: u64, value: T) {
        if *self.now() != value {
            self.0.push((tick, value));
        }
    }

    /// The value at `since` and all later ones.
    pub(crate) fn within(&self, since: u64) -> impl Iterator<Item = &T> {
        self.periods(since).map(|(_, value)| value)
    }

    /// The value at `since` and all later ones, and when they were that; the first from `since` on.
    pub(crate) fn periods(&self, since: u64) -> impl Iterator<Item = (Period, &T)> {
        let first = self.0.partition_point(|(tick, _)| *tick <= since).saturating_sub(1);
        let ends = self.0[first + 1..].iter().map(|(tick, _)| tick - 1).chain([u64::MAX]);
        let starts = self.0[first..].iter();
        starts
            .zip(ends)
            .map(move |((from, value), to)| (Period { from: since.max(*from), to }, value))
    }

    /// How often it has changed since.
    pub(crate) fn changes(&self, since: u64) -> usize {
        self.within(since).count() - 1
    }

    /// Whether it was `value` at `since` or later.
    pub(crate) fn was(&self, since: u64, value: &T) -> bool {
        self.within(since).any(|then| then == value)
    }

    /// Whether it was `value` at a moment of `period`.
    pub(crate) fn was_during(&self, period: Period, value: &T) -> bool {
        let mut during = self.periods(period.from).take_while(|(then, _)| then.from <= period.to);
        during.any(|(_, then)| then == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History<char> {
        let mut history = History::beginning_with('a');
        history.set(5, 'b');
        history.set(5, 'b');
        history.set(9, 'c');
        history
    }

    #[test]
    fn a_moment_is_that_of_the_last_change_before_it() {
        let history = history();
        assert_eq!(history.within(0).collect::<String>(), "abc");
        assert_eq!(history.within(4).collect::<String>(), "abc");
        assert_eq!(history.within(5).collect::<String>(), "bc");
        assert_eq!(history.within(20).collect::<String>(), "c");
        assert!(history.was(7, &'b') && !history.was(9, &'b'));
        assert_eq!((history.changes(4), history.changes(5), history.changes(9)), (2, 1, 0));
    }

    #[test]
    fn periods_end_before_the_next_one_begins() {
        let history = history();
        let periods: Vec<_> =
            history.periods(7).map(|(at, what)| (at.from, at.to, *what)).collect();
        assert_eq!(periods, [(7, 8, 'b'), (9, u64::MAX, 'c')]);
        assert!(history.was_during(Period { from: 2, to: 5 }, &'b'));
        assert!(!history.was_during(Period { from: 2, to: 4 }, &'b'));
        assert!(!history.was_during(Period { from: 9, to: 30 }, &'b'));
    }
}
