//! Uploads in parts: a body that comes as numbered parts, in any order, and becomes visible at once.
//!
//! An upload has an id and is for one address. Its parts are no objects: nobody sees them until the
//! upload is completed with a list of them, and nobody does once it was aborted. The numbers, sizes
//! and entity tags follow S3, because clients and the S3 store itself hold to them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lakehold_clock::Timestamp;
use md5::Digest as _;
use md5::Md5;

use crate::Error;
use crate::Head;
use crate::StoredPart;

/// The highest number of a part; the lowest is 1.
pub const MAX_PART_NUMBER: u32 = 10_000;

/// Every part but the last has at least so many bytes.
pub const MIN_PART_BYTES: u64 = 5 << 20;

/// Names an upload in parts. Given out by the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(Arc<str>);

impl UploadId {
    /// Takes an id that the store gave out, unchecked: one that it did not is
    /// [`Error::UploadNotFound`] when it is used.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the id as the store gave it out.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A part of an upload that is not completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its place in the body, from 1 to [`MAX_PART_NUMBER`]; there may be gaps.
    pub number: u32,
    /// Entity tag and length.
    pub stored: StoredPart,
    /// When it was stored.
    pub modified: Timestamp,
}

/// A part that an upload is completed with, as the client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedPart {
    /// Its number.
    pub number: u32,
    /// The entity tag that storing it returned, without quotes.
    pub etag: String,
}

/// What is known of the object that an upload became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// Entity tag of the whole, without quotes: on most stores the MD5 of the parts' MD5s, a hyphen and
    /// the number of parts.
    pub etag: String,
    /// Length and time.
    pub head: Head,
}

/// Why an upload cannot be completed with the parts that were given, or a part not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartProblem {
    /// The number is not one of 1 to [`MAX_PART_NUMBER`].
    Number,
    /// There is no such part, or it has another entity tag.
    Unknown,
    /// It does not follow, in number, the one before it in the list.
    OutOfOrder,
    /// It is not the last and has less than [`MIN_PART_BYTES`].
    TooSmall,
    /// It was stored and is not in the list, and this store wants them all.
    LeftOut,
    /// No part was given at all.
    NoParts,
}

impl Completed {
    /// What an upload became that was completed with `parts` before, and of which `head` is there to
    /// be seen: with the entity tag that most stores give.
    pub fn before(parts: &[CompletedPart], head: Head) -> Self {
        let etags = parts.iter().map(|part| part.etag.trim_matches('"'));
        Self { etag: combined_etag(etags), head }
    }
}

impl fmt::Display for PartProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Number => "the number is not one of 1 to 10000",
            Self::Unknown => "there is no such part with this entity tag",
            Self::OutOfOrder => "parts must be listed once each, in rising order of their numbers",
            Self::TooSmall => "all but the last must have at least 5 MiB",
            Self::LeftOut => "this store takes only a list of all parts that were stored",
            Self::NoParts => "no part was given",
        })
    }
}

/// Fails unless `number` can be one of a part.
pub fn check_part_number(number: u32) -> Result<(), Error> {
    match number {
        1..=MAX_PART_NUMBER => Ok(()),
        _ => Err(Error::InvalidPart { number, problem: PartProblem::Number }),
    }
}

/// The parts that `chosen` names out of those that are `stored`, in order.
///
/// Fails with [`Error::InvalidPart`] for the first that cannot be taken.
pub fn select_parts(
    chosen: &[CompletedPart],
    stored: &BTreeMap<u32, StoredPart>,
) -> Result<Vec<(u32, StoredPart)>, Error> {
    let mut selected: Vec<(u32, StoredPart)> = Vec::with_capacity(chosen.len());
    for CompletedPart { number, etag } in chosen {
        let wrong = |problem| Error::InvalidPart { number: *number, problem };
        if let Some((before, part)) = selected.last() {
            if before >= number {
                return Err(wrong(PartProblem::OutOfOrder));
            }
            if part.size < MIN_PART_BYTES {
                let problem = PartProblem::TooSmall;
                return Err(Error::InvalidPart { number: *before, problem });
            }
        }
        let found = stored.get(number).filter(|part| part.etag == etag.trim_matches('"'));
        let found = found.ok_or_else(|| wrong(PartProblem::Unknown))?;
        selected.push((*number, found.clone()));
    }
    if selected.is_empty() {
        return Err(Error::InvalidPart { number: 0, problem: PartProblem::NoParts });
    }
    Ok(selected)
}

/// The entity tag of the whole: the MD5 of the MD5s of `parts`, a hyphen and their number.
pub(crate) fn combined_etag<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut md5 = Md5::new();
    let mut count = 0_usize;
    for etag in parts {
        md5.update(hex::decode(etag).unwrap_or_default());
        count += 1;
    }
    format!("{}-{count}", hex::encode(md5.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(sizes: &[u64]) -> BTreeMap<u32, StoredPart> {
        let part = |size: &u64| StoredPart { etag: format!("{size:032x}"), size: *size };
        (1..).zip(sizes.iter().map(part)).collect()
    }

    fn chosen(numbers: &[u32], stored: &BTreeMap<u32, StoredPart>) -> Vec<CompletedPart> {
        let etag = |number| stored.get(number).map_or_else(String::new, |part| part.etag.clone());
        numbers.iter().map(|number| CompletedPart { number: *number, etag: etag(number) }).collect()
    }

    fn problem(numbers: &[u32], sizes: &[u64]) -> Option<(u32, PartProblem)> {
        let stored = stored(sizes);
        match select_parts(&chosen(numbers, &stored), &stored) {
            Err(Error::InvalidPart { number, problem }) => Some((number, problem)),
            _ => None,
        }
    }

    #[test]
    fn parts_are_taken_as_s3_takes_them() {
        let big = MIN_PART_BYTES;
        assert_eq!(problem(&[1, 2, 3], &[big, big, 1]), None);
        assert_eq!(problem(&[1, 3], &[big, 1, big]), None);
        assert_eq!(problem(&[2, 1], &[big, big]), Some((1, PartProblem::OutOfOrder)));
        assert_eq!(problem(&[1, 1], &[big]), Some((1, PartProblem::OutOfOrder)));
        assert_eq!(problem(&[1, 4], &[big]), Some((4, PartProblem::Unknown)));
        assert_eq!(problem(&[1, 2], &[big - 1, big]), Some((1, PartProblem::TooSmall)));
        assert_eq!(problem(&[], &[big]), Some((0, PartProblem::NoParts)));
    }

    #[test]
    fn an_entity_tag_may_come_in_quotes_but_must_be_the_parts() {
        let stored = stored(&[7]);
        let quoted = CompletedPart { number: 1, etag: format!("\"{}\"", stored[&1].etag) };
        assert!(select_parts(&[quoted], &stored).is_ok());
        let other = CompletedPart { number: 1, etag: "0".repeat(32) };
        assert!(select_parts(&[other], &stored).is_err());
    }

    #[test]
    fn the_entity_tag_of_the_whole_is_the_one_that_s3_gives() {
        // Two parts, `a` and `b`: md5(md5(a) + md5(b)) by any MD5 tool.
        let parts = ["0cc175b9c0f1b6a831c399e269772661", "92eb5ffee6ae2fec3ad71c777531578f"];
        assert_eq!(combined_etag(parts), "96e024ba2074fe77e8e965ba43a704be-2");
    }
}
