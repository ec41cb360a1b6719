//! What the tests of the algorithms share: a map of ranges in memory, and trees of tiny records.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use lakehold_sstable::Table;
use proptest::prelude::*;

use crate::Change;
use crate::Error;
use crate::Record;
use crate::Summary;
use crate::Value;
use crate::apply::Apply;
use crate::layout::Build;
use crate::layout::Pause;
use crate::limits::RangeLimits;
use crate::meta_range::MetaRange;
use crate::meta_range::RangeId;
use crate::meta_range::RangeRef;
use crate::plan::Need;
use crate::plan::Plan;
use crate::plan::Supply;
use crate::range::Range;
use crate::walk::At;
use crate::walk::Walk;

/// One file of the golden data.
pub(crate) fn golden(name: &str) -> Bytes {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/");
    std::fs::read(format!("{root}{name}")).unwrap().into()
}

pub(crate) fn golden_hash_vectors() -> serde_json::Value {
    serde_json::from_slice(&golden("hash-vectors.json")).unwrap()
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) fn record(key: &str, identity: &str, data: &str) -> Record {
    Record { key: bytes(key), value: Value { identity: bytes(identity), data: bytes(data) } }
}

/// A range that exists in name only.
pub(crate) fn whole_range(min: &str, max: &str, count: u64) -> RangeRef {
    let id = RangeId::from_stored(&format!("{min}-{max}"));
    RangeRef { id, min: bytes(min), max: bytes(max), count, estimated_size: 0 }
}

/// A tree as a test thinks of it: identity and data per key.
pub(crate) type Content = BTreeMap<String, (String, String)>;

/// Changes as a test thinks of them; `None` removes.
pub(crate) type Changes = BTreeMap<String, Option<(String, String)>>;

/// Content in which the data says which `side` it comes from.
pub(crate) fn content(side: &str, records: &[(&str, &str)]) -> Content {
    let value = |identity: &str| (identity.to_owned(), format!("{side} {identity}"));
    records.iter().map(|(key, identity)| ((*key).to_owned(), value(identity))).collect()
}

/// Few keys and fewer identities, so that everything meets.
pub(crate) fn any_content(side: &'static str) -> impl Strategy<Value = Content> {
    let value = "[123]".prop_map(move |identity| (identity.clone(), format!("{side} {identity}")));
    prop::collection::btree_map("[abc]{1,3}", value, 0..40)
}

pub(crate) fn any_changes(side: &'static str) -> impl Strategy<Value = Changes> {
    let value = "[123]".prop_map(move |identity| (identity.clone(), format!("{side} {identity}")));
    prop::collection::btree_map("[abc]{1,3}", prop::option::weighted(0.6, value), 0..16)
}

/// Limits that make ranges of a few records.
pub(crate) fn any_limits() -> impl Strategy<Value = RangeLimits> {
    (0..80_u64, 60..300_u64, 1..12_u64).prop_map(|(min_bytes, max_bytes, raggedness)| RangeLimits {
        min_bytes,
        max_bytes,
        raggedness,
    })
}

/// What `changes` make of `before`, with the record of equal identities staying.
pub(crate) fn changed(before: &Content, changes: &Changes) -> Content {
    let mut after = before.clone();
    for (key, value) in changes {
        match (before.get(key), value) {
            (Some(old), Some(new)) if old.0 == new.0 => {}
            (_, Some(new)) => drop(after.insert(key.clone(), new.clone())),
            (_, None) => drop(after.remove(key)),
        }
    }
    after
}

/// How two contents differ.
pub(crate) fn summary_of(before: &Content, after: &Content) -> Summary {
    let new = |key: &&String| !before.contains_key(*key);
    let changed = |(key, value): &(&String, &(String, String))| {
        before.get(*key).is_some_and(|old| old.0 != value.0)
    };
    Summary {
        added: after.keys().filter(new).count() as u64,
        changed: after.iter().filter(changed).count() as u64,
        removed: before.keys().filter(|key| !after.contains_key(*key)).count() as u64,
    }
}

/// A plan carried out.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tree: Arc<MetaRange>,
    pub(crate) summary: Summary,
    /// The ranges that were read, once per reading.
    pub(crate) read: Vec<RangeId>,
    /// The ranges that were made.
    pub(crate) made: Vec<RangeId>,
}

/// Ranges in memory.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    ranges: HashMap<RangeId, Range>,
}

impl Shelf {
    /// A new tree.
    pub(crate) fn tree(&mut self, content: &Content, limits: RangeLimits) -> Arc<MetaRange> {
        let changes = content.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        self.apply(&Arc::default(), &changes.collect(), limits).unwrap().tree
    }

    pub(crate) fn apply(
        &mut self,
        base: &Arc<MetaRange>,
        changes: &Changes,
        limits: RangeLimits,
    ) -> Result<Outcome, Error> {
        let changes = changes.iter().map(|(key, value)| Change {
            key: bytes(key),
            value: value.as_ref().map(|(identity, data)| record(key, identity, data).value),
        });
        self.carry_out(Apply::new(base.clone()), changes.collect(), limits)
    }

    /// Carries out `plan`, handing out `changes` in small batches and stopping often.
    pub(crate) fn carry_out<P: Plan>(
        &mut self,
        plan: P,
        changes: Vec<Change>,
        limits: RangeLimits,
    ) -> Result<Outcome, Error> {
        let mut build = Build::new(plan, limits);
        let mut changes = changes.into_iter();
        let (mut read, mut made) = (Vec::new(), Vec::new());
        loop {
            match build.run(100)? {
                Pause::Done => break,
                Pause::Tired => {}
                Pause::Finished(table) => made.push(self.put(&table)),
                Pause::Need(Need::Changes) => {
                    let batch: Vec<Change> = changes.by_ref().take(3).collect();
                    let last = batch.len() < 3;
                    build.supply(Supply::Changes(batch, last));
                }
                Pause::Need(Need::Range(need)) => {
                    build.supply(Supply::Range(need.side, self.range(&need.range)));
                    read.push(need.range.id);
                }
            }
        }
        let (tree, summary) = build.finish();
        Ok(Outcome { tree: Arc::new(tree), summary, read, made })
    }

    pub(crate) fn range(&self, range: &RangeRef) -> Range {
        self.ranges[&range.id].clone()
    }

    /// Everything in a tree, checking what the metarange says of it.
    pub(crate) fn content(&self, tree: &Arc<MetaRange>) -> Content {
        let mut content = Content::new();
        for range in tree.ranges() {
            let records = self.records(Walk::over_range(range.clone()));
            assert_eq!(records.len() as u64, range.count);
            assert_eq!(records.first().map(|record| &record.key), Some(&range.min));
            assert_eq!(records.last().map(|record| &record.key), Some(&range.max));
            let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
            for Record { key, value } in &records {
                let before = content.last_key_value().map(|(key, _): (&String, _)| key.clone());
                assert!(before.is_none_or(|before| before < text(key)), "{key:?} is out of order");
                content.insert(text(key), (text(&value.identity), text(&value.data)));
            }
        }
        content
    }

    /// All records from where `walk` is.
    pub(crate) fn records(&self, mut walk: Walk) -> Vec<Record> {
        let mut records = Vec::new();
        loop {
            if let Some(range) = walk.settle().unwrap() {
                walk.supply(&self.range(&range));
                continue;
            }
            match walk.at() {
                At::Head(_) => walk.enter(),
                At::Record(_) => records.extend(walk.take()),
                At::End => return records,
            }
        }
    }

    fn put(&mut self, table: &lakehold_sstable::FinishedTable) -> RangeId {
        let id = RangeRef::from(table).id;
        let opened = Table::open(table.bytes.clone()).unwrap();
        self.ranges.insert(id.clone(), Range::new(opened, id.name()));
        id
    }
}
