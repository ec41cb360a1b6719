//! Branch protection: which branches may not be written or committed to directly.
//!
//! Rules are patterns over branch names. A pattern must match the whole name: `*` and `**` stand for
//! any run of characters, `?` for one, `[abc]`, `[a-z]` and `[!abc]` for one of a set, `{a,b}` for
//! either, and `\` takes the next character as it is. A pattern that cannot be read is refused when
//! it is set; one that is stored all the same matches nothing, and is logged.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use globset::GlobBuilder;
use globset::GlobMatcher;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Versioned;
use lakehold_kv::Write;

use crate::BranchId;
use crate::Engine;
use crate::EngineError;
use crate::Repository;
use crate::branch::UPDATE_ATTEMPTS;
use crate::error::Result;
use crate::keys;
use crate::records;
use crate::records::BlockedActions;
use crate::records::BranchProtectionRules;

/// What a protection rule forbids. Stored numbers: 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockedAction {
    /// Writing to the staging area.
    StagingWrite,
    /// Committing.
    Commit,
    /// Both at once (hard reset); never stored.
    Any,
}

/// Pattern -> what it forbids.
pub type ProtectionRules = BTreeMap<String, Vec<BlockedAction>>;

/// Rules ready to be asked.
#[derive(Debug)]
pub(crate) struct CompiledRules {
    rules: Vec<(GlobMatcher, Vec<BlockedAction>)>,
}

impl CompiledRules {
    fn new(rules: &ProtectionRules) -> Self {
        let mut compiled = Vec::with_capacity(rules.len());
        for (pattern, actions) in rules {
            match compile(pattern) {
                Ok(glob) => compiled.push((glob, actions.clone())),
                Err(error) => tracing::warn!(
                    pattern,
                    %error,
                    "a stored branch protection pattern matches nothing: {error}"
                ),
            }
        }
        Self { rules: compiled }
    }

    fn forbids(&self, branch: &BranchId, action: BlockedAction) -> bool {
        self.rules.iter().any(|(glob, actions)| {
            let concerns = action == BlockedAction::Any && !actions.is_empty();
            (concerns || actions.contains(&action)) && glob.is_match(branch.as_str())
        })
    }
}

/// Reads a pattern. Runs of `*` mean one `*`: to the matcher `**` would be something else.
fn compile(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    let mut single = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    let mut is_after_star = false;
    while let Some(character) = characters.next() {
        if character == '*' && is_after_star {
            continue;
        }
        is_after_star = character == '*';
        single.push(character);
        if character == '\\' {
            single.extend(characters.next());
        }
    }
    let glob = GlobBuilder::new(&single).literal_separator(false).backslash_escape(true).build()?;
    Ok(glob.compile_matcher())
}

impl Engine {
    /// Returns the protection rules of a repository, and their stored form: what identifies them.
    pub async fn protection_rules(
        &self,
        repository: &Repository,
    ) -> Result<(ProtectionRules, Option<Bytes>)> {
        let (record, stored) = self.read_rules(repository).await?;
        Ok((from_record(&record.message), stored.map(|stored| stored.value)))
    }

    /// Replaces the protection rules of a repository.
    ///
    /// `unchanged`: only if the stored bytes are still these (`Some(None)`: only if nothing is
    /// stored); otherwise it fails with [`EngineError::PreconditionFailed`]. Fails with
    /// [`EngineError::InvalidArgument`] for a pattern that cannot be read.
    pub async fn set_protection_rules(
        &self,
        repository: &Repository,
        rules: &ProtectionRules,
        unchanged: Option<Option<Bytes>>,
    ) -> Result<()> {
        repository.check_writable(false)?;
        if let Some(bad) = rules.keys().find(|pattern| compile(pattern).is_err()) {
            return Err(EngineError::InvalidArgument { name: "pattern", value: bad.clone() });
        }
        let engine = self.clone();
        let repository = repository.clone();
        let rules = to_record(rules);
        self.to_the_end("set-protection-rules", async move {
            let done = engine.write_rules(&repository, rules, unchanged).await;
            engine.parts.rules.forget(&repository.partition);
            done
        })
        .await
    }

    async fn write_rules(
        &self,
        repository: &Repository,
        rules: BranchProtectionRules,
        unchanged: Option<Option<Bytes>>,
    ) -> Result<()> {
        let refused = || EngineError::PreconditionFailed("branch protection rules".to_owned());
        for attempt in 1..=UPDATE_ATTEMPTS {
            let (mut record, stored) = self.read_rules(repository).await?;
            if let Some(expected) = &unchanged
                && stored.as_ref().map(|stored| &stored.value) != expected.as_ref()
            {
                return Err(refused());
            }
            record.message = rules.clone();
            let version = stored.map(|stored| stored.version);
            let write = Write {
                partition: repository.partition.clone(),
                key: keys::PROTECTION,
                value: Some(record.encode()),
                precondition: version.map_or(Precondition::Absent, Precondition::Unchanged),
            };
            match self.write_if(write).await? {
                Outcome::Applied => return Ok(()),
                Outcome::PreconditionFailed => self.back_off(attempt).await,
            }
        }
        Err(refused())
    }

    /// Fails with [`EngineError::ProtectedBranch`] where a rule forbids `action` on `branch`.
    pub(crate) async fn check_unprotected(
        &self,
        repository: &Repository,
        branch: &BranchId,
        action: BlockedAction,
    ) -> Result<()> {
        let Self { parts } = self;
        let rules = match parts.rules.find(&repository.partition, &parts.runtime) {
            Some(known) => known,
            None => self.compile_rules(repository).await?,
        };
        if rules.forbids(branch, action) {
            return Err(EngineError::ProtectedBranch { branch: branch.clone(), action });
        }
        Ok(())
    }

    async fn compile_rules(&self, repository: &Repository) -> Result<Arc<CompiledRules>> {
        let begun = self.parts.rules.begin(&self.parts.runtime);
        let (record, _) = self.read_rules(repository).await?;
        let rules = Arc::new(CompiledRules::new(&from_record(&record.message)));
        let partition = repository.partition.clone();
        self.parts.rules.remember(begun, partition, rules.clone());
        Ok(rules)
    }

    async fn read_rules(
        &self,
        repository: &Repository,
    ) -> Result<(Record<BranchProtectionRules>, Option<Versioned>)> {
        let stored = self.parts.kv.get(repository.partition.clone(), keys::PROTECTION).await?;
        let bytes = stored.as_ref().map_or(&[][..], |found| &found.value[..]);
        let record = records::decode("branch protection rules", &keys::PROTECTION, bytes)?;
        Ok((record, stored))
    }
}

/// Numbers we do not know forbid nothing we know.
fn from_record(stored: &BranchProtectionRules) -> ProtectionRules {
    let actions = |blocked: &BlockedActions| {
        let known = blocked.values.iter().filter_map(|number| match number {
            0 => Some(BlockedAction::StagingWrite),
            1 => Some(BlockedAction::Commit),
            _ => None,
        });
        known.collect()
    };
    stored.rules.iter().map(|(pattern, blocked)| (pattern.clone(), actions(blocked))).collect()
}

fn to_record(rules: &ProtectionRules) -> BranchProtectionRules {
    let numbers = |actions: &Vec<BlockedAction>| {
        let mut values = Vec::new();
        for action in actions {
            match action {
                BlockedAction::StagingWrite => values.push(0),
                BlockedAction::Commit => values.push(1),
                BlockedAction::Any => values.extend([0, 1]),
            }
        }
        BlockedActions { values }
    };
    let rules = rules.iter().map(|(pattern, actions)| (pattern.clone(), numbers(actions)));
    BranchProtectionRules { rules: rules.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbids(pattern: &str, branch: &str) -> bool {
        let rules = ProtectionRules::from([(pattern.to_owned(), vec![BlockedAction::Commit])]);
        CompiledRules::new(&rules).forbids(&BranchId::from_stored(branch), BlockedAction::Commit)
    }

    #[test]
    fn a_pattern_must_match_the_whole_name() {
        for (pattern, branch, expected) in [
            ("main", "main", true),
            ("main", "main2", false),
            ("main", "a-main", false),
            ("*", "anything", true),
            ("**", "anything", true),
            ("rel-*", "rel-1", true),
            ("rel-**", "rel-1-2", true),
            ("rel-*", "prerel-1", false),
            ("*a*", "x/a/y", true),
            ("v?", "v1", true),
            ("v?", "v12", false),
            ("[ab]c", "bc", true),
            ("[!ab]c", "bc", false),
            ("[a-c]1", "b1", true),
            ("{dev,main}", "dev", true),
            ("{dev,main}", "test", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"a\**", "a*b", true),
        ] {
            assert_eq!(forbids(pattern, branch), expected, "{pattern} {branch}");
        }
    }

    #[test]
    fn a_stored_pattern_that_cannot_be_read_matches_nothing() {
        assert!(!forbids("[", "["));
        assert!(compile("[").is_err());
        assert!(compile("{a").is_err());
    }

    #[test]
    fn either_action_forbids_both_at_once() {
        let rules = ProtectionRules::from([("m*".to_owned(), vec![BlockedAction::Commit])]);
        let rules = CompiledRules::new(&rules);
        let main = BranchId::from_stored("main");
        assert!(rules.forbids(&main, BlockedAction::Any));
        assert!(!rules.forbids(&main, BlockedAction::StagingWrite));
    }

    #[test]
    fn both_actions_are_stored_as_the_other_servers_store_them() {
        let rules = vec![BlockedAction::StagingWrite, BlockedAction::Commit];
        let record = to_record(&ProtectionRules::from([("m".to_owned(), rules)]));
        let stored = Record::new(record).encode();
        assert_eq!(&stored[..], b"\x0a\x09\x0a\x01m\x12\x04\x0a\x02\x00\x01");
    }
}
