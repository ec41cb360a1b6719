//! Where parameters are read from: the matched path, the query, the headers.

use std::borrow::Cow;

use http::HeaderMap;
use http::request::Parts;

use super::problem::invalid;
use crate::error::ApiError;
use crate::operations::Matched;

/// The parts of a request that hold parameters.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    matched: Option<Matched>,
    path: &'a str,
    query: Vec<(Cow<'a, str>, &'a str)>,
    headers: &'a HeaderMap,
}

impl<'a> Source<'a> {
    /// The parameters of a request that was matched to its operation.
    pub(crate) fn of(parts: &'a Parts) -> Self {
        Self {
            matched: parts.extensions.get().copied(),
            path: parts.uri.path(),
            query: parts.uri.query().map(pairs).unwrap_or_default(),
            headers: &parts.headers,
        }
    }

    /// The segment of the path that `name` stands for, decoded. (Paths match with empty segments too,
    /// but for the last.)
    pub(crate) fn segment(&self, name: &str) -> Result<Cow<'a, str>, ApiError> {
        let missing = || invalid(name, "path", "value is required but missing");
        let found = self.matched.ok_or_else(missing)?.segment(self.path, name);
        let text = found.ok_or_else(|| invalid(name, "path", "value is not UTF-8 text"))?;
        if text.is_empty() { Err(missing()) } else { Ok(text) }
    }

    /// The value of `name` in the query, decoded; `None` where it is absent.
    pub(crate) fn query(&self, name: &str) -> Result<Option<Cow<'a, str>>, ApiError> {
        let mut values = self.query.iter().filter(|(key, _)| key == name);
        let Some((_, value)) = values.next() else { return Ok(None) };
        match values.next() {
            None => decoded(name, value).map(Some),
            Some(_) => Err(invalid(name, "query", "multiple values for single value parameter")),
        }
    }

    /// All values of `name` in the query, decoded.
    pub(crate) fn query_all(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let values = self.query.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| decoded(name, value).map(Cow::into_owned)).collect()
    }

    /// The value of the header `name`; `None` where it is absent.
    pub(crate) fn header(&self, name: &'static str) -> Result<Option<&'a str>, ApiError> {
        let mut values = self.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(invalid(name, "header", "multiple values for single value parameter"));
        }
        let no_text = |_| invalid(name, "header", "value is not printable ASCII text");
        value.to_str().map(Some).map_err(no_text)
    }
}

/// Keys, decoded, and values, not yet decoded: only those that are read need be valid.
fn pairs(query: &str) -> Vec<(Cow<'_, str>, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let split = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    split.filter_map(|(key, value)| decode(key).map(|key| (key, value))).collect()
}

fn decoded<'a>(name: &str, value: &'a str) -> Result<Cow<'a, str>, ApiError> {
    let malformed = || invalid(name, "query", &format!("invalid percent encoding {value:?}"));
    decode(value).ok_or_else(malformed)
}

/// Reads form encoding: `+` is a blank, `%XX` a byte. `None` where that gives no text.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    #[test]
    fn plus_is_a_blank_and_escapes_are_decoded_once() {
        assert_eq!(decode("a+b%2Bc%2525").as_deref(), Some("a b+c%25"));
        assert_eq!(decode("%C3%BC").as_deref(), Some("ü"));
        assert!(matches!(decode("plain/path"), Some(Cow::Borrowed("plain/path"))));
    }

    #[test]
    fn what_is_no_escape_or_no_text_is_refused() {
        for bad in ["%", "%4", "%zz", "a%", "%ff", "%C3"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_without_value_are_empty_and_broken_keys_are_no_keys() {
        assert_eq!(
            pairs("a&b=&%zz=1&c=d=e"),
            [(Cow::Borrowed("a"), ""), (Cow::Borrowed("b"), ""), (Cow::Borrowed("c"), "d=e"),]
        );
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(text: String) {
            let encoded: String = percent_encoding::utf8_percent_encode(
                &text,
                percent_encoding::NON_ALPHANUMERIC,
            )
            .to_string();
            let decoded = decode(&encoded);
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn no_text_breaks_the_decoder(text: String) {
            decode(&text);
            pairs(&text);
        }
    }
}
