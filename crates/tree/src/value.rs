//! The bytes of a value in a range or metarange.
//!
//! A value is its identity and its data, each behind its length as a zigzag varint:
//!
//! ```text
//! varint(2 * len identity) identity varint(2 * len data) data
//! ```
//!
//! Bytes after that are ignored when read and never written (docs/formats/trees.md).

use bytes::Buf as _;
use bytes::BufMut as _;
use bytes::Bytes;

use crate::Value;

/// Longest part of a value in bytes, by the stored format.
const LONGEST_PART: u64 = 640 * 65_536;

/// Bytes that are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidValue {
    /// The bytes end too early.
    #[error("value ends within its {0}")]
    Short(&'static str),
    /// A length is negative or longer than anything that is written.
    #[error("length of the value's {0} is out of bounds")]
    Length(&'static str),
}

impl Value {
    /// Takes a stored value apart, sharing its bytes.
    pub(crate) fn decode(mut stored: Bytes) -> Result<Self, InvalidValue> {
        let identity = take_part(&mut stored, "identity")?;
        let data = take_part(&mut stored, "data")?;
        Ok(Self { identity, data })
    }

    /// Appends the stored form to `out`.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for part in [&self.identity, &self.data] {
            put_varint(out, (part.len() as u64) << 1);
            out.put_slice(part);
        }
    }
}

fn take_part(stored: &mut Bytes, part: &'static str) -> Result<Bytes, InvalidValue> {
    let zigzag = take_varint(stored, part)?;
    let length = zigzag >> 1;
    if zigzag & 1 == 1 || length > LONGEST_PART {
        return Err(InvalidValue::Length(part));
    }
    match usize::try_from(length) {
        Ok(length) if length <= stored.len() => Ok(stored.split_to(length)),
        _ => Err(InvalidValue::Short(part)),
    }
}

fn take_varint(stored: &mut Bytes, part: &'static str) -> Result<u64, InvalidValue> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        if !stored.has_remaining() {
            return Err(InvalidValue::Short(part));
        }
        let byte = stored.get_u8();
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(InvalidValue::Length(part))
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::golden_hash_vectors;

    use proptest::prelude::*;

    fn encoded(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        value.encode(&mut out);
        out
    }

    #[test]
    fn values_are_encoded_as_the_stored_format_says() {
        let vectors = golden_hash_vectors();
        let cases = vectors["value_encoding"].as_array().unwrap();
        assert!(cases.len() >= 3);
        for case in cases {
            let bytes =
                |field: &str| Bytes::from(hex::decode(case[field].as_str().unwrap()).unwrap());
            let value = Value { identity: bytes("identity_hex"), data: bytes("data_hex") };
            assert_eq!(encoded(&value), bytes("value_hex"));
            assert_eq!(Value::decode(bytes("value_hex")), Ok(value));
        }
    }

    #[test]
    fn bytes_that_are_no_value_are_refused() {
        let refused = |bytes: &'static [u8]| Value::decode(Bytes::from_static(bytes)).unwrap_err();
        assert_eq!(refused(b""), InvalidValue::Short("identity"));
        assert_eq!(refused(b"\x04a"), InvalidValue::Short("identity"));
        assert_eq!(refused(b"\x02a"), InvalidValue::Short("data"));
        assert_eq!(refused(b"\x02a\x04b"), InvalidValue::Short("data"));
        assert_eq!(refused(b"\x01"), InvalidValue::Length("identity"));
        assert_eq!(refused(&[0xff; 20]), InvalidValue::Length("identity"));
    }

    proptest! {
        #[test]
        fn every_value_is_read_back(identity: Vec<u8>, data: Vec<u8>, rest: Vec<u8>) {
            let value = Value { identity: identity.into(), data: data.into() };
            let mut stored = encoded(&value);
            stored.extend(rest);
            prop_assert_eq!(Value::decode(stored.into()), Ok(value));
        }

        #[test]
        fn no_bytes_make_decoding_panic(stored: Vec<u8>) {
            drop(Value::decode(stored.into()));
        }
    }
}
