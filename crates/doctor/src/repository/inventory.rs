//! All records of a repository, each decoded, and of each what is needed later on.
//!
//! Of a commit 36 bytes are kept and of its tree 80, twice while they are put in order: a history of a
//! million commits takes some 250 MiB.

use std::collections::HashMap;
use std::collections::HashSet;

use bytes::Bytes;
use lakehold_clock::Timestamp;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::Stage;
use crate::id::Id;
use crate::records::AsyncStatus;
use crate::records::BranchProtectionRules;
use crate::records::CommitData;
use crate::records::DumpStatus;
use crate::records::ImportStatus;
use crate::records::LinkAddressData;
use crate::records::PullRequestData;
use crate::records::RepoMetadata;
use crate::repository::RepositoryExam;
use crate::repository::commits;
use crate::repository::rules::CollectionRules;
use crate::stored::Stored;
use crate::trees::Holder;
use crate::trees::Reach;
use crate::trees::Root;

/// What the records of a repository lead to.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    /// Records of branches.
    pub(crate) branches: Vec<Stored>,
    /// Records of tags.
    pub(crate) tags: Vec<Stored>,
    /// The generation of each commit.
    pub(crate) commits: HashMap<Id, i32>,
    /// Commits that branches are at.
    pub(crate) heads: HashSet<Id>,
    /// Trees that commits name.
    trees: Vec<TreeNote>,
    /// Trees that records other than commits name: key of the record and tree.
    others: Vec<(Bytes, Id)>,
}

/// A tree and the commit that names it. Sorted so that of one tree the commit to be named comes last,
/// and that of all trees the one to be examined first does; the id makes the order the same each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TreeNote {
    /// Whether a branch is at the commit.
    is_head: bool,
    generation: i32,
    /// When the commit was made, in seconds since 1970.
    date: i64,
    commit: Id,
    tree: Id,
}

impl RepositoryExam<'_> {
    /// Scans the repository's partition.
    pub(crate) async fn take_inventory(&self) -> Result<Inventory, DoctorError> {
        let mut inventory = Inventory::default();
        let mut pages = self.exam.pages(self.repository.partition.clone());
        let mut done = 0;
        while let Some(page) = pages.next().await? {
            done += page.len() as u64;
            self.exam.counters.records.add(page.len() as u64);
            self.exam.tell(Stage::Records, Some(&self.repository.id), done, None);
            for stored in page {
                let mut found = Vec::new();
                self.note(&mut inventory, &stored, &mut found);
                self.report(&stored, found).await?;
            }
        }
        Ok(inventory)
    }

    /// Adds what was found of a record, unless it was changed meanwhile.
    pub(crate) async fn report(
        &self,
        stored: &Stored,
        found: Vec<Finding>,
    ) -> Result<(), DoctorError> {
        let found = found.into_iter().map(|finding| self.own(finding)).collect();
        self.exam.report(&self.findings, stored, found).await
    }

    /// Decodes a record and notes what it leads to. Branches and tags are decoded when they are
    /// followed: they may have changed by then.
    fn note(&self, inventory: &mut Inventory, stored: &Stored, found: &mut Vec<Finding>) {
        let key = stored.key();
        let (folder, name) = key.split_once('/').unwrap_or((key, ""));
        match (folder, name) {
            ("branches", name) if !name.is_empty() => inventory.branches.push(stored.clone()),
            ("tags", name) if !name.is_empty() => inventory.tags.push(stored.clone()),
            ("commits", name) if !name.is_empty() => {
                self.exam.counters.commits.add(1);
                inventory.note_commit(stored, name, found);
            }
            ("repo-metadata", "") => stored.check::<RepoMetadata>("metadata", found),
            ("settings", "protected_branches") => {
                stored.check::<BranchProtectionRules>("set of protection rules", found);
            }
            ("imports", name) if !name.is_empty() => inventory.note_import(stored, name, found),
            ("tasks", name) if !name.is_empty() => inventory.note_task(stored, name, found),
            ("pulls", name) if !name.is_empty() => {
                if let Some(request) = stored.decode::<PullRequestData>("pull request", found) {
                    stored.must_agree("id", &request.id, name, found);
                }
            }
            ("link-addresses", _) => {
                stored.check::<LinkAddressData>("link address", found);
            }
            _ => found.push(stored.unknown()),
        }
    }
}

/// The tree that a record names; `None` where it has no content, or the name cannot be one.
fn tree_named(stored: &Stored, name: &str, found: &mut Vec<Finding>) -> Option<Id> {
    let id = Id::parse(name);
    if id.is_none() && !name.is_empty() {
        let problem = format!("The tree it names, {name:?}, is not 64 hexadecimal digits.");
        found.push(Finding::new(Kind::RecordContradictory, stored.place(), problem));
    }
    id
}

impl Inventory {
    /// Checks a commit by itself.
    fn note_commit(&mut self, stored: &Stored, name: &str, found: &mut Vec<Finding>) {
        let Some(commit) = stored.decode::<CommitData>("commit", found) else { return };
        stored.must_agree("id", &commit.id, name, found);
        let tree = tree_named(stored, &commit.meta_range_id, found);
        let Some(id) = Id::parse(name) else {
            let problem = "Its key is not 64 hexadecimal digits.";
            found.push(Finding::new(Kind::RecordContradictory, stored.place(), problem));
            return;
        };
        let computed = commits::identify(&commit);
        if id != computed {
            let place = stored.place().with_commit(name);
            let problem = format!("What it says hashes to {computed}.");
            found.push(Finding::new(Kind::CommitIdMismatch, place, problem));
        }
        let CommitData { generation, creation_date, .. } = commit;
        self.commits.insert(id, generation);
        let date = creation_date.map_or(0, |date| date.seconds);
        let note = |tree| TreeNote { is_head: false, generation, date, commit: id, tree };
        self.trees.extend(tree.map(note));
    }

    fn note_import(&mut self, stored: &Stored, name: &str, found: &mut Vec<Finding>) {
        let Some(import) = stored.decode::<ImportStatus>("import", found) else { return };
        stored.must_agree("id", &import.id, name, found);
        let tree = tree_named(stored, &import.meta_range_id, found);
        self.others.extend(tree.map(|tree| (stored.key.clone(), tree)));
    }

    fn note_task(&mut self, stored: &Stored, name: &str, found: &mut Vec<Finding>) {
        if !name.starts_with("DR") {
            let status = stored.decode::<AsyncStatus>("task", found);
            let task = status.and_then(|status| status.task).unwrap_or_default();
            stored.must_agree("id", &task.id, name, found);
            return;
        }
        let Some(status) = stored.decode::<DumpStatus>("dump task", found) else { return };
        stored.must_agree("id", &status.task.unwrap_or_default().id, name, found);
        let dump = status.dump.unwrap_or_default();
        for table in [dump.commits, dump.tags, dump.branches] {
            let tree = tree_named(stored, &table, found);
            self.others.extend(tree.map(|tree| (stored.key.clone(), tree)));
        }
    }

    /// The trees to examine. First those that branches are at, then from the newest to the oldest:
    /// neighbours in a history share most objects, and what was just looked for is remembered.
    pub(crate) fn into_roots(mut self, rules: &CollectionRules, now: Timestamp) -> Vec<Root> {
        for note in &mut self.trees {
            note.is_head = self.heads.contains(&note.commit);
        }
        let root = |note: TreeNote| Root {
            tree: note.tree,
            holder: Holder::Commit(note.commit),
            reach: if note.is_head { Reach::Head } else { rules.reach_of(note.date, now) },
        };
        let others = self.others.into_iter().map(|(key, tree)| Root {
            tree,
            holder: Holder::Record(key),
            reach: Reach::Note,
        });
        in_order(self.trees).into_iter().map(root).chain(others).collect()
    }
}

/// Each tree once, in the order of examination.
fn in_order(mut trees: Vec<TreeNote>) -> Vec<TreeNote> {
    trees.sort_unstable_by(|left, right| left.tree.cmp(&right.tree).then(right.cmp(left)));
    trees.dedup_by_key(|note| note.tree);
    trees.sort_unstable_by(|left, right| right.cmp(left));
    trees
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_first_then_the_newest_and_a_tree_is_named_by_its_newest_commit() {
        let id = |digit: &str| Id::parse(&digit.repeat(64)).expect("an id");
        let note = |is_head, generation, commit, tree| TreeNote {
            is_head,
            generation,
            date: 0,
            commit: id(commit),
            tree: id(tree),
        };
        let sorted = in_order(vec![
            note(false, 1, "1", "a"),
            note(false, 3, "3", "b"),
            note(true, 2, "2", "c"),
            note(false, 4, "4", "a"),
        ]);
        let shown: Vec<(Id, Id)> = sorted.iter().map(|note| (note.commit, note.tree)).collect();
        assert_eq!(shown, [(id("2"), id("c")), (id("4"), id("a")), (id("3"), id("b"))]);
    }
}
