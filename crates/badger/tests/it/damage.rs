//! One changed byte, or one missing piece: an error that names the file, or nothing lost. Never fewer
//! records, never others, never a panic.

use std::path::Path;

use lakehold_badger::Error;

use crate::support::Contents;
use crate::support::expected_mini;
use crate::support::files;
use crate::support::golden_copy;
use crate::support::read;

const STORES: [&str; 2] = ["mini-install/metadata", "badger-wal"];

/// What came of reading a damaged store.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Whole,
    Refused,
}

/// Reads the store whose file `path` was changed; fails the test where records are lost.
fn fate(store: &Path, path: &Path, expected: &Contents, what: &str) -> Fate {
    let length = path.metadata().map_or(0, |metadata| metadata.len());
    match read(store) {
        Ok(found) => {
            assert!(found == *expected, "{what}: {} records", found.len());
            Fate::Whole
        }
        Err(Error::Damaged { path: named, offset, reason }) => {
            assert_eq!(named, path, "{what}: {reason}");
            assert!(offset <= length, "{what}: {reason}");
            Fate::Refused
        }
        Err(Error::Unsupported { path: named, what: reason }) => {
            assert_eq!(named, path, "{what}: {reason}");
            Fate::Refused
        }
        Err(other) => unreachable!("{what}: {other}"),
    }
}

#[test]
fn any_changed_byte_of_any_file_is_an_error_or_harmless() {
    let expected = expected_mini();
    let mut harmless = Vec::new();
    for name in STORES {
        let store = golden_copy(name);
        for path in files(store.path()) {
            let original = std::fs::read(&path).expect("read");
            for at in 0..original.len() {
                // Zeros are what a disk loses, and what ends a log.
                let flips = [1 << (at % 8), original[at]];
                for &flip in &flips[..1 + usize::from(at % 3 == 0)] {
                    let mut changed = original.clone();
                    changed[at] ^= flip;
                    std::fs::write(&path, &changed).expect("write");
                    let file = path.file_name().expect("a name").to_string_lossy();
                    let what = format!("{name}/{file}: byte {at} ^ {flip:#x}");
                    if fate(store.path(), &path, &expected, &what) == Fate::Whole && flip != 0 {
                        harmless.push(what);
                    }
                }
            }
            std::fs::write(&path, &original).expect("write");
        }
    }
    // The random bytes at the beginning of KEYREGISTRY and of the logs, the log of values that nothing
    // leads to, and the zeros behind the last entry.
    let most = 2 * (16 + 20 + 16 + 12) + 64;
    let (packed, plain): (Vec<_>, Vec<_>) = harmless.iter().partition(|what| what.contains(".sst"));
    assert!(plain.len() <= most, "{} changes were not noticed", plain.len());
    assert!(!plain.iter().any(|what| what.contains("MANIFEST")), "{plain:?}");
    // A packed block may unpack to the same if a repetition is copied from another place.
    assert!(packed.len() <= 8, "{packed:?}");
}

#[test]
fn a_file_cut_off_anywhere_is_an_error_or_a_torn_log() {
    let expected = expected_mini();
    for name in STORES {
        let store = golden_copy(name);
        for path in files(store.path()) {
            let original = std::fs::read(&path).expect("read");
            let is_log = path.extension().is_some_and(|extension| extension == "mem");
            let step = if is_log { 3 } else { 1 };
            for length in (0..original.len()).step_by(step) {
                std::fs::write(&path, &original[..length]).expect("write");
                let file = path.file_name().expect("a name").to_string_lossy();
                let what = format!("{name}/{file}: cut to {length}");
                if is_log && length >= 20 {
                    // What is left of a log is the beginning of what was written.
                    let found = read(store.path()).unwrap_or_default();
                    assert!(found.len() <= expected.len() + 1, "{what}");
                } else if file == "MANIFEST" && [8, 16].contains(&length) {
                    // Between two records: nothing tells that there was another one.
                } else {
                    fate(store.path(), &path, &expected, &what);
                }
            }
            std::fs::write(&path, &original).expect("write");
        }
    }
}

#[test]
fn a_missing_file_is_an_error_or_harmless() {
    let expected = expected_mini();
    for (name, file) in [
        ("mini-install/metadata", "000001.sst"),
        ("mini-install/metadata", "000001.vlog"),
        ("mini-install/metadata", "KEYREGISTRY"),
    ] {
        let store = golden_copy(name);
        let path = store.path().join(file);
        std::fs::remove_file(&path).expect("remove");
        let fate = fate(store.path(), &path, &expected, file);
        assert_eq!(fate == Fate::Refused, file.ends_with("sst"), "{file}");
    }
}
