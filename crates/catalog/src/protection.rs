//! Which branches are protected.
//!
//! The engine's rules say for each pattern what it forbids; through the catalog a pattern always
//! forbids both, writing to the staging area and committing.

use bytes::Bytes;

use lakehold_engine::BlockedAction;
use lakehold_engine::ProtectionRules;
use lakehold_engine::RepositoryId;

use crate::Catalog;
use crate::Result;

impl Catalog {
    /// Returns the patterns of protected branches, sorted, and the stored bytes of the rules, for
    /// [`Catalog::set_protected_patterns`]; `None` where no rules are stored.
    pub async fn protected_patterns(
        &self,
        repository: &RepositoryId,
    ) -> Result<(Vec<String>, Option<Bytes>)> {
        let repository = self.repository(repository).await?;
        let (rules, stored) = self.engine().protection_rules(&repository).await?;
        Ok((rules.into_keys().collect(), stored))
    }

    /// Replaces all rules by these patterns.
    ///
    /// With `unchanged` only if what is stored is still that (`Some(None)`: if nothing is stored);
    /// else it fails with the engine's `PreconditionFailed`.
    pub async fn set_protected_patterns(
        &self,
        repository: &RepositoryId,
        patterns: &[String],
        unchanged: Option<Option<Bytes>>,
    ) -> Result<()> {
        let repository = self.repository(repository).await?;
        let rules = rules_of(patterns.iter().cloned());
        Ok(self.engine().set_protection_rules(&repository, &rules, unchanged).await?)
    }
}

/// The rules that protect the branches of these patterns.
pub(crate) fn rules_of(patterns: impl IntoIterator<Item = String>) -> ProtectionRules {
    let both = || vec![BlockedAction::StagingWrite, BlockedAction::Commit];
    patterns.into_iter().map(|pattern| (pattern, both())).collect()
}
