//! Keeping other processes away while we read.
//!
//! Badger locks the directory itself (`flock`, exclusively) as long as it is open, and writes its
//! process number into the file `LOCK`. The file is left behind by a killed process, so that only the
//! lock counts. We take it shared: nothing is written, two readers do not hinder each other, and Badger
//! cannot open the directory until we are done.

use std::fs::File;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::fs::flock;
use rustix::io::Errno;

use crate::Error;

/// Longer is no process number.
const LONGEST_NUMBER: usize = 20;

/// A directory that nobody else has open, until this is dropped.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _directory: File,
}

impl DirectoryLock {
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: path.into(), source };
        let directory = File::open(path).map_err(failed)?;
        match flock(&directory, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Self { _directory: directory }),
            Err(Errno::WOULDBLOCK) => {
                Err(Error::InUse { path: path.into(), process: process_in(&path.join("LOCK")) })
            }
            Err(error) => Err(failed(error.into())),
        }
    }
}

fn process_in(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let number = text.trim();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && number.len() <= LONGEST_NUMBER).then(|| number.to_owned())
}
