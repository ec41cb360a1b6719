//! Reads what lakeFS puts into values, just well enough to compare it with the expected content.

use std::collections::BTreeMap;

/// A field of a protobuf message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    /// An integer, as unsigned.
    Int(u64),
    /// Text, bytes or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message by number, in the order they came.
pub(crate) fn fields(mut message: &[u8]) -> BTreeMap<u64, Vec<Field<'_>>> {
    let mut found: BTreeMap<u64, Vec<Field<'_>>> = BTreeMap::new();
    while !message.is_empty() {
        let tag = uvarint(&mut message);
        let field = match tag & 7 {
            0 => Field::Int(uvarint(&mut message)),
            2 => Field::Bytes(take(&mut message)),
            other => panic!("wire type {other} is not used"),
        };
        found.entry(tag >> 3).or_default().push(field);
    }
    found
}

/// The integer in field `number`; 0 where it is absent.
pub(crate) fn int(fields: &BTreeMap<u64, Vec<Field<'_>>>, number: u64) -> i64 {
    match fields.get(&number).map(Vec::as_slice) {
        None => 0,
        Some([Field::Int(value)]) => *value as i64,
        other => panic!("field {number} is {other:?}"),
    }
}

/// The bytes in field `number`; none where it is absent.
pub(crate) fn bytes<'a>(fields: &BTreeMap<u64, Vec<Field<'a>>>, number: u64) -> &'a [u8] {
    match fields.get(&number).map(Vec::as_slice) {
        None => &[],
        Some([Field::Bytes(value)]) => value,
        other => panic!("field {number} is {other:?}"),
    }
}

/// The text in field `number`; empty where it is absent.
pub(crate) fn text<'a>(fields: &BTreeMap<u64, Vec<Field<'a>>>, number: u64) -> &'a str {
    std::str::from_utf8(bytes(fields, number)).expect("text")
}

/// Splits a stored value into identity and data.
pub(crate) fn value_parts(mut value: &[u8]) -> (&[u8], &[u8]) {
    let identity = take_signed(&mut value);
    let data = take_signed(&mut value);
    assert!(value.is_empty(), "nothing after the data");
    (identity, data)
}

fn take<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let len = uvarint(bytes) as usize;
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

/// Lengths in values are signed integers: twice the number, as lengths are not negative.
fn take_signed<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let len = uvarint(bytes) as usize / 2;
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

fn uvarint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("integer ends");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}
