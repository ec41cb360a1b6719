//! Recording objects whose bytes are already there.

use lakehold_block::BlockStore as _;
use lakehold_catalog::Address;
use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::Staged;
use lakehold_catalog::StorageNamespace;
use lakehold_catalog::Timestamp;

use crate::lake::Lake;
use crate::lake::NOW;
use crate::lake::metadata;
use crate::lake::staged;

async fn stage(lake: &Lake, staged: Staged) -> Result<lakehold_catalog::Object, CatalogError> {
    lake.catalog.stage(&lake.id, &lake.main, staged).await
}

#[tokio::test]
async fn a_staged_object_is_what_was_said_of_it() {
    let lake = Lake::new().await;
    let sent = Staged {
        modified: Some(Timestamp { seconds: 12, nanos: 345 }),
        metadata: metadata(&[("k", "v")]),
        content_type: "text/csv".to_owned(),
        ..staged("a", "mem://elsewhere/bytes")
    };
    let object = stage(&lake, sent).await.expect("staged");
    assert_eq!(object.physical_address, "mem://elsewhere/bytes");
    assert_eq!(object.address, Address::Full("mem://elsewhere/bytes".into()));
    assert_eq!(object.modified, Timestamp { seconds: 12, nanos: 345 });
    assert_eq!((object.size, &*object.content_type), (3, "text/csv"));
    assert_eq!(lake.object("a").await.expect("is there"), object);
}

#[tokio::test]
async fn without_a_time_it_is_now() {
    let lake = Lake::new().await;
    let object = stage(&lake, staged("a", "mem://elsewhere/bytes")).await.expect("staged");
    assert_eq!(object.modified, Timestamp::from_seconds(NOW));
}

#[tokio::test]
async fn only_object_data_of_the_repository_is_recorded_relative_to_it() {
    let lake = Lake::new().await;
    let namespace = StorageNamespace::from_stored("mem://lake");

    let inside = stage(&lake, staged("a", "mem://lake/data/x")).await.expect("staged");
    assert_eq!(inside.address, Address::relative(&namespace, "data/x"));
    assert_eq!(inside.physical_address, "mem://lake/data/x");

    for other in ["mem://lake/other/x", "mem://lake2/data/x"] {
        let outside = stage(&lake, staged("b", other)).await.expect("staged");
        assert_eq!(outside.address, Address::Full(other.into()));
        assert_eq!(outside.physical_address, other);
    }
}

/// Seen upstream: an address that could not be parsed was answered as a failure of the server.
#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let lake = Lake::new().await;
    for bad in ["", "no scheme", "://x"] {
        let refused = stage(&lake, staged("a", bad)).await;
        assert!(matches!(refused, Err(CatalogError::InvalidAddress { .. })), "{bad}: {refused:?}");
    }
}

#[tokio::test]
async fn a_size_that_cannot_be_stored_is_refused() {
    let lake = Lake::new().await;
    let sent = Staged { size: u64::MAX, ..staged("a", "mem://elsewhere/bytes") };
    let refused = stage(&lake, sent).await;
    assert!(
        matches!(
            refused,
            Err(CatalogError::Engine(EngineError::InvalidArgument { name: "size", .. }))
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn staging_can_be_conditional() {
    let lake = Lake::new().await;
    let sent = Staged { if_absent: true, ..staged("a", "mem://elsewhere/bytes") };
    stage(&lake, sent.clone()).await.expect("nothing is there");
    let refused = stage(&lake, sent).await.expect_err("it is there");
    assert_eq!(refused.kind(), ErrorKind::Precondition);
}

#[tokio::test]
async fn bytes_that_are_gone_are_found_out_when_they_are_read() {
    let lake = Lake::new().await;
    let object = lake.upload("a", "abc").await;
    lake.blocks.delete(&object.address).await.expect("removed");
    assert_eq!(lake.object("a").await.expect("is still recorded"), object);
    let gone = lake.catalog.open(&object, None).await.map(drop);
    assert!(matches!(gone, Err(CatalogError::DataMissing(_))), "{gone:?}");
}
