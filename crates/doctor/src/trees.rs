//! Committed trees: that every metarange and range is what its name says, that they agree with each
//! other, and that the objects in them are there.
//!
//! Trees share ranges, so each table is examined once however many commits contain it. Of a range 80
//! bytes are kept afterwards, which is enough to compare with what every other metarange says of it.
//!
//! ```text
//! roots ─► metaranges, a few at a time ─► ranges not seen yet, a few at a time ─► objects
//!               └── what it says of its ranges ◄── compared with ──┘
//! ```

mod meta_range;
mod range;
mod table;
mod value;

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use lakehold_block::StorageNamespace;

use crate::DoctorError;
use crate::Kind;
use crate::Place;
use crate::Severity;
use crate::Stage;
use crate::exam::Exam;
use crate::exam::unordered;
use crate::id::Id;
use crate::repository::RepositoryExam;
use crate::trees::meta_range::Listed;
use crate::trees::range::Facts;
use crate::trees::table::Fault;

/// How many metaranges are held in memory at the same time.
const TREES_AT_A_TIME: usize = 8;

/// How many ranges are: each mostly takes some 10 MiB unpacked, and 100 at worst.
const RANGES_AT_A_TIME: usize = 4;

/// A tree to examine.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) tree: Id,
    pub(crate) holder: Holder,
    pub(crate) reach: Reach,
}

/// What names a tree.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    /// A commit.
    Commit(Id),
    /// The record under this key of the repository's partition: a task or an import.
    Record(Bytes),
    /// A file.
    File(Arc<str>),
}

/// What may rightly be missing of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Nothing: a branch is at it.
    Head,
    /// Nothing: there are no rules by which anything is removed.
    Kept,
    /// Nothing now, but the rules may have been stricter.
    Recent,
    /// Objects: the commit is older than the rules keep it.
    Expired,
    /// Anything: only a note of something past names it.
    Note,
}

impl Reach {
    /// How severe it is that the bytes of an object are missing.
    fn of_missing_object(self) -> (Kind, Severity) {
        match self {
            Self::Head | Self::Kept => (Kind::ObjectMissing, Severity::Error),
            Self::Recent | Self::Note => (Kind::ObjectMissing, Severity::Warning),
            Self::Expired => (Kind::ObjectCollected, Severity::Info),
        }
    }

    /// How severe it is that a table is missing or damaged.
    fn of_table(self) -> Severity {
        if self == Self::Note { Severity::Warning } else { Severity::Error }
    }
}

impl Root {
    /// Where it is, for people.
    fn place(&self) -> Place {
        match &self.holder {
            Holder::Commit(id) => Place::default().with_commit(id),
            Holder::Record(key) => Place {
                key: Some(crate::finding::text(key)),
                key_hex: Some(hex::encode(key)),
                ..Place::default()
            },
            Holder::File(address) => Place::default().with_address(address),
        }
    }
}

/// The tables of one storage namespace.
pub(crate) struct Trees<'a> {
    exam: &'a Exam<'a>,
    namespace: StorageNamespace,
    /// Repositories with this namespace.
    repositories: Vec<String>,
    meta_ranges: HashSet<Id>,
    /// `None`: it is missing or damaged, and that has been told.
    ranges: HashMap<Id, Option<Facts>>,
}

/// What a tree lists, with what names it.
struct Loaded {
    root: Root,
    listed: Vec<Listed>,
}

impl<'a> Trees<'a> {
    pub(crate) fn new(exam: &'a Exam<'a>, namespace: &StorageNamespace) -> Self {
        Self {
            exam,
            namespace: namespace.clone(),
            repositories: Vec::new(),
            meta_ranges: HashSet::new(),
            ranges: HashMap::new(),
        }
    }

    /// Notes that `repository` has this namespace; returns another one that does.
    pub(crate) fn take(&mut self, repository: &str) -> Option<String> {
        self.repositories.push(repository.to_owned());
        self.repositories.first().filter(|first| *first != repository).cloned()
    }

    /// Whether something that was examined names this table.
    pub(crate) fn names(&self, table: Id) -> bool {
        self.meta_ranges.contains(&table) || self.ranges.contains_key(&table)
    }

    /// Examines the trees in `roots` and all that is in them.
    pub(crate) async fn examine(
        &mut self,
        under_way: &RepositoryExam<'_>,
        mut roots: Vec<Root>,
    ) -> Result<(), DoctorError> {
        roots.retain(|root| self.meta_ranges.insert(root.tree));
        let total = Some(roots.len() as u64);
        let mut done = 0;
        for some in roots.chunks(TREES_AT_A_TIME) {
            let repository = Some(under_way.repository.id.as_str());
            self.exam.tell(Stage::Trees, repository, done, total);
            self.examine_some(under_way, some).await?;
            done += some.len() as u64;
        }
        Ok(())
    }

    async fn examine_some(
        &mut self,
        under_way: &RepositoryExam<'_>,
        roots: &[Root],
    ) -> Result<(), DoctorError> {
        let loads: Vec<BoxFuture<'_, Option<Loaded>>> =
            roots.iter().map(|root| self.load(under_way, root).boxed()).collect();
        let loaded = stream::iter(loads).buffered(TREES_AT_A_TIME).collect::<Vec<_>>().await;
        let loaded: Vec<Loaded> = loaded.into_iter().flatten().collect();
        self.examine_new_ranges(under_way, &loaded).await?;
        for tree in &loaded {
            self.compare(under_way, tree);
        }
        Ok(())
    }

    /// Reads one metarange; `None`, having told why, where it cannot be.
    async fn load(&self, under_way: &RepositoryExam<'_>, root: &Root) -> Option<Loaded> {
        self.exam.counters.meta_ranges.add(1);
        let read = meta_range::read(self.exam, &self.namespace, root.tree).await;
        match read {
            Ok(listed) => Some(Loaded { root: root.clone(), listed }),
            Err(fault) => {
                let (kind, text) =
                    fault.told(Kind::MetaRangeMissing, Kind::MetaRangeCorrupt, "metarange");
                let place = root.place().with_meta_range(root.tree);
                let finding = crate::Finding::new(kind, place, text);
                under_way.add_finding(finding.with_severity(root.reach.of_table()));
                None
            }
        }
    }

    async fn examine_new_ranges(
        &mut self,
        under_way: &RepositoryExam<'_>,
        loaded: &[Loaded],
    ) -> Result<(), DoctorError> {
        let mut new: Vec<(Id, &Root)> = Vec::new();
        for tree in loaded {
            for listed in &tree.listed {
                if let Entry::Vacant(unknown) = self.ranges.entry(listed.id) {
                    unknown.insert(None);
                    new.push((listed.id, &tree.root));
                }
            }
        }
        let (exam, namespace) = (self.exam, &self.namespace);
        let checks = new.into_iter().map(|(id, root)| {
            let examined = range::examine(exam, under_way, namespace, id, root);
            examined.map(move |facts| (id, facts)).boxed()
        });
        let examined: Vec<(Id, Option<Facts>)> =
            unordered(checks, RANGES_AT_A_TIME).collect().await;
        self.ranges.extend(examined);
        Ok(())
    }

    /// Compares what a metarange says of its ranges with what they are.
    fn compare(&self, under_way: &RepositoryExam<'_>, tree: &Loaded) {
        for listed in &tree.listed {
            let Some(Some(facts)) = self.ranges.get(&listed.id) else { continue };
            let place = || tree.root.place().with_meta_range(tree.root.tree).with_range(listed.id);
            if let Some(difference) = facts.differ_from(listed) {
                under_way.add(Kind::RangeMismatch, place(), difference);
            }
            if let Some(difference) = facts.size_differs_from(listed) {
                under_way.add(Kind::RangeSizeMismatch, place(), difference);
            }
        }
    }
}

impl Fault {
    /// The kind of finding that this is for a `what`, and a sentence.
    fn told(self, missing: Kind, corrupt: Kind, what: &str) -> (Kind, String) {
        match self {
            Self::Missing => (missing, format!("The file of the {what} is not there.")),
            Self::Corrupt(reason) => (corrupt, format!("The {what} is damaged: {reason}.")),
            Self::Failed(reason) => (Kind::StoreFailed, format!("Reading it failed: {reason}.")),
        }
    }
}
