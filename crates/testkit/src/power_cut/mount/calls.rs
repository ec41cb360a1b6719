//! One method for each call of the kernel.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use fuser::BsdFileFlags;
use fuser::Errno;
use fuser::FileAttr;
use fuser::FileHandle;
use fuser::FileType;
use fuser::Filesystem;
use fuser::FopenFlags;
use fuser::Generation;
use fuser::INodeNo;
use fuser::KernelConfig;
use fuser::LockOwner;
use fuser::OpenFlags;
use fuser::RenameFlags;
use fuser::ReplyAttr;
use fuser::ReplyCreate;
use fuser::ReplyData;
use fuser::ReplyDirectory;
use fuser::ReplyEmpty;
use fuser::ReplyEntry;
use fuser::ReplyOpen;
use fuser::ReplyStatfs;
use fuser::ReplyWrite;
use fuser::Request;
use fuser::TimeOrNow;
use fuser::WriteFlags;

use crate::power_cut::content::Content;
use crate::power_cut::image::PAGE_BYTES;
use crate::power_cut::names::NodeId;
use crate::power_cut::volume::Attributes;
use crate::power_cut::volume::Kind;
use crate::power_cut::volume::MAX_NAME_BYTES;
use crate::power_cut::volume::Refused;
use crate::power_cut::volume::Taken;
use crate::power_cut::volume::Volume;

use crate::power_cut::mount::Calls;
use crate::power_cut::mount::Listed;
use crate::power_cut::mount::attributes;
use crate::power_cut::mount::kind;
use crate::power_cut::mount::timestamp;

/// Nothing that the kernel is told stays valid.
const NO_TIME: Duration = Duration::ZERO;
const NO_GENERATION: Generation = Generation(0);
const NO_HANDLE: FileHandle = FileHandle(0);
const MODE_BITS: u32 = 0o7777;
/// The most that one call writes.
const MAX_WRITE_BYTES: u32 = 1 << 20;

/// Bits of the mode of `fallocate`.
const KEEP_SIZE: i32 = 1;
const PUNCH_HOLE: i32 = 2;
const ZERO_RANGE: i32 = 16;

impl Calls {
    fn entry(&self, reply: ReplyEntry, act: impl FnOnce(&mut Volume) -> Result<NodeId, Refused>) {
        let mut volume = self.disk.volume();
        match act(&mut volume).and_then(|id| attributes_of(&volume, id)) {
            Ok(found) => reply.entry(&NO_TIME, &found, NO_GENERATION),
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn empty(&self, reply: ReplyEmpty, act: impl FnOnce(&mut Volume) -> Result<(), Refused>) {
        answer(reply, act(&mut self.disk.volume()));
    }

    fn new_attributes(&self, request: &Request, mode: u32, umask: u32) -> Attributes {
        Attributes {
            mode: (mode & !umask & MODE_BITS) as u16,
            user: request.uid(),
            group: request.gid(),
            modified: self.disk.now(),
        }
    }

    fn time(&self, given: TimeOrNow) -> lakehold_clock::Timestamp {
        match given {
            TimeOrNow::SpecificTime(time) => timestamp(time),
            TimeOrNow::Now => self.disk.now(),
        }
    }

    fn listing(&self, id: NodeId) -> Result<Vec<Listed>, Refused> {
        let volume = self.disk.volume();
        let listed = |name: &OsStr, node, kind| Listed { name: name.to_owned(), node, kind };
        let mut entries = vec![
            listed(OsStr::new("."), id, FileType::Directory),
            listed(OsStr::new(".."), id, FileType::Directory),
        ];
        for (name, node) in volume.list(id)? {
            entries.push(listed(&name, node, kind(volume.node(node)?)));
        }
        Ok(entries)
    }
}

fn attributes_of(volume: &Volume, id: NodeId) -> Result<FileAttr, Refused> {
    Ok(attributes(id, volume.node(id)?))
}

fn answer(reply: ReplyEmpty, done: Result<(), Refused>) {
    match done {
        Ok(()) => reply.ok(),
        Err(refused) => reply.error(refused.into()),
    }
}

impl Filesystem for Calls {
    fn init(&mut self, _request: &Request, config: &mut KernelConfig) -> io::Result<()> {
        config
            .set_max_write(MAX_WRITE_BYTES)
            .map(drop)
            .map_err(|most| io::Error::other(format!("at most {most} bytes are written at once")))
    }

    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.entry(reply, |volume| volume.find(parent.0, name));
    }

    fn getattr(&self, _request: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        match attributes_of(&self.disk.volume(), ino.0) {
            Ok(found) => reply.attr(&NO_TIME, &found),
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn setattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let (id, now, mtime) = (ino.0, self.disk.now(), mtime.map(|time| self.time(time)));
        let mut volume = self.disk.volume();
        let resized = size.map_or(Ok(()), |size| volume.set_length(id, size, now));
        let changed = resized.and_then(|()| {
            volume.set_attributes(id, |attributes| {
                attributes.mode = mode.map_or(attributes.mode, |mode| (mode & MODE_BITS) as u16);
                attributes.user = uid.unwrap_or(attributes.user);
                attributes.group = gid.unwrap_or(attributes.group);
                attributes.modified = mtime.unwrap_or(attributes.modified);
            })
        });
        match changed.and_then(|()| attributes_of(&volume, id)) {
            Ok(found) => reply.attr(&NO_TIME, &found),
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn readlink(&self, _request: &Request, ino: INodeNo, reply: ReplyData) {
        match self.disk.volume().node(ino.0).map(|node| &node.kind) {
            Ok(Kind::Link(target)) => reply.data(target.as_encoded_bytes()),
            Ok(_) => reply.error(Errno::EINVAL),
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let new = self.new_attributes(request, mode, umask);
        self.entry(reply, |volume| volume.make(parent.0, name, Kind::Folder, new));
    }

    fn symlink(
        &self,
        request: &Request,
        parent: INodeNo,
        link_name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let new = self.new_attributes(request, MODE_BITS, 0o7000);
        let link = Kind::Link(target.as_os_str().to_owned());
        self.entry(reply, |volume| volume.make(parent.0, link_name, link, new));
    }

    fn link(
        &self,
        _request: &Request,
        ino: INodeNo,
        newparent: INodeNo,
        newname: &OsStr,
        reply: ReplyEntry,
    ) {
        self.entry(reply, |volume| volume.link(ino.0, newparent.0, newname).map(|()| ino.0));
    }

    fn unlink(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.empty(reply, |volume| volume.unlink(parent.0, name));
    }

    fn rmdir(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.empty(reply, |volume| volume.remove_folder(parent.0, name));
    }

    fn rename(
        &self,
        _request: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let taken = if flags.contains(RenameFlags::RENAME_EXCHANGE) {
            Taken::Exchange
        } else if flags.contains(RenameFlags::RENAME_NOREPLACE) {
            Taken::Refuse
        } else {
            Taken::Replace
        };
        self.empty(reply, |volume| volume.rename((parent.0, name), (newparent.0, newname), taken));
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let new = self.new_attributes(request, mode, umask);
        let mut volume = self.disk.volume();
        let made = volume.make(parent.0, name, Kind::File(Content::default()), new);
        let opened = made.and_then(|id| volume.open(id).and_then(|()| attributes_of(&volume, id)));
        match opened {
            Ok(found) => {
                reply.created(&NO_TIME, &found, NO_GENERATION, NO_HANDLE, FopenFlags::empty());
            }
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn open(&self, _request: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        match self.disk.volume().open(ino.0) {
            Ok(()) => reply.opened(NO_HANDLE, FopenFlags::empty()),
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn release(
        &self,
        _request: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.disk.volume().close(ino.0);
        reply.ok();
    }

    fn read(
        &self,
        _request: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.disk.volume().read(ino.0, offset..offset + u64::from(size)) {
            Ok(bytes) => reply.data(&bytes),
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn write(
        &self,
        _request: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.disk.volume().write(ino.0, offset, data, self.disk.now()) {
            // The kernel writes at most MAX_WRITE_BYTES at once.
            Ok(()) => reply.written(data.len() as u32),
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn flush(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        // Closing a file does nothing, and the kernel need not ask again.
        reply.error(Errno::ENOSYS);
    }

    fn fsync(
        &self,
        _request: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        datasync: bool,
        reply: ReplyEmpty,
    ) {
        answer(reply, self.disk.sync(|volume, until| volume.sync_file(ino.0, until, datasync)));
    }

    fn fsyncdir(
        &self,
        _request: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        answer(reply, self.disk.sync(|volume, until| volume.sync_folder(ino.0, until)));
    }

    fn opendir(&self, _request: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        match self.listing(ino.0) {
            Ok(entries) => {
                let handle = self.next_listing.fetch_add(1, Ordering::Relaxed);
                lock(&self.listings).insert(handle, entries);
                reply.opened(FileHandle(handle), FopenFlags::empty());
            }
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn readdir(
        &self,
        _request: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listings = lock(&self.listings);
        let entries = listings.get(&fh.0).into_iter().flatten();
        for (next, entry) in (1..).zip(entries).skip(offset as usize) {
            if reply.add(INodeNo(entry.node), next, entry.kind, &entry.name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(
        &self,
        _request: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        lock(&self.listings).remove(&fh.0);
        reply.ok();
    }

    fn statfs(&self, _request: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        let (page, volume) = (PAGE_BYTES as u64, self.disk.volume());
        let (all, free) = (volume.settings().limit_bytes / page, volume.free_bytes() / page);
        let files = volume.node_count() as u64;
        let page = PAGE_BYTES as u32;
        reply.statfs(all, free, free, files + free, free, page, MAX_NAME_BYTES as u32, page);
    }

    fn fallocate(
        &self,
        _request: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        if mode & !(KEEP_SIZE | PUNCH_HOLE | ZERO_RANGE) != 0 {
            return reply.error(Errno::EOPNOTSUPP);
        }
        let (id, now, end) = (ino.0, self.disk.now(), offset + length);
        self.empty(reply, |volume| {
            if mode & KEEP_SIZE == 0 {
                volume.extend(id, end, now)?;
            }
            if mode & (PUNCH_HOLE | ZERO_RANGE) != 0 {
                volume.zero(id, offset..end, now)?;
            }
            Ok(())
        });
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while holding the lock")
}
