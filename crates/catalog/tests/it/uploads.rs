//! Uploads: what is there afterwards, and what is not where they fail.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;

use lakehold_catalog::Body;
use lakehold_catalog::CatalogError;
use lakehold_catalog::CommitRequest;
use lakehold_catalog::EngineError;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::Timestamp;
use lakehold_catalog::Upload;

use crate::lake::Lake;
use crate::lake::NOW;
use crate::lake::branch;
use crate::lake::is_absent;
use crate::lake::metadata;
use crate::lake::repository_id;
use crate::lake::upload;

type Piece = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A body of these pieces.
fn body(length: Option<u64>, pieces: Vec<Piece>) -> Body {
    Body::stream(length, stream::iter(pieces))
}

#[tokio::test]
async fn an_uploaded_object_is_what_was_uploaded() {
    let lake = Lake::new().await;
    let sent = Upload {
        metadata: metadata(&[("owner", "ann"), ("empty", "")]),
        ..upload("a/b.txt", "abc")
    };

    let object = lake.try_upload(sent).await.expect("uploaded");

    assert_eq!(object.path, "a/b.txt");
    assert_eq!(object.size, 3);
    assert_eq!(object.checksum, "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(object.content_type, "text/plain");
    assert_eq!(object.modified, Timestamp::from_seconds(NOW));
    assert_eq!(object.metadata, metadata(&[("owner", "ann"), ("empty", "")]));
    let names = lake.stored_data().await;
    assert_eq!(object.physical_address, format!("mem://lake/{}", names[0]));
    assert_eq!(lake.object("a/b.txt").await.expect("is there"), object);
    assert_eq!(lake.read("a/b.txt").await, "abc");
}

#[tokio::test]
async fn a_part_of_an_object_can_be_read() {
    let lake = Lake::new().await;
    let object = lake.upload("a", "0123456789").await;
    let body = lake.catalog.open(&object, Some(2..5)).await.expect("has bytes");
    assert_eq!(body.collect(10).await.expect("readable"), "234");
}

#[tokio::test]
async fn an_object_of_many_pieces_is_hashed_on_its_way() {
    let lake = Lake::new().await;
    let pieces = ["a", "", "bc"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
    let sent = Upload { body: body(None, pieces.into()), ..upload("a", "") };
    let object = lake.try_upload(sent).await.expect("uploaded");
    assert_eq!((object.size, &*object.checksum), (3, "900150983cd24fb0d6963f7d28e17f72"));
    assert_eq!(lake.read("a").await, "abc");
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    let lake = Lake::new().await;
    let object = lake.upload("marker/", "").await;
    assert_eq!((object.size, &*object.checksum), (0, "d41d8cd98f00b204e9800998ecf8427e"));
    assert_eq!(lake.read("marker/").await, "");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_visible() {
    let piece = || Ok(Bytes::from_static(b"abc"));
    let broken = [
        body(Some(6), vec![piece(), Err("connection reset".into())]),
        body(None, vec![piece(), Err("connection reset".into())]),
        body(Some(6), vec![piece()]),
        body(Some(2), vec![piece()]),
    ];
    for body in broken {
        let lake = Lake::new().await;
        let refused = lake.try_upload(Upload { body, ..upload("a", "") }).await;
        assert!(matches!(refused, Err(CatalogError::BrokenUpload(_))), "{refused:?}");
        assert!(is_absent(&lake.object("a").await));
        assert!(lake.stored_data().await.is_empty());
    }
}

#[tokio::test]
async fn an_upload_whose_sender_goes_away_leaves_nothing_visible() {
    let lake = Lake::new().await;
    let endless = stream::iter([Ok(Bytes::from_static(b"abc"))]).chain(stream::pending());
    let sent = Upload { body: Body::stream(None, endless), ..upload("a", "") };
    {
        let mut uploading = std::pin::pin!(lake.try_upload(sent));
        assert!(futures::poll!(uploading.as_mut()).is_pending());
    }
    assert!(is_absent(&lake.object("a").await));
    assert!(lake.stored_data().await.is_empty());
}

/// An existing object survives an upload to its path that fails.
#[tokio::test]
async fn a_failed_upload_leaves_the_object_before_it() {
    let lake = Lake::new().await;
    lake.upload("a", "old").await;
    lake.blocks.fail_nth(1);
    let refused = lake.try_upload(upload("a", "new")).await.expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::Internal, "{refused}");
    assert_eq!(lake.read("a").await, "old");
}

#[tokio::test]
async fn a_conditional_upload_finds_what_is_staged_and_what_is_committed() {
    let lake = Lake::new().await;
    let if_absent = |path: &str| Upload { if_absent: true, ..upload(path, "new") };
    lake.try_upload(if_absent("a")).await.expect("nothing is there");
    for _ in 0..2 {
        let refused = lake.try_upload(if_absent("a")).await;
        assert!(
            matches!(refused, Err(CatalogError::Engine(EngineError::PreconditionFailed(_)))),
            "{refused:?}"
        );
        lake.commit("now it is committed").await;
        lake.upload("b", "something to commit").await;
    }
    lake.catalog
        .delete(&lake.id, &lake.main, &["a".to_owned()], false, false)
        .await
        .expect("deleted");
    lake.try_upload(if_absent("a")).await.expect("nothing is there again");
}

/// Seen upstream: a protected branch was refused only after the bytes had been stored.
#[tokio::test]
async fn what_forbids_an_upload_is_found_before_any_byte_is_stored() {
    let lake = Lake::new().await;
    lake.upload("there", "x").await;
    let stored_before = lake.stored_data().await;
    let calls_before = lake.blocks.calls();
    let poisoned = || body(None, vec![Err("must not be read".into())]);

    let absent = Upload { body: poisoned(), if_absent: true, ..upload("there", "") };
    let refused = lake.try_upload(absent).await.expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::Precondition, "{refused}");

    let to_nowhere = Upload { body: poisoned(), ..upload("a", "") };
    let refused = lake.catalog.upload(&lake.id, &branch("nowhere"), to_nowhere).await;
    assert!(
        matches!(refused, Err(CatalogError::Engine(EngineError::BranchNotFound(_)))),
        "{refused:?}"
    );

    let protect = ["ma*".to_owned()];
    lake.catalog.set_protected_patterns(&lake.id, &protect, None).await.expect("protected");
    let protected = Upload { body: poisoned(), ..upload("a", "") };
    let refused = lake.try_upload(protected).await;
    assert!(
        matches!(refused, Err(CatalogError::Engine(EngineError::ProtectedBranch { .. }))),
        "{refused:?}"
    );
    assert_eq!(lake.blocks.calls(), calls_before);
    assert_eq!(lake.stored_data().await, stored_before);
}

#[tokio::test]
async fn checking_an_upload_answers_what_the_upload_would() {
    let lake = Lake::new().await;
    lake.upload("there", "x").await;
    let check = |path: &'static str, if_absent| {
        let lake = &lake;
        async move { lake.catalog.check_upload(&lake.id, &lake.main, path, if_absent, false).await }
    };
    assert!(check("there", false).await.is_ok());
    assert!(check("new", true).await.is_ok());
    assert_eq!(check("there", true).await.expect_err("taken").kind(), ErrorKind::Precondition);
    assert!(matches!(check("", false).await, Err(CatalogError::InvalidPath(0))));
    let missing = repository_id("missing");
    let refused = lake.catalog.check_upload(&missing, &lake.main, "a", false, false).await;
    assert_eq!(refused.expect_err("no repository").kind(), ErrorKind::NotFound);
}

/// Seen upstream: an over-long path with a condition was answered as a failure of the server.
#[tokio::test]
async fn a_path_that_is_too_long_is_refused_with_and_without_a_condition() {
    let lake = Lake::new().await;
    let long = "x".repeat(1025);
    for if_absent in [false, true] {
        let refused = lake.try_upload(Upload { if_absent, ..upload(&long, "x") }).await;
        assert!(matches!(refused, Err(CatalogError::InvalidPath(1025))), "{refused:?}");
    }
    lake.upload(&"x".repeat(1024), "x").await;
}

#[tokio::test]
async fn names_are_not_normalised() {
    let lake = Lake::new().await;
    for path in ["a", "/a", "a/", "a//b", "./a", "ä%20 b"] {
        let sent: &'static str = path;
        lake.upload(path, sent).await;
    }
    for path in ["a", "/a", "a/", "a//b", "./a", "ä%20 b"] {
        assert_eq!(lake.read(path).await, path);
    }
}

/// Seen upstream under load: of many conditional uploads to one path each but one must lose, and
/// the winner must be told that it won.
#[tokio::test]
async fn of_many_conditional_uploads_to_one_path_exactly_one_wins() {
    let lake = Lake::new().await;
    let one = || lake.try_upload(Upload { if_absent: true, ..upload("a", "x") });
    let outcomes = futures::future::join_all((0..20).map(|_| one())).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for lost in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(lost.kind(), ErrorKind::Precondition, "{lost}");
    }
}

/// Seen upstream: a conditional upload that met a commit was told that its own object had been
/// there before.
#[tokio::test]
async fn conditional_uploads_during_commits_are_told_the_truth() {
    let lake = Lake::new().await;
    let uploads = futures::future::join_all((0..40).map(|number| {
        let path = format!("data/{number}");
        lake.try_upload(Upload { if_absent: true, ..upload(&path, "x") })
    }));
    let commits = async {
        for number in 0..10 {
            let request = CommitRequest {
                message: format!("commit {number}"),
                allow_empty: true,
                ..CommitRequest::default()
            };
            lake.catalog.commit(&lake.id, &lake.main, request).await.expect("committed");
        }
    };
    let (outcomes, ()) = futures::join!(uploads, commits);
    for outcome in outcomes {
        outcome.expect("nothing was there");
    }
    assert_eq!(lake.paths().await.len(), 40);
}
