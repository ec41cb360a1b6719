//! Typed records that carry fields we do not know.
//!
//! Records are protobuf messages. A newer or other program may have written fields that our message
//! type does not have; whoever reads such a record, changes one field and writes it back must not
//! lose the others. [`Record`] therefore keeps, next to the message, the encoded form of every
//! top-level field whose number is not among the message's [`Known::FIELDS`], and writes it after
//! the message again, byte for byte and in the order found:
//!
//! ```text
//! stored:   1: id   7: ?   2: commit id   9: ?
//! Record:   message { 1: id, 2: commit id }   unknown [ 7: ?  9: ? ]
//! encoded:  1: id   2: commit id   7: ?   9: ?
//! ```
//!
//! Fields inside a nested message are the message type's own affair. Two records are compared as
//! stored bytes (see [`Version`](crate::Version)), never by what they decode to.

use bytes::Bytes;
use prost::DecodeError;
use prost::Message;
use prost::bytes::Buf as _;
use prost::encoding::DecodeContext;
use prost::encoding::decode_key;
use prost::encoding::skip_field;

use lakehold_clock::Timestamp;

/// A message type that knows the numbers of its fields.
pub trait Known {
    /// The numbers of all fields of the message.
    const FIELDS: &'static [u32];
}

/// A message and the fields of its stored form that its type does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record<M> {
    /// The message.
    pub message: M,
    /// Fields we do not know, as they were stored.
    unknown: Bytes,
}

/// Bytes that are not the message they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes are not a sequence of protobuf fields.
    #[error("no protobuf field at byte {offset}")]
    Malformed {
        /// Where the field that cannot be read begins.
        offset: usize,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },

    /// A field does not hold what the message type says.
    #[error("not the expected protobuf message")]
    Mismatched(#[source] DecodeError),
}

impl<M> Record<M> {
    /// A record that has no unknown fields.
    pub fn new(message: M) -> Self {
        Self { message, unknown: Bytes::new() }
    }

    /// Whether the stored record had fields that we do not know.
    pub fn has_unknown_fields(&self) -> bool {
        !self.unknown.is_empty()
    }
}

impl<M: Message + Default + Known> Record<M> {
    /// Takes a stored record apart.
    pub fn decode(stored: &[u8]) -> Result<Self, RecordError> {
        let unknown = collect_unknown(stored, M::FIELDS)?;
        let message = M::decode(stored).map_err(RecordError::Mismatched)?;
        Ok(Self { message, unknown })
    }

    /// Returns the form to be stored: the message, then the unknown fields as they were found.
    pub fn encode(&self) -> Bytes {
        let mut stored = Vec::with_capacity(self.message.encoded_len() + self.unknown.len());
        self.message.encode_raw(&mut stored);
        debug_assert!(
            collect_unknown(&stored, M::FIELDS).is_ok_and(|undeclared| undeclared.is_empty()),
            "Known::FIELDS of the message is not complete"
        );
        stored.extend_from_slice(&self.unknown);
        stored.into()
    }
}

impl<M> From<M> for Record<M> {
    fn from(message: M) -> Self {
        Self::new(message)
    }
}

fn collect_unknown(stored: &[u8], known: &[u32]) -> Result<Bytes, RecordError> {
    let mut unknown = Vec::new();
    let mut rest = stored;
    while rest.has_remaining() {
        let field = rest;
        let number = skip(&mut rest).map_err(|source| RecordError::Malformed {
            offset: stored.len() - field.len(),
            source,
        })?;
        if !known.contains(&number) {
            unknown.extend_from_slice(&field[..field.len() - rest.len()]);
        }
    }
    Ok(unknown.into())
}

/// Steps over one field and returns its number.
fn skip(rest: &mut &[u8]) -> Result<u32, DecodeError> {
    let (number, wire_type) = decode_key(rest)?;
    skip_field(wire_type, number, rest, DecodeContext::default())?;
    Ok(number)
}

/// A moment as records store it: `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct TimestampMessage {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds within that second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

const LARGEST_NANOS: i32 = 999_999_999;

impl From<Timestamp> for TimestampMessage {
    fn from(moment: Timestamp) -> Self {
        let nanos = i32::try_from(moment.nanos).map_or(LARGEST_NANOS, |n| n.min(LARGEST_NANOS));
        Self { seconds: moment.seconds, nanos }
    }
}

impl From<TimestampMessage> for Timestamp {
    /// Nanoseconds that are none, negative or a second and more, become the nearest that are.
    fn from(stored: TimestampMessage) -> Self {
        let nanos = stored.nanos.clamp(0, LARGEST_NANOS).unsigned_abs();
        Self { seconds: stored.seconds, nanos }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::encoding::WireType;
    use prost::encoding::encode_key;
    use prost::encoding::encode_varint;

    use super::*;

    #[derive(Clone, PartialEq, Message)]
    struct Old {
        #[prost(string, tag = "1")]
        id: String,
        #[prost(bytes = "bytes", repeated, tag = "4")]
        tokens: Vec<Bytes>,
        #[prost(bool, tag = "5")]
        hidden: bool,
        #[prost(message, optional, tag = "6")]
        created: Option<TimestampMessage>,
    }

    impl Known for Old {
        const FIELDS: &'static [u32] = &[1, 4, 5, 6];
    }

    fn old() -> impl Strategy<Value = Old> {
        let token = prop::collection::vec(any::<u8>(), 0..5).prop_map(Bytes::from);
        let created = prop::option::of((any::<i64>(), any::<i32>()));
        (".{0,8}", prop::collection::vec(token, 0..3), any::<bool>(), created).prop_map(
            |(id, tokens, hidden, created)| Old {
                id,
                tokens,
                hidden,
                created: created.map(|(seconds, nanos)| TimestampMessage { seconds, nanos }),
            },
        )
    }

    /// One encoded field of a number that [`Old`] does not have.
    fn unknown_field() -> impl Strategy<Value = Vec<u8>> {
        let number = prop_oneof![Just(2u32), Just(3), 7u32..5_000];
        let content = prop_oneof![
            any::<u64>().prop_map(|value| {
                let mut bytes = Vec::new();
                encode_varint(value, &mut bytes);
                (WireType::Varint, bytes)
            }),
            any::<[u8; 8]>().prop_map(|bytes| (WireType::SixtyFourBit, bytes.to_vec())),
            any::<[u8; 4]>().prop_map(|bytes| (WireType::ThirtyTwoBit, bytes.to_vec())),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(|content| {
                let mut bytes = Vec::new();
                encode_varint(content.len() as u64, &mut bytes);
                bytes.extend(content);
                (WireType::LengthDelimited, bytes)
            }),
        ];
        (number, content).prop_map(|(number, (wire_type, content))| {
            let mut field = Vec::new();
            encode_key(number, wire_type, &mut field);
            field.extend(content);
            field
        })
    }

    #[test]
    fn a_record_is_stored_as_its_message() {
        let message = Old { id: "main".into(), hidden: true, ..Old::default() };
        let record = Record::new(message);
        assert_eq!(&record.encode()[..], b"\x0a\x04main\x28\x01");
        assert!(!record.has_unknown_fields());
    }

    #[test]
    fn a_default_message_is_stored_as_nothing_and_read_back() {
        let nothing = Record::<Old>::default().encode();
        assert!(nothing.is_empty());
        assert_eq!(Record::decode(&nothing), Ok(Record::<Old>::default()));
    }

    #[test]
    fn an_explicitly_stored_default_is_not_taken_for_unknown() {
        let mut record = Record::<Old>::decode(b"\x28\x00").expect("hidden: false");
        record.message.hidden = true;
        assert_eq!(&record.encode()[..], b"\x28\x01");
    }

    #[test]
    fn an_error_says_where() {
        let cut = Record::<Old>::decode(b"\x28\x00\x3a\x05abc").expect_err("cut off");
        assert!(matches!(cut, RecordError::Malformed { offset: 2, .. }), "{cut:?}");
        let other = Record::<Old>::decode(b"\x08\x01").expect_err("a number for a text");
        assert!(matches!(other, RecordError::Mismatched(_)), "{other:?}");
    }

    proptest! {
        #[test]
        fn unknown_fields_survive_in_order_wherever_they_stand(
            message in old(),
            changed in old(),
            before in prop::collection::vec(unknown_field(), 0..4),
            after in prop::collection::vec(unknown_field(), 0..4),
        ) {
            let stored = [before.concat(), message.encode_to_vec(), after.concat()].concat();
            let mut record = Record::<Old>::decode(&stored).expect("valid");
            prop_assert_eq!(&record.message, &message);

            record.message = changed.clone();
            let unknown = [before.concat(), after.concat()].concat();
            let expected = [changed.encode_to_vec(), unknown].concat();
            prop_assert_eq!(&record.encode()[..], &expected[..]);
        }

        #[test]
        fn what_is_encoded_decodes_to_the_same(
            message in old(),
            unknown in prop::collection::vec(unknown_field(), 0..4),
        ) {
            let stored = [message.encode_to_vec(), unknown.concat()].concat();
            let record = Record::<Old>::decode(&stored).expect("valid");
            prop_assert_eq!(&record.encode()[..], &stored[..]);
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }

        #[test]
        fn any_bytes_are_a_record_or_an_error(stored in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(record) = Record::<Old>::decode(&stored) {
                let again = Record::decode(&record.encode()).expect("what we wrote");
                prop_assert_eq!(record, again);
            }
        }

        #[test]
        fn a_moment_is_read_back(seconds: i64, nanos in 0u32..1_000_000_000) {
            let moment = Timestamp { seconds, nanos };
            prop_assert_eq!(Timestamp::from(TimestampMessage::from(moment)), moment);
        }

        #[test]
        fn any_stored_moment_is_a_moment(seconds: i64, nanos: i32) {
            let moment = Timestamp::from(TimestampMessage { seconds, nanos });
            prop_assert!(moment.nanos < 1_000_000_000);
        }
    }
}
