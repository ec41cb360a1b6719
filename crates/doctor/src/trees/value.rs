//! The bytes of a value in a table: identity and data, each behind its length as a zigzag varint.

use bytes::Buf as _;
use bytes::Bytes;
use prost::encoding::decode_varint;

/// Longest part of a value in bytes, by the stored format.
const LONGEST_PART: u64 = 640 * 65_536;

/// What a key leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) identity: Bytes,
    pub(super) data: Bytes,
}

impl Value {
    /// Takes a stored value apart. What follows its parts is ignored, as every reader does.
    pub(super) fn decode(mut stored: Bytes) -> Result<Self, String> {
        let identity = take_part(&mut stored, "identity")?;
        let data = take_part(&mut stored, "data")?;
        Ok(Self { identity, data })
    }
}

fn take_part(stored: &mut Bytes, part: &str) -> Result<Bytes, String> {
    let zigzag = decode_varint(stored).map_err(|_| format!("the value ends before its {part}"))?;
    let length = zigzag >> 1;
    if zigzag & 1 == 1 || length > LONGEST_PART {
        return Err(format!("the length of the value's {part} is out of bounds"));
    }
    match usize::try_from(length) {
        Ok(length) if length <= stored.remaining() => Ok(stored.split_to(length)),
        _ => Err(format!("the value ends within its {part}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_stored_format() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/hash-vectors.json");
        let vectors: serde_json::Value =
            serde_json::from_slice(&std::fs::read(root).expect("golden")).expect("JSON");
        let cases = vectors["value_encoding"].as_array().expect("cases");
        assert!(cases.len() >= 3);
        for case in cases {
            let bytes = |field: &str| {
                Bytes::from(hex::decode(case[field].as_str().expect("text")).expect("hex"))
            };
            let value = Value { identity: bytes("identity_hex"), data: bytes("data_hex") };
            assert_eq!(Value::decode(bytes("value_hex")), Ok(value));
        }
    }

    #[test]
    fn bytes_that_are_no_value_are_refused() {
        for wrong in [&b""[..], b"\x04a", b"\x02a", b"\x02a\x04b", b"\x01", &[0xff; 20]] {
            assert!(Value::decode(Bytes::copy_from_slice(wrong)).is_err(), "{wrong:?}");
        }
    }
}
