//! Branches: that each leads to a commit, and that its staging tokens are its own.

use bytes::Bytes;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::Place;
use crate::Stage;
use crate::exam::Exam;
use crate::id::Id;
use crate::records::BranchData;
use crate::repository::RepositoryExam;
use crate::repository::inventory::Inventory;
use crate::repository::list::Repository;
use crate::staging::Tokens;
use crate::stored::Stored;

/// What the keys of branches begin with.
const PREFIX: &str = "branches/";

/// How often a branch that changes while it is looked at is looked at again. One that still changes is
/// in good use; nothing is said of it.
const ATTEMPTS: u32 = 5;

/// A branch as it was last seen.
#[derive(Debug)]
pub(crate) struct BranchNote {
    pub(crate) name: String,
    /// Its record.
    pub(crate) stored: Stored,
    /// Staging token first, then what is sealed, newest first.
    pub(crate) tokens: Vec<Bytes>,
}

impl RepositoryExam<'_> {
    /// Checks all branches, and notes which commits they are at.
    pub(crate) async fn check_branches(
        &self,
        inventory: &mut Inventory,
        tokens: &mut Tokens,
    ) -> Result<Vec<BranchNote>, DoctorError> {
        let stored = std::mem::take(&mut inventory.branches);
        let total = stored.len() as u64;
        let mut branches = Vec::with_capacity(stored.len());
        for (done, stored) in stored.into_iter().enumerate() {
            self.exam.tell(Stage::References, Some(&self.repository.id), done as u64, Some(total));
            self.exam.counters.branches.add(1);
            branches.extend(self.check_branch(stored, inventory, tokens).await?);
        }
        self.check_default_branch(&branches).await?;
        Ok(branches)
    }

    async fn check_branch(
        &self,
        mut stored: Stored,
        inventory: &mut Inventory,
        tokens: &mut Tokens,
    ) -> Result<Option<BranchNote>, DoctorError> {
        for _ in 0..ATTEMPTS {
            let mut found = Vec::new();
            let note = self.examine_branch(&stored, inventory, tokens, &mut found).await?;
            let now = self.exam.read(stored.partition.clone(), stored.key.clone()).await?;
            match now {
                Some(now) if now == stored.value => {
                    found.into_iter().for_each(|finding| self.findings.add(self.own(finding)));
                    return Ok(note);
                }
                Some(now) => stored.value = now,
                // Deleted since it was listed.
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn examine_branch(
        &self,
        stored: &Stored,
        inventory: &mut Inventory,
        tokens: &mut Tokens,
        found: &mut Vec<Finding>,
    ) -> Result<Option<BranchNote>, DoctorError> {
        let name = stored.key().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let Some(branch) = stored.decode::<BranchData>("branch", found) else { return Ok(None) };
        stored.must_agree("id", &branch.id, &name, found);
        let commit = Id::parse(&branch.commit_id);
        if let Some(id) = commit.filter(|id| inventory.commits.contains_key(id)) {
            inventory.heads.insert(id);
        } else if !self.commit_exists(&branch.commit_id).await? {
            let place = stored.place().with_branch(&name).with_commit(&branch.commit_id);
            let problem = format!("Branch {name:?} is at a commit that is not there.");
            found.push(Finding::new(Kind::BranchCommitMissing, place, problem));
        }
        let own = [branch.staging_token].into_iter().chain(branch.sealed_tokens);
        let own: Vec<Bytes> = own.filter(|token| !token.is_empty()).collect();
        self.check_tokens(stored, &name, &own, tokens, found).await?;
        Ok(Some(BranchNote { name, stored: stored.clone(), tokens: own }))
    }

    /// Checks that no other branch has one of the tokens.
    async fn check_tokens(
        &self,
        stored: &Stored,
        name: &str,
        own: &[Bytes],
        tokens: &mut Tokens,
        found: &mut Vec<Finding>,
    ) -> Result<(), DoctorError> {
        for token in own {
            let Some(other) = tokens.take(token, stored) else { continue };
            if !self.still_has(&other, token).await? {
                continue;
            }
            let place = Place {
                partition: Some(crate::finding::text(token)),
                ..stored.place().with_branch(name)
            };
            let problem = format!("Its staging token is also that of {}.", other.key());
            found.push(Finding::new(Kind::StagingTokenShared, place, problem));
        }
        Ok(())
    }

    /// Whether the branch whose record was `stored` has `token` now.
    async fn still_has(&self, stored: &Stored, token: &Bytes) -> Result<bool, DoctorError> {
        let now = self.exam.read(stored.partition.clone(), stored.key.clone()).await?;
        let Some(value) = now else { return Ok(false) };
        Ok(has_token(&Stored { value, ..stored.clone() }, token))
    }

    async fn check_default_branch(&self, branches: &[BranchNote]) -> Result<(), DoctorError> {
        let default = &self.repository.default_branch;
        // A bare repository has none at all.
        if branches.is_empty() || branches.iter().any(|branch| branch.name == *default) {
            return Ok(());
        }
        let key = format!("{PREFIX}{default}");
        if self.exam.read(self.repository.partition.clone(), key).await?.is_none() {
            let place = Place::default().with_branch(default);
            let problem = format!("The default branch {default:?} is not there.");
            self.add(Kind::DefaultBranchMissing, place, problem);
        }
        Ok(())
    }
}

/// Whether the branch in this record has `token`, as its staging token or sealed.
pub(crate) fn has_token(stored: &Stored, token: &[u8]) -> bool {
    let Some(branch) = stored.decode::<BranchData>("branch", &mut Vec::new()) else { return false };
    branch.staging_token == token || branch.sealed_tokens.iter().any(|sealed| sealed == token)
}

/// Whether `branch` of `repository` has `token` at this moment.
pub(crate) async fn has_now(
    exam: &Exam<'_>,
    repository: &Repository,
    branch: &str,
    token: &[u8],
) -> Result<bool, DoctorError> {
    let key = Bytes::from(format!("{PREFIX}{branch}"));
    let partition = repository.partition.clone();
    let now = exam.read(partition.clone(), key.clone()).await?;
    Ok(now.is_some_and(|value| has_token(&Stored { partition, key, value }, token)))
}
