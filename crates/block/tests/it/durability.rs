//! What a store has acknowledged is there when the next process opens it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::Body;
use lakehold_block::Error;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_block::StorageNamespace;
use lakehold_block::Tuning;
use lakehold_clock::Runtime;
use tempfile::TempDir;

const NAMESPACE: &str = "local://lakes/sales";

/// How many milliseconds to wait for what happens at once on an idle machine.
const MAX_WAITS: usize = 10_000;

const READABLE: &str = "what the store left can be read";

/// A data directory whose journal is written out only when it is told to.
struct Lake {
    home: TempDir,
}

impl Lake {
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder") }
    }

    async fn try_open(&self) -> Result<LocalBlockStore, Error> {
        let segment_age = Duration::from_secs(1_000_000);
        let tuning = Tuning { segment_age, ..Tuning::default() };
        let settings = LocalSettings { tuning, ..LocalSettings::in_data_dir(self.home.path()) };
        LocalBlockStore::open(settings, Runtime::real()).await
    }

    async fn open(&self) -> LocalBlockStore {
        self.try_open().await.expect("open")
    }

    fn journal(&self) -> PathBuf {
        self.home.path().join("block-journal")
    }

    fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.journal())
            .expect(READABLE)
            .map(|entry| entry.expect(READABLE).path());
        let mut segments: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|end| end == "journal")).collect();
        segments.sort();
        segments
    }

    /// The plain files below the root, by their paths from there.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let root = self.home.path().join("block");
        let mut files = BTreeMap::new();
        collect(&root, &root, &mut files);
        files
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect(READABLE) {
        let path = entry.expect(READABLE).path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name =
                path.strip_prefix(root).expect(READABLE).to_str().expect(READABLE).to_owned();
            files.insert(name, fs::read(&path).expect(READABLE));
        }
    }
}

fn address(name: &str) -> Address {
    Address::relative(&StorageNamespace::parse(NAMESPACE).expect(READABLE), name)
}

async fn put(store: &LocalBlockStore, name: &str, body: impl Into<Bytes>) {
    store.put(&address(name), body.into().into()).await.expect(READABLE);
}

async fn get(store: &LocalBlockStore, name: &str) -> Option<Bytes> {
    match store.get(&address(name), None).await {
        Ok(body) => Some(body.collect(usize::MAX).await.expect(READABLE)),
        Err(error) => {
            assert!(matches!(error, Error::NotFound(_)), "{name}: {error}");
            None
        }
    }
}

#[tokio::test]
async fn a_store_that_was_dropped_without_closing_lost_nothing() {
    let lake = Lake::new();
    let store = lake.open().await;
    for number in 0..100 {
        put(&store, &format!("data/x/{number}"), vec![number; usize::from(number) * 50]).await;
    }
    put(&store, "data/x/big", vec![5; 300_000]).await;
    drop(store);
    assert_eq!(lake.files().len(), 1, "only the big one is in its place");

    let store = lake.open().await;

    for number in 0..100 {
        let body = get(&store, &format!("data/x/{number}")).await.expect("was put");
        assert_eq!(body, vec![number; usize::from(number) * 50]);
    }
    assert_eq!(lake.files().len(), 101);
    assert!(lake.segments().is_empty());
}

#[tokio::test]
async fn closing_leaves_plain_files_and_an_empty_journal() {
    let lake = Lake::new();
    let store = lake.open().await;
    put(&store, "data/x/1", "one").await;
    put(&store, "_lakefs/2", "two").await;
    assert!(lake.files().is_empty());
    assert_eq!(lake.segments().len(), 1);

    store.close().await.unwrap();

    let expected = [("lakes/sales/_lakefs/2", "two"), ("lakes/sales/data/x/1", "one")];
    let expected = expected.map(|(name, body)| (name.to_owned(), body.as_bytes().to_vec()));
    assert_eq!(lake.files(), BTreeMap::from(expected));
    assert!(lake.segments().is_empty());
}

#[tokio::test]
async fn a_journal_cut_anywhere_keeps_what_came_before() {
    let lake = Lake::new();
    let store = lake.open().await;
    let mut lengths = Vec::new();
    for number in 0..4 {
        put(&store, &format!("data/x/{number}"), format!("body {number}")).await;
        lengths.push(fs::metadata(&lake.segments()[0]).unwrap().len());
    }
    drop(store);
    let segment = lake.segments().remove(0);
    let whole = fs::read(&segment).unwrap();
    // That a cut at any byte does so is shown where the bytes are read; this is about opening.
    for cut in (0..whole.len()).step_by(11).chain([whole.len()]) {
        fs::remove_dir_all(lake.home.path().join("block")).ok();
        fs::write(&segment, &whole[..cut]).unwrap();

        let store = lake.open().await;

        for (number, length) in lengths.iter().enumerate() {
            let found = get(&store, &format!("data/x/{number}")).await;
            assert_eq!(found.is_some(), *length <= cut as u64, "cut at {cut}, body {number}");
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_in_the_journal_is_told_with_its_file() {
    let lake = Lake::new();
    let store = lake.open().await;
    for number in 0..3 {
        put(&store, &format!("data/x/{number}"), format!("body {number}")).await;
    }
    drop(store);
    let segment = lake.segments().remove(0);
    let whole = fs::read(&segment).unwrap();
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << (place % 8);
        fs::write(&segment, &flipped).unwrap();
        let refused = lake.try_open().await;
        let location = match refused {
            Err(Error::Corrupt { location, .. }) => location,
            other => panic!("byte {place}: {other:?}"),
        };
        assert_eq!(location, segment.display().to_string());
    }
    assert!(lake.files().is_empty(), "nothing was put in place out of a damaged journal");
}

#[tokio::test]
async fn a_file_that_a_crash_left_half_written_is_made_whole() {
    let lake = Lake::new();
    let store = lake.open().await;
    put(&store, "data/x/1", "the whole body").await;
    drop(store);
    let place = lake.home.path().join("block/lakes/sales/data/x/1");
    fs::write(&place, "the wh").unwrap();

    let store = lake.open().await;

    assert_eq!(get(&store, "data/x/1").await.unwrap(), "the whole body");
    assert_eq!(fs::read(&place).unwrap(), b"the whole body");
}

#[tokio::test]
async fn what_was_deleted_does_not_come_back() {
    let lake = Lake::new();
    let store = lake.open().await;
    put(&store, "data/x/1", "one").await;
    put(&store, "data/x/2", "two").await;
    store.delete(&address("data/x/1")).await.unwrap();
    drop(store);

    let store = lake.open().await;

    assert_eq!(get(&store, "data/x/1").await, None);
    assert_eq!(get(&store, "data/x/2").await.unwrap(), "two");
}

#[tokio::test]
async fn what_an_interrupted_upload_left_is_removed() {
    let lake = Lake::new();
    drop(lake.open().await);
    let left = lake.journal().join("tmp/7");
    fs::write(&left, "half a body").unwrap();
    drop(lake.open().await);
    assert!(!left.exists());
}

#[tokio::test]
async fn an_upload_that_fails_or_is_dropped_leaves_nothing_aside() {
    let lake = Lake::new();
    let store = lake.open().await;
    let aside = || fs::read_dir(lake.journal().join("tmp")).unwrap().count();
    let pieces = || stream::iter((0..10).map(|_| Ok(Bytes::from(vec![1; 100_000]))));

    let wrong = store.put(&address("data/x/1"), Body::stream(Some(1_000_001), pieces())).await;
    assert!(matches!(wrong, Err(Error::Length { .. })), "{wrong:?}");
    assert_eq!(aside(), 0);

    let endless = Body::stream(None, pieces().chain(stream::pending()));
    let to = address("data/x/2");
    let mut put = Box::pin(store.put(&to, endless));
    for _ in 0..MAX_WAITS {
        assert!(futures::poll!(put.as_mut()).is_pending());
        if aside() > 0 {
            break;
        }
        Runtime::real().sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(aside(), 1);
    drop(put);
    for _ in 0..MAX_WAITS {
        if aside() == 0 {
            break;
        }
        Runtime::real().sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(aside(), 0);
    assert!(lake.files().is_empty());
}

#[tokio::test]
async fn two_stores_do_not_share_a_journal() {
    let lake = Lake::new();
    let _store = lake.open().await;
    let refused = lake.try_open().await;
    assert!(
        matches!(&refused, Err(Error::Io { location, .. })
        if *location == lake.journal().display().to_string()),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_journal_inside_the_block_folder_is_refused() {
    let lake = Lake::new();
    let mut settings = LocalSettings::in_data_dir(lake.home.path());
    settings.journal = settings.root.join("journal");
    let refused = LocalBlockStore::open(settings, Runtime::real()).await;
    assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_file_in_the_way_is_an_error_that_names_it() {
    let lake = Lake::new();
    let store = lake.open().await;
    put(&store, "data/x", "a file, still in the journal").await;
    let below = store.put(&address("data/x/y"), Bytes::from("y").into()).await;
    assert!(
        matches!(&below, Err(Error::Io { location, .. })
        if location.ends_with("block/lakes/sales/data/x")),
        "{below:?}"
    );
    store.close().await.unwrap();
    let below = store.put(&address("data/x/y"), Bytes::from("y").into()).await;
    assert!(matches!(below, Err(Error::Io { .. })), "{below:?}");
    put(&store, "data/folder/y", "y").await;
    let above = store.put(&address("data/folder"), Bytes::from("x").into()).await;
    assert!(matches!(above, Err(Error::Io { .. })), "{above:?}");
    store.close().await.expect("nothing that was refused is in the way");
}

#[tokio::test]
async fn files_outside_are_read_where_that_is_allowed_and_never_written() {
    let lake = Lake::new();
    let outside = tempfile::tempdir().unwrap();
    let allowed = outside.path().join("import");
    fs::create_dir_all(&allowed).unwrap();
    fs::create_dir_all(outside.path().join("import-not")).unwrap();
    fs::write(allowed.join("a"), "outside").unwrap();
    fs::write(outside.path().join("import-not/a"), "outside").unwrap();
    let mut settings = LocalSettings::in_data_dir(lake.home.path());
    settings.allowed_external_prefixes = vec![allowed.clone()];
    let store = LocalBlockStore::open(settings, Runtime::real()).await.unwrap();
    let full = |path: &Path| Address::Full(format!("local://{}", path.display()).into());

    let read = store.get(&full(&allowed.join("a")), None).await.unwrap();
    assert_eq!(read.collect(100).await.unwrap(), "outside");
    let forbidden = store.get(&full(&outside.path().join("import-not/a")), None).await;
    assert!(matches!(forbidden, Err(Error::Forbidden(_))), "{forbidden:?}");
    let written = store.put(&full(&allowed.join("b")), Bytes::from("b").into()).await;
    assert!(matches!(written, Err(Error::NotSupported(_))), "{written:?}");
    let removed = store.delete(&full(&allowed.join("a"))).await;
    assert!(matches!(removed, Err(Error::NotSupported(_))), "{removed:?}");
    store.copy(&full(&allowed.join("a")), &address("data/x/copy")).await.unwrap();
    assert_eq!(get(&store, "data/x/copy").await.unwrap(), "outside");
}

#[tokio::test]
async fn a_file_cut_while_it_is_read_ends_in_an_error() {
    let lake = Lake::new();
    let store = lake.open().await;
    put(&store, "data/x/big", vec![1; 2_000_000]).await;
    let body = store.get(&address("data/x/big"), None).await.unwrap();
    let path = lake.home.path().join("block/lakes/sales/data/x/big");
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1_000_000).unwrap();
    assert_eq!(body.length(), Some(2_000_000));
    let error = body.collect(usize::MAX).await.unwrap_err();
    assert!(error.to_string().contains("corrupt data"), "{error}");
}

#[tokio::test]
async fn deleting_the_last_object_removes_its_folders_but_not_the_root() {
    let lake = Lake::new();
    let store = lake.open().await;
    put(&store, "data/x/1", "one").await;
    store.delete(&address("data/x/1")).await.unwrap();
    assert!(!lake.home.path().join("block/lakes").exists());
    assert!(lake.home.path().join("block").exists());
    put(&store, "data/x/2", "two").await;
    store.close().await.unwrap();
    assert_eq!(lake.files().len(), 1);
}

/// A segment that is full is written out without anyone asking, and puts go on meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_journal_makes_puts_wait_and_loses_nothing() {
    let lake = Lake::new();
    let tuning = Tuning { segment_bytes: 4_000, segments: 1, waiting_kib: 8, ..Tuning::default() };
    let settings = LocalSettings { tuning, ..LocalSettings::in_data_dir(lake.home.path()) };
    let store = LocalBlockStore::open(settings, Runtime::real()).await.unwrap();
    let store = &store;
    let puts = (0..400_usize).map(|number| async move {
        put(store, &format!("data/x/{number}"), vec![1; number * 10]).await;
    });
    futures::future::join_all(puts).await;
    store.close().await.unwrap();
    assert_eq!(lake.files().len(), 400);
    assert!(lake.segments().is_empty());
}
