//! The folders below the root: made, synced and removed.
//!
//! A file is durable only if the entry in its folder is, and the entry of that folder in its own, up
//! to the root. [`Directories`] knows which folders are durable in that sense, so that it costs
//! something only the first time. Puts into one folder share its syncs.
//!
//! Whoever places a file holds `shape` for reading, so that no folder on the way vanishes, and comes
//! back without being durable, between the check and the end. Making and removing folders holds it
//! for writing.

use std::collections::HashMap;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::RwLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::Error;

/// Folders below the root are for the server's user and group.
const FOLDER_MODE: u32 = 0o750;

/// More known folders than this are forgotten, all at once; they become known again.
const MAX_KNOWN: usize = 16_384;

/// How often a file is placed anew whose folder vanished meanwhile.
const MAX_ATTEMPTS: usize = 8;

const UNPOISONED: &str = "no code panics while holding the lock";

/// The folders of a store. Everything but [`Directories::find`] may block.
#[derive(Debug)]
pub(super) struct Directories {
    root: PathBuf,
    known: Mutex<HashMap<Box<str>, Contents>>,
    shape: RwLock<()>,
    syncs: Mutex<HashMap<Box<str>, Arc<SharedSync>>>,
}

/// What a durable folder may have in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// Only files.
    Files,
    /// Files and folders: where a file is to be, a folder may be in the way.
    Mixed,
}

/// The syncs of one folder: one that begins after several asked for it does for all of them.
#[derive(Debug, Default)]
struct SharedSync {
    asked: AtomicU64,
    done: Mutex<u64>,
}

impl Directories {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, known: Mutex::default(), shape: RwLock::default(), syncs: Mutex::default() }
    }

    /// What `folder` may have in it, if it was durable when last looked at.
    pub(super) fn find(&self, folder: &str) -> Option<Contents> {
        if folder.is_empty() {
            return Some(Contents::Mixed);
        }
        lock(&self.known).get(folder).copied()
    }

    /// Makes `folder` and what leads to it, and all of it durable.
    pub(super) fn create(&self, folder: &str) -> Result<(), Error> {
        if self.find(folder).is_some() {
            return Ok(());
        }
        let _changing = self.shape.write().expect(UNPOISONED);
        let path = self.path(folder);
        let failed = |error| Error::from_io(path.display(), error);
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&path).map_err(failed)?;
        ancestors(folder).try_for_each(|above| self.sync_now(above))?;
        let contents = contents_of(&path).map_err(failed)?;
        self.learn(folder, contents);
        Ok(())
    }

    fn learn(&self, folder: &str, contents: Contents) {
        let mut known = lock(&self.known);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(folder.into(), contents);
        for above in ancestors(folder) {
            if let Some(contents) = known.get_mut(above) {
                *contents = Contents::Mixed;
            }
        }
    }

    /// Moves the file `from`, synced already, to `to` below the root, for good.
    pub(super) fn place(&self, from: &Path, to: &str) -> Result<(), Error> {
        let folder = folder_of(to);
        let target = self.path(to);
        let mut attempt = 1;
        loop {
            self.create(folder)?;
            let _unchanged = self.shape.read().expect(UNPOISONED);
            match fs::rename(from, &target) {
                Ok(()) => return self.sync(folder),
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < MAX_ATTEMPTS => {
                    self.forget(folder);
                    attempt += 1;
                }
                Err(error) => return Err(Error::from_io(target.display(), error)),
            }
        }
    }

    /// Removes the file at `path` below the root, and the folders that are empty without it.
    pub(super) fn remove(&self, path: &str) -> Result<(), Error> {
        let target = self.path(path);
        match fs::remove_file(&target) {
            Ok(()) => self.remove_empty(folder_of(path)),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(Error::from_io(target.display(), error)),
        }
    }

    /// Removes `folder` and its parents as long as they are empty, and makes it last.
    fn remove_empty(&self, folder: &str) -> Result<(), Error> {
        let _changing = self.shape.write().expect(UNPOISONED);
        let mut folder = folder;
        while !folder.is_empty() {
            match fs::remove_dir(self.path(folder)) {
                Err(error) if !is_absent(&error) => break,
                _ => self.forget(folder),
            }
            folder = folder_of(folder);
        }
        self.sync_now(folder)
    }

    /// Forgets that `folder` is durable: somebody else removed it.
    pub(super) fn forget(&self, folder: &str) {
        lock(&self.known).remove(folder);
    }

    /// Syncs the entries of `folder`, or waits for a sync that began after this call.
    fn sync(&self, folder: &str) -> Result<(), Error> {
        let shared = lock(&self.syncs).entry(folder.into()).or_default().clone();
        let mine = shared.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let synced = self.sync_for(folder, &shared, mine);
        let mut syncs = lock(&self.syncs);
        // The map's and ours: nobody else is at it.
        if Arc::strong_count(&shared) == 2 {
            syncs.remove(folder);
        }
        synced
    }

    fn sync_for(&self, folder: &str, shared: &SharedSync, mine: u64) -> Result<(), Error> {
        let mut done = lock(&shared.done);
        if *done >= mine {
            return Ok(());
        }
        let all = shared.asked.load(Ordering::SeqCst);
        self.sync_now(folder)?;
        *done = all;
        Ok(())
    }

    fn sync_now(&self, folder: &str) -> Result<(), Error> {
        let path = self.path(folder);
        sync_folder(&path)
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }
}

/// Looks into the folder at `path`, once.
fn contents_of(path: &Path) -> io::Result<Contents> {
    for entry in fs::read_dir(path)? {
        if entry?.file_type()?.is_dir() {
            return Ok(Contents::Mixed);
        }
    }
    Ok(Contents::Files)
}

/// Syncs the entries of the folder at `path`.
pub(super) fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Error::from_io(path.display(), error))
}

/// The folder that `path` lies in; empty for the root.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folders above `path`, the nearest first, the root (empty) last.
pub(super) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let nearest = (!path.is_empty()).then(|| folder_of(path));
    std::iter::successors(nearest, |folder| (!folder.is_empty()).then(|| folder_of(folder)))
}

/// Whether `error` says that there is no such file.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect(UNPOISONED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(home: &Path, name: &str) -> PathBuf {
        let path = home.join(name);
        fs::write(&path, name).unwrap();
        path
    }

    #[test]
    fn the_folders_above_a_path_end_with_the_root() {
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(ancestors("a").collect::<Vec<_>>(), [""]);
        assert_eq!(ancestors("").count(), 0);
    }

    #[test]
    fn a_folder_knows_whether_folders_are_in_it() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let folders = Directories::new(root.clone());
        assert_eq!(folders.find("a"), None);
        folders.create("a").unwrap();
        assert_eq!(folders.find("a"), Some(Contents::Files));
        folders.create("a/b/c").unwrap();
        assert_eq!(folders.find("a"), Some(Contents::Mixed));

        let reopened = Directories::new(root);
        reopened.create("a").unwrap();
        reopened.create("a/b/c").unwrap();
        assert_eq!(reopened.find("a"), Some(Contents::Mixed));
        assert_eq!(reopened.find("a/b/c"), Some(Contents::Files));
    }

    #[test]
    fn a_file_is_placed_although_its_known_folder_was_removed() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let folders = Directories::new(root.clone());
        folders.create("a/b").unwrap();
        fs::remove_dir_all(root.join("a")).unwrap();

        folders.place(&staged(home.path(), "file"), "a/b/file").unwrap();

        assert_eq!(fs::read(root.join("a/b/file")).unwrap(), b"file");
    }

    #[test]
    fn the_last_file_takes_its_empty_folders_along_but_not_the_root() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let folders = Directories::new(root.clone());
        folders.place(&staged(home.path(), "one"), "a/b/c/one").unwrap();
        folders.place(&staged(home.path(), "two"), "a/two").unwrap();

        folders.remove("a/b/c/one").unwrap();
        assert!(!root.join("a/b").exists());
        folders.remove("a/two").unwrap();
        assert!(!root.join("a").exists());
        assert!(root.exists());
        folders.remove("a/two").expect("removing what is not there is no error");
    }

    #[test]
    fn many_that_place_and_remove_at_once_do_not_get_in_each_others_way() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let folders = Directories::new(root.clone());
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let folders = &folders;
                let home = home.path();
                scope.spawn(move || {
                    for turn in 0..50 {
                        let file = staged(home, &format!("{worker}-{turn}"));
                        let place = format!("a/b/{worker}");
                        folders.place(&file, &place).unwrap();
                        folders.remove(&place).unwrap();
                    }
                });
            }
        });
        assert!(!root.join("a").exists());
    }
}
