//! What lies under staging tokens, and what was changed in one after it was sealed.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::records::BranchRecord;
use crate::simulation::request::Val;

/// The entries under one token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Token {
    /// Key to what it says: a value, or that there is none.
    pub(crate) entries: BTreeMap<String, Option<Val>>,
    /// Whether a branch names it among those that take no more writes.
    pub(crate) is_sealed: bool,
    /// What was changed all the same.
    pub(crate) late: BTreeMap<String, Vec<Late>>,
}

/// A change of a token that was sealed.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    /// What was there before; the outer `None`: no entry.
    pub(crate) before: Option<Option<Val>>,
    /// Who changed it, and when.
    pub(crate) operation: Option<usize>,
    pub(crate) tick: u64,
}

/// All tokens that ever took a write or were named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens(BTreeMap<Bytes, Token>);

impl Tokens {
    pub(crate) fn get(&self, token: &Bytes) -> Option<&Token> {
        self.0.get(token)
    }

    pub(crate) fn get_mut(&mut self, token: &Bytes) -> &mut Token {
        self.0.entry(token.clone()).or_default()
    }

    /// Whether the token was met before.
    pub(crate) fn is_known(&self, token: &Bytes) -> bool {
        self.0.contains_key(token)
    }

    /// Carries out a change of an entry.
    pub(crate) fn set(
        &mut self,
        token: &Bytes,
        key: &str,
        entry: Option<Option<Val>>,
        operation: Option<usize>,
        tick: u64,
    ) {
        let token = self.get_mut(token);
        let before = match entry {
            Some(entry) => token.entries.insert(key.to_owned(), entry),
            None => token.entries.remove(key),
        };
        if token.is_sealed && before != entry {
            token.late.entry(key.to_owned()).or_default().push(Late { before, operation, tick });
        }
    }

    /// What the tokens of a branch say of a key, newest first; `None`: nothing.
    pub(crate) fn staged(&self, branch: &BranchRecord, key: &str) -> Option<Option<Val>> {
        branch.tokens().find_map(|token| self.get(token)?.entries.get(key).copied())
    }

    /// Everything that whoever read `tokens` (newest first) since they were sealed may have found at
    /// `key`, over what is committed.
    pub(crate) fn candidates<'a>(
        &self,
        tokens: impl Iterator<Item = &'a Bytes>,
        key: &str,
        committed: Option<Val>,
    ) -> Vec<Option<Val>> {
        let mut found = Vec::new();
        for token in tokens.filter_map(|token| self.get(token)) {
            let late = token.late.get(key).into_iter().flatten().map(|late| late.before);
            let mut is_open = false;
            for entry in late.chain([token.entries.get(key).copied()]) {
                found.extend(entry);
                is_open |= entry.is_none();
            }
            if !is_open {
                return found;
            }
        }
        found.push(committed);
        found
    }

    /// Who changed `key` under one of `tokens` after it was sealed, and when.
    pub(crate) fn late<'a>(
        &self,
        tokens: impl Iterator<Item = &'a Bytes>,
        key: &str,
    ) -> Vec<(usize, u64)> {
        let late = tokens.filter_map(|token| self.get(token)?.late.get(key));
        late.flatten().filter_map(|late| late.operation.zip(Some(late.tick))).collect()
    }

    /// All keys of which `tokens` say or said something.
    pub(crate) fn keys<'a>(&'a self, tokens: impl Iterator<Item = &'a Bytes>) -> Vec<&'a String> {
        let tokens = tokens.filter_map(|token| self.get(token));
        tokens.flat_map(|token| token.entries.keys().chain(token.late.keys())).collect()
    }
}
