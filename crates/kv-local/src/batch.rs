//! Which of the waiting writes are carried out, and what they change together.

use std::collections::HashMap;

use fjall::Slice;
use lakehold_kv::Error;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Write;

use crate::keys;

/// A write in the tree's terms. Made by the caller's task, so that the committer copies nothing.
#[derive(Debug)]
pub(crate) struct EncodedWrite {
    key: Slice,
    value: Option<Slice>,
    precondition: Precondition,
}

impl EncodedWrite {
    pub(crate) fn of(write: &Write) -> Result<Self, Error> {
        let key = keys::encode(&write.partition, &write.key)?;
        if write.value.as_ref().is_some_and(|value| u32::try_from(value.len()).is_err()) {
            return Err(Error::Invalid("the value is longer than 4 GiB"));
        }
        Ok(Self {
            key: key.into(),
            value: write.value.as_ref().map(|value| Slice::from(&value[..])),
            precondition: write.precondition.clone(),
        })
    }

    pub(crate) fn size(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}

/// A new value of a key, or with `None` its removal.
pub(crate) type Change = (Slice, Option<Slice>);

/// What the writes decided so far change. Holds each key once: the tree gives all changes of a batch
/// the same sequence number, so that of two changes of a key it could not tell the later.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    changes: Vec<Change>,
    places: HashMap<Slice, usize>,
    size: usize,
}

impl Batch {
    /// Decides `write`, given what `stored` returns for its key where no earlier write of this batch
    /// has changed it.
    pub(crate) fn add(
        &mut self,
        write: EncodedWrite,
        stored: impl FnOnce(&[u8]) -> Result<Option<Slice>, Error>,
    ) -> Result<Outcome, Error> {
        let place = self.places.get(&write.key).copied();
        if write.precondition != Precondition::Always {
            let current = match place {
                Some(place) => self.changes[place].1.clone(),
                None => stored(&write.key)?,
            };
            if !write.precondition.holds_for(current.as_deref()) {
                return Ok(Outcome::PreconditionFailed);
            }
        }
        self.size += write.size();
        match place {
            Some(place) => self.changes[place].1 = write.value,
            None => {
                self.places.insert(write.key.clone(), self.changes.len());
                self.changes.push((write.key, write.value));
            }
        }
        Ok(Outcome::Applied)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Bytes of all writes that were carried out.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &'static str, value: Option<&'static str>, precondition: Precondition) -> Write {
        let value = value.map(Into::into);
        Write { partition: "p".into(), key: key.into(), value, precondition }
    }

    #[test]
    fn a_key_written_twice_is_changed_once_to_the_last_value() {
        let mut batch = Batch::default();
        for (value, precondition) in [
            (Some("1"), Precondition::Always),
            (None, Precondition::Exists),
            (Some("2"), Precondition::Absent),
            (Some("3"), Precondition::Absent),
        ] {
            let write = EncodedWrite::of(&write("k", value, precondition)).expect("valid");
            let decided = batch.add(write, |_| Ok(None));
            assert_eq!(decided.expect("decided") == Outcome::Applied, value != Some("3"));
        }
        let changes = batch.into_changes();
        assert_eq!(changes, [(Slice::from(b"\0\x01pk"), Some(Slice::from(b"2")))]);
    }

    #[test]
    fn an_unconditional_write_reads_nothing() {
        let mut batch = Batch::default();
        let write = EncodedWrite::of(&write("k", Some("1"), Precondition::Always)).expect("valid");
        let decided = batch.add(write, |_| Err(Error::Throttled));
        assert_eq!(decided.expect("not read"), Outcome::Applied);
    }
}
