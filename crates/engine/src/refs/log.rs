//! The log: the history of a commit, newest first.
//!
//! A queue ordered by date, then by id, both descending; a commit's parents enter it when the commit
//! leaves it, each once. Pages are cut out of this stream: a later page walks it again up to the
//! commit it continues after. Memory grows with the number of commits walked (their ids are kept so
//! that none comes twice), not with what they hold.

mod paths;

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::HashSet;
use std::sync::Arc;

use lakehold_clock::Timestamp;

use crate::Commit;
use crate::CommitId;
use crate::Engine;
use crate::Page;
use crate::RefExpr;
use crate::Repository;
use crate::error::Result;
use crate::refs::log::paths::PathFilter;

/// How many commits a page has that does not say.
const DEFAULT_AMOUNT: usize = 100;

/// Which part of a history is wanted.
#[derive(Clone, Debug, Default)]
pub struct LogRequest {
    /// At most so many commits; 0 stands for 100.
    pub amount: usize,
    /// Start strictly after this commit of the log (any expression).
    pub after: Option<RefExpr>,
    /// Only commits that changed one of these keys or something below `prefixes`. Commits with more
    /// or fewer than one parent never match. Empty texts are ignored.
    pub objects: Vec<String>,
    /// See `objects`.
    pub prefixes: Vec<String>,
    /// Stop once there are `amount`, and say that there are no more.
    pub limit: bool,
    /// Follow only the parent that is the branch a commit was made on.
    pub first_parent: bool,
    /// Leave out commits older than this, and everything reached only through them.
    pub since: Option<Timestamp>,
    /// Stop after this commit.
    pub stop_at: Option<RefExpr>,
}

impl Engine {
    /// Returns a page of the history of `reference`.
    pub async fn log(
        &self,
        repository: &Repository,
        reference: &RefExpr,
        request: &LogRequest,
    ) -> Result<Page<Arc<Commit>>> {
        let start = self.commit_at(repository, reference).await?;
        let mut skip_through = self.resolve_optional(repository, request.after.as_ref()).await?;
        let stop_at = self.resolve_optional(repository, request.stop_at.as_ref()).await?;
        let filter = PathFilter::new(request);
        let amount = if request.amount == 0 { DEFAULT_AMOUNT } else { request.amount };

        let mut history = History::new(self, repository, request, start);
        let mut results = Vec::new();
        let mut has_more = false;
        while let Some(commit) = history.next().await? {
            let is_last = stop_at.as_ref() == Some(&commit.id);
            if let Some(id) = &skip_through {
                if *id == commit.id {
                    skip_through = None;
                }
            } else if self.matches(repository, &filter, &commit).await? {
                if results.len() == amount {
                    has_more = true;
                    break;
                }
                results.push(commit);
            }
            if is_last || (request.limit && results.len() == amount) {
                break;
            }
        }
        Ok(Page { results, has_more })
    }

    async fn resolve_optional(
        &self,
        repository: &Repository,
        reference: Option<&RefExpr>,
    ) -> Result<Option<CommitId>> {
        match reference {
            Some(reference) => self.resolve_commit(repository, reference).await.map(Some),
            None => Ok(None),
        }
    }
}

/// The stream of commits that pages are cut from.
struct History<'a> {
    engine: &'a Engine,
    repository: &'a Repository,
    request: &'a LogRequest,
    queue: BinaryHeap<Queued>,
    /// Commits that are or were in the queue.
    seen: HashSet<CommitId>,
}

impl<'a> History<'a> {
    fn new(
        engine: &'a Engine,
        repository: &'a Repository,
        request: &'a LogRequest,
        start: Arc<Commit>,
    ) -> Self {
        let queue = BinaryHeap::new();
        let seen = HashSet::from([start.id.clone()]);
        let mut history = Self { engine, repository, request, queue, seen };
        history.push(start);
        history
    }

    async fn next(&mut self) -> Result<Option<Arc<Commit>>> {
        let Some(Queued(commit)) = self.queue.pop() else { return Ok(None) };
        let parents = if self.request.first_parent {
            commit.main_parent().map(std::slice::from_ref).unwrap_or_default()
        } else {
            &commit.parents[..]
        };
        for parent in parents {
            if self.seen.insert(parent.clone()) {
                let parent = self.engine.get_commit(self.repository, parent).await?;
                self.push(parent);
            }
        }
        Ok(Some(commit))
    }

    fn push(&mut self, commit: Arc<Commit>) {
        if self.request.since.is_none_or(|since| commit.creation_date >= since) {
            self.queue.push(Queued(commit));
        }
    }
}

/// A commit in the queue; the greatest comes out first.
struct Queued(Arc<Commit>);

impl Queued {
    fn rank(&self) -> (Timestamp, &CommitId) {
        (self.0.creation_date, &self.0.id)
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Queued {}
