//! A record as it is stored, and taking it apart.

use bytes::Bytes;
use lakehold_kv::Known;
use lakehold_kv::Record;
use prost::Message;

use crate::Finding;
use crate::Kind;
use crate::Place;
use crate::finding::text;

/// A record and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) partition: Bytes,
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
}

impl Stored {
    /// Where it is, for people.
    pub(crate) fn place(&self) -> Place {
        Place::record(&self.partition, &self.key)
    }

    /// The key as text; what is no UTF-8 cannot be any key of ours.
    pub(crate) fn key(&self) -> &str {
        std::str::from_utf8(&self.key).unwrap_or_default()
    }

    /// Takes apart the record of a `what`. What is wrong is added to `found`; `None` where there is
    /// nothing to go on with. The value itself is never shown: it may be a secret.
    pub(crate) fn decode<M: Message + Default + Known>(
        &self,
        what: &str,
        found: &mut Vec<Finding>,
    ) -> Option<M> {
        match Record::<M>::decode(&self.value) {
            Ok(record) => {
                if record.has_unknown_fields() {
                    let problem = format!("This {what} has fields that its format does not name.");
                    found.push(Finding::new(Kind::UnknownFields, self.place(), problem));
                }
                Some(record.message)
            }
            Err(error) => {
                let problem = format!("This is no {what}: {error}.");
                found.push(Finding::new(Kind::RecordUnreadable, self.place(), problem));
                None
            }
        }
    }

    /// Checks the record of a `what` of which nothing more is wanted.
    pub(crate) fn check<M: Message + Default + Known>(&self, what: &str, found: &mut Vec<Finding>) {
        let _decoded: Option<M> = self.decode(what, found);
    }

    /// Checks that the record of a `what` is text.
    pub(crate) fn decode_text(&self, what: &str, found: &mut Vec<Finding>) -> Option<String> {
        if std::str::from_utf8(&self.value).is_ok() {
            return Some(text(&self.value));
        }
        let problem = format!("This is no {what}: it is not text.");
        found.push(Finding::new(Kind::RecordUnreadable, self.place(), problem));
        None
    }

    /// Adds to `found` that the record's `field` says `said` where its key says `expected`, if so.
    pub(crate) fn must_agree(
        &self,
        field: &str,
        said: &str,
        expected: &str,
        found: &mut Vec<Finding>,
    ) {
        if said != expected {
            let problem = format!("Its {field} is {said:?}, its key says {expected:?}.");
            found.push(Finding::new(Kind::RecordContradictory, self.place(), problem));
        }
    }

    /// That nobody knows what the key is.
    pub(crate) fn unknown(&self) -> Finding {
        let problem = "No record of a known kind has such a key.";
        Finding::new(Kind::UnknownRecord, self.place(), problem)
    }
}
