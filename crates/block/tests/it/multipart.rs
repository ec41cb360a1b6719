//! Uploads in parts in a directory: where their parts lie, and that they outlive the process.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::CompletedPart;
use lakehold_block::Error;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_block::MIN_PART_BYTES;
use lakehold_block::PartProblem;
use lakehold_block::StorageNamespace;
use lakehold_block::UploadId;
use lakehold_clock::Runtime;
use tempfile::TempDir;

const NAMESPACE: &str = "local://lakes/sales";

struct Lake {
    home: TempDir,
}

impl Lake {
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder") }
    }

    async fn open(&self) -> LocalBlockStore {
        let settings = LocalSettings::in_data_dir(self.home.path());
        LocalBlockStore::open(settings, Runtime::real()).await.expect("open")
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("block/lakes/sales")
    }

    /// The names of the files directly in the namespace.
    fn parts(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry"))
            .filter(|entry| entry.path().is_file())
            .map(|entry| entry.file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    }
}

fn namespace() -> StorageNamespace {
    StorageNamespace::from_stored(NAMESPACE)
}

fn address() -> Address {
    Address::relative(&namespace(), "data/x/y")
}

fn big() -> Bytes {
    Bytes::from(vec![7; MIN_PART_BYTES as usize])
}

async fn put_part(
    store: &LocalBlockStore,
    id: &UploadId,
    number: u32,
    body: impl Into<Bytes>,
) -> CompletedPart {
    let stored = store.put_part(&address(), id, number, body.into().into()).await.expect("put");
    CompletedPart { number, etag: stored.etag }
}

async fn read(store: &LocalBlockStore) -> Bytes {
    let body = store.get(&address(), None).await.expect("get");
    body.collect(usize::MAX).await.expect("read")
}

#[tokio::test]
async fn parts_lie_where_an_existing_installation_has_them() {
    let lake = Lake::new();
    let store = lake.open().await;
    let id = store.create_multipart(&address()).await.unwrap();
    assert!(id.as_str().len() == 32 && id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    put_part(&store, &id, 12, "b").await;
    let part = put_part(&store, &id, 3, "a").await;
    assert_eq!(part.etag, "0cc175b9c0f1b6a831c399e269772661", "the MD5 of `a`");
    assert_eq!(lake.parts(), [format!("{id}-00003"), format!("{id}-00012")]);
    assert_eq!(fs::read(lake.folder().join(format!("{id}-00003"))).unwrap(), b"a");
    assert!(store.list(&namespace(), "", "", 10).await.unwrap().is_empty());

    store.complete_multipart(&address(), &id, &[part]).await.unwrap();

    assert!(lake.parts().is_empty());
    assert_eq!(read(&store).await, "a");
    let uploads = lake.home.path().join("block-journal/uploads");
    assert_eq!(fs::read_dir(uploads).unwrap().count(), 0);
}

#[tokio::test]
async fn an_upload_outlives_the_process() {
    let lake = Lake::new();
    let store = lake.open().await;
    let id = store.create_multipart(&address()).await.unwrap();
    let empty = store.create_multipart(&address()).await.unwrap();
    let one = put_part(&store, &id, 1, big()).await;
    drop(store);

    let store = lake.open().await;
    assert!(store.list_parts(&address(), &empty, 0, 10).await.unwrap().is_empty());
    let listed = store.list_parts(&address(), &id, 0, 10).await.unwrap();
    assert_eq!((listed.len(), &listed[0].stored.etag), (1, &one.etag));
    assert!(store.list(&namespace(), "", "", 10).await.unwrap().is_empty());
    let two = put_part(&store, &id, 2, "end").await;
    drop(store);

    let store = lake.open().await;
    let completed = store.complete_multipart(&address(), &id, &[one, two]).await.unwrap();
    assert!(completed.etag.ends_with("-2"));
    assert_eq!(read(&store).await, [&big()[..], b"end"].concat());
    drop(store);

    let store = lake.open().await;
    let gone = store.list_parts(&address(), &id, 0, 10).await;
    assert!(matches!(gone, Err(Error::UploadNotFound(_))), "{gone:?}");
}

/// Begun by a server that keeps nothing but the parts.
#[tokio::test]
async fn an_upload_of_an_existing_installation_is_completed() {
    let lake = Lake::new();
    let store = lake.open().await;
    let id = UploadId::from_stored("0123456789abcdef0123456789abcdef");
    let unknown = store.list_parts(&address(), &id, 0, 10).await;
    assert!(matches!(unknown, Err(Error::UploadNotFound(_))), "{unknown:?}");
    fs::create_dir_all(lake.folder()).unwrap();
    fs::write(lake.folder().join(format!("{id}-00001")), big()).unwrap();
    fs::write(lake.folder().join(format!("{id}-00002")), "b").unwrap();

    let parts = store.list_parts(&address(), &id, 0, 10).await.unwrap();
    assert_eq!(parts[1].stored.etag, "92eb5ffee6ae2fec3ad71c777531578f", "the MD5 of `b`");
    let chosen: Vec<CompletedPart> = parts
        .into_iter()
        .map(|part| CompletedPart { number: part.number, etag: part.stored.etag })
        .collect();
    store.complete_multipart(&address(), &id, &chosen).await.unwrap();
    assert_eq!(read(&store).await, [&big()[..], b"b"].concat());
    assert!(lake.parts().is_empty());
}

#[tokio::test]
async fn a_part_that_was_changed_behind_our_back_is_not_taken_for_itself() {
    let lake = Lake::new();
    let store = lake.open().await;
    let id = store.create_multipart(&address()).await.unwrap();
    let part = put_part(&store, &id, 1, "as stored").await;
    fs::write(lake.folder().join(format!("{id}-00001")), "as damaged").unwrap();
    let refused = store.complete_multipart(&address(), &id, &[part]).await;
    let problem = PartProblem::Unknown;
    assert!(
        matches!(&refused, Err(Error::InvalidPart { problem: told, .. }) if *told == problem),
        "{refused:?}"
    );
    assert_eq!(store.head(&address()).await.unwrap(), None);
}

#[tokio::test]
async fn no_upload_id_leads_out_of_its_folder() {
    let lake = Lake::new();
    let store = lake.open().await;
    fs::write(lake.home.path().join("block/secret-00001"), "secret").unwrap();
    for id in ["../../secret", "..", "/etc/passwd", "0123456789ABCDEF0123456789ABCDEF", "é"] {
        let id = UploadId::from_stored(id);
        let refused = store.list_parts(&address(), &id, 0, 10).await;
        assert!(matches!(refused, Err(Error::UploadNotFound(_))), "{refused:?}");
        let refused = store.put_part(&address(), &id, 1, big().into()).await;
        assert!(matches!(refused, Err(Error::UploadNotFound(_))), "{refused:?}");
    }
}
