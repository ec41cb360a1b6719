//! The volume as the kernel sees it.
//!
//! Nothing about names and attributes is cached, so that everything is as the volume has it right
//! after a cut. Pages are; they belong to numbers that no longer mean anything then. Locks (`flock`
//! and `fcntl`) are the kernel's own.

mod calls;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use fuser::BackgroundSession;
use fuser::Config;
use fuser::Errno;
use fuser::FileAttr;
use fuser::FileType;
use fuser::INodeNo;
use fuser::MountOption;
use lakehold_clock::Runtime;
use lakehold_clock::Timestamp;

use crate::power_cut::content::Moment;
use crate::power_cut::image::PAGE_BYTES;
use crate::power_cut::names::NodeId;
use crate::power_cut::volume::Kind;
use crate::power_cut::volume::Node;
use crate::power_cut::volume::Refused;
use crate::power_cut::volume::Volume;

/// How many calls may wait for their syncs while others go on.
const THREADS: usize = 12;

/// A mounted volume. Dropped, it is unmounted.
#[derive(Debug)]
pub struct Mounted {
    disk: Disk,
    _session: BackgroundSession,
}

impl Mounted {
    /// Mounts `volume` at the folder `at`. Needs `/dev/fuse`, and root or the program `fusermount3`.
    pub fn new(volume: Volume, at: &Path, runtime: Runtime) -> io::Result<Self> {
        let disk = Disk { volume: Arc::new(Mutex::new(volume)), runtime };
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("power-cut".to_owned())];
        config.n_threads = Some(THREADS);
        config.clone_fd = true;
        let session = fuser::spawn_mount(Calls::new(disk.clone()), at, &config)?;
        Ok(Self { disk, _session: session })
    }

    pub(super) fn volume(&self) -> MutexGuard<'_, Volume> {
        self.disk.volume()
    }

    /// Syncs everything that happened until now.
    pub(super) fn sync(&self) {
        let sync = |volume: &mut Volume, until| {
            volume.sync_volume(until);
            Ok(())
        };
        // It cannot be refused.
        self.disk.sync(sync).unwrap_or(());
    }
}

/// The volume, shared, and its time.
#[derive(Clone, Debug)]
struct Disk {
    volume: Arc<Mutex<Volume>>,
    runtime: Runtime,
}

impl Disk {
    fn volume(&self) -> MutexGuard<'_, Volume> {
        self.volume.lock().expect("no code panics while holding the lock")
    }

    fn now(&self) -> Timestamp {
        self.runtime.now()
    }

    /// Carries out `sync`, for what happened before this call, after the time that a sync takes.
    fn sync(
        &self,
        sync: impl FnOnce(&mut Volume, Moment) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let (began, delay) = {
            let volume = self.volume();
            (volume.begin_sync(), volume.settings().sync_delay)
        };
        self.pause(delay);
        sync(&mut self.volume(), began)
    }

    /// Waits for a time between nothing and twice `average`.
    fn pause(&self, average: Duration) {
        let fraction = f64::from(u16::from_le_bytes(self.runtime.random_bytes())) / 65_536.0;
        let until = self.runtime.monotonic() + average.mul_f64(2.0 * fraction);
        while let Some(rest) =
            until.checked_sub(self.runtime.monotonic()).filter(|rest| !rest.is_zero())
        {
            thread::park_timeout(rest);
        }
    }
}

/// Answers the kernel.
struct Calls {
    disk: Disk,
    listings: Mutex<HashMap<u64, Vec<Listed>>>,
    next_listing: AtomicU64,
}

/// An entry of a folder that is being read.
#[derive(Clone)]
struct Listed {
    name: OsString,
    node: NodeId,
    kind: FileType,
}

impl Calls {
    fn new(disk: Disk) -> Self {
        Self { disk, listings: Mutex::default(), next_listing: AtomicU64::new(1) }
    }
}

fn attributes(id: NodeId, node: &Node) -> FileAttr {
    let modified = system_time(node.attributes.modified);
    FileAttr {
        ino: INodeNo(id),
        size: node.length(),
        blocks: node.pages() * (PAGE_BYTES as u64 / 512),
        atime: modified,
        mtime: modified,
        ctime: modified,
        crtime: modified,
        kind: kind(node),
        perm: node.attributes.mode,
        nlink: if node.is_folder() { 1 } else { node.links },
        uid: node.attributes.user,
        gid: node.attributes.group,
        rdev: 0,
        blksize: PAGE_BYTES as u32,
        flags: 0,
    }
}

fn kind(node: &Node) -> FileType {
    match node.kind {
        Kind::File(_) => FileType::RegularFile,
        Kind::Folder => FileType::Directory,
        Kind::Link(_) => FileType::Symlink,
    }
}

fn system_time(time: Timestamp) -> SystemTime {
    let seconds = u64::try_from(time.seconds).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::new(seconds, time.nanos)
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus(since)
}

impl From<Refused> for Errno {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Absent => Self::ENOENT,
            Refused::Exists => Self::EEXIST,
            Refused::NotEmpty => Self::ENOTEMPTY,
            Refused::NotFolder => Self::ENOTDIR,
            Refused::IsFolder => Self::EISDIR,
            Refused::Full => Self::ENOSPC,
            Refused::TooLong => Self::ENAMETOOLONG,
            Refused::Invalid => Self::EINVAL,
            Refused::Failed => Self::EIO,
            Refused::Stale => Self::ESTALE,
        }
    }
}
