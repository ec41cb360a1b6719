//! What the tests share: opening, reading everything, copying a directory.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use lakehold_kv::Error;
use lakehold_kv::Scan;
use lakehold_kv::Store;
use lakehold_kv_local::LocalSettings;
use lakehold_kv_local::LocalStore;

/// Everything in a store: partition and key, value.
pub(crate) type Contents = BTreeMap<(Bytes, Bytes), Bytes>;

/// Small enough that tests see tables being written.
pub(crate) fn small() -> LocalSettings {
    LocalSettings { memtable_bytes: 64 * 1024, ..LocalSettings::default() }
}

pub(crate) fn open(directory: &Path) -> LocalStore {
    LocalStore::open(directory, small()).expect("open")
}

/// Reads `partitions` by scan, and each key found again by get.
pub(crate) async fn read_all(store: &dyn Store, partitions: &[&str]) -> Result<Contents, Error> {
    let mut contents = Contents::new();
    for partition in partitions {
        let partition = Bytes::copy_from_slice(partition.as_bytes());
        let mut scan = Scan::new(store, partition.clone(), Bytes::new());
        while let Some(entry) = scan.next().await? {
            let again = store.get(partition.clone(), entry.key.clone()).await?;
            assert_eq!(again.map(|found| found.value).as_ref(), Some(&entry.value));
            contents.insert((partition.clone(), entry.key), entry.value);
        }
    }
    Ok(contents)
}

pub(crate) fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("create directory");
    for entry in std::fs::read_dir(from).expect("read directory") {
        let entry = entry.expect("directory entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("file type").is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copy");
        }
    }
}

/// All files below `directory`.
pub(crate) fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("read directory") {
        let path = entry.expect("directory entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}
