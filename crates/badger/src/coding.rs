//! Integers, and the key that all files share.

/// Takes an unsigned integer in groups of seven bits, lowest first, off the front of `bytes`; `None`
/// where it does not end or does not fit.
pub(crate) fn take_uvarint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let group = u64::from(byte & 0x7f);
        if shift == 63 && group > 1 {
            return None;
        }
        value |= group << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Returns the big-endian number at `at`.
pub(crate) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns the little-endian number at `at`.
pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns the little-endian number at `at`.
pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// How many bytes the version takes at the end of a stored key.
pub(crate) const VERSION_BYTES: usize = 8;

/// A key and the version of its value. Orders as the store does: by key, newest version first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VersionedKey {
    /// The key as it was given to the store.
    pub(crate) key: Vec<u8>,
    /// 2^64-1 less the version.
    pub(crate) age: u64,
}

impl VersionedKey {
    /// Splits a stored key; `None` where it is too short to have a version.
    pub(crate) fn parse(stored: &[u8]) -> Option<Self> {
        let (key, age) = stored.split_last_chunk::<VERSION_BYTES>()?;
        Some(Self { key: key.into(), age: u64::from_be_bytes(*age) })
    }

    pub(crate) fn version(&self) -> u64 {
        u64::MAX - self.age
    }

    /// Whether `stored` is this key.
    pub(crate) fn is_stored_as(&self, stored: &[u8]) -> bool {
        stored.strip_suffix(&self.age.to_be_bytes()) == Some(&self.key[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_length_integer_ends_and_fits() {
        let take = |mut bytes: &[u8]| take_uvarint(&mut bytes).map(|value| (value, bytes.len()));
        assert_eq!(take(&[0x05, 9]), Some((5, 1)));
        assert_eq!(take(&[0xac, 0x02]), Some((300, 0)));
        let largest = [&[0xff; 9][..], &[0x01]].concat();
        assert_eq!(take(&largest), Some((u64::MAX, 0)));
        let too_large = [&[0xff; 9][..], &[0x02]].concat();
        assert_eq!(take(&too_large), None);
        assert_eq!(take(&[0x80; 11]), None);
        assert_eq!(take(&[0x80]), None);
    }

    #[test]
    fn keys_are_ordered_by_key_and_then_newest_first() {
        let parse = |key: &[u8], version: u64| {
            VersionedKey::parse(&[key, &(u64::MAX - version).to_be_bytes()].concat())
        };
        let newer = parse(b"a", 8).expect("long enough");
        assert_eq!((&newer.key[..], newer.version()), (&b"a"[..], 8));
        assert!(newer < parse(b"a", 7).expect("long enough"));
        // As bytes the longer key would come first: its eighth byte is smaller than that of a version.
        assert!(parse(b"a", 1) < parse(b"a\0", 1));
        assert_eq!(VersionedKey::parse(b"1234567"), None);
    }
}
