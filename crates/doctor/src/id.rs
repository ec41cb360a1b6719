//! Ids of commits and tables: 32 bytes, shown as 64 lower-case hex digits.

use std::fmt;

/// An id in the 32 bytes that it stands for. Millions are kept while a large history is examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id([u8; 32]);

impl Id {
    /// Reads 64 lower-case hex digits; `None` where `text` is anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let is_lower_case = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        (is_lower_case && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Self(bytes))
    }
}

impl From<[u8; 32]> for Id {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_lower_case_digits_are_an_id() {
        let text = "00fb7eff1a97c500eb3ca8d2ef5464131d6b6a5f9512e41eba97843522213b66";
        assert_eq!(Id::parse(text).expect("an id").to_string(), text);
        for wrong in ["", &text[1..], &text.to_uppercase(), &text.replace('0', "g")] {
            assert_eq!(Id::parse(wrong), None, "{wrong}");
        }
    }
}
