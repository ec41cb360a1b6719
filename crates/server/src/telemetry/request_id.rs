//! A name for each request: a random UUID, made without asking the system each time.

use std::fmt;
use std::sync::Mutex;

use http::HeaderValue;

use lakehold_clock::Runtime;

const ID_BYTES: usize = 16;
/// Asking the system for random bytes takes longer than everything else here, so one asks for many.
const POOL_BYTES: usize = 256 * ID_BYTES;

/// Makes ids.
pub(crate) struct RequestIds {
    runtime: Runtime,
    pool: Mutex<Pool>,
}

struct Pool {
    bytes: [u8; POOL_BYTES],
    used: usize,
}

/// The 36 characters of a UUID.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId([u8; 36]);

impl RequestIds {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        let pool = Mutex::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES });
        Self { runtime: runtime.clone(), pool }
    }

    pub(crate) fn next_id(&self) -> RequestId {
        let mut chance = [0; ID_BYTES];
        let mut pool = self.pool.lock().expect("no code panics while holding the lock");
        if pool.used == POOL_BYTES {
            self.runtime.fill_random(&mut pool.bytes);
            pool.used = 0;
        }
        let used = pool.used;
        chance.copy_from_slice(&pool.bytes[used..used + ID_BYTES]);
        pool.used = used + ID_BYTES;
        drop(pool);
        RequestId::from_chance(chance)
    }
}

impl RequestId {
    fn from_chance(mut bytes: [u8; ID_BYTES]) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = [b'-'; 36];
        let mut place = 0;
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                place += 1;
            }
            text[place] = HEX[usize::from(byte >> 4)];
            text[place + 1] = HEX[usize::from(byte & 0xf)];
            place += 2;
        }
        Self(text)
    }

    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(std::str::from_utf8(&self.0).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_is_a_random_uuid() {
        let id = RequestId::from_chance([0xab; ID_BYTES]);
        assert_eq!(id.to_string(), "abababab-abab-4bab-abab-abababababab");
        assert_eq!(id.header().expect("ASCII"), "abababab-abab-4bab-abab-abababababab");
    }

    #[test]
    fn no_two_are_equal_also_when_the_pool_is_filled_again() {
        let ids = RequestIds::new(&Runtime::seeded(1).0);
        let seen: HashSet<String> = (0..1_000).map(|_| ids.next_id().to_string()).collect();
        assert_eq!(seen.len(), 1_000);
    }
}
