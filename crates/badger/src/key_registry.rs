//! Whether the store is encrypted: the file `KEYREGISTRY`.
//!
//! ```text
//! 16 random bytes | "Hello Badger" | encryption keys, none of them in a plain store
//! ```
//!
//! With a master key the text is encrypted, too.

use crate::Error;
use crate::source_file::SourceFile;

const RANDOM_BYTES: usize = 16;
const TEXT: &[u8] = b"Hello Badger";

/// Fails with [`Error::Unsupported`] where `file` says that the store is encrypted.
pub(crate) fn check(file: &SourceFile) -> Result<(), Error> {
    let stored = file.read_up_to(0, RANDOM_BYTES + TEXT.len())?;
    if stored.len() < RANDOM_BYTES + TEXT.len() {
        return Err(file.damaged(stored.len() as u64, "the file is cut off"));
    }
    if stored[RANDOM_BYTES..] != *TEXT {
        let what = "is encrypted, or the text that shows that it is not is damaged";
        return Err(Error::unsupported(file.path(), what));
    }
    if file.length() > stored.len() as u64 {
        return Err(Error::unsupported(file.path(), "has encryption keys"));
    }
    Ok(())
}
