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
//!
//! Whoever reads a branch looks at its tokens one after the other, and may find at a key what was
//! never the whole truth at one moment: of each token what lay there at some moment of the reading
//! (`Ledger::readable`). It must have lain there, and nothing that was wiped may be missed.

mod answers;
mod branches;
mod commits;
mod contents;
mod entries;
mod history;
mod ponds;
mod reads;
mod records;
mod refusals;
mod staging;
mod writes;

pub(crate) use records::content_type;
pub(crate) use records::staged_entries;
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
use commits::Commits;
use history::History;
use ponds::Ponds;
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
    records: BTreeMap<String, History<Option<BranchRecord>>>,
    heads: BTreeMap<String, History<Option<String>>>,
    tags: BTreeMap<String, History<Option<String>>>,
    commits: Commits,
    tokens: Tokens,
    visible: BTreeMap<(String, String), History<Option<Val>>>,
    /// Whether what can be seen at a key is what is committed.
    clean: BTreeMap<(String, String), History<bool>>,
    /// Whether that is so for all keys of a branch.
    clean_branches: BTreeMap<String, History<bool>>,
    /// When entries of a branch were changed.
    touched: BTreeMap<String, Vec<u64>>,
    /// All rules there ever were.
    rules: Vec<Rules>,
    ponds: Ponds,
    operations: Vec<Operation>,
    /// When a call of the store was last refused or not answered, whosever it was.
    last_fault: Option<Duration>,
    /// The longest time that an answer travels.
    slowest: Duration,
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
    /// The head that it gave a branch, and when.
    moved: Option<(String, u64)>,
    /// When it sealed what was staged.
    sealed: Option<u64>,
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
    tick: u64,
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
        slowest: Duration,
    ) -> Self {
        let ledger = Ledger {
            tick: 0,
            now: Duration::ZERO,
            staleness,
            branches: BTreeMap::new(),
            records: BTreeMap::new(),
            heads: BTreeMap::new(),
            tags: BTreeMap::new(),
            commits: Commits::new(trees, namespace),
            tokens: Tokens::default(),
            visible: BTreeMap::new(),
            clean: BTreeMap::new(),
            clean_branches: BTreeMap::new(),
            touched: BTreeMap::new(),
            rules: vec![Rules::default()],
            ponds: Ponds::default(),
            operations: Vec::new(),
            last_fault: None,
            slowest,
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

    /// Whether it is to write only where nothing is.
    fn is_creation(&self) -> bool {
        matches!(
            self.request,
            Request::Upload { if_absent: true, .. } | Request::Stage { if_absent: true, .. }
        )
    }

    /// The value that nobody but it writes.
    fn own_value(&self) -> Option<Val> {
        match self.request {
            Request::Upload { value, .. } | Request::Stage { value, .. } => Some(value),
            _ => None,
        }
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
            sealed: None,
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
    pub(crate) fn refused(&mut self, now: Duration, operation: Option<usize>) {
        self.last_fault = Some(now);
        if let Some(operation) = operation {
            self.operations[operation].refused += 1;
        }
    }

    /// Notes that the answer of a call of the store was lost.
    pub(crate) fn lost_answer(&mut self, now: Duration, operation: Option<usize>) {
        self.last_fault = Some(now);
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

    /// Reads the trees of all commits that references lead to once more, from the beginning.
    pub(crate) fn read_again(&mut self, trees: Trees) {
        let heads = self.heads.values().chain(self.tags.values());
        let heads: Vec<String> = heads.filter_map(|head| head.now().clone()).collect();
        if let Err(problem) = self.commits.read_again(trees, &heads) {
            self.accuse(problem);
        }
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
}
