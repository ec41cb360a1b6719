//! Repositories that come and go, each with one branch on which objects are staged.
//!
//! A repository is an *instance* with a partition of its own; one of the same name that comes later is
//! another one. What is acknowledged in an instance stays until somebody asks for its deletion, and
//! nothing of an instance is ever seen in another one.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_kv::Precondition;
use lakehold_kv::Write;

use super::History;
use super::Ledger;
use super::Operation;
use super::records;
use super::records::BranchRecord;
use super::records::PondRecord;
use crate::simulation::request::Request;
use crate::simulation::request::Val;

/// Partition of the records of all repositories, and what their keys begin with.
const REPOSITORIES: &[u8] = b"graveler";
const REPOSITORY_PREFIX: &str = "repos/";

/// What the names of these repositories begin with, and so do their partitions and tokens.
const POND: &str = "pond";

/// All that is known of them.
#[derive(Debug, Default)]
pub(super) struct Ponds {
    /// What the record of a name said, and since when.
    records: BTreeMap<String, Vec<Since>>,
    /// The token of the branch of each instance, by partition.
    tokens: BTreeMap<Bytes, Bytes>,
    /// Partitions with a first commit.
    begun: BTreeSet<Bytes>,
    /// Instances that were ever there.
    known: BTreeSet<Bytes>,
    /// What is staged, by token and key.
    values: BTreeMap<(Bytes, String), History<Option<Val>>>,
}

#[derive(Debug)]
struct Since {
    time: Duration,
    by: Option<usize>,
    instance: Option<Instance>,
}

/// A repository from its creation to its deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Instance {
    partition: Bytes,
    is_active: bool,
}

impl Ponds {
    fn now(&self, name: &str) -> Option<&Instance> {
        self.records.get(name)?.last()?.instance.as_ref()
    }

    fn is_active(&self, partition: &Bytes) -> bool {
        let records = self.records.values().filter_map(|records| records.last());
        let mut instances = records.filter_map(|since| since.instance.as_ref());
        instances.any(|instance| instance.is_active && instance.partition == *partition)
    }

    /// The instance whose branch has this token.
    fn instance_of(&self, token: &Bytes) -> Option<&Bytes> {
        self.tokens.iter().find(|(_, of)| *of == token).map(|(partition, _)| partition)
    }
}

impl Ledger {
    /// Puts down a write if it is about one of these repositories. Returns whether it is.
    pub(super) fn pond_written(&mut self, operation: Option<usize>, write: &Write) -> bool {
        let key = String::from_utf8_lossy(&write.key).into_owned();
        if write.partition == REPOSITORIES {
            let name = key.strip_prefix(REPOSITORY_PREFIX).filter(|name| name.starts_with(POND));
            if let Some(name) = name {
                self.pond_record_written(operation, name, write);
            }
            return name.is_some();
        }
        let is_pond = write.partition.starts_with(POND.as_bytes());
        if is_pond && write.partition.contains(&b':') {
            self.pond_entry_written(operation, &write.partition, &key, write.value.as_ref());
        } else if is_pond {
            self.pond_part_written(&key, write);
        }
        is_pond
    }

    fn pond_record_written(&mut self, operation: Option<usize>, name: &str, write: &Write) {
        let before = self.ponds.now(name).cloned();
        let after = write.value.as_ref().map(|value| {
            let record = records::decode::<PondRecord>(value);
            let partition = Bytes::from(format!("{name}-{}", record.instance));
            Instance { partition, is_active: record.state == 0 }
        });
        let request = operation.map(|operation| &self.operations[operation].request);
        let creates = matches!(request, Some(Request::CreatePond { pond, .. }) if pond == name);
        let deletes = matches!(request, Some(Request::DeletePond { pond }) if pond == name);
        let is_unchanged = matches!(write.precondition, Precondition::Unchanged(_));
        let is_right = match (&before, &after) {
            (None, Some(new)) => {
                creates && new.is_active && write.precondition == Precondition::Absent
            }
            (Some(old), Some(new)) => {
                let is_same = old.partition == new.partition;
                deletes && is_same && old.is_active && !new.is_active && is_unchanged
            }
            (Some(old), None) => deletes && !old.is_active && is_unchanged,
            (None, None) => false,
        };
        if !is_right {
            self.accuse(format!("{request:?} makes {after:?} of {before:?} by {write:?}"));
        }
        if let (None, Some(new)) = (&before, &after) {
            self.check_pond_begins(new);
        }
        let on_pond = |asked: &&mut Operation| asked.request.pond() == Some(name);
        self.operations.iter_mut().filter(on_pond).for_each(|asked| asked.applied.clear());
        let since = Since { time: self.now, by: operation, instance: after };
        self.ponds.records.entry(name.to_owned()).or_default().push(since);
        self.carried_out(operation);
    }

    /// A repository is there only once all is there that it begins with, and was never there before.
    fn check_pond_begins(&mut self, new: &Instance) {
        let Ponds { tokens, begun, known, .. } = &mut self.ponds;
        let is_complete = begun.contains(&new.partition) && tokens.contains_key(&new.partition);
        let is_fresh = known.insert(new.partition.clone());
        if !is_complete || !is_fresh {
            self.accuse(format!("{new:?} is not complete, or was there before"));
        }
    }

    fn pond_part_written(&mut self, key: &str, write: &Write) {
        if self.ponds.is_active(&write.partition) {
            self.accuse(format!("a repository that is there changes: {write:?}"));
        }
        let Some(value) = &write.value else { return };
        if key == "branches/main" {
            let branch = records::decode::<BranchRecord>(value);
            self.ponds.tokens.insert(write.partition.clone(), branch.staging);
        } else if key.starts_with("commits/") {
            self.ponds.begun.insert(write.partition.clone());
        }
    }

    fn pond_entry_written(
        &mut self,
        operation: Option<usize>,
        token: &Bytes,
        at: &str,
        stored: Option<&Bytes>,
    ) {
        let value = stored.and_then(|stored| records::staged(stored));
        let instance = self.ponds.instance_of(token).cloned();
        let is_active = instance.is_some_and(|instance| self.ponds.is_active(&instance));
        let request = operation.map(|operation| &self.operations[operation].request);
        let is_asked_for = match request {
            Some(Request::PutInPond { pond, key, value: asked }) => {
                token.starts_with(pond.as_bytes()) && key == at && value == Some(*asked)
            }
            _ => false,
        };
        let is_wiped = value.is_none() && !is_active;
        if !is_asked_for && !is_wiped {
            self.accuse(format!("{request:?} makes {at} of {token:?} {value:?}"));
        }
        if let Some(operation) = operation.filter(|_| is_asked_for) {
            self.operations[operation].has_written = true;
            if is_active {
                self.operations[operation].applied.insert(at.to_owned(), self.tick);
                self.check_open(operation);
            }
        }
        let history = self.ponds.values.entry((token.clone(), at.to_owned()));
        history.or_insert_with(|| History::beginning_with(None)).set(self.tick, value);
    }

    /// Whether a value was seen in a repository since an operation began.
    pub(super) fn could_read_in_pond(
        &self,
        operation: usize,
        pond: &str,
        key: &str,
        value: Option<Val>,
    ) -> bool {
        let since = self.operations[operation].since;
        self.instances_met(operation, pond).into_iter().flatten().any(|instance| {
            let Some(token) = self.ponds.tokens.get(&instance.partition) else { return false };
            let values = self.ponds.values.get(&(token.clone(), key.to_owned()));
            values.map_or(value.is_none(), |values| values.was(since, &value))
        })
    }

    /// What an operation may have taken the repository for: also what it was before the operation began,
    /// if whoever changed it had not been answered yet, or where servers remember it for a while.
    fn instances_met(&self, operation: usize, pond: &str) -> Vec<Option<&Instance>> {
        let asked = &self.operations[operation];
        let Some(records) = self.ponds.records.get(pond) else { return vec![None] };
        let is_settled = |change: &Since| match self.staleness.is_zero() {
            true => change.by.is_none_or(|by| self.operations[by].until <= asked.since),
            false => change.time + self.staleness < asked.since_time,
        };
        let first = records.iter().rposition(is_settled);
        let met = records[first.unwrap_or(0)..].iter().map(|since| since.instance.as_ref());
        let absent_at_first = first.is_none().then_some(None);
        absent_at_first.into_iter().chain(met).collect()
    }

    /// Whether a repository was absent at some moment since an operation began.
    pub(super) fn could_miss_pond(&self, operation: usize, pond: &str) -> bool {
        self.is_met(operation, pond, |instance| instance.is_none())
    }

    /// Whether a repository was in deletion at some moment since an operation began.
    pub(super) fn could_find_going(&self, operation: usize, pond: &str) -> bool {
        self.is_met(operation, pond, |instance| instance.is_some_and(|i| !i.is_active))
    }

    fn is_met(
        &self,
        operation: usize,
        pond: &str,
        is_such: impl Fn(Option<&Instance>) -> bool,
    ) -> bool {
        self.instances_met(operation, pond).into_iter().any(is_such)
    }

    /// Whether there was a reason for an error about one of these repositories.
    pub(super) fn has_pond_reason(
        &self,
        operation: usize,
        pond: &str,
        error: &CatalogError,
    ) -> bool {
        use EngineError as E;
        let has_faults = self.operations[operation].faults() > 0;
        let is_there = |instance: Option<&Instance>| instance.is_some();
        let is_not_there = |instance: Option<&Instance>| instance.is_none_or(|i| !i.is_active);
        match error {
            CatalogError::StorageAccess { .. } | CatalogError::Block(_) => has_faults,
            CatalogError::Engine(engine) => match engine {
                E::RepositoryNotFound(_) => self.could_miss_pond(operation, pond),
                E::RepositoryExists(_) => self.is_met(operation, pond, is_there),
                E::RepositoryInDeletion(_) => self.could_find_going(operation, pond),
                // It went under whoever had looked it up.
                E::BranchNotFound(_) | E::RefNotFound(_) | E::CommitNotFound(_) => {
                    self.is_met(operation, pond, is_not_there)
                }
                E::Kv(_) => has_faults,
                E::Tree(_) => has_faults || self.shares_a_fault(operation),
                _ => false,
            },
            _ => false,
        }
    }
}
