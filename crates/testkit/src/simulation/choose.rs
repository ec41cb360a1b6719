//! What a client asks for next: mostly what its kind of client does, sometimes something else.
//!
//! Few branches and few keys, so that clients get in each other's way.

use std::collections::BTreeSet;

use lakehold_catalog::DiffKind;
use lakehold_catalog::Strategy;

use super::dice::Dice;
use super::request::Paging;
use super::request::Request;
use super::request::Scope;
use super::request::Val;

const BRANCHES: [&str; 4] = ["main", "main", "dev-1", "dev-2"];
const TAGS: [&str; 2] = ["v1", "v2"];
/// Repositories that come and go.
pub(crate) const PONDS: [&str; 2] = ["pond-1", "pond-2"];
pub(crate) const KEYS: [&str; 8] = ["a/1", "a/2", "a/3", "b/1", "b/2", "c", "d", "e"];
const PREFIXES: [&str; 4] = ["", "a/", "b", "c"];
const STRATEGIES: [Strategy; 4] =
    [Strategy::Fail, Strategy::Fail, Strategy::SourceWins, Strategy::DestinationWins];

/// Kinds of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Uploads, stages, deletes, copies.
    Writer,
    /// Commits.
    Committer,
    /// Merges, reverts, cherry-picks.
    Merger,
    /// Resets branches.
    Resetter,
    /// Creates and deletes branches and tags, and protects branches.
    Namer,
    /// Reads, lists and compares.
    Reader,
    /// Creates and deletes repositories, and works on them meanwhile.
    Settler,
}

/// The clients of a simulation.
pub(crate) const ROLES: [Role; 13] = [
    Role::Writer,
    Role::Writer,
    Role::Writer,
    Role::Writer,
    Role::Committer,
    Role::Committer,
    Role::Merger,
    Role::Resetter,
    Role::Namer,
    Role::Reader,
    Role::Reader,
    Role::Settler,
    Role::Settler,
];

/// Chooses requests.
#[derive(Debug)]
pub(crate) struct Chooser<'a> {
    pub(crate) dice: &'a mut Dice,
    /// A value that nobody has written yet.
    pub(crate) value: Val,
    /// Ids of all commits.
    pub(crate) commits: Vec<String>,
}

impl Chooser<'_> {
    /// A request of a client of this kind.
    pub(crate) fn choose(&mut self, role: Role) -> Request {
        let others = [Role::Writer, Role::Committer, Role::Merger, Role::Reader];
        let role = if self.dice.per_mille(100) { *self.dice.pick(&others) } else { role };
        match role {
            Role::Writer => self.write(),
            Role::Committer => Request::Commit { branch: self.branch() },
            Role::Merger => self.merge(),
            Role::Resetter => self.reset(),
            Role::Namer => self.name(),
            Role::Reader => self.read(),
            Role::Settler => self.settle(),
        }
    }

    /// What a client asks for right after `request`, if anything: keys that come and go are where a branch
    /// that moves meanwhile does harm.
    pub(crate) fn follow_up(&mut self, request: &Request) -> Option<Request> {
        let value = self.value;
        match request {
            Request::Upload { branch, key, .. } | Request::Stage { branch, key, .. } => {
                let (branch, keys) = (branch.clone(), vec![key.clone()]);
                let no_tombstone = self.dice.per_mille(700);
                let asks = self.dice.per_mille(150);
                asks.then_some(Request::Delete { branch, keys, no_tombstone })
            }
            Request::Delete { branch, keys, .. } => {
                let (branch, key) = (branch.clone(), self.dice.pick(keys).clone());
                let asks = self.dice.per_mille(300);
                asks.then_some(Request::Stage { branch, key, value, if_absent: true })
            }
            _ => None,
        }
    }

    fn write(&mut self) -> Request {
        let (branch, key, value) = (self.branch(), self.key(), self.value);
        match self.dice.below(10) {
            0..3 => Request::Upload { branch, key, value, if_absent: false },
            3 => Request::Upload { branch, key, value, if_absent: true },
            4..6 => Request::Stage { branch, key, value, if_absent: false },
            6 => Request::Stage { branch, key, value, if_absent: true },
            7..9 => Request::Delete {
                branch,
                keys: self.keys(),
                no_tombstone: self.dice.per_mille(300),
            },
            _ => Request::Copy { source: self.reference(), from: self.key(), branch, key },
        }
    }

    fn merge(&mut self) -> Request {
        let branch = self.branch();
        match self.dice.below(4) {
            0 => Request::Revert { branch, reference: self.reference() },
            1 => Request::CherryPick { branch, reference: self.reference() },
            _ => Request::Merge {
                source: self.reference(),
                branch,
                strategy: *self.dice.pick(&STRATEGIES),
                squash: self.dice.per_mille(200),
            },
        }
    }

    fn reset(&mut self) -> Request {
        let branch = self.branch();
        let scope = match self.dice.below(6) {
            0 => Scope::All,
            1 | 2 => Scope::Prefix((*self.dice.pick(&PREFIXES)).to_owned()),
            3 | 4 => Scope::Key(self.key()),
            _ => return Request::HardReset { branch, reference: self.reference() },
        };
        Request::Reset { branch, scope }
    }

    fn name(&mut self) -> Request {
        let branch = (*self.dice.pick(&BRANCHES[2..])).to_owned();
        let tag = (*self.dice.pick(&TAGS)).to_owned();
        match self.dice.below(12) {
            0..5 => Request::CreateBranch { branch, source: self.reference() },
            5..7 => Request::DeleteBranch { branch },
            7..9 => Request::CreateTag { tag, source: self.reference() },
            9 => Request::DeleteTag { tag },
            _ => Request::Protect { branches: self.protected() },
        }
    }

    fn settle(&mut self) -> Request {
        let pond = (*self.dice.pick(&PONDS)).to_owned();
        let (key, value) = (self.key(), self.value);
        match self.dice.below(10) {
            0..2 => Request::CreatePond { pond, namespace: value },
            2 => Request::DeletePond { pond },
            3..7 => Request::PutInPond { pond, key, value },
            _ => Request::ReadPond { pond, key },
        }
    }

    fn read(&mut self) -> Request {
        let at = match self.dice.below(3) {
            0 => self.reference(),
            1 => format!("{}@", self.branch()),
            _ => self.branch(),
        };
        match self.dice.below(8) {
            0..3 => Request::Get { at, key: self.key() },
            3 => Request::List { at, paging: self.paging() },
            4 => Request::Log { at },
            5 => Request::Diff {
                left: self.reference(),
                right: at,
                kind: *self.dice.pick(&[DiffKind::TwoDot, DiffKind::ThreeDot]),
                paging: self.paging(),
            },
            6 => Request::DiffStaged { left: self.reference(), branch: self.branch() },
            _ => Request::Uncommitted { branch: self.branch() },
        }
    }

    fn paging(&mut self) -> Paging {
        Paging {
            prefix: (*self.dice.pick(&PREFIXES)).to_owned(),
            after: if self.dice.per_mille(300) { self.key() } else { String::new() },
            amount: *self.dice.pick(&[2, 100]),
        }
    }

    fn branch(&mut self) -> String {
        (*self.dice.pick(&BRANCHES)).to_owned()
    }

    fn key(&mut self) -> String {
        (*self.dice.pick(&KEYS)).to_owned()
    }

    fn keys(&mut self) -> Vec<String> {
        let count = *self.dice.pick(&[1, 1, 3]);
        let keys: BTreeSet<String> = (0..count).map(|_| self.key()).collect();
        keys.into_iter().collect()
    }

    /// A branch, a tag, or a commit, young ones more often.
    fn reference(&mut self) -> String {
        match self.dice.below(6) {
            0..4 => self.branch(),
            4 => (*self.dice.pick(&TAGS)).to_owned(),
            _ if self.commits.is_empty() => self.branch(),
            _ => {
                let young = self.commits.len().min(8);
                let back = self.dice.below(young) + 1;
                self.commits[self.commits.len() - back].clone()
            }
        }
    }

    /// Mostly nothing, or nobody could do anything.
    fn protected(&mut self) -> BTreeSet<String> {
        let branches: &[&str] = match self.dice.below(6) {
            0 => &["main"],
            1 => &["dev-1"],
            _ => &[],
        };
        branches.iter().map(|branch| (*branch).to_owned()).collect()
    }
}
