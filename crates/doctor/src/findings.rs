//! Findings as they come together: bounded, and counted in full.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;

use crate::Finding;
use crate::Kind;
use crate::Severity;

/// How many findings of each severity are kept. One damaged disk may give millions, and the first
/// thousand say as much.
const KEPT_OF_EACH: usize = 1_000;

/// Where findings are put.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    gathered: Mutex<Gathered>,
}

/// Findings and their numbers.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) kept: Vec<Finding>,
    /// How many of each severity are kept.
    kept_of: BTreeMap<Severity, usize>,
    /// How many there were of each severity, kept or not.
    pub(crate) by_severity: BTreeMap<Severity, u64>,
    /// How many there were of each kind, kept or not.
    pub(crate) by_kind: BTreeMap<Kind, u64>,
}

impl Findings {
    /// Adds one.
    pub(crate) fn add(&self, finding: Finding) {
        let mut gathered = self.lock();
        gathered.count(finding.severity, finding.kind, 1);
        gathered.keep(finding);
    }

    /// Adds all of another.
    pub(crate) fn merge(&self, other: Self) {
        let other = other.into_inner();
        let mut gathered = self.lock();
        for (severity, count) in other.by_severity {
            *gathered.by_severity.entry(severity).or_default() += count;
        }
        for (kind, count) in other.by_kind {
            *gathered.by_kind.entry(kind).or_default() += count;
        }
        for finding in other.kept {
            gathered.keep(finding);
        }
    }

    /// All of them, the worst first.
    pub(crate) fn into_inner(self) -> Gathered {
        let mut gathered = self.gathered.into_inner().unwrap_or_default();
        gathered.kept.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        gathered
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().expect("no code panics while holding the lock")
    }
}

impl Gathered {
    fn count(&mut self, severity: Severity, kind: Kind, count: u64) {
        *self.by_severity.entry(severity).or_default() += count;
        *self.by_kind.entry(kind).or_default() += count;
    }

    fn keep(&mut self, finding: Finding) {
        let alike = self.kept_of.entry(finding.severity).or_default();
        if *alike < KEPT_OF_EACH {
            *alike += 1;
            self.kept.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    #[test]
    fn what_is_left_out_is_counted_and_errors_are_not_pushed_out_by_notes() {
        let findings = Findings::default();
        for _ in 0..3_000 {
            findings.add(Finding::new(Kind::TableUnreferenced, Place::default(), "x"));
        }
        findings.add(Finding::new(Kind::ObjectMissing, Place::default(), "y"));
        let whole = Findings::default();
        whole.merge(findings);

        let gathered = whole.into_inner();
        assert_eq!(gathered.kept.len(), KEPT_OF_EACH + 1);
        assert_eq!(gathered.kept[0].kind, Kind::ObjectMissing);
        assert_eq!(gathered.by_severity[&Severity::Info], 3_000);
        assert_eq!(gathered.by_kind[&Kind::TableUnreferenced], 3_000);
    }
}
