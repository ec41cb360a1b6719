//! A socket in a folder: made so that nobody else can ever connect, and wherever the folder is.
//!
//! A socket gets its rights only after it is there. So it is made in a folder of its own that nobody
//! else can enter, gets its rights, and is then moved to its place, replacing what a killed server
//! left. The kernel takes no path of more than 107 bytes; a longer one is spelled through
//! `/proc/self/fd`, in terms of the open folder.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::Permissions;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use tokio::net::UnixListener;
use tokio::net::UnixStream;

/// The longest path that a socket's address holds, in bytes; a zero byte ends it.
const LONGEST_PATH: usize = 107;

const DESCRIPTORS: &str = "/proc/self/fd";

/// Where a socket is made.
const WORKSHOP: &str = ".control";

const FOLDER_OWNER_ONLY: u32 = 0o700;
const OWNER_ONLY: u32 = 0o600;

/// Makes the socket `name` in `folder`, which no other process uses.
pub(super) fn bind(folder: &Path, name: &str) -> io::Result<UnixListener> {
    let workshop = folder.join(WORKSHOP);
    // One that a killed server left.
    remove_workshop(&workshop)?;
    DirBuilder::new().mode(FOLDER_OWNER_ONLY).create(&workshop)?;
    let made = make_and_move(&workshop, &folder.join(name));
    let removed = remove_workshop(&workshop);
    made.and_then(|listener| removed.map(|()| listener))
}

fn make_and_move(workshop: &Path, place: &Path) -> io::Result<UnixListener> {
    let new = workshop.join("new");
    let listener = at(&new, |short| UnixListener::bind(short))?;
    fs::set_permissions(&new, Permissions::from_mode(OWNER_ONLY))?;
    fs::rename(&new, place)?;
    Ok(listener)
}

fn remove_workshop(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Connects to the socket `name` in `folder`.
///
/// `None` where nobody is there: no socket, or one that a killed server left.
pub(super) async fn connect(folder: &Path, name: &str) -> io::Result<Option<UnixStream>> {
    let path = folder.join(name);
    if !path.try_exists()? {
        return Ok(None);
    }
    let (short, _open) = shorten(&path)?;
    match UnixStream::connect(short).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if is_nobody(error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_nobody(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Does something with `path`, or with a spelling of it that is short enough.
fn at<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (short, _open) = shorten(path)?;
    act(&short)
}

/// A spelling of `path` that is short enough, good for as long as the file is open.
fn shorten(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    if path.as_os_str().as_bytes().len() <= LONGEST_PATH {
        return Ok((path.to_owned(), None));
    }
    let too_long = || {
        let text = format!(
            "{} has more than {LONGEST_PATH} bytes, and {DESCRIPTORS} is not there to shorten it: \
             use a data directory with a shorter path",
            path.display()
        );
        io::Error::new(io::ErrorKind::InvalidInput, text)
    };
    let (folder, name) = path.parent().zip(path.file_name()).ok_or_else(too_long)?;
    if !Path::new(DESCRIPTORS).is_dir() {
        return Err(too_long());
    }
    let open = File::open(folder)?;
    let short = Path::new(DESCRIPTORS).join(open.as_raw_fd().to_string()).join(name);
    Ok((short, Some(open)))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    const NAME: &str = "control.sock";

    async fn assert_reached(folder: &Path, listener: &UnixListener) {
        let mut client = connect(folder, NAME).await.expect("connected").expect("somebody");
        client.write_all(b"hello").await.expect("sent");
        drop(client);
        let (mut server, _) = listener.accept().await.expect("accepted");
        let mut heard = String::new();
        server.read_to_string(&mut heard).await.expect("read");
        assert_eq!(heard, "hello");
    }

    #[tokio::test]
    async fn a_socket_is_its_owners_and_replaces_that_of_a_killed_server() {
        let temp = tempfile::tempdir().expect("temporary directory");
        assert!(connect(temp.path(), NAME).await.expect("asked").is_none(), "there is none");
        let first = bind(temp.path(), NAME).expect("bound");
        drop(first);
        assert!(temp.path().join(NAME).exists());
        assert!(connect(temp.path(), NAME).await.expect("asked").is_none(), "nobody listens");

        let listener = bind(temp.path(), NAME).expect("bound again");
        let found = fs::symlink_metadata(temp.path().join(NAME)).expect("there");
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
        assert_reached(temp.path(), &listener).await;
        let names = fs::read_dir(temp.path()).expect("read");
        assert_eq!(names.count(), 1, "nothing else stays");
    }

    #[tokio::test]
    async fn a_folder_with_a_long_path_has_a_socket_too() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let folder = temp.path().join("a".repeat(100)).join("b".repeat(100));
        fs::create_dir_all(&folder).expect("made");
        let listener = bind(&folder, NAME).expect("bound");
        assert_reached(&folder, &listener).await;
        assert!(folder.join(NAME).exists());
    }
}
