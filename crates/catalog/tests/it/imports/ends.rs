//! Who ends an import: a cancel, a server that stops, or itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use prost::Message as _;
use tokio::sync::Semaphore;

use lakehold_block::MemBlockStore;
use lakehold_catalog::CatalogError;
use lakehold_clock::Runtime;
use lakehold_engine::HookEvent;
use lakehold_engine::Hooks;
use lakehold_kv::StoreExt as _;
use lakehold_kv::TimestampMessage;

use super::BETWEEN_LOOKS;
use super::LOOKS;
use super::ended;
use super::import_of;
use super::object;
use super::put;
use super::start;
use super::status;
use crate::lake::Lake;
use crate::lake::NOW;
use crate::lake::repository;

const ID: &str = "dc0och1ksdudatmrt6u0";

/// Imports that run at once, and that run or wait.
const AT_ONCE: usize = 4;
const PLACES: usize = 64;

/// Lets a commit go on only when told.
#[derive(Debug)]
struct Gate(Semaphore);

#[async_trait]
impl Hooks for Gate {
    async fn before(&self, event: &HookEvent) -> Result<(), String> {
        if event.name == "pre-commit" {
            self.0.acquire().await.map_err(|closed| closed.to_string())?.forget();
        }
        Ok(())
    }

    async fn after(&self, _event: &HookEvent) {}
}

/// A lake whose imports wait in their commits, and something to import.
async fn gated() -> (Lake, Arc<Gate>) {
    let gate = Arc::new(Gate(Semaphore::new(0)));
    let make =
        |runtime| Arc::new(MemBlockStore::with_runtime(runtime).allowing_imports()) as Arc<_>;
    let lake = Lake::with_hooks(make, gate.clone());
    lake.catalog.create_repository(repository("lake", "mem://lake")).await.expect("created");
    put(&lake, "mem://source/x", "1").await;
    (lake, gate)
}

async fn begin(lake: &Lake, destination: &str) -> String {
    let paths = vec![object("mem://source/x", destination)];
    start(lake, import_of(paths)).await.expect("started")
}

/// Waits until the import makes its commit.
async fn committing(lake: &Lake, id: &str) {
    for _ in 0..LOOKS {
        if status(lake, id).await.meta_range_id.is_some() {
            return;
        }
        Runtime::real().sleep(BETWEEN_LOOKS).await;
    }
    panic!("import {id} does not come to its commit")
}

async fn cancel(lake: &Lake, id: &str) -> Result<(), CatalogError> {
    lake.catalog.cancel_import(&lake.id, id).await
}

fn is_too_late(cancelled: &Result<(), CatalogError>) -> bool {
    matches!(cancelled, Err(CatalogError::ImportCommitted(_)))
}

#[tokio::test]
async fn a_cancelled_import_makes_no_commit() {
    let (lake, gate) = gated().await;
    gate.0.add_permits(10);
    let id = begin(&lake, "x").await;
    cancel(&lake, &id).await.expect("cancelled");
    cancel(&lake, &id).await.expect("cancelled again");
    // It meets the cancel where it would begin its commit.
    for _ in 0..100 {
        Runtime::real().sleep(BETWEEN_LOOKS).await;
    }
    let told = status(&lake, &id).await;
    assert_eq!((told.completed, told.error.as_deref()), (false, Some("Canceled")));
    assert!(lake.paths().await.is_empty());
    let again = begin(&lake, "x").await;
    assert!(ended(&lake, &again).await.completed);
    assert!(is_too_late(&cancel(&lake, &again).await));
}

#[tokio::test]
async fn an_import_that_makes_its_commit_cannot_be_cancelled() {
    let (lake, gate) = gated().await;
    let id = begin(&lake, "x").await;
    committing(&lake, &id).await;
    assert!(is_too_late(&cancel(&lake, &id).await));
    // Its hook takes long; the record is kept alive.
    let before = status(&lake, &id).await.update_time;
    lake.clock.advance(Duration::from_secs(1));
    for _ in 0..LOOKS {
        if status(&lake, &id).await.update_time > before {
            break;
        }
        Runtime::real().sleep(BETWEEN_LOOKS).await;
    }
    assert!(status(&lake, &id).await.update_time > before);
    gate.0.add_permits(1);
    assert!(ended(&lake, &id).await.completed);
    assert_eq!(lake.paths().await, ["x"]);
}

#[tokio::test]
async fn imports_wait_for_their_turn_are_heard_of_and_can_be_cancelled() {
    let (lake, gate) = gated().await;
    let mut running = Vec::new();
    for number in 0..AT_ONCE {
        let id = begin(&lake, &number.to_string()).await;
        committing(&lake, &id).await;
        running.push(id);
    }
    let waiting = begin(&lake, "late").await;
    let cancelled = begin(&lake, "never").await;
    cancel(&lake, &cancelled).await.expect("cancelled");
    let before = status(&lake, &waiting).await.update_time;
    for _ in 0..LOOKS {
        lake.clock.advance(Duration::from_secs(1));
        if status(&lake, &waiting).await.update_time > before {
            break;
        }
        Runtime::real().sleep(BETWEEN_LOOKS).await;
    }
    let told = status(&lake, &waiting).await;
    assert!(told.update_time > before, "{told:?}");
    assert_eq!((told.ingested_objects, told.error), (0, None));

    gate.0.add_permits(PLACES);
    for id in running.iter().chain([&waiting]) {
        assert!(ended(&lake, id).await.completed);
    }
    assert_eq!(ended(&lake, &cancelled).await.error.as_deref(), Some("Canceled"));
    assert_eq!(lake.paths().await, ["0", "1", "2", "3", "late"]);
}

#[tokio::test]
async fn only_so_many_imports_wait() {
    let (lake, gate) = gated().await;
    let mut begun = Vec::new();
    for number in 0..PLACES {
        begun.push(begin(&lake, &number.to_string()).await);
    }
    let refused = start(&lake, import_of(vec![object("mem://source/x", "x")])).await;
    assert!(matches!(refused, Err(CatalogError::TooManyImports)), "{refused:?}");
    gate.0.add_permits(2 * PLACES);
    for id in &begun {
        assert!(ended(&lake, id).await.completed);
    }
    let next = begin(&lake, "x").await;
    assert!(ended(&lake, &next).await.completed);
}

#[tokio::test]
async fn a_server_that_stops_lets_a_commit_end_and_the_rest_be() {
    let (lake, gate) = gated().await;
    let id = begin(&lake, "x").await;
    committing(&lake, &id).await;
    for number in 1..AT_ONCE {
        committing(&lake, &begin(&lake, &number.to_string()).await).await;
    }
    let waiting = begin(&lake, "late").await;
    let release = async {
        Runtime::real().sleep(BETWEEN_LOOKS).await;
        gate.0.add_permits(PLACES);
    };
    futures::join!(lake.catalog.stop_imports(), release);
    assert!(status(&lake, &id).await.completed);
    let told = status(&lake, &waiting).await;
    assert_eq!(told.error.as_deref(), Some("interrupted, start it again"));
    assert_eq!(lake.paths().await, ["1", "2", "3", "x"]);
    let refused = start(&lake, import_of(vec![object("mem://source/x", "x")])).await;
    assert!(matches!(refused, Err(CatalogError::TooManyImports)), "{refused:?}");
}

/// One field of a record that holds bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![number << 3 | 2, u8::try_from(content.len()).expect("short")];
    all.extend_from_slice(content);
    all
}

/// Records of other servers, the last of which was killed.
#[tokio::test]
async fn what_another_server_left_can_be_cancelled_unless_its_commit_was_made() {
    let lake = super::lake().await;
    let partition = lake.catalog.repository(&lake.id).await.expect("is there").partition.clone();
    let moment = TimestampMessage { seconds: NOW - 60, nanos: 0 }.encode_to_vec();
    let killed = [field(1, ID.as_bytes()), field(3, &moment)].concat();
    let failed = [&killed[..], &field(7, b"why")].concat();
    let completed = [&killed[..], b"\x10\x01"].concat();
    let committing = [&killed[..], &field(5, b"tree")].concat();
    let unknown = [&failed[..], &field(5, b"tree"), b"\xa2\x06\x08survived"].concat();
    for (record, is_late) in [
        (&killed, false),
        (&failed, false),
        (&completed, true),
        (&committing, true),
        (&unknown, true),
    ] {
        let stored = Bytes::copy_from_slice(record);
        let key = || Bytes::from(format!("imports/{ID}"));
        let kv = lake.engine.store();
        kv.set(partition.clone(), key(), stored.clone()).await.expect("stored");
        assert_eq!(is_too_late(&cancel(&lake, ID).await), is_late, "{record:?}");
        let now = kv.get(partition.clone(), key()).await.expect("read").expect("there").value;
        assert_eq!(now == stored, is_late);
        let told = status(&lake, ID).await;
        assert_eq!(told.error.as_deref() == Some("Canceled"), !is_late, "{told:?}");
    }
    for unknown in ["nosuch", "dc0och1ksdudatmrt6ug"] {
        let missing = cancel(&lake, unknown).await;
        assert!(matches!(missing, Err(CatalogError::ImportNotFound(_))), "{missing:?}");
    }
}
