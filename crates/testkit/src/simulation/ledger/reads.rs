//! What could be read: at a key, on a page, in a history, between two references.

use std::collections::BTreeSet;

use lakehold_catalog::Change;
use lakehold_catalog::DiffKind;

use super::Ledger;
use super::commits::Content;
use super::history::Period;
use crate::simulation::request::Paging;
use crate::simulation::request::Val;

/// A row of a diff: how a key differs, and its value on the right, or, if there is none, on the left.
type Row = (String, Change, Val);

impl Ledger {
    /// What was seen at a key of a reference at `since` or later by whoever read slowly.
    pub(super) fn readable(&mut self, reference: &str, key: &str, since: u64) -> Vec<Option<Val>> {
        match self.records.contains_key(reference) {
            true => self.readable_on_branch(reference, key, since),
            false => self.committed_at(reference, key, since),
        }
    }

    /// Whether that could be `value`.
    pub(super) fn could_read(
        &mut self,
        reference: &str,
        key: &str,
        since: u64,
        value: Option<Val>,
    ) -> bool {
        self.readable(reference, key, since).contains(&value)
    }

    /// A reader has one record of the branch, and looks into its tokens one after the other. On a
    /// shared store it believes what it found only if the record is still the same afterwards; on an
    /// exclusive one if nothing was wiped.
    fn readable_on_branch(&mut self, branch: &str, key: &str, since: u64) -> Vec<Option<Val>> {
        let is_exclusive = self.staleness.is_zero();
        let Self { records, commits, tokens, violation, .. } = self;
        let mut found = Vec::new();
        let Some(records) = records.get(branch) else { return found };
        for (Period { from, to }, record) in records.periods(since) {
            let Some(record) = record else { continue };
            let period = Period { from, to: if is_exclusive { u64::MAX } else { to } };
            match commits.content(&record.head) {
                Ok(content) => {
                    let committed = content.get(key).copied();
                    found.extend(tokens.candidates(record.tokens(), key, committed, period));
                }
                Err(problem) => {
                    violation.get_or_insert(problem);
                }
            }
        }
        found
    }

    fn committed_at(&mut self, reference: &str, key: &str, since: u64) -> Vec<Option<Val>> {
        let contents = self.contents_at(reference, since);
        contents.iter().map(|content| content.get(key).copied()).collect()
    }

    /// Contents of the commits that `reference` named at `since` or later.
    pub(super) fn contents_at(
        &mut self,
        reference: &str,
        since: u64,
    ) -> Vec<std::sync::Arc<Content>> {
        let mut contents = Vec::new();
        for commit in self.commits_at(reference, since) {
            match self.commits.content(&commit) {
                Ok(content) => contents.push(content),
                Err(problem) => self.accuse(problem),
            }
        }
        contents
    }

    pub(super) fn could_list(
        &mut self,
        at: &str,
        paging: &Paging,
        since: u64,
        rows: &[(String, Val)],
        has_more: bool,
    ) -> bool {
        let is_sorted = rows.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let is_full = rows.len() == paging.amount;
        if !is_sorted || rows.len() > paging.amount || (has_more && !is_full) {
            return false;
        }
        let last = rows.last().map(|(key, _)| key.clone());
        let is_asked_for = |key: &str| {
            let is_beyond = is_full && last.as_deref().is_some_and(|last| key > last);
            paging.includes(key) && !is_beyond
        };
        let mut keys = self.keys_at(at, since);
        keys.extend(rows.iter().map(|(key, _)| key.clone()));
        keys.into_iter().all(|key| {
            let listed = rows.iter().find(|(listed, _)| *listed == key).map(|(_, value)| *value);
            match is_asked_for(&key) {
                true => self.could_read(at, &key, since, listed),
                false => listed.is_none(),
            }
        })
    }

    /// Keys that may have had a value at `reference` since `since`.
    fn keys_at(&mut self, reference: &str, since: u64) -> BTreeSet<String> {
        let places = self.visible.keys().filter(|(branch, _)| branch == reference);
        let mut keys: BTreeSet<String> = places.map(|(_, key)| key.clone()).collect();
        for content in self.contents_at(reference, since) {
            keys.extend(content.keys().cloned());
        }
        keys
    }

    pub(super) fn could_log(&self, at: &str, since: u64, ids: &[String]) -> bool {
        let listed: BTreeSet<String> = ids.iter().cloned().collect();
        let mut heads = self.commits_at(at, since).into_iter();
        listed.len() == ids.len() && heads.any(|head| self.commits.ancestors(&head) == listed)
    }

    /// Whether `rows` could be how two commits differ, or what a merge of one into the other would do.
    pub(super) fn could_differ(
        &mut self,
        (left, right, kind): (&str, &str, DiffKind),
        paging: &Paging,
        since: u64,
        rows: &[Row],
        has_more: bool,
    ) -> bool {
        for left in self.commits_at(left, since) {
            for right in self.commits_at(right, since) {
                let possible = self.differences(&left, &right, kind);
                let pages = possible.into_iter().map(|rows| page(rows, paging));
                if pages.into_iter().any(|(page, more)| page == rows && more == has_more) {
                    return true;
                }
            }
        }
        false
    }

    /// How two commits differ; with several merge bases there are several answers.
    fn differences(&mut self, left: &str, right: &str, kind: DiffKind) -> Vec<Vec<Row>> {
        let (Ok(old), Ok(new)) = (self.commits.content(left), self.commits.content(right)) else {
            return Vec::new();
        };
        if kind == DiffKind::TwoDot {
            return vec![differences(&old, &new, None)];
        }
        let bases = self.commits.merge_bases(left, right);
        let bases = bases.iter().filter_map(|base| self.commits.content(base).ok());
        bases.map(|base| differences(&old, &new, Some(&base))).collect()
    }

    /// Whether `rows` could be how what is staged on `branch` differs from a commit that `left` names.
    pub(super) fn could_differ_from(
        &mut self,
        left: &str,
        branch: &str,
        since: u64,
        rows: &[Row],
    ) -> bool {
        let listed: BTreeSet<String> = rows.iter().map(|(key, ..)| key.clone()).collect();
        if listed.len() != rows.len() || !rows.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            return false;
        }
        let mut keys = self.keys_at(branch, since);
        keys.extend(listed);
        self.contents_at(left, since).into_iter().any(|content| {
            keys.iter().chain(content.keys()).all(|key| {
                let row = rows.iter().find(|(listed, ..)| listed == key);
                let old = content.get(key).copied();
                let mut readable = self.readable(branch, key, since).into_iter();
                readable.any(|new| difference(key, old, new).as_ref() == row)
            })
        })
    }
}

fn difference(key: &str, left: Option<Val>, right: Option<Val>) -> Option<Row> {
    let change = match (left, right) {
        (left, right) if left == right => return None,
        (None, _) => Change::Added,
        (_, None) => Change::Removed,
        _ => Change::Changed,
    };
    Some((key.to_owned(), change, right.or(left)?))
}

/// How contents differ; with a merge base, what a merge of `right` into `left` would do.
fn differences(left: &Content, right: &Content, base: Option<&Content>) -> Vec<Row> {
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let mut rows = Vec::new();
    for key in keys {
        let (old, new) = (left.get(key).copied(), right.get(key).copied());
        let Some((key, change, value)) = difference(key, old, new) else { continue };
        let Some(base) = base.map(|base| base.get(&key).copied()) else {
            rows.push((key, change, value));
            continue;
        };
        if new != base {
            let change = if old == base { change } else { Change::Conflict };
            rows.push((key, change, value));
        }
    }
    rows
}

/// The page of `rows` that was asked for, and whether there are more.
fn page(rows: Vec<Row>, paging: &Paging) -> (Vec<Row>, bool) {
    let mut asked: Vec<Row> = rows.into_iter().filter(|(key, ..)| paging.includes(key)).collect();
    let has_more = asked.len() > paging.amount;
    asked.truncate(paging.amount);
    (asked, has_more)
}
