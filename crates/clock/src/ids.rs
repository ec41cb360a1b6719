//! Fresh ids: xids (which sort by time), UUIDs, nanoids.
//!
//! An xid is 12 bytes: seconds (32 bits, big endian), machine (24), process (16), counter (24). Its
//! text is 20 characters of base32hex in lower case, whose byte order is the order of the bytes. The
//! seconds need not be "now": ids that count down in time make the newest come first in a listing
//! (docs/formats/addresses.md).

use std::fmt;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::Runtime;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
const NANOID_ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// A globally unique id of 12 bytes, shown as 20 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Xid([u8; 12]);

/// A text that is no xid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an xid (20 characters of 0-9 and a-v): {0:?}")]
pub struct XidError(String);

impl Xid {
    /// The id of these 12 bytes.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// Reads the 20 characters that [`Xid`] shows itself as.
    pub fn parse(text: &str) -> Result<Self, XidError> {
        let wrong = || XidError(text.to_owned());
        if text.len() != 20 {
            return Err(wrong());
        }
        let mut bits: u128 = 0;
        for character in text.bytes() {
            let value = match character {
                b'0'..=b'9' => character - b'0',
                b'a'..=b'v' => character - b'a' + 10,
                _ => return Err(wrong()),
            };
            bits = bits << 5 | u128::from(value);
        }
        // 100 bits of text carry 96 bits of id; the last four must be zero.
        if bits & 0xf != 0 {
            return Err(wrong());
        }
        let all = (bits >> 4).to_be_bytes();
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&all[4..]);
        Ok(Self(bytes))
    }

    /// The seconds field, as it was given to [`XidGenerator::next_at`].
    pub fn seconds(&self) -> u32 {
        u32::from_be_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }
}

impl fmt::Display for Xid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = [0; 16];
        all[4..].copy_from_slice(&self.0);
        let bits = u128::from_be_bytes(all) << 4;
        let mut text = [0; 20];
        for (place, character) in text.iter_mut().enumerate() {
            let shift = 5 * (19 - place);
            *character = ALPHABET[(bits >> shift & 0x1f) as usize];
        }
        out.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Makes xids that no other generator makes: machine, process and first counter are random.
#[derive(Debug)]
pub struct XidGenerator {
    runtime: Runtime,
    machine_and_process: [u8; 5],
    counter: AtomicU32,
}

impl XidGenerator {
    /// A generator with an identity of its own.
    pub fn new(runtime: &Runtime) -> Self {
        let first = u32::from_be_bytes(runtime.random_bytes());
        Self {
            runtime: runtime.clone(),
            machine_and_process: runtime.random_bytes(),
            counter: AtomicU32::new(first),
        }
    }

    /// An id of the present second.
    pub fn next_id(&self) -> Xid {
        self.next_at(low_32_bits(self.runtime.now().seconds))
    }

    /// An id whose seconds are `total - now`: a later id sorts before an earlier one.
    pub fn next_descending(&self, total: i64) -> Xid {
        self.next_at(low_32_bits(total - self.runtime.now().seconds))
    }

    /// An id with these seconds.
    pub fn next_at(&self, seconds: u32) -> Xid {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&self.machine_and_process);
        bytes[9..].copy_from_slice(&counter[1..]);
        Xid(bytes)
    }
}

/// The seconds field wraps, as the stored format has it.
fn low_32_bits(seconds: i64) -> u32 {
    let bytes = seconds.to_be_bytes();
    u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])
}

/// A random UUID (version 4), in the usual 36 characters.
pub fn uuid_v4(runtime: &Runtime) -> String {
    let mut bytes: [u8; 16] = runtime.random_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(bytes);
    let hex = format!("{number:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// `length` random characters of `A-Za-z0-9_-`.
pub fn nanoid(runtime: &Runtime, length: usize) -> String {
    let mut bytes = vec![0; length];
    runtime.fill_random(&mut bytes);
    bytes.iter().map(|byte| char::from(NANOID_ALPHABET[usize::from(byte % 64)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    #[test]
    fn text_and_bytes_are_those_of_the_published_example() {
        // The example of the xid specification.
        let bytes = [0x4d, 0x88, 0xe1, 0x5b, 0x60, 0xf4, 0x86, 0xe4, 0x28, 0x41, 0x2d, 0xc9];
        let id = Xid::from_bytes(bytes);
        assert_eq!(id.to_string(), "9m4e2mr0ui3e8a215n4g");
        assert_eq!(Xid::parse("9m4e2mr0ui3e8a215n4g"), Ok(id));
        assert_eq!(id.seconds(), 0x4d88_e15b);
    }

    #[test]
    fn a_text_with_stray_bits_is_refused() {
        assert!(Xid::parse("9m4e2mr0ui3e8a215n4h").is_err());
        assert!(Xid::parse("9m4e2mr0ui3e8a215n4").is_err());
        assert!(Xid::parse("9M4E2MR0UI3E8A215N4G").is_err());
    }

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let (runtime, _) = Runtime::seeded(1);
        let text = uuid_v4(&runtime);
        assert_eq!(text.len(), 36);
        assert_eq!(text.as_bytes()[14], b'4');
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{text}");
    }

    #[test]
    fn descending_ids_put_the_newer_first() {
        let (runtime, clock) = Runtime::seeded(1);
        let generator = XidGenerator::new(&runtime);
        let earlier = generator.next_descending(64_060_588_800);
        clock.advance(std::time::Duration::from_secs(1));
        assert!(generator.next_descending(64_060_588_800).to_string() < earlier.to_string());
    }

    proptest! {
        #[test]
        fn every_id_is_read_back_from_its_text(bytes: [u8; 12]) {
            let id = Xid::from_bytes(bytes);
            prop_assert_eq!(Xid::parse(&id.to_string()), Ok(id));
        }
    }
}
