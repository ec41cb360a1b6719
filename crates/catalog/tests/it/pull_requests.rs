//! Pull requests: their records, their lists, and that a merge and what is said of it belong together.

use std::sync::Arc;

use bytes::Bytes;

use lakehold_catalog::Catalog;
use lakehold_catalog::CatalogError;
use lakehold_catalog::CatalogSettings;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::Engine;
use lakehold_catalog::EngineError;
use lakehold_catalog::LogRequest;
use lakehold_catalog::MergeRequest;
use lakehold_catalog::NewPullRequest;
use lakehold_catalog::PageRequest;
use lakehold_catalog::PullRequest;
use lakehold_catalog::PullRequestFilter;
use lakehold_catalog::PullRequestId;
use lakehold_catalog::PullRequestStatus;
use lakehold_catalog::PullRequestUpdate;
use lakehold_catalog::Timestamp;
use lakehold_clock::Runtime;
use lakehold_engine::NoHooks;
use lakehold_kv::Store;
use lakehold_kv::StoreExt as _;
use lakehold_kv::faults::FailingStore;
use lakehold_kv::faults::LossyStore;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;

use crate::lake::Lake;
use crate::lake::NOW;
use crate::lake::branch;
use crate::lake::reference;
use crate::lake::upload;

/// More calls of a store than a merge makes.
const CALLS: usize = 200;

fn new(title: &str, source: &str, destination: &str) -> NewPullRequest {
    NewPullRequest {
        title: title.to_owned(),
        author: "tester".to_owned(),
        description: format!("about {title}"),
        source: branch(source),
        destination: branch(destination),
    }
}

async fn make(lake: &Lake, title: &str) -> PullRequestId {
    let made = lake.catalog.create_pull_request(&lake.id, new(title, "dev", "main"));
    made.await.expect("made")
}

async fn get(lake: &Lake, id: &PullRequestId) -> PullRequest {
    lake.catalog.pull_request(&lake.id, id).await.expect("is there")
}

async fn set_status(lake: &Lake, id: &PullRequestId, status: PullRequestStatus) {
    let update = PullRequestUpdate { status: Some(status), ..PullRequestUpdate::default() };
    lake.catalog.update_pull_request(&lake.id, id, &update).await.expect("updated");
}

/// A repository with `base` on `main`, and `change` on top of it on `dev`.
async fn lake_with_a_change() -> Lake {
    let lake = Lake::new().await;
    lake.upload("base", "1").await;
    lake.commit("base").await;
    let dev = branch("dev");
    let main = reference("main");
    let made = lake.catalog.create_branch(&lake.id, &dev, &main, false, false);
    made.await.expect("created");
    lake.catalog.upload(&lake.id, &dev, upload("change", "2")).await.expect("uploaded");
    let request = CommitRequest { message: "change".to_owned(), ..CommitRequest::default() };
    lake.catalog.commit(&lake.id, &dev, request).await.expect("committed");
    lake
}

#[tokio::test]
async fn a_request_is_stored_as_existing_installations_have_it() {
    let lake = lake_with_a_change().await;
    let id = make(&lake, "t").await;
    let repository = lake.catalog.repository(&lake.id).await.expect("is there");
    let store = lake.engine.store();

    let key = format!("pulls/{}", id.as_str());
    let stored = store.get(repository.partition.clone(), key.into()).await.expect("read");
    let mut expected = vec![0x0a, 20];
    expected.extend_from_slice(id.as_str().as_bytes());
    // 3: {1: 1700000000}, 4: title, 5: author, 6: description, 7: source, 8: destination.
    expected.extend_from_slice(b"\x1a\x06\x08\x80\xe2\xcf\xaa\x06\x22\x01t\x2a\x06tester");
    expected.extend_from_slice(b"\x32\x07about t\x3a\x03dev\x42\x04main");
    assert_eq!(stored.expect("stored").value, expected);

    let partition = String::from_utf8_lossy(&repository.partition);
    let index = store.get("pulls".into(), format!("repos/{partition}/dev/main").into());
    let index = index.await.expect("read").expect("stored");
    assert_eq!(&index.value[2..], id.as_str().as_bytes());
    assert_eq!(&index.value[..2], [0x0a, 20]);
}

#[tokio::test]
async fn requests_are_listed_newest_first_by_state() {
    let lake = lake_with_a_change().await;
    let mut ids = Vec::new();
    for title in ["one", "two", "three"] {
        ids.push(make(&lake, title).await);
        lake.clock.advance(std::time::Duration::from_secs(1));
    }
    set_status(&lake, &ids[1], PullRequestStatus::Closed).await;
    set_status(&lake, &ids[2], PullRequestStatus::Merged).await;
    let list = async |filter, after: &str, amount| {
        let page = PageRequest { after: after.to_owned(), amount, ..PageRequest::default() };
        let page = lake.catalog.list_pull_requests(&lake.id, &page, filter).await.expect("listed");
        let titles = page.results.into_iter().map(|found| found.title);
        (titles.collect::<Vec<_>>().join(" "), page.has_more)
    };
    assert_eq!(list(PullRequestFilter::All, "", 10).await, ("three two one".into(), false));
    assert_eq!(list(PullRequestFilter::Open, "", 1).await, ("one".into(), false));
    assert_eq!(list(PullRequestFilter::Closed, "", 1).await, ("three".into(), true));
    let after = ids[2].as_str();
    assert_eq!(list(PullRequestFilter::All, after, 1).await, ("two".into(), true));
}

#[tokio::test]
async fn a_request_needs_two_branches_that_are_there() {
    let lake = lake_with_a_change().await;
    let refused = async |source, destination| {
        let made = lake.catalog.create_pull_request(&lake.id, new("t", source, destination));
        made.await.expect_err("refused")
    };
    assert!(matches!(refused("main", "main").await, CatalogError::SameBranch(_)));
    for (source, destination) in [("nosuch", "main"), ("dev", "nosuch")] {
        let error = refused(source, destination).await;
        assert!(matches!(error, CatalogError::Engine(EngineError::BranchNotFound(_))), "{error:?}");
    }
}

#[tokio::test]
async fn any_state_may_follow_any_other_and_the_rest_stays() {
    let lake = lake_with_a_change().await;
    let id = make(&lake, "t").await;
    let before = get(&lake, &id).await;
    lake.clock.advance(std::time::Duration::from_secs(5));
    set_status(&lake, &id, PullRequestStatus::Merged).await;
    set_status(&lake, &id, PullRequestStatus::Open).await;
    let closed_date = Some(Timestamp::from_seconds(NOW + 5));
    assert_eq!(get(&lake, &id).await, PullRequest { closed_date, ..before.clone() });

    let title = Some("other".to_owned());
    let update = PullRequestUpdate { title, ..PullRequestUpdate::default() };
    lake.catalog.update_pull_request(&lake.id, &id, &update).await.expect("updated");
    let title = "other".to_owned();
    assert_eq!(get(&lake, &id).await, PullRequest { title, closed_date, ..before });
}

#[tokio::test]
async fn fields_that_we_do_not_know_survive_a_change_and_a_merge() {
    let lake = lake_with_a_change().await;
    let id = make(&lake, "t").await;
    let repository = lake.catalog.repository(&lake.id).await.expect("is there");
    let (partition, key) = (repository.partition.clone(), format!("pulls/{}", id.as_str()));
    let store = lake.engine.store();
    let read = async || {
        let found = store.get(partition.clone(), key.clone().into()).await.expect("read");
        found.expect("stored").value
    };
    let unknown = b"\xaa\x06\x02hi";
    let stored = [&read().await[..], unknown].concat();
    store.set(partition.clone(), key.clone().into(), stored.into()).await.expect("stored");

    set_status(&lake, &id, PullRequestStatus::Closed).await;
    set_status(&lake, &id, PullRequestStatus::Open).await;
    lake.catalog.merge_pull_request(&lake.id, &id, "tester").await.expect("merged");
    assert!(read().await.ends_with(unknown));
}

#[tokio::test]
async fn a_merge_merges_and_says_so_once() {
    let lake = lake_with_a_change().await;
    let id = make(&lake, "t").await;
    let merged = lake.catalog.merge_pull_request(&lake.id, &id, "tester").await.expect("merged");
    assert_eq!(lake.paths().await, ["base", "change"]);
    let head = lake.catalog.branch(&lake.id, &lake.main).await.expect("is there").commit_id;
    assert_eq!(merged.commit_id, head);
    assert_eq!(merged.summary.expect("this merge").added, 1);
    let found = get(&lake, &id).await;
    assert_eq!(found.status, PullRequestStatus::Merged);
    assert_eq!(found.merged_commit_id, Some(head));
    assert_eq!(found.closed_date, Some(Timestamp::from_seconds(NOW)));
    assert_eq!(intents(&**lake.engine.store()).await, 0);

    let again = lake.catalog.merge_pull_request(&lake.id, &id, "tester").await;
    assert!(matches!(again, Err(CatalogError::PullRequestNotOpen(_))), "{again:?}");
}

#[tokio::test]
async fn a_merge_that_is_refused_leaves_the_request_open() {
    let lake = lake_with_a_change().await;
    let id = make(&lake, "t").await;
    lake.upload("change", "other").await;
    lake.commit("in the way").await;
    let refused = lake.catalog.merge_pull_request(&lake.id, &id, "tester").await;
    assert!(
        matches!(refused, Err(CatalogError::Engine(EngineError::Conflict { .. }))),
        "{refused:?}"
    );
    assert_eq!(get(&lake, &id).await.status, PullRequestStatus::Open);
    assert_eq!(intents(&**lake.engine.store()).await, 0);
}

#[tokio::test]
async fn what_somebody_merged_by_hand_has_no_changes() {
    let lake = lake_with_a_change().await;
    let id = make(&lake, "t").await;
    let dev = reference("dev");
    let merge = lake.catalog.merge(&lake.id, &dev, &lake.main, MergeRequest::default());
    merge.await.expect("merged");
    let refused = lake.catalog.merge_pull_request(&lake.id, &id, "tester").await;
    assert!(matches!(refused, Err(CatalogError::Engine(EngineError::NoChanges))), "{refused:?}");
    assert_eq!(get(&lake, &id).await.status, PullRequestStatus::Open);
}

/// Another server over the same data, whose records go through `kv`.
fn through(lake: &Lake, kv: Arc<dyn Store>) -> Catalog {
    let runtime = Runtime::real();
    let trees = Trees::new(lake.blocks.clone(), runtime.clone(), TreeSettings::default());
    let engine = Engine::new(kv, trees, Arc::new(NoHooks), runtime.clone());
    let settings = CatalogSettings { signing_key: b"key".to_vec(), ensure_readable_root: true };
    Catalog::new(engine, lake.blocks.clone(), runtime, settings)
}

/// How many merges are noted as begun.
async fn intents(store: &dyn Store) -> usize {
    let page = store.scan("lakehold-pull-merges".into(), Bytes::new(), 10).await;
    page.expect("scanned").entries.len()
}

/// The merge commits on `main`.
async fn merges(lake: &Lake, catalog: &Catalog) -> Vec<String> {
    let request = LogRequest { amount: 100, ..LogRequest::default() };
    let log = catalog.log(&lake.id, &reference("main"), &request).await.expect("a log");
    let merges = log.results.iter().filter(|commit| commit.parents.len() == 2);
    merges.map(|commit| commit.id.to_string()).collect()
}

/// The request is merged by the one merge commit there is.
async fn check_merged_once(lake: &Lake, catalog: &Catalog, id: &PullRequestId, when: &str) {
    let found = catalog.pull_request(&lake.id, id).await.expect("is there");
    assert_eq!(found.status, PullRequestStatus::Merged, "{when}");
    let commit = found.merged_commit_id.expect("a commit").to_string();
    assert_eq!(merges(lake, catalog).await, [commit], "{when}");
}

/// What a store does wrong, from the call of that number on or only there.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// One call is refused.
    Refuses,
    /// Nothing goes through any more, as after a crash.
    Crashes,
    /// The answer of one write is lost.
    LosesAnswer,
}

/// Merges on a server whose store has this fault at its `nth` call. Returns whether it was said to be
/// done, and how many faults there were.
async fn merge_with(
    fault: Fault,
    nth: usize,
    lake: &Lake,
    id: &PullRequestId,
) -> (Result<(), CatalogError>, usize) {
    let kv = lake.engine.store().clone();
    let merge = async |store: Arc<dyn Store>| {
        let catalog = through(lake, store);
        catalog.merge_pull_request(&lake.id, id, "tester").await.map(drop)
    };
    match fault {
        Fault::Refuses => {
            let store = Arc::new(FailingStore::fail_nth(kv, nth));
            (merge(store.clone()).await, store.faults())
        }
        Fault::Crashes => {
            let store = Arc::new(FailingStore::fail_from_nth(kv, nth));
            (merge(store.clone()).await, store.faults())
        }
        Fault::LosesAnswer => {
            let store = Arc::new(LossyStore::lose_nth_write(kv, nth));
            (merge(store.clone()).await, store.faults())
        }
    }
}

#[tokio::test]
async fn a_merge_cut_off_anywhere_is_finished_by_asking_again() {
    for fault in [Fault::Refuses, Fault::Crashes, Fault::LosesAnswer] {
        let mut cut_off = 0;
        for nth in 1..=CALLS {
            let lake = lake_with_a_change().await;
            let id = make(&lake, "t").await;
            let (first, faults) = merge_with(fault, nth, &lake, &id).await;
            if faults == 0 {
                break;
            }
            cut_off += 1;
            let when = format!("{fault:?} {nth}: {first:?}");
            let healthy = through(&lake, lake.engine.store().clone());
            let again = healthy.merge_pull_request(&lake.id, &id, "tester").await;
            let is_over = matches!(again, Err(CatalogError::PullRequestNotOpen(_)));
            assert!(if first.is_ok() { is_over } else { is_over || again.is_ok() }, "{when}");
            check_merged_once(&lake, &healthy, &id, &when).await;
        }
        assert!((4..CALLS).contains(&cut_off), "{fault:?}: {cut_off} calls");
    }
}

#[tokio::test]
async fn a_merge_cut_off_anywhere_is_finished_or_given_up_at_the_next_start() {
    let mut finished = 0;
    for nth in 1..=CALLS {
        let lake = lake_with_a_change().await;
        let id = make(&lake, "t").await;
        let (first, faults) = merge_with(Fault::Crashes, nth, &lake, &id).await;
        if faults == 0 {
            break;
        }
        let when = format!("{nth}: {first:?}");
        let healthy = through(&lake, lake.engine.store().clone());
        healthy.settle_pull_requests().await.expect("settled");
        assert_eq!(intents(&**lake.engine.store()).await, 0, "{when}");
        if merges(&lake, &healthy).await.is_empty() {
            let found = healthy.pull_request(&lake.id, &id).await.expect("is there");
            assert_eq!(found.status, PullRequestStatus::Open, "{when}");
            healthy.merge_pull_request(&lake.id, &id, "tester").await.expect("merged");
        } else {
            finished += 1;
        }
        check_merged_once(&lake, &healthy, &id, &when).await;
    }
    assert!(finished > 0, "no crash came between the merge and its record");
}

#[tokio::test]
async fn notes_of_repositories_that_are_gone_are_removed_at_the_next_start() {
    let lake = lake_with_a_change().await;
    let id = make(&lake, "t").await;
    for nth in 1..=CALLS {
        drop(merge_with(Fault::Crashes, nth, &lake, &id).await);
        if intents(&**lake.engine.store()).await > 0 {
            break;
        }
    }
    assert_eq!(intents(&**lake.engine.store()).await, 1);
    lake.catalog.delete_repository(&lake.id, false).await.expect("deleted");
    lake.catalog.settle_pull_requests().await.expect("settled");
    assert_eq!(intents(&**lake.engine.store()).await, 0);
}
