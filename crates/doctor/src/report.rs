//! The outcome of an examination.

mod show;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::Counts;
use crate::Finding;
use crate::Kind;
use crate::Severity;
use crate::findings::Gathered;

/// What was examined and what was found. Displays as text for people.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Report {
    /// Whether the bytes of objects were read and compared with their checksums.
    pub deep: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How much was examined.
    pub examined: Counts,
    /// Number of findings that are errors.
    pub errors: u64,
    /// Number of findings that are warnings.
    pub warnings: u64,
    /// Number of findings that are for information only.
    pub infos: u64,
    /// Number of findings of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// The findings, the worst first: at most 1,000 of each severity.
    pub findings: Vec<Finding>,
    /// How many findings are not in the list.
    pub left_out: u64,
    /// What was not examined although it was asked for, as sentences.
    pub not_examined: Vec<String>,
}

impl Report {
    pub(crate) fn new(
        deep: bool,
        duration: Duration,
        examined: Counts,
        gathered: Gathered,
        not_examined: Vec<String>,
    ) -> Self {
        let number = |severity| gathered.by_severity.get(&severity).copied().unwrap_or(0);
        let all: u64 = gathered.by_severity.values().sum();
        Self {
            deep,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            examined,
            errors: number(Severity::Error),
            warnings: number(Severity::Warning),
            infos: number(Severity::Info),
            kinds: gathered.by_kind,
            left_out: all - gathered.kept.len() as u64,
            findings: gathered.kept,
            not_examined,
        }
    }

    /// The worst severity that was found; `None` where nothing was.
    pub fn worst(&self) -> Option<Severity> {
        match (self.errors, self.warnings, self.infos) {
            (1.., _, _) => Some(Severity::Error),
            (_, 1.., _) => Some(Severity::Warning),
            (_, _, 1..) => Some(Severity::Info),
            _ => None,
        }
    }

    /// The exit status of a command that made this report: 0 where there is no error and no warning,
    /// 3 where there are warnings, 4 where there are errors.
    ///
    /// 1 and 2 are left to commands that could not do what they were told, or did not understand it.
    pub fn exit_status(&self) -> u8 {
        match self.worst() {
            Some(Severity::Error) => 4,
            Some(Severity::Warning) => 3,
            Some(Severity::Info) | None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use crate::findings::Findings;

    fn report(kinds: &[Kind]) -> Report {
        let findings = Findings::default();
        for kind in kinds {
            let place = Place::record(b"p", b"a\xff");
            findings.add(Finding::new(*kind, place, "it is \u{1b}[31mred"));
        }
        let counts = Counts { commits: 1_234_567, ..Counts::default() };
        let took = Duration::from_millis(65_432);
        Report::new(true, took, counts, findings.into_inner(), vec!["Nothing else.".to_owned()])
    }

    #[test]
    fn the_exit_status_follows_the_worst() {
        assert_eq!(report(&[]).exit_status(), 0);
        assert_eq!(report(&[Kind::TableUnreferenced]).exit_status(), 0);
        assert_eq!(report(&[Kind::TableUnreferenced, Kind::UnknownFile]).exit_status(), 3);
        assert_eq!(report(&[Kind::UnknownFile, Kind::RangeMissing]).exit_status(), 4);
    }

    #[test]
    fn a_report_is_read_back_from_its_json() {
        let report = report(&[Kind::UnknownFile, Kind::RangeMissing]);
        let json = serde_json::to_string(&report).expect("JSON");
        assert!(json.contains(r#""kinds":{"range_missing":1,"unknown_file":1}"#), "{json}");
        assert!(json.contains(r#""key_hex":"61ff""#), "{json}");
        assert_eq!(serde_json::from_str::<Report>(&json).expect("a report"), report);
    }

    #[test]
    fn a_report_for_people_has_numbers_findings_and_no_control_characters() {
        let shown = report(&[Kind::UnknownFile, Kind::RangeMissing]).to_string();
        assert!(shown.contains("1,234,567  commits"), "{shown}");
        assert!(shown.contains("65.4 s"), "{shown}");
        assert!(shown.contains("1 error, 1 warning"), "{shown}");
        let (error, warning) = (shown.find("error range_missing"), shown.find("warning unknown"));
        assert!(error.is_some() && error < warning, "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}
