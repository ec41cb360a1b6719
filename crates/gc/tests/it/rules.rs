//! Rules are one object in the storage of their repository.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use lakehold_block::Address;
use lakehold_block::BlockStore;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_block::faults::FailingBlockStore;
use lakehold_catalog::CatalogError;
use lakehold_clock::Runtime;
use lakehold_engine::BranchId;
use lakehold_engine::Engine;
use lakehold_engine::EngineError;
use lakehold_engine::NewRepository;
use lakehold_engine::NoHooks;
use lakehold_engine::RepositoryId;
use lakehold_gc::Gc;
use lakehold_gc::GcError;
use lakehold_gc::RetentionRules;
use lakehold_kv::MemStore;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

fn lake() -> RepositoryId {
    RepositoryId::parse("lake").expect("valid")
}

fn place() -> Address {
    let namespace = StorageNamespace::from_stored("local://lake");
    Address::relative(&namespace, "_lakefs/retention/gc/rules/config.json")
}

/// The repository `lake` at `local://lake`, whatever the store.
async fn over(blocks: Arc<dyn BlockStore>) -> Gc {
    let runtime = Runtime::real();
    let trees = Trees::new(blocks.clone(), runtime.clone(), TreeSettings::default());
    let engine = Engine::new(Arc::new(MemStore::new()), trees, Arc::new(NoHooks), runtime);
    let new = NewRepository {
        id: lake(),
        storage_namespace: StorageNamespace::parse("local://lake").expect("valid"),
        storage_id: String::new(),
        default_branch: BranchId::parse("main").expect("valid"),
        read_only: false,
        bare: false,
    };
    engine.create_repository(new).await.expect("created");
    Gc::new(engine, blocks)
}

fn rules(default_days: i64, branches: &[(&str, i64)]) -> RetentionRules {
    let own = |(branch, days): &(&str, i64)| ((*branch).to_owned(), *days);
    RetentionRules { default_days, branches: branches.iter().map(own).collect() }
}

#[tokio::test]
async fn rules_are_stored_as_existing_installations_have_them() {
    let blocks = Arc::new(MemBlockStore::new());
    let gc = over(blocks.clone()).await;
    assert!(matches!(gc.rules(&lake()).await, Err(GcError::NoRules(_))));
    let set = rules(21, &[("right", 7), ("main", 28)]);
    gc.set_rules(&lake(), &set).await.expect("set");
    let stored = blocks.get(&place(), None).await.expect("there").collect(100).await;
    let expected = b"\x08\x15\x12\x08\x0a\x04main\x10\x1c\x12\x09\x0a\x05right\x10\x07";
    assert_eq!(stored.expect("read"), &expected[..]);
    assert_eq!(gc.rules(&lake()).await.expect("there"), set);
}

#[tokio::test]
async fn an_empty_object_is_no_rules_and_a_broken_one_says_where() {
    let blocks = Arc::new(MemBlockStore::new());
    let gc = over(blocks.clone()).await;
    blocks.put(&place(), Bytes::new().into()).await.expect("stored");
    assert!(matches!(gc.rules(&lake()).await, Err(GcError::NoRules(_))));
    blocks.put(&place(), Bytes::from_static(b"{\"a\": 1}").into()).await.expect("stored");
    let broken = gc.rules(&lake()).await;
    let Err(GcError::Lake(CatalogError::Engine(EngineError::Corrupt { location, .. }))) = broken
    else {
        unreachable!("{broken:?}");
    };
    assert_eq!(location, "local://lake/_lakefs/retention/gc/rules/config.json");
}

#[tokio::test]
async fn fields_that_we_do_not_know_survive_until_the_rules_are_deleted() {
    let blocks = Arc::new(MemBlockStore::new());
    let gc = over(blocks.clone()).await;
    let stored = Bytes::from_static(b"\x08\x15\xaa\x06\x02hi");
    blocks.put(&place(), stored.into()).await.expect("stored");
    gc.set_rules(&lake(), &rules(3, &[])).await.expect("set");
    let stored = blocks.get(&place(), None).await.expect("there").collect(100).await;
    assert_eq!(stored.expect("read"), &b"\x08\x03\xaa\x06\x02hi"[..]);
    gc.delete_rules(&lake()).await.expect("deleted");
    assert_eq!(blocks.head(&place()).await.expect("asked"), None);
}

async fn local(folder: &Path) -> Arc<LocalBlockStore> {
    let settings = LocalSettings::in_data_dir(folder);
    Arc::new(LocalBlockStore::open(settings, Runtime::real()).await.expect("opened"))
}

/// A store that takes small bodies under one name for equal would keep the first.
#[tokio::test]
async fn the_last_rules_count_however_fast_they_come_and_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let blocks: Arc<dyn BlockStore> = local(folder.path()).await;
    let gc = {
        let gc = over(blocks.clone()).await;
        for days in 1..=20 {
            gc.set_rules(&lake(), &rules(days, &[])).await.expect("set");
            assert_eq!(gc.rules(&lake()).await.expect("there"), rules(days, &[]));
            if days % 5 == 0 {
                gc.delete_rules(&lake()).await.expect("deleted");
                assert!(matches!(gc.rules(&lake()).await, Err(GcError::NoRules(_))));
            }
        }
        gc.set_rules(&lake(), &rules(77, &[])).await.expect("set");
        gc
    };
    // Dropped, not closed.
    drop((gc, blocks));
    let gc = over(local(folder.path()).await).await;
    assert_eq!(gc.rules(&lake()).await.expect("there"), rules(77, &[]));
}

#[tokio::test]
async fn of_rules_that_are_set_at_once_one_is_kept_whole() {
    let gc = over(Arc::new(MemBlockStore::new())).await;
    let set = async |days: i64| {
        let branch = format!("b{days}");
        gc.set_rules(&lake(), &rules(days, &[(&branch, days)])).await.expect("set");
    };
    futures::future::join_all((1..=20).map(set)).await;
    let found = gc.rules(&lake()).await.expect("there");
    let days = found.default_days;
    assert_eq!(found.branches, BTreeMap::from([(format!("b{days}"), days)]));
}

#[tokio::test]
async fn rules_that_could_not_be_set_leave_those_there_were() {
    let failing = Arc::new(FailingBlockStore::new(Arc::new(MemBlockStore::new())));
    let gc = over(failing.clone()).await;
    gc.set_rules(&lake(), &rules(1, &[])).await.expect("set");
    for nth in 1..20 {
        failing.fail_nth(nth);
        let faults = failing.injected();
        let set = gc.set_rules(&lake(), &rules(2, &[])).await;
        let has_failed = failing.injected() > faults;
        // What was not met must not be met later.
        failing.fail_nth(1_000_000);
        assert_eq!(set.is_err(), has_failed, "{nth}: {set:?}");
        let expected = if has_failed { 1 } else { 2 };
        let found = gc.rules(&lake()).await;
        assert_eq!(found.expect("there").default_days, expected, "{nth}");
        if !has_failed {
            assert!(nth > 4, "{nth}");
            return;
        }
    }
    unreachable!("rules are set in fewer calls");
}
