use serde::Deserialize;

use super::*;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/hash-vectors.json"));

#[derive(Deserialize)]
struct Vectors {
    commit_ids: Vec<Vector>,
    commit_chain: Chain,
}

#[derive(Deserialize)]
struct Vector {
    committer: String,
    message: String,
    meta_range_id: String,
    creation_unix: i64,
    metadata: BTreeMap<String, String>,
    parents: Vec<String>,
    id: String,
}

#[derive(Deserialize)]
struct Chain {
    committer: String,
    message: String,
    meta_range_id: String,
    first_unix: i64,
    step_seconds: i64,
    metadata: BTreeMap<String, String>,
    ids: Vec<String>,
}

fn commit(vector: &Vector) -> Commit {
    Commit {
        id: CommitId::from_stored(""),
        committer: vector.committer.clone(),
        message: vector.message.clone(),
        creation_date: Timestamp::from_seconds(vector.creation_unix),
        meta_range_id: MetaRangeId::from_stored(&vector.meta_range_id),
        metadata: vector.metadata.clone(),
        parents: vector.parents.iter().map(|id| CommitId::from_stored(id)).collect(),
        version: 1,
        generation: 1,
    }
}

#[test]
fn ids_are_those_of_the_stored_format() {
    let vectors: Vectors = serde_json::from_str(VECTORS).expect("vectors");
    for vector in &vectors.commit_ids {
        assert_eq!(commit(vector).identify().as_str(), vector.id);
    }
    let mut parents = Vec::new();
    for (vector, step) in vectors.commit_chain.ids.iter().zip(0..) {
        let chain = &vectors.commit_chain;
        let made = commit(&Vector {
            committer: chain.committer.clone(),
            message: chain.message.clone(),
            meta_range_id: chain.meta_range_id.clone(),
            creation_unix: chain.first_unix + step * chain.step_seconds,
            metadata: chain.metadata.clone(),
            parents,
            id: String::new(),
        });
        assert_eq!(made.identify().as_str(), vector);
        parents = vec![vector.clone()];
    }
}

#[test]
fn a_history_begins_with_the_published_commit() {
    let first = Commit::first("Repository created", Timestamp::from_seconds(1_700_000_000));
    let id = "e7720703b5e19f0c37c665b0bf14fc291522d882cd951d854edb8b1f1c33689d";
    assert_eq!(first.id.as_str(), id);
    assert_eq!((first.version, first.generation), (1, 1));
}

#[test]
fn version_generation_and_fractions_of_a_second_are_not_part_of_the_id() {
    let first = Commit::first("m", Timestamp::from_seconds(5));
    let date = Timestamp { seconds: 5, nanos: 7 };
    let other = Commit { version: 0, generation: 9, creation_date: date, ..first.clone() };
    assert_eq!(first.id, other.identify());
}

#[test]
fn the_main_parent_of_old_commits_is_the_last() {
    let ids = || ["a", "b"].map(CommitId::from_stored).to_vec();
    let new = Commit { parents: ids(), ..Commit::first("m", Timestamp::default()) };
    assert_eq!(new.main_parent().map(CommitId::as_str), Some("a"));
    let old = Commit { version: 0, ..new };
    assert_eq!(old.main_parent().map(CommitId::as_str), Some("b"));
}

#[test]
fn a_commit_is_read_back_from_its_record() {
    let says = Says {
        committer: "c".to_owned(),
        message: "m".to_owned(),
        metadata: Metadata::from([("k".to_owned(), "v".to_owned())]),
        date: Timestamp { seconds: 1, nanos: 2 },
    };
    let first = Commit::first("first", Timestamp::default());
    let commit = Commit::following(says, MetaRangeId::from_stored("tree"), &[&first, &first]);
    assert_eq!(commit.generation, 2);
    assert_eq!(Commit::from_record(commit.to_record()), commit);
}
