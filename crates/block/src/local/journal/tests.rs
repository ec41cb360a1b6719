//! What the journal does when its files fail.

use super::*;

use std::fs;
use std::fs::OpenOptions;
use std::path::Path;

use tempfile::TempDir;

struct Fixture {
    home: TempDir,
    journal: Arc<Journal>,
}

impl Fixture {
    fn with(tuning: Tuning) -> Self {
        let home = tempfile::tempdir().unwrap();
        for folder in ["root", "journal"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        let journal = open(home.path(), tuning).unwrap();
        Self { home, journal }
    }

    /// A journal that is written out only when it is told to.
    fn new() -> Self {
        let segment_age = std::time::Duration::from_secs(1_000_000);
        Self::with(Tuning { segment_age, ..Tuning::default() })
    }

    async fn put(&self, place: &str) -> bool {
        self.journal.prepare(place).await.unwrap();
        self.journal.put(place.into(), Bytes::copy_from_slice(place.as_bytes())).await
    }

    /// Lets the current segment write to `path` from now on.
    async fn redirect(&self, path: &Path) {
        // Puts are answered just before the flush gives the segment back.
        for _ in 0..10_000 {
            if self.journal.change(|state| !state.flushing) {
                break;
            }
            Runtime::real().sleep(std::time::Duration::from_millis(1)).await;
        }
        let file = OpenOptions::new().read(true).write(path == Path::new("/dev/full")).open(path);
        let file = file.unwrap();
        self.journal.change(|state| state.current.as_mut().unwrap().replace_file(file));
    }

    fn file(&self, place: &str) -> Option<Vec<u8>> {
        fs::read(self.home.path().join("root").join(place)).ok()
    }
}

fn open(home: &Path, tuning: Tuning) -> Result<Arc<Journal>, Error> {
    let root = home.join("root");
    let folder = home.join("journal");
    Journal::open(Opening {
        aside: Arc::new(Aside::new(folder.join("tmp"))),
        folder,
        directories: Arc::new(Directories::new(root.clone())),
        root,
        runtime: Runtime::real(),
        tuning,
    })
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_says_so_and_keeps_what_it_has() {
    let fixture = Fixture::new();
    assert!(fixture.put("a/1").await);
    fixture.redirect(Path::new("/dev/null")).await;

    assert!(!fixture.put("a/2").await);
    assert!(!fixture.put("a/3").await, "it stays unused");

    assert_eq!(fixture.journal.head("a/2"), None);
    fixture.journal.drain().await.unwrap();
    assert_eq!(fixture.file("a/1").unwrap(), b"a/1");
    assert_eq!(fixture.file("a/2"), None);
}

#[tokio::test]
async fn a_full_disk_under_the_journal_sends_bodies_their_own_way() {
    let fixture = Fixture::new();
    assert!(fixture.put("a/1").await);
    fixture.redirect(Path::new("/dev/full")).await;
    assert!(!fixture.put("a/2").await);
    fixture.journal.drain().await.unwrap();
    assert_eq!(fixture.file("a/1").unwrap(), b"a/1");
}

#[tokio::test]
async fn a_body_that_finds_no_place_stays_readable_until_it_does() {
    let fixture = Fixture::new();
    assert!(fixture.put("a/1").await);
    assert!(fixture.put("a/2").await);
    // Somebody else put a file where the folder was.
    let folder = fixture.home.path().join("root/a");
    fs::remove_dir(&folder).unwrap();
    fs::write(&folder, "in the way").unwrap();

    let refused = fixture.journal.drain().await;

    assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
    assert_eq!(fixture.journal.find("a/1").unwrap().0, "a/1");
    fs::remove_file(&folder).unwrap();
    fixture.journal.drain().await.unwrap();
    assert_eq!(fixture.file("a/1").unwrap(), b"a/1");
    assert_eq!(fixture.file("a/2").unwrap(), b"a/2");
    assert_eq!(fixture.journal.head("a/1"), None);
}

/// Puts neither wait for ever nor are lost when segments can no longer be written out.
#[tokio::test]
async fn a_journal_that_is_full_and_stuck_refuses_more() {
    let tuning = Tuning { segment_entries: 1, segments: 2, ..Tuning::default() };
    let fixture = Fixture::with(tuning);
    fixture.journal.prepare("a/0").await.unwrap();
    let folder = fixture.home.path().join("root/a");
    fs::remove_dir(&folder).unwrap();
    fs::write(&folder, "in the way").unwrap();
    let mut taken = 0;
    for number in 0..10 {
        let place: Arc<str> = format!("a/{number}").into();
        taken += usize::from(fixture.journal.put(place, Bytes::from("body")).await);
    }
    assert_eq!(taken, 2);
    fs::remove_file(&folder).unwrap();
    fixture.journal.drain().await.unwrap();
    assert_eq!(fixture.file("a/0").unwrap(), b"body");
    assert!(fixture.put("a/11").await, "it takes bodies again");
}

#[tokio::test]
async fn a_put_dropped_while_it_waits_is_not_seen() {
    let fixture = Fixture::new();
    fixture.journal.prepare("a/1").await.unwrap();
    for number in 0..50 {
        let place: Arc<str> = format!("a/{number}").into();
        let put = Box::pin(fixture.journal.put(place.clone(), Bytes::from("body")));
        assert!(futures::poll!(put).is_pending());
        assert_eq!(fixture.journal.head(&place), None);
    }
    fixture.journal.drain().await.unwrap();
    assert!((0..50).all(|number| fixture.file(&format!("a/{number}")).is_none()));
}

#[tokio::test]
async fn of_two_puts_to_one_place_the_dropped_one_takes_nothing_from_the_other() {
    let fixture = Fixture::new();
    assert!(fixture.put("a/1").await);
    for _ in 0..20 {
        let put = Box::pin(fixture.journal.put("a/1".into(), Bytes::from("a/1")));
        assert!(futures::poll!(put).is_pending());
    }
    assert!(fixture.put("a/2").await);
    assert_eq!(fixture.journal.find("a/1").unwrap().0, "a/1");
    fixture.journal.drain().await.unwrap();
    assert_eq!(fixture.file("a/1").unwrap(), b"a/1");
}

#[tokio::test]
async fn a_segment_is_written_out_when_it_is_old() {
    let home = tempfile::tempdir().unwrap();
    for folder in ["root", "journal"] {
        fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    let (runtime, clock) = Runtime::seeded(1);
    let root = home.path().join("root");
    let folder = home.path().join("journal");
    let journal = Journal::open(Opening {
        aside: Arc::new(Aside::new(folder.join("tmp"))),
        folder,
        directories: Arc::new(Directories::new(root.clone())),
        root: root.clone(),
        runtime: runtime.clone(),
        tuning: Tuning::default(),
    });
    let journal = journal.unwrap();
    journal.prepare("a/1").await.unwrap();
    assert!(journal.put("a/1".into(), Bytes::from("body")).await);
    assert!(!root.join("a/1").exists());

    clock.advance(Tuning::default().segment_age);

    for _ in 0..10_000 {
        if journal.head("a/1").is_none() {
            break;
        }
        Runtime::real().sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(journal.head("a/1"), None);
    assert_eq!(fs::read(root.join("a/1")).unwrap(), b"body");
}
