//! An entry read in place.
//!
//! A page of a listing decodes a thousand entries and copies what it shows of each anyway. So their
//! texts are borrowed from the stored bytes, and only what is shown is copied. What is accepted is
//! what [`Entry`](super::Entry) accepts.

use prost::DecodeError;
use prost::encoding::DecodeContext;
use prost::encoding::WireType;
use prost::encoding::decode_key;
use prost::encoding::decode_varint;
use prost::encoding::skip_field;

use lakehold_clock::Timestamp;
use lakehold_kv::TimestampMessage;

/// The stored record of one object, borrowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EntryView<'a> {
    pub(crate) address: &'a str,
    pub(crate) last_modified: Timestamp,
    pub(crate) size: i64,
    pub(crate) e_tag: &'a str,
    /// In stored order; of equal keys the last counts.
    pub(crate) metadata: Vec<(&'a str, &'a str)>,
    pub(crate) address_type: i32,
    pub(crate) content_type: &'a str,
}

/// Bytes that are no entry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EntryError {
    /// Not a sequence of protobuf fields.
    #[error("no protobuf message")]
    Malformed(#[from] DecodeError),
    /// A field ends beyond the end.
    #[error("field {0} is cut off")]
    CutOff(u32),
    /// A text is none.
    #[error("field {0} is no UTF-8")]
    NotText(u32),
    /// A field holds something of another kind.
    #[error("field {0} has another type")]
    OtherType(u32),
}

/// What a field holds.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A kind that no field of ours has.
    Other,
}

impl<'a> EntryView<'a> {
    /// Reads a stored entry.
    pub(crate) fn decode(mut stored: &'a [u8]) -> Result<Self, EntryError> {
        let mut entry = Self::default();
        while let Some((number, field)) = next_field(&mut stored)? {
            match (number, field) {
                (1, Field::Bytes(bytes)) => entry.address = text(number, bytes)?,
                (2, Field::Bytes(bytes)) => entry.last_modified = timestamp(bytes)?,
                (3, Field::Number(size)) => entry.size = size.cast_signed(),
                (4, Field::Bytes(bytes)) => entry.e_tag = text(number, bytes)?,
                (5, Field::Bytes(bytes)) => entry.metadata.push(pair(bytes)?),
                (6, Field::Number(kind)) => entry.address_type = low_32_bits(kind),
                (7, Field::Bytes(bytes)) => entry.content_type = text(number, bytes)?,
                (1..=7, _) => return Err(EntryError::OtherType(number)),
                _ => {}
            }
        }
        Ok(entry)
    }
}

fn pair(mut stored: &[u8]) -> Result<(&str, &str), EntryError> {
    let (mut key, mut value) = ("", "");
    while let Some((number, field)) = next_field(&mut stored)? {
        match (number, field) {
            (1, Field::Bytes(bytes)) => key = text(number, bytes)?,
            (2, Field::Bytes(bytes)) => value = text(number, bytes)?,
            (1 | 2, _) => return Err(EntryError::OtherType(number)),
            _ => {}
        }
    }
    Ok((key, value))
}

fn timestamp(mut stored: &[u8]) -> Result<Timestamp, EntryError> {
    let mut moment = TimestampMessage::default();
    while let Some((number, field)) = next_field(&mut stored)? {
        match (number, field) {
            (1, Field::Number(seconds)) => moment.seconds = seconds.cast_signed(),
            (2, Field::Number(nanos)) => moment.nanos = low_32_bits(nanos),
            (1 | 2, _) => return Err(EntryError::OtherType(number)),
            _ => {}
        }
    }
    Ok(moment.into())
}

/// Takes the next field off `rest`: its number and what it holds.
fn next_field<'a>(rest: &mut &'a [u8]) -> Result<Option<(u32, Field<'a>)>, EntryError> {
    if rest.is_empty() {
        return Ok(None);
    }
    let (number, wire_type) = decode_key(rest)?;
    let field = match wire_type {
        WireType::Varint => Field::Number(decode_varint(rest)?),
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(rest)?).unwrap_or(usize::MAX);
            let (bytes, after) = rest.split_at_checked(length).ok_or(EntryError::CutOff(number))?;
            *rest = after;
            Field::Bytes(bytes)
        }
        other => {
            skip_field(other, number, rest, DecodeContext::default())?;
            Field::Other
        }
    };
    Ok(Some((number, field)))
}

fn text(number: u32, bytes: &[u8]) -> Result<&str, EntryError> {
    std::str::from_utf8(bytes).map_err(|_| EntryError::NotText(number))
}

/// Protobuf stores a 32-bit number sign-extended to 64 bits and reads the low half.
fn low_32_bits(number: u64) -> i32 {
    number as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::entry::Entry;
    use crate::object::entry::MetadataPair;

    use proptest::prelude::*;
    use prost::Message as _;

    fn arbitrary_entry() -> impl Strategy<Value = Entry> {
        let moment = (any::<i64>(), 0..1_000_000_000i32)
            .prop_map(|(seconds, nanos)| TimestampMessage { seconds, nanos });
        let pairs = prop::collection::vec((".{0,8}", ".{0,8}"), 0..4);
        let fields = (
            ".{0,40}",
            prop::option::of(moment),
            any::<i64>(),
            ".{0,9}",
            pairs,
            -1..4i32,
            ".{0,9}",
        );
        fields.prop_map(
            |(address, last_modified, size, e_tag, pairs, address_type, content_type)| {
                let own = |(key, value)| MetadataPair { key: Some(key), value: Some(value) };
                let metadata = pairs.into_iter().map(own).collect();
                Entry { address, last_modified, size, e_tag, metadata, address_type, content_type }
            },
        )
    }

    fn assert_same(stored: &[u8]) -> Result<(), TestCaseError> {
        match (Entry::decode(stored), EntryView::decode(stored)) {
            (Ok(entry), Ok(view)) => prop_assert_eq!(entry.view(), view),
            (Err(_), Err(_)) => {}
            (entry, view) => prop_assert!(false, "{entry:?} {view:?}"),
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_view_shows_what_the_message_holds(entry in arbitrary_entry()) {
            assert_same(&entry.encode_to_vec())?;
        }

        #[test]
        fn damaged_bytes_are_refused_by_both_or_read_alike(
            entry in arbitrary_entry(),
            place: prop::sample::Index,
            byte: u8,
            length: prop::sample::Index,
        ) {
            let mut stored = entry.encode_to_vec();
            stored.push(0);
            let place = place.index(stored.len());
            stored[place] = byte;
            stored.truncate(length.index(stored.len() + 1));
            // Two moments in one entry are merged by the one and replaced by the other.
            prop_assume!(stored.iter().filter(|byte| **byte == 0x12).count() < 2);
            assert_same(&stored)?;
        }
    }
}
