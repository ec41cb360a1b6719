//! The examination as a whole, in order.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lakehold_block::BlockStore;
use lakehold_clock::Runtime;
use lakehold_kv::Store;

use crate::DoctorError;
use crate::Progress;
use crate::Report;
use crate::counts::Counters;
use crate::exam::Exam;
use crate::files;
use crate::findings::Findings;
use crate::installation;
use crate::objects::Objects;
use crate::partitions;
use crate::repository;
use crate::repository::list::Repositories;
use crate::repository::list::Repository;
use crate::staging::Tokens;
use crate::trees::Trees;

/// How an installation is examined.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the bytes of every object are read and compared with its checksum.
    pub deep: bool,
    /// How many requests go to the block store at a time.
    pub concurrency: usize,
    /// Only these repositories, and neither users nor what belongs to no repository; `None`: all.
    pub repositories: Option<Vec<String>>,
    /// Folder of ranges below a namespace (`committed.block_storage_prefix`).
    pub table_folder: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            deep: false,
            concurrency: 32,
            repositories: None,
            table_folder: "_lakefs".to_owned(),
        }
    }
}

/// Examines an installation. Reads only; changes nothing.
pub struct Doctor {
    kv: Arc<dyn Store>,
    blocks: Arc<dyn BlockStore>,
    runtime: Runtime,
    options: Options,
}

impl fmt::Debug for Doctor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Doctor").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Doctor {
    /// A doctor for the installation in these stores. They may be in use.
    pub fn new(
        kv: Arc<dyn Store>,
        blocks: Arc<dyn BlockStore>,
        runtime: &Runtime,
        options: Options,
    ) -> Self {
        Self { kv, blocks, runtime: runtime.clone(), options }
    }

    /// Examines everything and says what was found. `progress` is told how far it is, often; it must
    /// not block. Dropping the future stops the examination.
    ///
    /// Fails with [`DoctorError::Kv`] where the key-value store cannot be read, and with
    /// [`DoctorError::RepositoryNotFound`] where a repository that was asked for is not there. All
    /// else that is wrong is in the report.
    pub async fn examine(
        &self,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Report, DoctorError> {
        let begun = self.runtime.monotonic();
        let exam = Exam {
            kv: self.kv.clone(),
            blocks: self.blocks.clone(),
            runtime: self.runtime.clone(),
            objects: Objects::new(self.blocks.clone(), &self.runtime, &self.options),
            options: self.options.clone(),
            counters: Counters::default(),
            findings: Findings::default(),
            progress: &progress,
        };
        let not_examined = exam.whole().await?;
        let took = self.runtime.monotonic().saturating_sub(begun);
        let counts = exam.counters.snapshot();
        let gathered = exam.findings.into_inner();
        Ok(Report::new(self.options.deep, took, counts, gathered, not_examined))
    }
}

impl Exam<'_> {
    /// Goes through everything; returns what could not be examined.
    async fn whole(&self) -> Result<Vec<String>, DoctorError> {
        let repositories = repository::list::read(self).await?;
        let wanted = repositories.wanted(self.options.repositories.as_deref())?;
        let is_whole = self.options.repositories.is_none();
        if is_whole {
            installation::examine(self).await?;
        }
        let mut tokens = Tokens::default();
        let all = repositories.per_namespace();
        for (namespace, group) in by_namespace(wanted) {
            let mut trees = Trees::new(self, &group[0].namespace);
            for repository in &group {
                repository::examine(self, repository, &mut trees, &mut tokens).await?;
            }
            // A file may be another repository's, so all of them must have been examined.
            if all.get(&namespace) == Some(&group.len()) {
                files::examine(self, &trees, group[0]).await?;
            }
        }
        if is_whole {
            return partitions::examine(self, &repositories, &tokens).await;
        }
        Ok(Vec::new())
    }
}

/// Repositories in the same namespace share tables, so they are examined together.
fn by_namespace<'a>(repositories: Vec<&'a Repository>) -> BTreeMap<String, Vec<&'a Repository>> {
    let mut groups: BTreeMap<String, Vec<&'a Repository>> = BTreeMap::new();
    for repository in repositories {
        groups.entry(Repositories::namespace_of(repository)).or_default().push(repository);
    }
    groups
}

#[cfg(test)]
mod tests {
    use lakehold_block::MemBlockStore;
    use lakehold_kv::MemStore;

    use super::*;

    /// A server examines beside its requests.
    #[tokio::test]
    async fn an_examination_can_be_a_task_of_its_own() {
        let runtime = Runtime::real();
        let kv = Arc::new(MemStore::new());
        let blocks = Arc::new(MemBlockStore::new());
        let doctor = Doctor::new(kv, blocks, &runtime, Options::default());
        let (tell, told) = tokio::sync::oneshot::channel();
        runtime.spawn("examination", async move {
            let report = doctor.examine(|_| {}).await;
            let is_healthy = report.is_ok_and(|report| report.findings.is_empty());
            tell.send(is_healthy).expect("the test waits");
        });
        assert_eq!(told.await, Ok(true));
    }
}
