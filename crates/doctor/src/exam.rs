//! An examination under way: the stores, what was found and counted, and whom to tell.

use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use lakehold_block::BlockStore;
use lakehold_clock::Runtime;
use lakehold_kv::Entry;
use lakehold_kv::Store;

use crate::DoctorError;
use crate::Finding;
use crate::Options;
use crate::Progress;
use crate::Stage;
use crate::counts::Counters;
use crate::findings::Findings;
use crate::objects::Objects;
use crate::stored::Stored;

/// How many records are taken from the key-value store at a time.
const PAGE: usize = 1_000;

/// What all parts of an examination share.
pub(crate) struct Exam<'a> {
    pub(crate) kv: Arc<dyn Store>,
    pub(crate) blocks: Arc<dyn BlockStore>,
    pub(crate) runtime: Runtime,
    pub(crate) options: Options,
    pub(crate) counters: Counters,
    pub(crate) objects: Objects,
    /// Findings that are no repository's, or whose repository was examined to the end.
    pub(crate) findings: Findings,
    pub(crate) progress: &'a (dyn Fn(Progress) + Send + Sync),
}

impl Exam<'_> {
    /// Tells how far it is.
    pub(crate) fn tell(
        &self,
        stage: Stage,
        repository: Option<&str>,
        done: u64,
        total: Option<u64>,
    ) {
        let repository = repository.map(str::to_owned);
        let counts = self.counters.snapshot();
        (self.progress)(Progress { stage, repository, done, total, counts });
    }

    /// Returns the present value of a record.
    pub(crate) async fn read(
        &self,
        partition: impl Into<Bytes>,
        key: impl Into<Bytes>,
    ) -> Result<Option<Bytes>, DoctorError> {
        let found = self.kv.get(partition.into(), key.into()).await?;
        Ok(found.map(|found| found.value))
    }

    /// Whether the record is still what was read.
    pub(crate) async fn is_unchanged(&self, stored: &Stored) -> Result<bool, DoctorError> {
        let now = self.read(stored.partition.clone(), stored.key.clone()).await?;
        Ok(now.as_ref() == Some(&stored.value))
    }

    /// Adds to `findings` what was `found` of a record, unless somebody changed it meanwhile: then it
    /// says nothing of the installation any more.
    pub(crate) async fn report(
        &self,
        findings: &Findings,
        stored: &Stored,
        found: Vec<Finding>,
    ) -> Result<(), DoctorError> {
        if !found.is_empty() && self.is_unchanged(stored).await? {
            found.into_iter().for_each(|finding| findings.add(finding));
        }
        Ok(())
    }

    /// The records of `partition`, page by page.
    pub(crate) fn pages(&self, partition: impl Into<Bytes>) -> Pages<'_> {
        self.pages_from(partition, "")
    }

    /// The records of `partition` whose keys are `from` or greater, page by page.
    pub(crate) fn pages_from(
        &self,
        partition: impl Into<Bytes>,
        from: impl Into<Bytes>,
    ) -> Pages<'_> {
        Pages { kv: &*self.kv, partition: partition.into(), next: Some(from.into()) }
    }
}

/// Carries out `checks`, at most `at_a_time` at the same time; their answers come as they are done.
///
/// They are boxed: a stream that makes futures of borrowed things as it goes cannot be sent to another
/// thread by what holds it.
pub(crate) fn unordered<'a, T: 'a>(
    checks: impl IntoIterator<Item = BoxFuture<'a, T>>,
    at_a_time: usize,
) -> impl Stream<Item = T> + Send + Unpin + 'a {
    let checks: Vec<BoxFuture<'a, T>> = checks.into_iter().collect();
    stream::iter(checks).buffer_unordered(at_a_time.max(1))
}

/// The records of a partition in key order, page by page. Keeps no snapshot.
pub(crate) struct Pages<'a> {
    kv: &'a dyn Store,
    partition: Bytes,
    next: Option<Bytes>,
}

impl Pages<'_> {
    /// Returns the next page; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Stored>>, DoctorError> {
        let Some(from) = self.next.take() else { return Ok(None) };
        let page = self.kv.scan(self.partition.clone(), from, PAGE).await?;
        let last = page.entries.last().filter(|_| page.more);
        self.next = last.map(|last| [&last.key[..], &[0]].concat().into());
        let stored = |entry: Entry| Stored {
            partition: self.partition.clone(),
            key: entry.key,
            value: entry.value,
        };
        Ok(Some(page.entries.into_iter().map(stored).collect()))
    }
}
