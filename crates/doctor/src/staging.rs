//! What is staged: that it decodes, and that the bytes of staged objects are there.
//!
//! A staging token names a partition. That the partition has no records is no finding: nothing is
//! staged then. Entries come and go while the repository is in use, so one of which something is to be
//! said is read again, and its branch with it.

use std::collections::HashMap;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::StreamExt as _;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::Stage;
use crate::exam::unordered;
use crate::objects::Claim;
use crate::records::StagedEntryData;
use crate::repository::RepositoryExam;
use crate::repository::branches::BranchNote;
use crate::repository::branches::has_token;
use crate::stored::Stored;

/// The staging tokens of all branches, with the branch's record.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    holders: HashMap<Bytes, Stored>,
}

impl Tokens {
    /// Notes that the branch in `stored` has `token`; returns another branch that was noted to have it.
    pub(crate) fn take(&mut self, token: &Bytes, stored: &Stored) -> Option<Stored> {
        let before = self.holders.insert(token.clone(), stored.clone())?;
        let is_other = before.partition != stored.partition || before.key != stored.key;
        is_other.then_some(before)
    }

    /// The branch that was noted to have `token`.
    pub(crate) fn holder(&self, token: &[u8]) -> Option<&Stored> {
        self.holders.get(token)
    }
}

/// Examines what is staged on `branches`.
pub(crate) async fn examine(
    under_way: &RepositoryExam<'_>,
    branches: &[BranchNote],
) -> Result<(), DoctorError> {
    let total = Some(branches.len() as u64);
    for (done, branch) in branches.iter().enumerate() {
        let repository = Some(under_way.repository.id.as_str());
        under_way.exam.tell(Stage::References, repository, done as u64, total);
        for token in &branch.tokens {
            examine_token(under_way, branch, token).await?;
        }
    }
    Ok(())
}

async fn examine_token(
    under_way: &RepositoryExam<'_>,
    branch: &BranchNote,
    token: &Bytes,
) -> Result<(), DoctorError> {
    let exam = under_way.exam;
    let mut pages = exam.pages(token.clone());
    while let Some(page) = pages.next().await? {
        exam.counters.records.add(page.len() as u64);
        exam.counters.staged_entries.add(page.len() as u64);
        let checks =
            page.into_iter().map(|stored| examine_entry(under_way, branch, stored).boxed());
        let mut checks = unordered(checks, exam.options.concurrency);
        while let Some(checked) = checks.next().await {
            let (stored, found) = checked;
            report(under_way, branch, &stored, found).await?;
        }
    }
    Ok(())
}

/// Examines one staged change.
async fn examine_entry(
    under_way: &RepositoryExam<'_>,
    branch: &BranchNote,
    stored: Stored,
) -> (Stored, Vec<Finding>) {
    let mut found = Vec::new();
    let Some(staged) = stored.decode::<StagedEntryData>("staged change", &mut found) else {
        return (stored, found);
    };
    if staged.key != stored.key {
        let said = crate::finding::text(&staged.key);
        stored.must_agree("path", &said, stored.key(), &mut found);
    }
    let is_removal = staged.identity.is_empty();
    if is_removal {
        return (stored, found);
    }
    let place = stored.place().with_branch(&branch.name).with_path(&stored.key);
    let namespace = &under_way.repository.namespace;
    let objects = &under_way.exam.objects;
    let problem = match Claim::decode(namespace, &staged.data) {
        Ok(claim) if objects.is_new(&claim) => {
            let problem = objects.look(&claim, &under_way.exam.counters).await;
            problem.map(|problem| problem.at(place.with_address(&claim.address)))
        }
        Ok(_) => None,
        Err(problem) => Some(Finding::new(Kind::EntryCorrupt, place, problem)),
    };
    found.extend(problem);
    (stored, found)
}

/// Adds what was found of an entry, if it is still there and its branch still leads to it.
async fn report(
    under_way: &RepositoryExam<'_>,
    branch: &BranchNote,
    stored: &Stored,
    found: Vec<Finding>,
) -> Result<(), DoctorError> {
    if found.is_empty() {
        return Ok(());
    }
    let of_branch = branch.stored.clone();
    let now = under_way.exam.read(of_branch.partition.clone(), of_branch.key.clone()).await?;
    let leads_to_it = |value| has_token(&Stored { value, ..of_branch }, &stored.partition);
    if now.is_some_and(leads_to_it) {
        under_way.report(stored, found).await?;
    }
    Ok(())
}
