//! Commits as servers of long ago wrote them: version 0, whose main parent is the last, and without a
//! generation.

use bytes::Bytes;
use lakehold_engine::Commit;
use lakehold_engine::LogRequest;
use lakehold_engine::RevertRequest;
use lakehold_kv::StoreExt as _;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::expr;

fn text(number: u8, content: &str) -> Vec<u8> {
    let mut field = vec![number << 3 | 2, u8::try_from(content.len()).expect("short")];
    field.extend_from_slice(content.as_bytes());
    field
}

/// The record of a merge: neither version nor generation.
fn old_merge(id: &str, tree: &str, parents: [&str; 2]) -> Vec<u8> {
    let date = b"\x22\x06\x08\x80\xe2\xcf\xaa\x06".to_vec();
    let [first, second] = parents;
    [
        text(1, id),
        text(2, "c"),
        text(3, "merge"),
        date,
        text(5, tree),
        text(7, first),
        text(7, second),
    ]
    .concat()
}

/// `main` is at a merge of old: of `dev`, whose head is its first parent, into what `main` was.
async fn lake() -> (Lake, Commit, Commit, String) {
    let lake = Lake::new().await;
    lake.put("main", "a", "1").await.expect("staged");
    let main = lake.commit("main", "on main").await.expect("committed");
    lake.branch("dev", "main~1").await.expect("created");
    lake.put("dev", "b", "2").await.expect("staged");
    let dev = lake.commit("dev", "on dev").await.expect("committed");
    lake.branch("merged", "main").await.expect("created");
    let merged = lake.merge("dev", "merged").await.expect("merged").commit;
    // An id as they were computed: version and generation are no part of it, the order of parents is.
    let id = "0123456789abcdef".repeat(4);
    let tree = merged.meta_range_id.as_str();
    let record = old_merge(&id, tree, [dev.id.as_str(), main.id.as_str()]);
    let (partition, key) =
        (lake.repository.partition.clone(), Bytes::from(format!("commits/{id}")));
    lake.engine.store().set(partition, key, record.into()).await.expect("stored");
    lake.hard_reset("main", &id).await.expect("moved");
    (lake, Commit::clone(&main), Commit::clone(&dev), id)
}

#[tokio::test]
async fn the_main_line_goes_through_the_last_parent() {
    let (lake, main, _, id) = lake().await;
    let request = LogRequest { first_parent: true, ..LogRequest::default() };
    let log = lake.engine.log(&lake.repository, &expr("main"), &request).await.expect("a log");
    let ids: Vec<_> = log.results.iter().map(|commit| commit.id.as_str()).collect();
    assert_eq!(ids[..2], [&*id, main.id.as_str()]);
    let commit = lake.engine.commit_at(&lake.repository, &expr("main")).await.expect("found");
    assert_eq!((commit.version, commit.generation), (0, 0));
    let log = LogRequest::default();
    let log = lake.engine.log(&lake.repository, &expr("main"), &log).await.expect("a log");
    assert_eq!(log.results.len(), 4, "both sides and the root");
}

#[tokio::test]
async fn work_goes_on_on_top_of_it() {
    let (lake, _, _, id) = lake().await;
    assert_eq!(lake.get("main", "b").await.as_deref(), Some("2"));
    lake.put("main", "c", "3").await.expect("staged");
    let next = lake.commit("main", "next").await.expect("committed");
    assert_eq!(next.parents.iter().map(|p| p.as_str()).collect::<Vec<_>>(), [id]);
    assert_eq!((next.version, next.generation), (1, 1));
    lake.put("dev", "d", "4").await.expect("staged");
    lake.commit("dev", "more on dev").await.expect("committed");
    lake.merge("dev", "main").await.expect("merged");
    for (key, text) in [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")] {
        assert_eq!(lake.get("main", key).await.as_deref(), Some(text));
    }
}

#[tokio::test]
async fn parents_are_counted_as_they_are_stored() {
    let (lake, _, _, id) = lake().await;
    // Relative to parent 2, where main was, dev's change is what the merge brought.
    let request = RevertRequest {
        committer: "tester".to_owned(),
        reference: expr(&id),
        parent_number: 2,
        message: None,
        metadata: None,
        allow_empty: false,
        force: false,
    };
    let main = branch("main");
    let reverted = lake.engine.revert(&lake.repository, &main, request);
    reverted.await.expect("reverted");
    assert_eq!(lake.get("main", "b").await, None);
    assert_eq!(lake.get("main", "a").await.as_deref(), Some("1"));
}
