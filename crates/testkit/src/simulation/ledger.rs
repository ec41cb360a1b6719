//! The book: what happened in the store, and whether that may be.
//!
//! Every write that the store carries out is put down here at that moment, with the operation it was
//! made for. The book reads the records by itself and so knows at each moment what can be seen on each
//! branch. It is checked, one write at a time:
//!
//! - **what changes on a branch** was asked for by the operation that changed it, and that operation
//!   has not been answered yet. Moving a branch, sealing, tidying and wiping change nothing that was
//!   acknowledged: what a commit does not take along must still be staged;
//! - **references move only by compare-and-set**; a new head follows the one that was there (except
//!   after a hard reset, which was asked for);
//! - **a tree is complete** when a branch or tag leads to it, and its content is that of the model: for
//!   a commit what was staged, for a merge what a three-way merge of the contents makes.
//!
//! And whenever an operation is answered: what it says was true at one moment between question and
//! answer; what is acknowledged is done; what failed is not done, unless the answer says that nobody
//! knows; and a fault of the store is the only excuse for failing.
//!
//! ```text
//! stores ── written ──► branches, tags, commits, tokens ──► visible: History per branch and key
//! clients ── invoked, answered ──► operations                    ▲ answers are compared with it
//! ```
//!
//! One freedom is left to whoever is *not* acknowledged yet: an entry written under a token that was
//! sealed just before may be seen for a moment and then be gone with the token. Its writer has to
//! notice and write it again before it is acknowledged.

mod answers;
mod branches;
mod commits;
mod history;
mod records;
mod refusals;
mod staging;
mod writes;

pub(crate) use records::content_type;
pub(crate) use records::value_of;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use lakehold_catalog::StorageNamespace;
use lakehold_tree::Trees;

use super::request::Request;
use super::request::Val;
use super::weather::Weather;
use commits::Commits;
use history::History;
use records::BranchRecord;
use staging::Tokens;

/// The book that all share.
#[derive(Clone, Debug)]
pub(crate) struct Book(Arc<Mutex<Ledger>>);

/// What is written in the book.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Counts what happens.
    tick: u64,
    now: Duration,
    /// How old what a server knows of rules may be.
    staleness: Duration,
    branches: BTreeMap<String, BranchRecord>,
    heads: BTreeMap<String, History<Option<String>>>,
    tags: BTreeMap<String, History<Option<String>>>,
    commits: Commits,
    tokens: Tokens,
    visible: BTreeMap<(String, String), History<Option<Val>>>,
    /// Whether what can be seen at a key is what is committed.
    clean: BTreeMap<(String, String), History<bool>>,
    /// Whether that is so for all keys of a branch.
    clean_branches: BTreeMap<String, History<bool>>,
    /// When a sealed token of a branch was last written to.
    late: BTreeMap<String, u64>,
    /// All rules there ever were.
    rules: Vec<Rules>,
    operations: Vec<Operation>,
    /// The only excuse for a failure.
    weather: Weather,
    violation: Option<String>,
}

/// An operation and what became of it.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) request: Request,
    pub(crate) ending: Ending,
    /// When it began, and when it was answered.
    since: u64,
    until: u64,
    since_time: Duration,
    /// Whether it has put an entry anywhere, seen or not.
    has_written: bool,
    /// Keys whose entries it has changed, and that are not lost, and when.
    applied: BTreeMap<String, u64>,
    /// Keys whose entries went with a token that was sealed before they were written, and when.
    lost: BTreeMap<String, u64>,
    /// Whether what it created where nothing was to be has put away what somebody else was told is there.
    hides_another: bool,
    /// The value that a copy has copied.
    copied: Option<Val>,
    /// The head that it gave a branch.
    moved: Option<String>,
    /// Whether it created, deleted, or changed the one record that it was to.
    is_carried_out: bool,
    refused: u32,
    lost_answers: u32,
}

/// Which branches are protected.
#[derive(Debug, Default)]
struct Rules {
    /// Since when.
    time: Duration,
    /// By which operation.
    by: Option<usize>,
    protected: BTreeSet<String>,
}

/// What an operation's client knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing yet.
    Open,
    /// It is done.
    Done,
    /// It is not done.
    Failed,
    /// It may be done: the answer says so, or there is none.
    Unknown,
}

impl Book {
    pub(crate) fn new(
        trees: Trees,
        namespace: StorageNamespace,
        staleness: Duration,
        weather: Weather,
    ) -> Self {
        let ledger = Ledger {
            tick: 0,
            now: Duration::ZERO,
            staleness,
            branches: BTreeMap::new(),
            heads: BTreeMap::new(),
            tags: BTreeMap::new(),
            commits: Commits::new(trees, namespace),
            tokens: Tokens::default(),
            visible: BTreeMap::new(),
            clean: BTreeMap::new(),
            clean_branches: BTreeMap::new(),
            late: BTreeMap::new(),
            rules: vec![Rules::default()],
            operations: Vec::new(),
            weather,
            violation: None,
        };
        Self(Arc::new(Mutex::new(ledger)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().expect("no code panics while holding the lock")
    }
}

impl Operation {
    /// Whether its client was told before `tick` that it is done.
    fn is_done_before(&self, tick: u64) -> bool {
        self.ending == Ending::Done && self.until <= tick
    }

    /// Whether it may still have changed something at `tick` or later.
    fn may_act_after(&self, tick: u64) -> bool {
        self.until >= tick
    }

    /// Whether it is to write only where nothing is.
    fn is_creation(&self) -> bool {
        matches!(
            self.request,
            Request::Upload { if_absent: true, .. } | Request::Stage { if_absent: true, .. }
        )
    }

    /// Whether it has written something where nothing was to be, and the branch was sealed just then: a
    /// value that it finds afterwards may have come before or after its own.
    fn is_overtaken_creation(&self) -> bool {
        self.is_creation() && self.has_written
    }

    /// Whether it has written something at `key` where nothing was to be.
    fn has_created(&self, key: &str) -> bool {
        self.is_creation() && self.applied.contains_key(key)
    }

    /// How many of its calls were refused or not answered.
    fn faults(&self) -> u32 {
        self.refused + self.lost_answers
    }
}

impl Ledger {
    /// Notes that a client asks for something, and returns the number of the operation.
    pub(crate) fn invoked(&mut self, now: Duration, request: Request) -> usize {
        self.tick += 1;
        self.operations.push(Operation {
            request,
            ending: Ending::Open,
            since: self.tick,
            until: u64::MAX,
            since_time: now,
            has_written: false,
            applied: BTreeMap::new(),
            lost: BTreeMap::new(),
            hides_another: false,
            copied: None,
            moved: None,
            is_carried_out: false,
            refused: 0,
            lost_answers: 0,
        });
        self.operations.len() - 1
    }

    /// Notes that a client does not wait for an answer any more, or will get none.
    pub(crate) fn gave_up(&mut self, operation: usize) {
        let ending = &mut self.operations[operation].ending;
        if *ending == Ending::Open {
            *ending = Ending::Unknown;
        }
    }

    /// Notes that a call of the store was refused.
    pub(crate) fn refused(&mut self, operation: Option<usize>) {
        if let Some(operation) = operation {
            self.operations[operation].refused += 1;
        }
    }

    /// Notes that the answer of a call of the store was lost.
    pub(crate) fn lost_answer(&mut self, operation: Option<usize>) {
        if let Some(operation) = operation {
            self.operations[operation].lost_answers += 1;
        }
    }

    /// The first thing that may not be, if any was found.
    pub(crate) fn violation(&self) -> Option<&String> {
        self.violation.as_ref()
    }

    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Names of all branches.
    pub(crate) fn branch_names(&self) -> Vec<String> {
        self.branches.keys().cloned().collect()
    }

    /// Ids of all commits that are stored.
    pub(crate) fn commit_ids(&self) -> &[String] {
        self.commits.ids()
    }

    /// What the tokens of branches hold, by token.
    pub(crate) fn named_tokens(&self) -> Vec<(bytes::Bytes, BTreeMap<String, Option<Val>>)> {
        let named = self.branches.values().flat_map(BranchRecord::tokens);
        let entries = |token| self.tokens.get(token).map(|token| token.entries.clone());
        named.map(|token| (token.clone(), entries(token).unwrap_or_default())).collect()
    }

    /// Puts down what may not be; the first finding counts.
    pub(crate) fn accuse(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    /// The same, of an operation.
    fn accuse_operation(&mut self, operation: usize, what: &str) {
        let request = &self.operations[operation];
        self.accuse(format!("operation {operation}: {what}\n{request:#?}"));
    }

    /// Commits that `reference` named at `since` or later.
    fn commits_at(&self, reference: &str, since: u64) -> Vec<String> {
        if let Some(heads) = self.heads.get(reference).or_else(|| self.tags.get(reference)) {
            return heads.within(since).flatten().cloned().collect();
        }
        if let Some(branch) = reference.strip_suffix('@') {
            return self.commits_at(branch, since);
        }
        let exists = self.commits.get(reference).is_some();
        exists.then(|| reference.to_owned()).into_iter().collect()
    }

    /// What was seen at a key of a reference at `since` or later.
    fn seen_at(&mut self, reference: &str, key: &str, since: u64) -> Vec<Option<Val>> {
        if self.heads.contains_key(reference) {
            let place = (reference.to_owned(), key.to_owned());
            let seen = self.visible.get(&place).map(|seen| seen.within(since).copied().collect());
            return seen.unwrap_or_else(|| vec![None]);
        }
        let mut seen = Vec::new();
        for commit in self.commits_at(reference, since) {
            match self.commits.content(&commit) {
                Ok(content) => seen.push(content.get(key).copied()),
                Err(problem) => self.accuse(problem),
            }
        }
        seen
    }
}
