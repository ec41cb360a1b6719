//! Partitions of the key-value store that nothing leads to, and what is noted to be wiped.
//!
//! A partition's name says what it is. One that is no fixed name, no repository's and no branch's
//! staging token was left over by something that was cut off, or is somebody else's.

use std::collections::HashMap;

use lakehold_clock::Xid;
use lakehold_kv::Error;
use lakehold_kv::Partitions;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::Place;
use crate::Stage;
use crate::exam::Exam;
use crate::repository;
use crate::repository::branches::has_token;
use crate::repository::list::Repositories;
use crate::repository::list::Repository;
use crate::staging::Tokens;
use crate::stored::Stored;

/// Partition whose keys are partitions waiting to be wiped, and what stands there.
const CLEANUP: &str = "cleanup-tokens";
const CLEANUP_VALUE: &str = "stub-value";

/// Partitions of fixed names.
const FIXED: [&str; 12] = [
    "actions",
    "aclauth",
    "auth",
    "basicAuth",
    "catalog",
    CLEANUP,
    "graveler",
    "kv-internal-metadata",
    "mc-ownership",
    "multiparts",
    "pulls",
    "usage",
];

/// What the names of our own partitions begin with; no other program looks at them.
const OWN_PREFIX: &str = "lakehold";

/// Characters of an instance uid, and of a UUID.
const XID_LEN: usize = 20;
const UUID_LEN: usize = 36;

/// What is known to be in use.
struct Known<'a> {
    repositories: HashMap<&'a [u8], &'a Repository>,
    tokens: &'a Tokens,
}

/// Examines the partitions as such. Returns what could not be.
pub(crate) async fn examine(
    exam: &Exam<'_>,
    repositories: &Repositories,
    tokens: &Tokens,
) -> Result<Vec<String>, DoctorError> {
    exam.tell(Stage::Partitions, None, 0, None);
    let by_partition = repositories.all.iter().map(|known| (&known.partition[..], known));
    let known = Known { repositories: by_partition.collect(), tokens };
    check_cleanup(exam, &known).await?;
    match list(exam, &known).await {
        Err(DoctorError::Kv(Error::Invalid(reason))) => {
            Ok(vec![format!("Whether the key-value store has unknown partitions: {reason}.")])
        }
        listed => listed.map(|()| Vec::new()),
    }
}

/// Nothing that is in use may be noted to be wiped.
async fn check_cleanup(exam: &Exam<'_>, known: &Known<'_>) -> Result<(), DoctorError> {
    let mut pages = exam.pages(CLEANUP);
    while let Some(page) = pages.next().await? {
        exam.counters.records.add(page.len() as u64);
        for stored in page {
            let mut found = Vec::new();
            if stored.value != CLEANUP_VALUE {
                let problem = "This is no note of a partition to be wiped.";
                found.push(Finding::new(Kind::RecordUnreadable, stored.place(), problem));
            }
            if let Some(user) = known.user_of(exam, &stored.key).await? {
                let problem =
                    format!("This partition is noted to be wiped, and is that of {user}.");
                found.push(Finding::new(Kind::WipedWhileInUse, stored.place(), problem));
            }
            exam.report(&exam.findings, &stored, found).await?;
        }
    }
    Ok(())
}

impl Known<'_> {
    /// Who uses `partition` at this moment.
    async fn user_of(
        &self,
        exam: &Exam<'_>,
        partition: &[u8],
    ) -> Result<Option<String>, DoctorError> {
        if let Some(repository) = self.repositories.get(partition)
            && !repository.in_deletion
            && exam.is_unchanged(&repository.stored).await?
        {
            return Ok(Some(format!("repository {:?}", repository.id)));
        }
        let Some(branch) = self.tokens.holder(partition) else { return Ok(None) };
        let now = exam.read(branch.partition.clone(), branch.key.clone()).await?;
        let has_it = |value| has_token(&Stored { value, ..branch.clone() }, partition);
        let has_it = now.is_some_and(has_it);
        Ok(has_it.then(|| branch.key().to_owned()))
    }
}

async fn list(exam: &Exam<'_>, known: &Known<'_>) -> Result<(), DoctorError> {
    let mut partitions = Partitions::new(&*exam.kv);
    while let Some(name) = partitions.next().await? {
        exam.counters.partitions.add(1);
        let text = std::str::from_utf8(&name).unwrap_or_default();
        let is_known = FIXED.contains(&text)
            || text.starts_with(OWN_PREFIX)
            || known.repositories.contains_key(&name[..])
            || known.tokens.holder(&name).is_some();
        if !is_known {
            tell(exam, text, &name).await?;
        }
    }
    Ok(())
}

/// Says what a partition is that nothing known leads to.
async fn tell(exam: &Exam<'_>, text: &str, name: &[u8]) -> Result<(), DoctorError> {
    let is_noted = exam.read(CLEANUP, name.to_vec()).await?.is_some();
    if is_noted || is_new(exam, text).await? {
        return Ok(());
    }
    let place = Place::partition(name);
    let finding = if token_in(text).is_some() {
        let problem = "It has staged changes to which no branch leads.";
        Finding::new(Kind::LeftoverPartition, place, problem)
    } else if let Some((repository, _)) = instance_in(text) {
        let problem = format!("It has records of {repository:?} as it was before it was deleted.");
        Finding::new(Kind::LeftoverPartition, place, problem)
    } else {
        let problem = "No partition of a known kind has such a name.";
        Finding::new(Kind::UnknownPartition, place, problem)
    };
    exam.findings.add(finding);
    Ok(())
}

/// Whether the partition came into use since repositories and branches were listed.
async fn is_new(exam: &Exam<'_>, text: &str) -> Result<bool, DoctorError> {
    if let Some((name, _)) = instance_in(text) {
        let now = repository::list::find(exam, name).await?;
        return Ok(now.is_some_and(|repository| repository.partition == text));
    }
    let Some(owner) = token_in(text) else { return Ok(false) };
    // Both names may have hyphens.
    for (at, _) in owner.match_indices('-') {
        let (name, branch) = (&owner[..at], &owner[at + 1..]);
        if let Some(repository) = repository::list::find(exam, name).await?
            && repository::branches::has_now(exam, &repository, branch, text.as_bytes()).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What stands before the colon and the UUID of a staging token: repository, hyphen, branch.
fn token_in(text: &str) -> Option<&str> {
    let (owner, uuid) = text.rsplit_once(':')?;
    let is_uuid =
        uuid.len() == UUID_LEN && uuid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (is_uuid && owner.contains('-')).then_some(owner)
}

/// The name and the instance in the name of a repository's partition.
fn instance_in(text: &str) -> Option<(&str, &str)> {
    let (name, instance) = text.rsplit_once('-')?;
    let is_instance = instance.len() == XID_LEN && Xid::parse(instance).is_ok();
    (is_instance && !name.is_empty()).then_some((name, instance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_known_by_their_names() {
        let token = "lake-dev:5a3c0f0e-8a53-4f0c-9d0e-6f2f1f7c2f11";
        assert_eq!(token_in(token), Some("lake-dev"));
        assert_eq!(
            instance_in("my-lake-dc0oci9ksdudatmrta6g").map(|found| found.0),
            Some("my-lake")
        );
        assert_eq!(token_in("my-lake-dc0oci9ksdudatmrta6g"), None);
        assert_eq!(instance_in(token), None);
        assert_eq!(instance_in("my-lake"), None);
    }
}
