//! The encoding under every content hash: of tables, of entries, of commits.
//!
//! What is hashed is not a serialisation of its own but a sequence of typed values, each with a tag
//! byte, and each length written as a tagged integer:
//!
//! ```text
//! bytes      00  int64(length)  the bytes
//! string     01  int64(length)  the text
//! int64      02  08  eight bytes, highest first
//! list       03  int64(count)   string ...
//! map        04  int64(count)   string(key) string(value) ...   in byte order of the keys
//! embedded   05  bytes(the identity of the other thing)
//! ```
//!
//! ```
//! use lakehold_sstable::ident::IdentHasher;
//!
//! let identity = IdentHasher::new().int64(11).string("664c688b4ea9c56730daacfc3d70aeed").map([]);
//! assert_eq!(identity.finish()[..3], [0x56, 0xfe, 0xf3]);
//! ```

use sha2::Digest as _;
use sha2::Sha256;

const BYTES: u8 = 0;
const STRING: u8 = 1;
const INT64: u8 = 2;
const STRING_LIST: u8 = 3;
const STRING_MAP: u8 = 4;
const EMBEDDED: u8 = 5;

/// Length in bytes of an integer, which follows its tag.
const INT64_LEN: u8 = 8;

/// Hashes a sequence of typed values with SHA-256.
#[derive(Clone, Debug, Default)]
pub struct IdentHasher {
    sha: Sha256,
}

impl IdentHasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an integer.
    #[must_use]
    pub fn int64(mut self, value: i64) -> Self {
        self.put_int64(value);
        self
    }

    /// Adds bytes that are not text.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.put_counted(BYTES, value);
        self
    }

    /// Adds a text.
    #[must_use]
    pub fn string(mut self, value: &str) -> Self {
        self.put_counted(STRING, value.as_bytes());
        self
    }

    /// Adds a list of texts, in the order given.
    #[must_use]
    pub fn strings<S: AsRef<str>>(mut self, list: &[S]) -> Self {
        self.put_count(STRING_LIST, list.len());
        for text in list {
            self.put_counted(STRING, text.as_ref().as_bytes());
        }
        self
    }

    /// Adds a map of texts; the order given does not matter. Keys must differ.
    #[must_use]
    pub fn map<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
        pairs.sort_unstable();
        self.put_count(STRING_MAP, pairs.len());
        for (key, value) in pairs {
            self.put_counted(STRING, key.as_bytes());
            self.put_counted(STRING, value.as_bytes());
        }
        self
    }

    /// Adds something that has an identity of its own.
    #[must_use]
    pub fn embedded(mut self, identity: [u8; 32]) -> Self {
        self.sha.update([EMBEDDED]);
        self.put_counted(BYTES, &identity);
        self
    }

    /// Returns the hash of everything added.
    pub fn finish(self) -> [u8; 32] {
        self.sha.finalize().into()
    }

    /// Adds bytes without tag or length: the records of a table are hashed so.
    pub(crate) fn put_raw(&mut self, bytes: &[u8]) {
        self.sha.update(bytes);
    }

    fn put_int64(&mut self, value: i64) {
        self.sha.update([INT64, INT64_LEN]);
        self.sha.update(value.to_be_bytes());
    }

    fn put_count(&mut self, tag: u8, count: usize) {
        self.sha.update([tag]);
        self.put_int64(i64::try_from(count).expect("nothing in memory is that long"));
    }

    fn put_counted(&mut self, tag: u8, bytes: &[u8]) {
        self.put_count(tag, bytes.len());
        self.sha.update(bytes);
    }
}
