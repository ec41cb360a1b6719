//! The list of repositories.

use std::collections::BTreeSet;
use std::collections::HashMap;

use bytes::Bytes;
use lakehold_block::StorageNamespace;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::exam::Exam;
use crate::records::RepositoryData;
use crate::stored::Stored;

/// Partition of the records of all repositories.
const REPOSITORIES: &str = "graveler";
const PREFIX: &str = "repos/";
/// States of a repository.
const ACTIVE: i32 = 0;
const IN_DELETION: i32 = 1;

/// A repository whose record could be read.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) id: String,
    pub(crate) namespace: StorageNamespace,
    pub(crate) default_branch: String,
    /// Partition of its records.
    pub(crate) partition: Bytes,
    pub(crate) in_deletion: bool,
    /// Its record.
    pub(crate) stored: Stored,
}

impl Repository {
    fn decode(stored: &Stored, found: &mut Vec<Finding>) -> Option<Self> {
        let Some(id) = stored.key().strip_prefix(PREFIX) else {
            found.push(stored.unknown());
            return None;
        };
        let data: RepositoryData = stored.decode("repository", found)?;
        stored.must_agree("id", &data.id, id, found);
        if data.instance_uid.is_empty() || data.storage_namespace.is_empty() {
            let problem =
                "It has no instance or no storage namespace, so nothing leads to its data.";
            found.push(Finding::new(Kind::RecordContradictory, stored.place(), problem));
            return None;
        }
        if !matches!(data.state, ACTIVE | IN_DELETION) {
            let problem = format!("Its state is {}, which is none.", data.state);
            found.push(Finding::new(Kind::RecordContradictory, stored.place(), problem));
        }
        Some(Self {
            id: id.to_owned(),
            namespace: StorageNamespace::from_stored(&data.storage_namespace),
            default_branch: data.default_branch_id,
            partition: format!("{id}-{}", data.instance_uid).into(),
            in_deletion: data.state == IN_DELETION,
            stored: stored.clone(),
        })
    }
}

/// All repositories.
#[derive(Debug, Default)]
pub(crate) struct Repositories {
    pub(crate) all: Vec<Repository>,
}

/// Reads the list.
pub(crate) async fn read(exam: &Exam<'_>) -> Result<Repositories, DoctorError> {
    let mut repositories = Repositories::default();
    let mut pages = exam.pages(REPOSITORIES);
    while let Some(page) = pages.next().await? {
        for stored in page {
            exam.counters.records.add(1);
            let mut found = Vec::new();
            repositories.all.extend(Repository::decode(&stored, &mut found));
            for finding in &mut found {
                finding.place.repository = stored.key().strip_prefix(PREFIX).map(str::to_owned);
            }
            exam.report(&exam.findings, &stored, found).await?;
        }
    }
    Ok(repositories)
}

/// Returns the repository `name` as it is now, if it is there and decodes.
pub(crate) async fn find(exam: &Exam<'_>, name: &str) -> Result<Option<Repository>, DoctorError> {
    let key = Bytes::from(format!("{PREFIX}{name}"));
    let partition = Bytes::from_static(REPOSITORIES.as_bytes());
    let Some(value) = exam.read(partition.clone(), key.clone()).await? else { return Ok(None) };
    Ok(Repository::decode(&Stored { partition, key, value }, &mut Vec::new()))
}

impl Repositories {
    /// Those that were asked for.
    pub(crate) fn wanted(&self, names: Option<&[String]>) -> Result<Vec<&Repository>, DoctorError> {
        let Some(names) = names else { return Ok(self.all.iter().collect()) };
        let names: BTreeSet<&String> = names.iter().collect();
        let find = |name: &String| {
            let found = self.all.iter().find(|repository| repository.id == *name);
            found.ok_or_else(|| DoctorError::RepositoryNotFound(name.clone()))
        };
        names.into_iter().map(find).collect()
    }

    /// What tells namespaces apart: slashes at the ends do not count.
    pub(crate) fn namespace_of(repository: &Repository) -> String {
        format!("{}://{}", repository.namespace.scheme(), repository.namespace.path())
    }

    /// How many repositories each namespace has.
    pub(crate) fn per_namespace(&self) -> HashMap<String, usize> {
        let mut numbers = HashMap::new();
        for repository in &self.all {
            *numbers.entry(Self::namespace_of(repository)).or_default() += 1;
        }
        numbers
    }
}
