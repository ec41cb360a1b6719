//! One record as JSON.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

/// A record of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) partition: Bytes,
    pub(super) key: Bytes,
    pub(super) value: Bytes,
}

/// The record as its JSON object. Of the two forms of a name, there is one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    value: String,
}

impl Form {
    pub(super) fn of(partition: &[u8], key: &[u8], value: &[u8]) -> Self {
        let (partition, partition_base64) = name(partition);
        let (key, key_base64) = name(key);
        let value = BASE64_STANDARD.encode(value);
        Self { partition, partition_base64, key, key_base64, value }
    }

    /// Returns the record, or what is wrong with it.
    pub(super) fn into_record(self) -> Result<Record, String> {
        Ok(Record {
            partition: bytes(self.partition, self.partition_base64, "partition")?,
            key: bytes(self.key, self.key_base64, "key")?,
            value: decode(&self.value, "value")?,
        })
    }
}

fn name(name: &[u8]) -> (Option<String>, Option<String>) {
    match std::str::from_utf8(name) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(BASE64_STANDARD.encode(name))),
    }
}

fn bytes(text: Option<String>, base64: Option<String>, what: &str) -> Result<Bytes, String> {
    let name = match (text, base64) {
        (Some(text), None) => text.into(),
        (None, Some(base64)) => decode(&base64, what)?,
        (None, None) => return Err(format!("has no {what}")),
        (Some(_), Some(_)) => return Err(format!("has two {what}s")),
    };
    if name.is_empty() { Err(format!("the {what} is empty")) } else { Ok(name) }
}

fn decode(base64: &str, what: &str) -> Result<Bytes, String> {
    let decoded = BASE64_STANDARD.decode(base64);
    decoded.map(Bytes::from).map_err(|error| format!("the {what} is not base64: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(partition: &[u8], key: &[u8], value: &[u8]) -> String {
        serde_json::to_string(&Form::of(partition, key, value)).expect("no maps with odd keys")
    }

    fn parse(json: &str) -> Result<Record, String> {
        serde_json::from_str::<Form>(json).map_err(|error| error.to_string())?.into_record()
    }

    #[test]
    fn a_record_is_written_like_this() {
        let text = r#"{"partition":"auth","key":"a/b","value":"dmFsdWU="}"#;
        assert_eq!(json(b"auth", b"a/b", b"value"), text);
        let odd = r#"{"partition_base64":"/w==","key":"ключ","value":""}"#;
        assert_eq!(json(b"\xff", "ключ".as_bytes(), b""), odd);
    }

    #[test]
    fn what_is_no_record_is_refused_with_the_reason() {
        for (text, reason) in [
            (r#"{"key":"k","value":""}"#, "has no partition"),
            (r#"{"partition":"p","key":"k","key_base64":"aw==","value":""}"#, "has two keys"),
            (r#"{"partition":"p","key":"","value":""}"#, "the key is empty"),
            (r#"{"partition":"p","key":"k","value":"?"}"#, "the value is not base64"),
            (r#"{"partition":"p","key":"k"}"#, "missing field `value`"),
            (r#"{"partition":"p","key":"k","value":"","ttl":"1"}"#, "unknown field `ttl`"),
        ] {
            let refused = parse(text).expect_err(text);
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn any_record_is_read_back(
            partition in prop::collection::vec(any::<u8>(), 1..9),
            key in prop_oneof![
                prop::collection::vec(any::<u8>(), 1..9),
                ".{1,9}".prop_map(String::into_bytes),
            ],
            value in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let read = parse(&json(&partition, &key, &value)).expect("what we wrote");
            let expected =
                Record { partition: partition.into(), key: key.into(), value: value.into() };
            prop_assert_eq!(read, expected);
        }
    }
}
