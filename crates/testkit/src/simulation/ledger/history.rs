//! What something was, and since when.

/// The values of something over time, the present one last.
#[derive(Clone, Debug)]
pub(crate) struct History<T>(Vec<(u64, T)>);

impl<T: Clone + PartialEq> History<T> {
    pub(crate) fn beginning_with(value: T) -> Self {
        Self(vec![(0, value)])
    }

    /// The present value.
    pub(crate) fn now(&self) -> &T {
        &self.0[self.0.len() - 1].1
    }

    /// Notes the value since `tick`.
    pub(crate) fn set(&mut self, tick: u64, value: T) {
        if *self.now() != value {
            self.0.push((tick, value));
        }
    }

    /// The value at `since` and all later ones.
    pub(crate) fn within(&self, since: u64) -> impl Iterator<Item = &T> {
        let first = self.0.partition_point(|(tick, _)| *tick <= since).saturating_sub(1);
        self.0[first..].iter().map(|(_, value)| value)
    }

    /// Whether it was `value` at `since` or later.
    pub(crate) fn was(&self, since: u64, value: &T) -> bool {
        self.within(since).any(|then| then == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_that_of_the_last_change_before_it() {
        let mut history = History::beginning_with('a');
        history.set(5, 'b');
        history.set(5, 'b');
        history.set(9, 'c');
        assert_eq!(history.within(0).collect::<String>(), "abc");
        assert_eq!(history.within(4).collect::<String>(), "abc");
        assert_eq!(history.within(5).collect::<String>(), "bc");
        assert_eq!(history.within(20).collect::<String>(), "c");
        assert!(history.was(7, &'b') && !history.was(9, &'b'));
    }
}
