//! Installations in use: what changes while it is looked at is no finding.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt as _;
use lakehold_catalog::RepositoryId;
use lakehold_doctor::Options;
use lakehold_doctor::Severity;
use lakehold_kv::Error;
use lakehold_kv::MemStore;
use lakehold_kv::Outcome;
use lakehold_kv::Ownership;
use lakehold_kv::PartitionPage;
use lakehold_kv::ScanPage;
use lakehold_kv::Store;
use lakehold_kv::Versioned;
use lakehold_kv::Write;

use crate::lake::Lake;

/// What somebody else does.
type Act = Box<dyn FnOnce() + Send>;

/// A store on which somebody does something right after a partition was first scanned.
struct Meddling {
    inner: MemStore,
    partition: Bytes,
    act: Mutex<Option<Act>>,
}

impl fmt::Debug for Meddling {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Meddling").finish_non_exhaustive()
    }
}

impl Meddling {
    fn after_scan_of(lake: &Lake, partition: Bytes, act: impl FnOnce() + Send + 'static) -> Self {
        Self { inner: lake.kv.clone(), partition, act: Mutex::new(Some(Box::new(act))) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Meddling {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    async fn get(&self, partition: Bytes, key: Bytes) -> Result<Option<Versioned>, Error> {
        self.inner.get(partition, key).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, Error> {
        self.inner.write(writes).await
    }

    async fn scan(&self, partition: Bytes, from: Bytes, limit: usize) -> Result<ScanPage, Error> {
        let page = self.inner.scan(partition.clone(), from, limit).await;
        let act =
            if partition == self.partition { self.act.lock().expect("whole").take() } else { None };
        if let Some(act) = act {
            act();
        }
        page
    }

    async fn partitions(&self, from: Bytes, limit: usize) -> Result<PartitionPage, Error> {
        self.inner.partitions(from, limit).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

/// Examines `lake` while `act` happens right after the scan of `partition`.
async fn examine_while(lake: &Lake, partition: Bytes, act: impl FnOnce() + Send + 'static) {
    let store = Arc::new(Meddling::after_scan_of(lake, partition, act));
    let report = lake.examine_through(store.clone(), Options::default()).await;
    assert!(store.act.lock().expect("whole").is_none(), "it was done");
    assert!(report.findings.is_empty(), "{report}");
}

fn now<T>(done: impl Future<Output = T>) -> T {
    done.now_or_never().expect("memory does not wait")
}

/// The same lake, for somebody else.
fn other(lake: &Lake) -> Lake {
    Lake {
        kv: lake.kv.clone(),
        blocks: lake.blocks.clone(),
        catalog: lake.catalog.clone(),
        engine: lake.engine.clone(),
        runtime: lake.runtime.clone(),
        clock: lake.clock.clone(),
        id: lake.id.clone(),
    }
}

#[tokio::test]
async fn a_staged_change_that_was_taken_back_with_its_bytes_is_no_finding() {
    let lake = Lake::filled().await;
    let token = lake.staging_token("dev").await;
    let address = lake.upload("dev", "passing", "by").await;
    let somebody = other(&lake);
    let partition = token.clone();
    examine_while(&lake, token, move || {
        now(somebody.delete(&partition, "passing"));
        now(somebody.lose(&address));
    })
    .await;
}

#[tokio::test]
async fn a_branch_and_a_tag_that_are_gone_by_now_are_no_findings() {
    let lake = Lake::filled().await;
    let head = lake.commit_at("dev").await.id.to_string();
    let nowhere = "0".repeat(64);
    lake.replace("branches/dev", &head, &nowhere).await;
    let head = lake.commit_at("v1").await.id.to_string();
    lake.replace("tags/v1", &head, &nowhere).await;
    let partition = lake.partition().await;
    let (somebody, records) = (other(&lake), partition.clone());
    examine_while(&lake, partition, move || {
        now(somebody.delete(&records, "branches/dev"));
        now(somebody.delete(&records, "tags/v1"));
    })
    .await;
}

#[tokio::test]
async fn a_branch_that_moved_to_a_commit_made_meanwhile_is_no_finding() {
    let lake = Lake::filled().await;
    let somebody = other(&lake);
    let act = move || {
        // Commits run in tasks of their own; the test's threads go on with them.
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let made = std::thread::spawn(move || {
            runtime.block_on(async {
                somebody.upload("dev", "meanwhile", "made").await;
                somebody.commit("dev", "meanwhile").await;
                somebody.tag("v2", "dev").await;
                somebody.branch("fresh", "dev").await;
                somebody.upload("fresh", "staged", "afresh").await;
            });
        });
        made.join().expect("done");
    };
    examine_while(&lake, lake.partition().await, act).await;
}

#[tokio::test]
async fn a_repository_that_was_deleted_meanwhile_gives_no_findings() {
    let lake = Lake::filled().await;
    let head = lake.commit_at("dev").await.id.to_string();
    lake.replace("branches/dev", &head, &"0".repeat(64)).await;
    let token = lake.staging_token("main").await;
    let somebody = other(&lake);
    let act = move || {
        now(somebody.delete(b"graveler", "repos/lake"));
    };
    let store = Arc::new(Meddling::after_scan_of(&lake, token, act));
    let report = lake.examine_through(store, Options::default()).await;
    assert!(report.worst().is_none_or(|worst| worst == Severity::Info), "{report}");
}

/// Writers, committers and mergers go on while the doctor looks again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_installation_is_healthy_all_the_time() {
    let lake = Arc::new(Lake::over(MemStore::shared()));
    lake.create("lake").await;
    lake.upload("main", "first", "first").await;
    lake.commit("main", "first").await;
    lake.branch("dev", "main").await;
    let writer = |branch: &'static str| {
        let (writer, (tell, done)) = (lake.clone(), tokio::sync::oneshot::channel());
        lake.runtime.spawn("writer", async move {
            let lake = writer;
            for round in 0..30 {
                lake.upload(branch, &format!("{branch}/{}", round % 7), &round.to_string()).await;
                lake.upload(branch, "shared", &format!("{branch} {round}")).await;
                if round % 3 == 2 {
                    lake.commit(branch, "some").await;
                }
                let passing = format!("{branch}-passing-{round}");
                lake.branch(&passing, branch).await;
                lake.upload(&passing, "x", "x").await;
                let repository = RepositoryId::parse("lake").expect("valid");
                let gone = crate::lake::branch(&passing);
                lake.catalog.delete_branch(&repository, &gone, false).await.expect("deleted");
            }
            tell.send(()).expect("the test waits");
        });
        done
    };
    let examiner = async {
        for _ in 0..25 {
            let report = lake.examine().await;
            let worst = report.worst();
            assert!(worst.is_none_or(|worst| worst == Severity::Info), "{report}");
            tokio::task::yield_now().await;
        }
    };
    let writers = [writer("main"), writer("dev")];
    examiner.await;
    for writer in writers {
        writer.await.expect("it wrote all");
    }
    let report = lake.examine_deep().await;
    assert!(report.errors + report.warnings == 0, "{report}");
}
