//! Which objects garbage collection may have removed.
//!
//! Commits that are too old for the rules keep their records and tables and lose objects that no
//! younger one has. So of an old commit a missing object is no damage, if there are rules. Tags
//! protect nothing; the head of a branch is always kept.

use lakehold_block::Address;
use lakehold_block::Error;
use lakehold_clock::Timestamp;
use prost::Message as _;

use crate::Kind;
use crate::Place;
use crate::records::GarbageCollectionRules;
use crate::repository::RepositoryExam;
use crate::trees::Reach;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// The rules are a few names and numbers.
const LONGEST_RULES: usize = 16 << 20;

/// The rules of a repository, as far as they matter here.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CollectionRules {
    /// The shortest time that a commit is kept, in days; `None`: for ever.
    shortest_days: Option<i32>,
}

impl CollectionRules {
    fn new(stored: &GarbageCollectionRules) -> Self {
        let branches = stored.branch_retention_days.values().copied();
        Self { shortest_days: branches.chain([stored.default_retention_days]).min() }
    }

    /// What may be missing of a commit of `date`, in seconds since 1970, that no branch is at.
    pub(crate) fn reach_of(&self, date: i64, now: Timestamp) -> Reach {
        let Some(days) = self.shortest_days else { return Reach::Kept };
        let kept_since = now.seconds.saturating_sub(i64::from(days) * SECONDS_PER_DAY);
        if date > kept_since { Reach::Recent } else { Reach::Expired }
    }
}

impl RepositoryExam<'_> {
    /// Reads the rules. What cannot be read is told, and counts as none.
    pub(crate) async fn collection_rules(&self) -> CollectionRules {
        let name = format!("{}/retention/gc/rules/config.json", self.folder());
        let address = Address::relative(&self.repository.namespace, name);
        let place = || Place::default().with_address(&address);
        let body = match self.exam.blocks.get(&address, None).await {
            Ok(body) => body,
            Err(Error::NotFound(_)) => return CollectionRules::default(),
            Err(error) => {
                let problem = format!("The rules of garbage collection cannot be read: {error}.");
                self.add(Kind::StoreFailed, place(), problem);
                return CollectionRules::default();
            }
        };
        match body.collect(LONGEST_RULES).await.map(GarbageCollectionRules::decode) {
            // Rules that were deleted leave an empty file.
            Ok(Ok(rules)) if rules == GarbageCollectionRules::default() => {
                CollectionRules::default()
            }
            Ok(Ok(rules)) => CollectionRules::new(&rules),
            Ok(Err(error)) => {
                let problem = format!("These are no rules of garbage collection: {error}.");
                self.add(Kind::RecordUnreadable, place(), problem);
                CollectionRules::default()
            }
            Err(error) => {
                let problem = format!("The rules of garbage collection cannot be read: {error}.");
                self.add(Kind::StoreFailed, place(), problem);
                CollectionRules::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(100 * SECONDS_PER_DAY);

    fn rules(default: i32, branch: i32) -> CollectionRules {
        CollectionRules::new(&GarbageCollectionRules {
            default_retention_days: default,
            branch_retention_days: [("main".to_owned(), branch)].into(),
        })
    }

    #[test]
    fn without_rules_everything_is_kept() {
        assert_eq!(CollectionRules::default().reach_of(0, NOW), Reach::Kept);
    }

    #[test]
    fn the_shortest_rule_decides_what_may_be_gone() {
        for rules in [rules(7, 30), rules(30, 7)] {
            assert_eq!(rules.reach_of(94 * SECONDS_PER_DAY, NOW), Reach::Recent);
            assert_eq!(rules.reach_of(93 * SECONDS_PER_DAY, NOW), Reach::Expired);
        }
    }
}
