//! The directory that holds everything, and the lock that keeps a second process out of it.
//!
//! ```text
//! lakehold-data/
//!   LOCK            locked while a server runs; names its process and host
//!   secrets.json    this installation's secret keys
//!   kv/             embedded key-value store (docs/formats/embedded-kv.md)
//!   block/          objects, ranges, metaranges
//!   block-journal/  bodies that are durable and not yet in block/
//! ```
//!
//! The lock is the kernel's (`flock`): it goes when the process goes, however it goes, so that
//! nothing has to be cleaned up after a crash. What stands in the file is for people.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;
use rustix::fs::FlockOperation;
use rustix::fs::flock;
use rustix::io::Errno;

/// Data and secrets are nobody else's business. A directory that is there keeps its rights.
const OWNER_ONLY: u32 = 0o700;
const LOCK_FILE: &str = "LOCK";
const HOST_NAME_FILE: &str = "/proc/sys/kernel/hostname";

/// A data directory that nobody else uses, for as long as this value lives.
///
/// The folder of an embedded store that has a place of its own is kept in the same way.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory where there is none, and locks it. Blocks on the disk. It was chosen by
    /// the setting `chosen_by`.
    ///
    /// Fails where it cannot be written to, and where another process holds it; the error names the
    /// path, the process, and what to do.
    pub(crate) fn open(path: &Path, chosen_by: &str) -> anyhow::Result<Self> {
        create(path).with_context(|| {
            let shown = path.display();
            format!(
                "data directory {shown} cannot be created or written to: \
                 give the server's user the right to, or choose another with {chosen_by}"
            )
        })?;
        // Absolute, so that what is logged and stored does not depend on where the server was started.
        let path = fs::canonicalize(path)
            .with_context(|| format!("data directory {} cannot be read", path.display()))?;
        let lock = lock(&path, chosen_by)?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn kv(&self) -> PathBuf {
        self.path.join("kv")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.path.join("secrets.json")
    }
}

/// Makes the directory and those above it, each durable in the one above.
fn create(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    create(above)?;
    match DirBuilder::new().mode(OWNER_ONLY).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        other => other?,
    }
    sync_directory(above)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn lock(data_dir: &Path, chosen_by: &str) -> anyhow::Result<File> {
    let path = data_dir.join(LOCK_FILE);
    let mut file = open_lock_file(&path).with_context(|| {
        let shown = path.display();
        format!(
            "{shown} cannot be written: is {} read-only? Give the server's user the right to \
             write there, or choose another directory with {chosen_by}",
            data_dir.display()
        )
    })?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => bail!(held(data_dir, chosen_by, &mut file)),
        Err(error) => {
            return Err(anyhow!(error).context(format!("{} cannot be locked", path.display())));
        }
    }
    note_holder(&mut file).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(file)
}

fn open_lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn note_holder(file: &mut File) -> io::Result<()> {
    let host = fs::read_to_string(HOST_NAME_FILE).unwrap_or_default();
    let note = format!("process {} on {}\n", std::process::id(), host.trim());
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(note.as_bytes())
}

fn held(data_dir: &Path, chosen_by: &str, file: &mut File) -> String {
    let mut holder = String::new();
    // What cannot be read is not named; that the directory is held is what matters.
    let known = file.rewind().and_then(|()| file.read_to_string(&mut holder)).is_ok();
    let holder = if known && !holder.trim().is_empty() { holder.trim() } else { "another process" };
    format!(
        "data directory {} is in use by {holder}: stop that server, or choose another directory \
         with {chosen_by}",
        data_dir.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> anyhow::Result<DataDir> {
        DataDir::open(path, "--data-dir")
    }

    #[test]
    fn a_new_directory_is_made_with_those_above_it() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let path = temp.path().join("a/b/data");
        let opened = open(&path).expect("made");
        assert!(path.is_dir());
        assert_eq!(opened.kv(), path.join("kv"));
    }

    #[test]
    fn a_held_directory_is_refused_by_naming_holder_and_path_until_it_is_let_go() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let first = open(temp.path()).expect("free");
        let refused = open(temp.path()).expect_err("held").to_string();
        assert!(refused.contains(&format!("process {} on", std::process::id())), "{refused}");
        assert!(refused.contains(&temp.path().display().to_string()), "{refused}");
        drop(first);
        drop(open(temp.path()).expect("free again"));
    }

    #[test]
    fn a_path_that_cannot_be_a_directory_is_named() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let file = temp.path().join("file");
        fs::write(&file, "").expect("written");
        for path in [file.clone(), file.join("below")] {
            let refused = open(&path).expect_err("no directory").to_string();
            assert!(refused.contains(&path.display().to_string()), "{refused}");
            assert!(refused.contains("--data-dir"), "{refused}");
        }
    }
}
