//! What lies under staging tokens, and all that ever lay there.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::history::History;
use super::history::Period;
use super::records::BranchRecord;
use crate::simulation::request::Val;

/// What a token says of a key: nothing, that there is no value, or a value.
pub(crate) type Entry = Option<Option<Val>>;

/// The entries under one token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Key to what it says: a value, or that there is none.
    pub(crate) entries: BTreeMap<String, Option<Val>>,
    /// Whether a branch names it, or has named it.
    was_named: bool,
    /// Whether a branch names it, or has named it, among those that take no more writes.
    is_sealed: bool,
    changes: BTreeMap<String, Vec<Change>>,
    /// Whether nothing at all lies there.
    is_empty: History<bool>,
}

/// A change of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// What it is since then.
    pub(crate) entry: Entry,
    /// Who changed it, and when.
    pub(crate) operation: Option<usize>,
    pub(crate) tick: u64,
    /// Whether it was removed after the token was dropped. Who reads by way of an older record must
    /// notice that, and does not believe it.
    pub(crate) is_wiped: bool,
    /// Whether the token was sealed then.
    is_late: bool,
}

impl Change {
    pub(crate) fn new(entry: Entry, operation: Option<usize>, tick: u64, is_wiped: bool) -> Self {
        Self { entry, operation, tick, is_wiped, is_late: false }
    }
}

impl Default for Token {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            was_named: false,
            is_sealed: false,
            changes: BTreeMap::new(),
            is_empty: History::beginning_with(true),
        }
    }
}

impl Token {
    fn changes(&self, key: &str) -> &[Change] {
        self.changes.get(key).map_or(&[], Vec::as_slice)
    }

    /// Everything that lay at `key` during `period`.
    fn entries_during(&self, key: &str, period: Period) -> Vec<Entry> {
        let changes = self.changes(key);
        let first = changes.partition_point(|change| change.tick <= period.from);
        let before = changes[..first].iter().rfind(|change| !change.is_wiped);
        let mut found = vec![before.and_then(|change| change.entry)];
        let after = changes[first..].iter().take_while(|change| change.tick <= period.to);
        found.extend(after.filter(|change| !change.is_wiped).map(|change| change.entry));
        found
    }
}

/// All tokens that ever took a write or were named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens(BTreeMap<Bytes, Token>);

impl Tokens {
    pub(crate) fn get(&self, token: &Bytes) -> Option<&Token> {
        self.0.get(token)
    }

    /// Notes that a branch names the token. Returns whether one ever did before.
    pub(crate) fn name(&mut self, token: &Bytes) -> bool {
        std::mem::replace(&mut self.0.entry(token.clone()).or_default().was_named, true)
    }

    /// Notes that the token takes no more writes.
    pub(crate) fn seal(&mut self, token: &Bytes) {
        self.0.entry(token.clone()).or_default().is_sealed = true;
    }

    /// Carries out a change of an entry.
    pub(crate) fn set(&mut self, token: &Bytes, key: &str, change: Change) {
        let token = self.0.entry(token.clone()).or_default();
        match change.entry {
            Some(entry) => token.entries.insert(key.to_owned(), entry),
            None => token.entries.remove(key),
        };
        token.is_empty.set(change.tick, token.entries.is_empty());
        let change = Change { is_late: token.is_sealed, ..change };
        token.changes.entry(key.to_owned()).or_default().push(change);
    }

    /// What lies under a token at a key.
    pub(crate) fn entry(&self, token: &Bytes, key: &str) -> Entry {
        self.get(token)?.entries.get(key).copied()
    }

    /// What the tokens of a branch say of a key, newest first; `None`: nothing.
    pub(crate) fn staged(&self, branch: &BranchRecord, key: &str) -> Entry {
        branch.tokens().find_map(|token| self.entry(token, key))
    }

    /// Everything that whoever read `tokens` (newest first) during `period` may have found at `key`,
    /// over what is committed.
    pub(crate) fn candidates<'a>(
        &self,
        tokens: impl Iterator<Item = &'a Bytes>,
        key: &str,
        committed: Option<Val>,
        period: Period,
    ) -> Vec<Option<Val>> {
        let mut found = Vec::new();
        for token in tokens.filter_map(|token| self.get(token)) {
            let entries = token.entries_during(key, period);
            let may_be_open = entries.contains(&None);
            found.extend(entries.into_iter().flatten());
            if !may_be_open {
                return found;
            }
        }
        found.push(committed);
        found
    }

    /// Who has decided, after it was sealed, what the newest of `tokens` that says anything of `key`
    /// says of it, if that was so.
    pub(crate) fn late_on_top<'a>(
        &self,
        tokens: impl Iterator<Item = &'a Bytes>,
        key: &str,
    ) -> Option<usize> {
        for token in tokens.filter_map(|token| self.get(token)) {
            let last = token.changes(key).last();
            if let Some(late) = last.filter(|last| last.is_late) {
                return late.operation;
            }
            if token.entries.contains_key(key) {
                return None;
            }
        }
        None
    }

    /// Who changed `key` under one of `tokens` after it was sealed, and when.
    pub(crate) fn late<'a>(
        &self,
        tokens: impl Iterator<Item = &'a Bytes>,
        key: &str,
    ) -> Vec<(usize, u64)> {
        let changes =
            tokens.filter_map(|token| self.get(token)).flat_map(|token| token.changes(key));
        let late = changes.filter(|change| change.is_late);
        late.filter_map(|late| late.operation.zip(Some(late.tick))).collect()
    }

    /// What was at `key` under `token` before `operation` changed it, and who had put it there.
    pub(crate) fn before(&self, token: &Bytes, key: &str, operation: usize) -> Option<Change> {
        let mut changes = self.get(token)?.changes(key).iter().rev();
        changes.find(|change| change.operation != Some(operation)).copied()
    }

    /// Whether nothing lay under a token at a moment of `period`.
    pub(crate) fn was_empty(&self, token: &Bytes, period: Period) -> bool {
        self.get(token).is_none_or(|token| token.is_empty.was_during(period, &true))
    }

    /// All keys of which `tokens` say or said something.
    pub(crate) fn keys<'a>(&'a self, tokens: impl Iterator<Item = &'a Bytes>) -> Vec<&'a String> {
        tokens.filter_map(|token| self.get(token)).flat_map(|token| token.changes.keys()).collect()
    }
}
