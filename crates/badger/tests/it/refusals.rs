//! What is not read: said with its path, and with what to do.

use std::fs::File;

use lakehold_badger::Badger;
use lakehold_badger::Error;
use rustix::fs::FlockOperation;
use rustix::fs::flock;

use crate::support::golden_copy;
use crate::support::made_by_badger;
use crate::support::read;
use crate::support::read_records;

#[test]
fn an_encrypted_store_is_refused() {
    let store = made_by_badger("encrypted");
    let refused = read(store.path()).expect_err("encrypted");
    assert!(matches!(refused, Error::Unsupported { .. }), "{refused}");

    // Even if the file that says so was taken away.
    std::fs::remove_file(store.path().join("KEYREGISTRY")).expect("remove");
    let refused = read(store.path()).expect_err("encrypted").to_string();
    assert!(refused.contains("encrypted"), "{refused}");
}

#[test]
fn a_store_packed_with_zstd_is_refused() {
    let store = made_by_badger("zstd");
    let refused = read(store.path()).expect_err("zstd").to_string();
    assert!(refused.contains("packed with zstd"), "{refused}");
}

#[test]
fn operands_of_a_merge_are_refused() {
    let store = made_by_badger("merge");
    let refused = read_records(store.path()).expect_err("merge").to_string();
    assert!(refused.contains("operands of a merge"), "{refused}");
}

#[test]
fn a_store_that_a_process_has_open_is_refused() {
    let store = golden_copy("mini-install/metadata");
    std::fs::write(store.path().join("LOCK"), "4711\n").expect("write");
    let directory = File::open(store.path()).expect("open");
    flock(&directory, FlockOperation::NonBlockingLockExclusive).expect("lock");

    let refused = Badger::open(store.path()).expect_err("locked");
    assert!(matches!(&refused, Error::InUse { process: Some(n), .. } if n == "4711"), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("in use by process 4711; stop lakeFS first"), "{text}");

    assert!(Badger::is_in(store.path()));
    drop(directory);
    read(store.path()).expect("a file LOCK that was left behind is no lock");
}

#[test]
fn while_a_store_is_read_nobody_can_open_it_for_writing_but_others_may_read() {
    let store = golden_copy("mini-install/metadata");
    let first = Badger::open(store.path()).expect("open");
    let second = Badger::open(store.path()).expect("open");
    let directory = File::open(store.path()).expect("open");
    assert!(flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err());
    drop((first, second));
    flock(&directory, FlockOperation::NonBlockingLockExclusive).expect("free again");
}

#[test]
fn a_folder_that_is_no_store_is_refused_as_such() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for path in [folder.path().to_owned(), folder.path().join("missing")] {
        let refused = Badger::open(&path).expect_err("no store");
        assert!(matches!(refused, Error::NotAStore { .. }), "{refused}");
        assert!(!Badger::is_in(&path));
        assert!(refused.to_string().contains(&*path.to_string_lossy()), "{refused}");
    }
}

#[test]
fn a_missing_table_is_refused_by_name() {
    let store = golden_copy("mini-install/metadata");
    std::fs::remove_file(store.path().join("000001.sst")).expect("remove");
    let refused = read(store.path()).expect_err("missing").to_string();
    assert!(refused.contains("000001.sst") && refused.contains("missing"), "{refused}");
}

#[test]
fn a_missing_or_foreign_value_is_refused() {
    let store = made_by_badger("big");
    let log = store.path().join("000001.vlog");
    let mut bytes = std::fs::read(&log).expect("read");
    // The version of the first key, in front of its value: 20 bytes of header, 10 of the entry's, key.
    bytes.copy_within(20..60, 1_048_700);
    std::fs::write(&log, &bytes).expect("write");
    let refused = read_records(store.path()).expect_err("overwritten");
    assert!(matches!(refused, Error::Damaged { .. }), "{refused}");

    std::fs::remove_file(&log).expect("remove");
    let refused = read_records(store.path()).expect_err("missing").to_string();
    assert!(refused.contains("000001.vlog") && refused.contains("missing"), "{refused}");
}
