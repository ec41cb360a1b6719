//! A range: its records, in order, and the objects they lead to.

use bytes::Bytes;
use futures::FutureExt as _;
use futures::StreamExt as _;
use lakehold_block::StorageNamespace;
use lakehold_kv::Record;
use lakehold_sstable::Cursor;
use xxhash_rust::xxh3::Xxh3;

use crate::Finding;
use crate::Kind;
use crate::Place;
use crate::exam::Exam;
use crate::exam::unordered;
use crate::id::Id;
use crate::objects::Claim;
use crate::records::BranchData;
use crate::records::CommitData;
use crate::records::TagData;
use crate::repository::RepositoryExam;
use crate::trees::Root;
use crate::trees::meta_range::Listed;
use crate::trees::table;
use crate::trees::table::Proven;
use crate::trees::value::Value;

/// How many records are taken out of a range at a time.
const BATCH: usize = 1_000;

/// Until January 2023 metaranges held a range's length and this many bytes more as its estimated size.
const OLD_SIZE_EXTRA: u64 = 8;

/// What is kept of a range that was examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    count: u64,
    /// Hash of its first and last key.
    bounds: u64,
    /// Its size as its writer estimated it, where it says.
    estimated_size: Option<u64>,
    /// Length of its file.
    length: u64,
}

impl Facts {
    /// How it is not what a metarange says of it, as a sentence.
    pub(super) fn differ_from(&self, listed: &Listed) -> Option<String> {
        let Self { count, .. } = self;
        if listed.count != *count {
            let said = listed.count;
            return Some(format!("The metarange says {said} records, the range has {count}."));
        }
        if hash_bounds(&listed.min, &listed.max) != self.bounds {
            return Some("The range does not begin and end where the metarange says.".to_owned());
        }
        None
    }

    /// How its estimated size is not what a metarange says, as a sentence.
    pub(super) fn size_differs_from(&self, listed: &Listed) -> Option<String> {
        let estimated = self.estimated_size?;
        let said = listed.estimated_size;
        let agrees = said == estimated || said == self.length + OLD_SIZE_EXTRA;
        (!agrees).then(|| format!("The metarange says a size of {said}, the range {estimated}."))
    }
}

fn hash_bounds(min: &[u8], max: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&(min.len() as u64).to_le_bytes());
    hash.update(min);
    hash.update(max);
    hash.digest()
}

/// Examines the range `id` of the tree `root`. `None` where it is missing or damaged, which is told.
pub(super) async fn examine(
    exam: &Exam<'_>,
    under_way: &RepositoryExam<'_>,
    namespace: &StorageNamespace,
    id: Id,
    root: &Root,
) -> Option<Facts> {
    exam.counters.ranges.add(1);
    let place = root.place().with_range(id);
    let examined = async {
        let proven = table::read(exam, namespace, id, "ranges").await?;
        let entries = Entries { exam, under_way, namespace, place: &place, root };
        entries.walk(&proven).await.map_err(table::Fault::Corrupt)
    };
    match examined.await {
        Ok(facts) => Some(facts),
        Err(fault) => {
            let (kind, text) = fault.told(Kind::RangeMissing, Kind::RangeCorrupt, "range");
            let finding = Finding::new(kind, place, text);
            under_way.add_finding(finding.with_severity(root.reach.of_table()));
            None
        }
    }
}

/// The records of a range, on the way through.
struct Walk {
    cursor: Cursor,
    namespace: StorageNamespace,
    /// What kind of record a table of a dump holds.
    entity: Option<String>,
    count: u64,
    min: Option<Bytes>,
    max: Bytes,
}

/// A key and what it leads to: an object, nothing more (in a dump), or something that is damaged.
type Item = (Bytes, Result<Option<Claim>, String>);

impl Walk {
    /// Takes the next records. Decodes them, too, which is no work for a task's thread.
    fn take(&mut self) -> Result<Vec<Item>, String> {
        let mut items = Vec::with_capacity(BATCH);
        while items.len() < BATCH
            && let Some((key, stored)) = self.cursor.next().map_err(|error| error.to_string())?
        {
            self.count += 1;
            self.min.get_or_insert_with(|| key.clone());
            self.max = key.clone();
            items.push((key, self.read(stored)));
        }
        Ok(items)
    }

    fn read(&self, stored: Bytes) -> Result<Option<Claim>, String> {
        let value = Value::decode(stored);
        let value =
            value.map_err(|problem| format!("What is stored of it is damaged: {problem}."))?;
        match &self.entity {
            None => Claim::decode(&self.namespace, &value.data).map(Some),
            Some(entity) => check_dumped(&value.data, entity).map(|()| None),
        }
    }
}

/// The records of a range and what they lead to.
struct Entries<'a> {
    exam: &'a Exam<'a>,
    under_way: &'a RepositoryExam<'a>,
    namespace: &'a StorageNamespace,
    place: &'a Place,
    root: &'a Root,
}

impl Entries<'_> {
    async fn walk(&self, proven: &Proven) -> Result<Facts, String> {
        let mut walk = Walk {
            cursor: proven.table.cursor(),
            namespace: self.namespace.clone(),
            entity: proven.entity.clone(),
            count: 0,
            min: None,
            max: Bytes::new(),
        };
        loop {
            let take = move || {
                let items = walk.take();
                (walk, items)
            };
            let (returned, items) = self.exam.runtime.blocking(take).await;
            walk = returned;
            let items = items?;
            if items.is_empty() {
                break;
            }
            self.exam.counters.range_records.add(items.len() as u64);
            self.examine(items).await;
        }
        let property = proven.table.property("estimated_size_bytes");
        let estimated = property.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        Ok(Facts {
            count: walk.count,
            bounds: hash_bounds(walk.min.as_deref().unwrap_or_default(), &walk.max),
            estimated_size: estimated,
            length: proven.length,
        })
    }

    async fn examine(&self, items: Vec<Item>) {
        let mut new = Vec::new();
        for (key, read) in items {
            match read {
                Ok(Some(claim)) if self.exam.objects.is_new(&claim) => new.push((key, claim)),
                Ok(_) => {}
                Err(problem) => {
                    let place = self.place.clone().with_path(&key);
                    self.under_way.add_finding(Finding::new(Kind::EntryCorrupt, place, problem));
                }
            }
        }
        let looks = new.into_iter().map(|(key, claim)| self.look(key, claim).boxed());
        let mut looks = unordered(looks, self.exam.options.concurrency);
        while let Some(found) = looks.next().await {
            found.into_iter().for_each(|finding| self.under_way.add_finding(finding));
        }
    }

    async fn look(&self, key: Bytes, claim: Claim) -> Option<Finding> {
        let problem = self.exam.objects.look(&claim, &self.exam.counters).await?;
        let place = self.place.clone().with_path(&key);
        let finding = problem.at(place.with_address(&claim.address));
        // Garbage collection never touches what lies outside the namespace.
        if finding.kind != Kind::ObjectMissing || !claim.is_relative() {
            return Some(finding);
        }
        let (kind, severity) = self.root.reach.of_missing_object();
        let same = Finding::new(kind, finding.place, finding.problem);
        Some(same.with_severity(severity))
    }
}

/// Checks a record of a dump.
fn check_dumped(data: &[u8], entity: &str) -> Result<(), String> {
    let error = match entity {
        "commit" => Record::<CommitData>::decode(data).err(),
        "branch" => Record::<BranchData>::decode(data).err(),
        "tag" => Record::<TagData>::decode(data).err(),
        _ => None,
    };
    error.map_or(Ok(()), |error| Err(format!("This is no {entity}: {error}.")))
}
