//! Larger stores, damaged at random in several places: records that were there, or an error; no panic,
//! no endless loop, no memory that a damaged length asks for.

use std::path::Path;
use std::path::PathBuf;

use lakehold_badger::Badger;
use lakehold_badger::Error;
use lakehold_badger::Record;

use crate::support::NOW;
use crate::support::copy_files;
use crate::support::expected_mini;
use crate::support::expected_real;
use crate::support::files;
use crate::support::golden;
use crate::support::made_by_badger;
use crate::support::real_install;

const CASES: usize = 2_000;

/// A sequence of numbers that looks random and is the same in each run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("small")
    }
}

/// Changes `bytes` in one of the ways disks and people do.
fn damage(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let at = numbers.below(bytes.len());
    let length = numbers.below(64).min(bytes.len() - at);
    match numbers.below(6) {
        0 => bytes[at] ^= 1 << numbers.below(8),
        1 => bytes[at..at + length].fill(0),
        2 => bytes[at..at + length].fill_with(|| numbers.next() as u8),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..at + length)),
        _ => {
            let from = numbers.below(bytes.len() - length + 1);
            bytes.copy_within(from..from + length, at);
        }
    }
}

/// Reads up to the first error.
fn read(store: &Path) -> (Vec<Record>, Option<Error>) {
    let badger = match Badger::open(store) {
        Ok(badger) => badger,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut found = Vec::new();
    for record in badger.records(NOW) {
        match record {
            Ok(record) => found.push(record),
            Err(error) => return (found, Some(error)),
        }
    }
    (found, None)
}

/// Damages copies of `original` in `cases` ways. `is_known` says whether a key was ever written.
fn try_cases(original: &Path, cases: usize, seed: u64, is_known: impl Fn(&str, &str) -> bool) {
    let folder = tempfile::tempdir().expect("temporary directory");
    copy_files(original, folder.path());
    let paths: Vec<PathBuf> =
        files(folder.path()).into_iter().filter(|path| !path.ends_with("DISCARD")).collect();
    let mut numbers = Numbers(seed);
    let mut refused = 0;
    for case in 0..cases {
        let path = &paths[numbers.below(paths.len())];
        let original = std::fs::read(path).expect("read");
        let mut bytes = original.clone();
        for _ in 0..=numbers.below(2) {
            if !bytes.is_empty() {
                damage(&mut bytes, &mut numbers);
            }
        }
        std::fs::write(path, &bytes).expect("write");
        let (found, error) = read(folder.path());
        for record in &found {
            let text = |bytes| str::from_utf8(bytes).expect("text");
            let (partition, key) = (text(&record.partition), text(&record.key));
            let file = path.display();
            assert!(
                is_known(partition, key),
                "case {case}, {file}: {partition}/{key} from nowhere"
            );
        }
        if let Some(error) = error {
            refused += 1;
            assert!(error.to_string().contains(&*folder.path().to_string_lossy()), "{error}");
        }
        std::fs::write(path, &original).expect("write");
    }
    assert!(refused > cases / 3, "{refused} of {cases} were refused");
}

/// Whether a record is there, or was deleted before the store was copied.
fn in_mini() -> impl Fn(&str, &str) -> bool {
    let known = expected_mini();
    move |partition, key| {
        (partition, key) == ("graveler", "repos/deleted-repo")
            || known.contains_key(&(partition.into(), key.into()))
    }
}

/// The keys that the stores of many files were filled with.
fn in_many(partition: &str, key: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().ok();
    let part = partition.strip_prefix("part-").and_then(number);
    let object = key.strip_prefix("object/").filter(|number| number.len() == 6).and_then(number);
    part.is_some_and(|part| part < 7) && object.is_some_and(|object| object < 900)
}

#[test]
fn damaged_tables_give_records_that_were_there_or_an_error() {
    let folder = real_install();
    let known = expected_real();
    let in_real = |partition: &str, key: &str| known.contains_key(&(partition.into(), key.into()));
    try_cases(&folder.path().join("metadata"), CASES / 4, 1, in_real);
    try_cases(&golden("mini-install/metadata"), CASES / 4, 2, in_mini());
}

#[test]
fn damaged_logs_give_records_that_were_there_or_an_error() {
    try_cases(&golden("badger-wal"), CASES / 4, 3, in_mini());
}

#[test]
fn damaged_stores_of_many_files_give_records_that_were_there_or_an_error() {
    try_cases(made_by_badger("killed").path(), CASES / 8, 4, in_many);
    try_cases(made_by_badger("levels").path(), CASES / 8, 5, in_many);
}
