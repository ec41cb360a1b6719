//! One changed, cut off or missing file: an error that names it, or nothing lost. Never less than
//! what was acknowledged, and never a panic.

use std::path::Path;
use std::path::PathBuf;

use bytes::Bytes;
use lakehold_kv::Error;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;
use lakehold_kv_local::LocalStore;

use crate::support::Contents;
use crate::support::copy_directory;
use crate::support::files;
use crate::support::open;
use crate::support::read_all;
use crate::support::small;

const PARTITIONS: [&str; 2] = ["p", "q"];

/// At most so many bytes of one file are tried.
const PLACES_PER_FILE: usize = 40;

/// A store with tables of several generations, and a journal with much that is in no table.
async fn sample(directory: &Path) -> Contents {
    for generation in 0..3 {
        let store = open(directory);
        for number in 0..40 {
            let key = Bytes::from(format!("{generation}-{number:03}"));
            let value = format!("{generation} {number} ").repeat(10);
            store.set("p".into(), key, value.into()).await.expect("set");
            let hot = Bytes::from(format!("hot-{:02}", number % 10));
            store.set("q".into(), hot, format!("{generation}").into()).await.expect("set");
        }
        if generation < 2 {
            store.close().await.expect("close");
        }
    }
    let copy = tempfile::tempdir().expect("temporary directory");
    copy_directory(directory, copy.path());
    read_all(&open(copy.path()), &PARTITIONS).await.expect("an undamaged store")
}

/// What came of opening a damaged store and reading all of it.
#[derive(Debug)]
enum Fate {
    Whole,
    Refused(Error),
    Wrong(String),
}

async fn fate_of(directory: &Path, expected: &Contents) -> Fate {
    let store = match LocalStore::open(directory, small()) {
        Ok(store) => store,
        Err(error) => return Fate::Refused(error),
    };
    match read_all(&store, &PARTITIONS).await {
        Ok(found) if found == *expected => Fate::Whole,
        Ok(found) => Fate::Wrong(format!("{} of {} records", found.len(), expected.len())),
        Err(error) => Fate::Refused(error),
    }
}

/// Damages a copy of `original` with `damage`, and fails the test if something is silently lost.
async fn try_damage(
    original: &Path,
    expected: &Contents,
    file: &Path,
    what: &str,
    damage: impl FnOnce(&Path),
) {
    let copy = tempfile::tempdir().expect("temporary directory");
    copy_directory(original, copy.path());
    damage(&copy.path().join(file));
    let fate = fate_of(copy.path(), expected).await;
    let lost = if let Fate::Wrong(found) = &fate { found } else { "" };
    assert_eq!(lost, "", "{} {what}", file.display());
    if let Fate::Refused(error) = fate {
        let text = text_of(&error);
        let names_it = text.contains(&*copy.path().to_string_lossy());
        assert!(names_it, "{} {what}: {text}", file.display());
    }
}

fn text_of(error: &Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {source}")
}

/// The files of a sample, relative to it.
fn relative_files(original: &Path) -> Vec<PathBuf> {
    let relative = |file: PathBuf| file.strip_prefix(original).expect("below").to_path_buf();
    files(original).into_iter().map(relative).collect()
}

#[tokio::test]
async fn a_changed_byte_is_an_error_or_harmless() {
    let original = tempfile::tempdir().expect("temporary directory");
    let expected = sample(original.path()).await;
    for file in relative_files(original.path()) {
        let length = original.path().join(&file).metadata().expect("metadata").len();
        let length = usize::try_from(length).expect("small");
        for at in (0..length).step_by((length / PLACES_PER_FILE).max(1)) {
            let flip = if at % 2 == 0 { 0x01 } else { 0x80 };
            let what = format!("byte {at} of {length} ^ {flip:#x}");
            try_damage(original.path(), &expected, &file, &what, |path| {
                let mut bytes = std::fs::read(path).expect("read");
                bytes[at] ^= flip;
                std::fs::write(path, bytes).expect("write");
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_file_cut_off_is_an_error_or_harmless() {
    let original = tempfile::tempdir().expect("temporary directory");
    let expected = sample(original.path()).await;
    for file in relative_files(original.path()) {
        let length = original.path().join(&file).metadata().expect("metadata").len();
        for left in [0, 1, length / 3, length / 2, length.saturating_sub(1)] {
            let what = format!("cut to {left} of {length}");
            try_damage(original.path(), &expected, &file, &what, |path| {
                let opened = std::fs::OpenOptions::new().write(true).open(path).expect("open");
                opened.set_len(left.min(length)).expect("cut");
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_missing_file_is_an_error_or_harmless() {
    let original = tempfile::tempdir().expect("temporary directory");
    let expected = sample(original.path()).await;
    for file in relative_files(original.path()) {
        try_damage(original.path(), &expected, &file, "missing", |path| {
            std::fs::remove_file(path).expect("remove");
        })
        .await;
    }
}

#[tokio::test]
async fn a_refused_store_is_left_as_it_was() {
    let original = tempfile::tempdir().expect("temporary directory");
    let expected = sample(original.path()).await;
    let is_journal = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "jnl");
    let journal = relative_files(original.path()).into_iter().find(is_journal).expect("a journal");
    let path = original.path().join(&journal);
    let good = std::fs::read(&path).expect("read");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 0x40;
    std::fs::write(&path, &bad).expect("write");

    let fate = fate_of(original.path(), &expected).await;
    assert!(matches!(fate, Fate::Refused(Error::Corrupt { .. })), "{fate:?}");
    assert_eq!(std::fs::read(&path).expect("read"), bad, "nothing was cut off");

    std::fs::write(&path, &good).expect("write");
    let fate = fate_of(original.path(), &expected).await;
    assert!(matches!(fate, Fate::Whole), "mended: {fate:?}");
}

#[tokio::test]
async fn garbage_behind_the_last_batch_is_a_torn_write_and_cut_off() {
    let original = tempfile::tempdir().expect("temporary directory");
    let expected = sample(original.path()).await;
    let is_journal = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "jnl");
    let journal = files(original.path()).into_iter().find(is_journal).expect("a journal");
    let mut bytes = std::fs::read(&journal).expect("read");
    bytes.extend([1, 3, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
    std::fs::write(&journal, bytes).expect("write");

    let fate = fate_of(original.path(), &expected).await;
    assert!(matches!(fate, Fate::Whole), "{fate:?}");
    let store = open(original.path());
    store.set("p".into(), "new".into(), "v".into()).await.expect("set");
    drop(store);
    let store = open(original.path());
    assert!(store.get("p".into(), "new".into()).await.expect("get").is_some());
}
