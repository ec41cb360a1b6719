//! Link addresses: given out, used, and refused where they were not given out for this.

use std::time::Duration;

use bytes::Bytes;

use lakehold_block::BlockStore as _;
use lakehold_catalog::Address;
use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::LinkProblem;
use lakehold_catalog::Object;
use lakehold_catalog::Staged;
use lakehold_catalog::StorageNamespace;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::repository;
use crate::lake::repository_id;
use crate::lake::staged;

async fn address_for(lake: &Lake, path: &str) -> String {
    let given = lake.catalog.link_address(&lake.id, &lake.main, path).await.expect("given out");
    given.physical_address
}

async fn link(lake: &Lake, staged: Staged) -> Result<Object, CatalogError> {
    lake.catalog.link(&lake.id, &lake.main, staged).await
}

/// What a refused link says is wrong; `None` where it was linked or refused for another reason.
fn problem(outcome: &Result<Object, CatalogError>) -> Option<LinkProblem> {
    match outcome {
        Err(CatalogError::InvalidLink { reason, .. }) => Some(*reason),
        _ => None,
    }
}

#[tokio::test]
async fn what_was_stored_at_a_link_address_becomes_an_object() {
    let lake = Lake::new().await;
    let given = address_for(&lake, "a&b.txt").await;
    let name = given.strip_prefix("mem://lake/").expect("below the namespace");
    let at = Address::relative(&StorageNamespace::from_stored("mem://lake"), name);
    lake.blocks.put(&at, Bytes::from_static(b"abc").into()).await.expect("stored");

    let object = link(&lake, staged("a&b.txt", &given)).await.expect("linked");

    assert_eq!(object.physical_address, given);
    assert_eq!(object.address, at, "the signature is part of the name");
    assert_eq!(lake.read("a&b.txt").await, "abc");
}

#[tokio::test]
async fn a_link_address_has_the_form_of_the_stored_format() {
    let lake = Lake::new().await;
    let given = address_for(&lake, "a").await;
    let parts: Vec<&str> = given.split(['/', ',']).collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    assert_eq!(parts[..4], ["mem:", "", "lake", "data"]);
    assert_eq!(lengths[4..], [20, 20, 43], "{given}");
}

#[tokio::test]
async fn the_branch_is_only_asked_for_when_it_is_linked() {
    let lake = Lake::new().await;
    let nowhere = branch("nowhere");
    let given = lake.catalog.link_address(&lake.id, &nowhere, "a").await.expect("given out");
    let refused = lake.catalog.link(&lake.id, &nowhere, staged("a", &given.physical_address)).await;
    assert!(
        matches!(refused, Err(CatalogError::Engine(EngineError::BranchNotFound(_)))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_address_is_good_for_its_path_its_branch_and_its_repository_only() {
    let lake = Lake::new().await;
    let given = address_for(&lake, "a").await;

    assert_eq!(problem(&link(&lake, staged("b", &given)).await), Some(LinkProblem::WrongSignature));
    let dev = branch("dev");
    let on_dev = lake.catalog.link(&lake.id, &dev, staged("a", &given)).await;
    assert_eq!(problem(&on_dev), Some(LinkProblem::WrongSignature));

    lake.catalog.create_repository(repository("other", "mem://other")).await.expect("created");
    let name = given.strip_prefix("mem://lake/").expect("below the namespace");
    let moved = staged("a", &format!("mem://other/{name}"));
    let elsewhere = lake.catalog.link(&repository_id("other"), &lake.main, moved).await;
    assert_eq!(problem(&elsewhere), Some(LinkProblem::WrongSignature));
}

#[tokio::test]
async fn object_data_of_the_repository_needs_a_signature_to_be_linked() {
    let lake = Lake::new().await;
    let uploaded = lake.upload("a", "abc").await.physical_address;
    assert_eq!(problem(&link(&lake, staged("b", &uploaded)).await), Some(LinkProblem::NotSigned));
    let garbled = format!("{uploaded},a+b=");
    assert_eq!(problem(&link(&lake, staged("b", &garbled)).await), Some(LinkProblem::Malformed));
}

#[tokio::test]
async fn a_link_address_expires_after_a_day() {
    let lake = Lake::new().await;
    let given = address_for(&lake, "a").await;
    lake.clock.advance(Duration::from_secs(24 * 60 * 60));
    link(&lake, staged("a", &given)).await.expect("just in time");
    lake.clock.advance(Duration::from_secs(1));
    let late = link(&lake, staged("a", &given)).await;
    assert!(matches!(late, Err(CatalogError::LinkExpired(_))), "{late:?}");
}

#[tokio::test]
async fn an_address_outside_is_recorded_in_full_and_shown_as_it_was_sent() {
    let lake = Lake::new().await;
    let object = link(&lake, staged("a", "mem://elsewhere/data/x")).await.expect("linked");
    assert_eq!(object.address, Address::Full("mem://elsewhere/data/x".into()));
    assert_eq!(object.physical_address, "mem://elsewhere/data/x");
    let refused = link(&lake, staged("a", "nonsense")).await;
    assert!(matches!(refused, Err(CatalogError::InvalidAddress { .. })), "{refused:?}");
}

#[tokio::test]
async fn linking_twice_is_accepted_unless_nothing_was_to_be_there() {
    let lake = Lake::new().await;
    let given = address_for(&lake, "a").await;
    for _ in 0..2 {
        link(&lake, staged("a", &given)).await.expect("linked");
    }
    let once = Staged { if_absent: true, ..staged("a", &given) };
    let refused = link(&lake, once).await.expect_err("it is there");
    assert_eq!(refused.kind(), ErrorKind::Precondition);
}

#[tokio::test]
async fn a_checksum_is_needed_and_its_quotes_are_dropped() {
    let lake = Lake::new().await;
    let quoted = Staged { checksum: " \"abc\"".to_owned(), ..staged("a", "mem://elsewhere/x") };
    assert_eq!(link(&lake, quoted).await.expect("linked").checksum, "abc");
    let none = Staged { checksum: "\"\"".to_owned(), ..staged("a", "mem://elsewhere/x") };
    assert_eq!(link(&lake, none).await.expect_err("refused").kind(), ErrorKind::Invalid);
}
