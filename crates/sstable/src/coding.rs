//! Variable-length integers and block handles.

/// Appends `value` in groups of seven bits, lowest first (LEB128).
pub(crate) fn put_uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Returns how many bytes [`put_uvarint`] appends for `value`.
pub(crate) fn uvarint_len(value: u64) -> usize {
    let bits = (u64::BITS - value.leading_zeros()).max(1);
    bits.div_ceil(7) as usize
}

/// Takes an integer off the front of `bytes`; `None` where it does not end or does not fit.
#[inline]
pub(crate) fn take_uvarint(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        *bytes = rest;
        return Some(u64::from(first));
    }
    take_long_uvarint(bytes)
}

fn take_long_uvarint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for (at, &byte) in bytes.iter().enumerate().take(10) {
        let group = u64::from(byte & 0x7f);
        if at == 9 && group > 1 {
            return None;
        }
        value |= group << (7 * at);
        if byte < 0x80 {
            *bytes = &bytes[at + 1..];
            return Some(value);
        }
    }
    None
}

/// Like [`take_uvarint`], for lengths of things in memory.
#[inline]
pub(crate) fn take_len(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(take_uvarint(bytes)?).ok()
}

/// Where a block lies in the file: its offset and its length without the trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

impl Handle {
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        put_uvarint(out, self.offset);
        put_uvarint(out, self.len);
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(20);
        self.put(&mut out);
        out
    }

    pub(crate) fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self { offset: take_uvarint(bytes)?, len: take_uvarint(bytes)? })
    }

    /// Decodes a handle that fills `bytes` entirely.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let handle = Self::take(&mut bytes)?;
        bytes.is_empty().then_some(handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_width_are_read_back() {
        for shift in 0..64 {
            for value in [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let mut out = Vec::new();
                put_uvarint(&mut out, value);
                assert_eq!(out.len(), uvarint_len(value), "{value}");
                let mut rest = out.as_slice();
                assert_eq!(take_uvarint(&mut rest), Some(value));
                assert!(rest.is_empty());
            }
        }
    }

    #[test]
    fn integers_that_do_not_end_or_do_not_fit_are_refused() {
        assert_eq!(take_uvarint(&mut [].as_slice()), None);
        assert_eq!(take_uvarint(&mut [0x80].as_slice()), None);
        assert_eq!(take_uvarint(&mut [0x80; 11].as_slice()), None);
        let too_big = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert_eq!(take_uvarint(&mut too_big.as_slice()), None);
    }
}
