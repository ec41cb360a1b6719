//! What the cache keeps, and that it costs nothing but speed when it cannot.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::Body;
use lakehold_block::CacheSettings;
use lakehold_block::CachedBlockStore;
use lakehold_block::Error;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_block::faults::FailingBlockStore;
use lakehold_clock::Runtime;
use tempfile::TempDir;

const ROOM: u64 = 1 << 20;

/// A store with objects, and a folder for its cache.
struct Lake {
    home: TempDir,
    inner: Arc<FailingBlockStore>,
}

impl Lake {
    async fn with(names: &[&str], size: usize) -> Self {
        let inner = Arc::new(FailingBlockStore::new(Arc::new(MemBlockStore::new())));
        for name in names {
            inner.put(&address(name), body(name, size).into()).await.expect("put");
        }
        Self { home: tempfile::tempdir().expect("a folder"), inner }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("cache")
    }

    async fn open(&self, capacity_bytes: u64) -> CachedBlockStore {
        let settings = CacheSettings { folder: self.folder(), capacity_bytes };
        let chosen = |address: &Address| address.to_string().contains("/_lakefs/");
        CachedBlockStore::open(self.inner.clone(), settings, chosen, Runtime::real())
            .await
            .expect("open")
    }

    /// The files of the cache with their lengths.
    fn files(&self) -> Vec<(PathBuf, u64)> {
        let entries = fs::read_dir(self.folder()).expect("a folder").map(|entry| {
            let entry = entry.expect("an entry");
            (entry.path(), entry.metadata().expect("a file").len())
        });
        entries.collect()
    }

    /// How often the store was asked while `work` was done.
    async fn calls<T>(&self, work: impl Future<Output = T>) -> (T, u64) {
        let before = self.inner.calls();
        let done = work.await;
        (done, self.inner.calls() - before)
    }
}

fn address(name: &str) -> Address {
    Address::relative(&StorageNamespace::from_stored("mem://lake/main"), name)
}

fn body(name: &str, size: usize) -> Bytes {
    name.bytes().cycle().take(size).collect()
}

async fn read(store: &CachedBlockStore, name: &str) -> Bytes {
    let body = store.get(&address(name), None).await.expect("get");
    body.collect(usize::MAX).await.expect("read")
}

#[tokio::test]
async fn what_is_chosen_is_fetched_once_and_the_rest_each_time() {
    let names = ["_lakefs/range", "data/object"];
    let lake = Lake::with(&names, 1_000).await;
    let store = lake.open(ROOM).await;
    for (name, calls) in [(names[0], 1), (names[0], 0), (names[1], 1), (names[1], 1)] {
        let (found, asked) = lake.calls(read(&store, name)).await;
        assert_eq!(found, body(name, 1_000));
        assert_eq!(asked, calls, "{name}");
    }
    let part = store.get(&address(names[0]), Some(10..20)).await.expect("get");
    assert_eq!(part.collect(10).await.expect("read"), body(names[0], 1_000)[10..20]);
    let beyond = store.get(&address(names[0]), Some(10..1_001)).await;
    assert!(matches!(beyond, Err(Error::Corrupt { .. })), "{beyond:?}");
}

#[tokio::test]
async fn however_many_ask_it_is_fetched_once() {
    let lake = Lake::with(&["_lakefs/range"], 100_000).await;
    let store = lake.open(ROOM).await;
    let asking = join_all((0..50).map(|_| read(&store, "_lakefs/range")));
    let (found, asked) = lake.calls(asking).await;
    assert!(found.iter().all(|found| *found == body("_lakefs/range", 100_000)));
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn the_next_process_finds_what_was_kept() {
    let lake = Lake::with(&["_lakefs/a", "_lakefs/b"], 5_000).await;
    read(&lake.open(ROOM).await, "_lakefs/a").await;
    let store = lake.open(ROOM).await;
    let (found, asked) = lake.calls(read(&store, "_lakefs/a")).await;
    assert_eq!((found, asked), (body("_lakefs/a", 5_000), 0));
}

#[tokio::test]
async fn what_was_just_stored_need_not_be_fetched() {
    let lake = Lake::with(&[], 0).await;
    let store = lake.open(ROOM).await;
    let bytes = body("_lakefs/new", 5_000);
    store.put(&address("_lakefs/new"), bytes.clone().into()).await.expect("put");
    let (found, asked) = lake.calls(read(&store, "_lakefs/new")).await;
    assert_eq!((found, asked), (bytes, 0));
}

#[tokio::test]
async fn whether_something_is_there_the_store_says() {
    let lake = Lake::with(&["_lakefs/range"], 100).await;
    let store = lake.open(ROOM).await;
    read(&store, "_lakefs/range").await;
    lake.inner.delete(&address("_lakefs/range")).await.expect("delete");
    assert_eq!(store.head(&address("_lakefs/range")).await.expect("head"), None);

    store.delete(&address("_lakefs/range")).await.expect("delete");
    let gone = store.get(&address("_lakefs/range"), None).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
    assert!(lake.files().is_empty());
}

#[tokio::test]
async fn the_folder_stays_within_its_bounds_and_keeps_what_is_used() {
    let names: Vec<String> = (0..40).map(|number| format!("_lakefs/{number:02}")).collect();
    let texts: Vec<&str> = names.iter().map(String::as_str).collect();
    let lake = Lake::with(&texts, 10_000).await;
    let room = 100 << 10;
    let store = lake.open(room).await;
    for name in &texts {
        read(&store, name).await;
        read(&store, texts[0]).await;
        let used: u64 = lake.files().iter().map(|(_, length)| length).sum();
        assert!(used <= room, "{used} bytes after {name}");
    }
    assert!(lake.files().len() >= 8);
    assert_eq!(lake.calls(read(&store, texts[0])).await.1, 0, "it was used all the time");
    assert_eq!(lake.calls(read(&store, texts[39])).await.1, 0, "it was used last");
    assert_eq!(lake.calls(read(&store, texts[1])).await.1, 1, "it had to make room");

    drop(store);
    let smaller = lake.open(30 << 10).await;
    assert!(lake.files().len() <= 3);
    assert_eq!(read(&smaller, texts[5]).await, body(texts[5], 10_000));
}

#[tokio::test]
async fn a_damaged_file_is_dropped_and_fetched_again() {
    let lake = Lake::with(&["_lakefs/range"], 1_000).await;
    let store = lake.open(ROOM).await;
    read(&store, "_lakefs/range").await;
    let (path, length) = lake.files().remove(0);
    let whole = fs::read(&path).expect("read");
    for place in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        fs::write(&path, &flipped).expect("write");
        let (found, asked) = lake.calls(read(&store, "_lakefs/range")).await;
        assert_eq!((found, asked), (body("_lakefs/range", 1_000), 1), "byte {place}");
        assert_eq!(fs::metadata(&path).expect("a file").len(), length);
    }
}

/// What a process that was killed, or a power cut, leaves.
#[tokio::test]
async fn half_written_files_do_no_harm() {
    let lake = Lake::with(&["_lakefs/a", "_lakefs/b"], 1_000).await;
    let store = lake.open(ROOM).await;
    read(&store, "_lakefs/a").await;
    let (path, _) = lake.files().remove(0);
    drop(store);
    fs::write(&path, b"").expect("write");
    fs::write(lake.folder().join("aside-0123"), b"half").expect("write");
    fs::write(lake.folder().join("not ours"), b"something else").expect("write");

    let store = lake.open(ROOM).await;

    assert_eq!(read(&store, "_lakefs/a").await, body("_lakefs/a", 1_000));
    assert!(!lake.folder().join("aside-0123").exists());
    assert!(lake.folder().join("not ours").exists());
    assert_eq!(lake.calls(read(&store, "_lakefs/a")).await.1, 0);
}

#[tokio::test]
async fn without_its_folder_it_passes_everything_through() {
    let lake = Lake::with(&["_lakefs/a", "_lakefs/b"], 1_000).await;
    let store = lake.open(ROOM).await;
    read(&store, "_lakefs/a").await;
    fs::remove_dir_all(lake.folder()).expect("remove");
    fs::write(lake.folder(), b"in the way").expect("write");
    for _ in 0..2 {
        for name in ["_lakefs/a", "_lakefs/b"] {
            let (found, asked) = lake.calls(read(&store, name)).await;
            assert_eq!((found, asked), (body(name, 1_000), 1), "{name}");
        }
    }
    let bytes = body("_lakefs/new", 10);
    store.put(&address("_lakefs/new"), bytes.clone().into()).await.expect("put");
    assert_eq!(read(&store, "_lakefs/new").await, bytes);
}

#[tokio::test]
async fn a_fetch_that_fails_is_told_and_not_remembered() {
    let lake = Lake::with(&["_lakefs/range"], 1_000).await;
    let store = lake.open(ROOM).await;
    lake.inner.fail_nth(1);
    let place = address("_lakefs/range");
    let failed = store.get(&place, None).await;
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
    assert_eq!(read(&store, "_lakefs/range").await, body("_lakefs/range", 1_000));
    let never = store.get(&address("_lakefs/never"), None).await;
    assert!(matches!(never, Err(Error::NotFound(_))), "{never:?}");
}

#[tokio::test]
async fn what_is_too_long_is_not_kept() {
    let lake = Lake::with(&["_lakefs/long"], 300 << 10).await;
    let store = lake.open(ROOM).await;
    for _ in 0..2 {
        assert_eq!(read(&store, "_lakefs/long").await, body("_lakefs/long", 300 << 10));
    }
    let whole = Body::Whole(body("_lakefs/put", 300 << 10));
    store.put(&address("_lakefs/put"), whole).await.expect("put");
    assert!(lake.files().is_empty());
}
