//! Names for new bytes, and what the addresses in entries mean (docs/formats/addresses.md).
//!
//! New bytes go to `data/<partition>/<name>` below the repository's storage namespace. The name is
//! an xid of the present moment: links expire and garbage is judged by its time. The partition is
//! an xid whose time counts down, so that a listing of the store shows the newest first; it is
//! renewed every hour and after 50,000 names, so that no folder grows without bound.
//!
//! In an entry an address is either *relative* to the namespace or *full*, a complete URI. Only what
//! lies below `data/` is stored as relative: that is what garbage collection looks after.

use std::sync::Mutex;
use std::time::Duration;

use lakehold_block::Address;
use lakehold_block::BlockStore;
use lakehold_block::Error as BlockError;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_clock::Xid;
use lakehold_clock::XidGenerator;

/// Folder of object data below a namespace.
const DATA: &str = "data/";

/// What the addresses of the local store begin with.
const LOCAL: &str = "local://";

/// What descending times count down from, in seconds since 1970: the year 4000.
const END_OF_TIME: i64 = 64_060_588_800;

/// How long a partition takes new names.
const PARTITION_AGE: Duration = Duration::from_secs(60 * 60);

/// How many names a partition takes.
const PARTITION_NAMES: u32 = 50_000;

/// Gives out names for new bytes.
#[derive(Debug)]
pub(crate) struct Namer {
    runtime: Runtime,
    ids: XidGenerator,
    partition: Mutex<Partition>,
}

#[derive(Debug)]
struct Partition {
    id: Xid,
    begun: Duration,
    names: u32,
}

impl Namer {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        let ids = XidGenerator::new(runtime);
        let partition = Mutex::new(Partition::new(&ids, runtime.monotonic()));
        Self { runtime: runtime.clone(), ids, partition }
    }

    /// A name, relative to a namespace, that was never given out before.
    pub(crate) fn next_name(&self) -> String {
        let partition = self.current_partition();
        format!("{DATA}{partition}/{}", self.ids.next_id())
    }

    fn current_partition(&self) -> Xid {
        let now = self.runtime.monotonic();
        let mut partition = self.partition.lock().expect("no code panics while holding the lock");
        if partition.is_over(now) {
            *partition = Partition::new(&self.ids, now);
        }
        partition.names += 1;
        partition.id
    }
}

impl Partition {
    fn new(ids: &XidGenerator, now: Duration) -> Self {
        Self { id: ids.next_descending(END_OF_TIME), begun: now, names: 0 }
    }

    fn is_over(&self, now: Duration) -> bool {
        self.names >= PARTITION_NAMES || now.saturating_sub(self.begun) >= PARTITION_AGE
    }
}

/// How the address of an entry is to be read: the stored numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AddressKind {
    /// By its look: full where it begins with a scheme, else relative. No longer written.
    ByPrefix = 0,
    /// Below the namespace.
    Relative = 1,
    /// A complete URI.
    Full = 2,
}

/// A number that says nothing about how to read an address.
#[derive(Debug, thiserror::Error)]
#[error("unknown address type {0}")]
pub(crate) struct UnknownAddressType(i32);

/// What the address of an entry means in `namespace`.
pub(crate) fn from_entry(
    namespace: &StorageNamespace,
    address: &str,
    address_type: i32,
) -> Result<Address, UnknownAddressType> {
    let kinds = [AddressKind::ByPrefix, AddressKind::Relative, AddressKind::Full];
    let kind = kinds.into_iter().find(|kind| *kind as i32 == address_type);
    let is_full = match kind.ok_or(UnknownAddressType(address_type))? {
        AddressKind::ByPrefix => has_scheme(address),
        AddressKind::Relative => false,
        AddressKind::Full => true,
    };
    Ok(if is_full { Address::Full(address.into()) } else { Address::relative(namespace, address) })
}

/// How `address` is written into an entry: text and type.
pub(crate) fn to_entry(address: &Address, blocks: &dyn BlockStore) -> (String, i32) {
    match address {
        Address::Relative { name, .. } if is_data(name) => {
            (name.as_ref().to_owned(), AddressKind::Relative as i32)
        }
        Address::Relative { .. } => (blocks.physical_address(address), AddressKind::Full as i32),
        Address::Full(uri) => (uri.as_ref().to_owned(), AddressKind::Full as i32),
    }
}

/// The address of an object as clients see it.
///
/// Clients of the local store know full addresses as the block folder with the whole path after it,
/// where there is no such file: `local://<block folder>/srv/import/x`. [`parse_shown`] understands it.
pub(crate) fn shown(
    blocks: &dyn BlockStore,
    namespace: &StorageNamespace,
    address: &Address,
) -> String {
    let physical = blocks.physical_address(address);
    let Address::Full(_) = address else { return physical };
    match (physical.strip_prefix(LOCAL), block_folder(blocks, namespace)) {
        (Some(path), Some(folder)) if path.starts_with('/') => [&folder, path].concat(),
        _ => physical,
    }
}

/// What a client means by an address that it was shown, or made by itself.
pub(crate) fn parse_shown(
    blocks: &dyn BlockStore,
    namespace: &StorageNamespace,
    physical: &str,
) -> Result<Address, BlockError> {
    let folder = block_folder(blocks, namespace);
    let path = folder.and_then(|folder| physical.strip_prefix(&*folder));
    let full = path.filter(|path| path.starts_with('/'));
    let full = full.and_then(|path| blocks.parse_physical(namespace, &[LOCAL, path].concat()).ok());
    // No path of the block folder is at the same time one that may be named in full.
    full.map_or_else(|| blocks.parse_physical(namespace, physical), Ok)
}

/// `local://` and the path of the block folder; `None` where the store is no folder.
fn block_folder(blocks: &dyn BlockStore, namespace: &StorageNamespace) -> Option<String> {
    let below = blocks.physical_address(&Address::relative(namespace, ""));
    let folder = below.strip_suffix(&format!("/{}/", namespace.path()))?;
    folder.strip_prefix(LOCAL)?.starts_with('/').then(|| folder.to_owned())
}

/// Whether a name below a namespace is one of object data.
pub(crate) fn is_data(name: &str) -> bool {
    name.starts_with(DATA)
}

fn has_scheme(address: &str) -> bool {
    let Some((scheme, _)) = address.split_once("://") else { return false };
    let is_scheme_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(is_scheme_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition_of(name: &str) -> Xid {
        let parts: Vec<&str> = name.split('/').collect();
        assert_eq!((parts.len(), parts[0]), (3, "data"), "{name}");
        Xid::parse(parts[1]).expect("a partition is an xid")
    }

    #[test]
    fn a_name_carries_its_time_and_its_partition_counts_down() {
        let (runtime, _) = Runtime::seeded(1);
        let name = Namer::new(&runtime).next_name();

        let id = Xid::parse(name.rsplit('/').next().expect("has parts")).expect("an xid");
        assert_eq!(id.seconds(), 1_700_000_000);
        // 64060588800 - 1700000000, modulo 2^32.
        assert_eq!(partition_of(&name).seconds(), 2_231_046_656);
    }

    #[test]
    fn a_partition_is_renewed_after_an_hour_and_the_newer_sorts_first() {
        let (runtime, clock) = Runtime::seeded(1);
        let namer = Namer::new(&runtime);
        let first = partition_of(&namer.next_name());
        clock.advance(PARTITION_AGE - Duration::from_secs(1));
        assert_eq!(partition_of(&namer.next_name()), first);
        clock.advance(Duration::from_secs(1));
        assert!(partition_of(&namer.next_name()) < first);
    }

    #[test]
    fn a_partition_takes_50_000_names() {
        let (runtime, _) = Runtime::seeded(1);
        let namer = Namer::new(&runtime);
        let first = partition_of(&namer.next_name());
        let mut last = first;
        for _ in 1..PARTITION_NAMES {
            last = partition_of(&namer.next_name());
        }
        assert_eq!(last, first);
        assert_ne!(partition_of(&namer.next_name()), first);
    }

    #[test]
    fn threads_never_get_the_same_name() {
        let (runtime, _) = Runtime::seeded(1);
        let namer = Namer::new(&runtime);
        let take = || (0..1_000).map(|_| namer.next_name()).collect::<Vec<_>>();
        let mut names = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            let taken = threads.into_iter().map(|thread| thread.join().expect("no panic"));
            taken.collect::<Vec<_>>().concat()
        });
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 4_000);
    }

    #[test]
    fn an_address_without_type_is_read_by_its_look() {
        let namespace = StorageNamespace::from_stored("s3://lake/x");
        let read = |address, kind| from_entry(&namespace, address, kind).expect("known type");
        assert_eq!(read("s3://b/k", 0), Address::Full("s3://b/k".into()));
        assert_eq!(read("0a1b2c", 0), Address::relative(&namespace, "0a1b2c"));
        assert_eq!(read("a/b://c", 0), Address::relative(&namespace, "a/b://c"));
        assert_eq!(read("s3://b/k", 1), Address::relative(&namespace, "s3://b/k"));
        assert_eq!(read("data/x", 2), Address::Full("data/x".into()));
        assert!(from_entry(&namespace, "data/x", 3).is_err());
    }
}
