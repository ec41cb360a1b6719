//! Uploads in parts that clients make past the server.

use std::time::Duration;

use bytes::Bytes;

use lakehold_block::BlockStore as _;
use lakehold_catalog::Address;
use lakehold_catalog::CatalogError;
use lakehold_catalog::ClientUpload;
use lakehold_catalog::CompletedPart;
use lakehold_catalog::CompletedUpload;
use lakehold_catalog::EngineError;
use lakehold_catalog::LinkProblem;
use lakehold_catalog::Object;
use lakehold_catalog::StorageNamespace;
use lakehold_catalog::StoredPart;
use lakehold_catalog::UploadId;

use crate::lake::Lake;
use crate::lake::branch;
use crate::lake::metadata;
use crate::lake::repository;
use crate::lake::repository_id;

const TTL: Duration = Duration::from_secs(60);

async fn begun(lake: &Lake, path: &str) -> ClientUpload {
    let begun = lake.catalog.begin_client_upload(&lake.id, &lake.main, path, 0, TTL).await;
    let begun = begun.expect("begun");
    assert!(begun.urls.is_empty(), "none was asked for");
    ClientUpload {
        repository: lake.id.clone(),
        branch: lake.main.clone(),
        path: path.to_owned(),
        id: begun.id,
        physical_address: begun.physical_address,
    }
}

/// The address of an upload, relative to the namespace.
fn name(upload: &ClientUpload) -> String {
    let name = upload.physical_address.strip_prefix("mem://lake/");
    name.expect("below the namespace").to_owned()
}

/// Stores a part as a client does at the URL that it was given.
async fn store(lake: &Lake, upload: &ClientUpload, number: u32, bytes: &'static str) -> StoredPart {
    let at = Address::relative(&StorageNamespace::from_stored("mem://lake"), name(upload));
    let body = Bytes::from_static(bytes.as_bytes()).into();
    lake.blocks.put_part(&at, &upload.id, number, body).await.expect("stored")
}

fn with(parts: &[(u32, &StoredPart)]) -> CompletedUpload {
    let part = |(number, stored): &(u32, &StoredPart)| CompletedPart {
        number: *number,
        etag: format!("\"{}\"", stored.etag),
    };
    CompletedUpload {
        parts: parts.iter().map(part).collect(),
        metadata: metadata(&[("k", "v")]),
        content_type: "text/csv".to_owned(),
    }
}

async fn complete(
    lake: &Lake,
    upload: &ClientUpload,
    completed: CompletedUpload,
) -> Result<Object, CatalogError> {
    lake.catalog.complete_client_upload(upload, completed).await
}

#[tokio::test]
async fn parts_that_a_client_stored_become_an_object() {
    let lake = Lake::new().await;
    let upload = begun(&lake, "a").await;
    let part = store(&lake, &upload, 1, "abc").await;

    let object = complete(&lake, &upload, with(&[(1, &part)])).await.expect("completed");

    assert_eq!(object.physical_address, name(&upload));
    assert_eq!((object.size, object.content_type.as_str()), (3, "text/csv"));
    assert!(object.checksum.ends_with("-1"), "{}", object.checksum);
    let staged = lake.object("a").await.expect("is there");
    assert_eq!(staged.physical_address, upload.physical_address);
    assert_eq!(staged.metadata, metadata(&[("k", "v")]));
    assert_eq!(lake.read("a").await, "abc");
}

#[tokio::test]
async fn an_upload_that_could_not_be_staged_is_completed_by_repeating_it() {
    let lake = Lake::new().await;
    let upload = begun(&lake, "a").await;
    let part = store(&lake, &upload, 1, "abc").await;
    let first = complete(&lake, &upload, with(&[(1, &part)])).await.expect("completed");
    let paths = ["a".to_owned()];
    let unstaged = lake.catalog.delete(&lake.id, &lake.main, &paths, true, false);
    unstaged.await.expect("deleted");

    let again = complete(&lake, &upload, with(&[(1, &part)])).await.expect("completed");

    assert_eq!((again.checksum, again.size), (first.checksum, 3));
    assert_eq!(lake.read("a").await, "abc");
}

#[tokio::test]
async fn a_part_is_copied_from_an_object() {
    let lake = Lake::new().await;
    let source = lake.upload("source", "0123456789").await;
    let upload = begun(&lake, "a").await;

    let part = lake.catalog.copy_client_part(&upload, 1, &source, Some(2..5)).await;

    complete(&lake, &upload, with(&[(1, &part.expect("copied"))])).await.expect("completed");
    assert_eq!(lake.read("a").await, "234");
}

#[tokio::test]
async fn an_aborted_upload_is_gone() {
    let lake = Lake::new().await;
    let upload = begun(&lake, "a").await;
    let part = store(&lake, &upload, 1, "abc").await;

    lake.catalog.abort_client_upload(&upload).await.expect("aborted");

    let refused = complete(&lake, &upload, with(&[(1, &part)])).await;
    assert!(matches!(refused, Err(CatalogError::UploadNotFound(_))), "{refused:?}");
    let again = lake.catalog.abort_client_upload(&upload).await;
    assert!(matches!(again, Err(CatalogError::UploadNotFound(_))), "{again:?}");
    assert!(lake.object("a").await.is_err());
}

#[tokio::test]
async fn parts_that_were_not_stored_are_refused_and_nothing_is_staged() {
    let lake = Lake::new().await;
    let upload = begun(&lake, "a").await;
    let never = StoredPart { etag: "0".repeat(32), size: 3 };
    for parts in [&[][..], &[(1, &never)]] {
        let refused = complete(&lake, &upload, with(parts)).await;
        assert!(matches!(refused, Err(CatalogError::InvalidPart { .. })), "{refused:?}");
    }
    assert!(lake.object("a").await.is_err());
}

/// Asks everything that can be asked of an upload, and returns what is said against its address.
async fn refusals(lake: &Lake, upload: &ClientUpload) -> Vec<CatalogError> {
    let source = lake.upload("source", "0123456789").await;
    let catalog = &lake.catalog;
    let outcomes = [
        catalog.presign_client_part(upload, 1, TTL).await.map(drop),
        catalog.copy_client_part(upload, 1, &source, None).await.map(drop),
        complete(lake, upload, with(&[])).await.map(drop),
        catalog.abort_client_upload(upload).await,
    ];
    outcomes.into_iter().filter_map(Result::err).collect()
}

#[tokio::test]
async fn an_upload_is_gone_on_with_only_for_what_it_was_begun_for() {
    let lake = Lake::new().await;
    lake.catalog.create_repository(repository("other", "mem://other")).await.expect("created");
    let upload = begun(&lake, "a").await;
    let elsewhere = format!("mem://other/{}", name(&upload));
    let unsigned = upload.physical_address.split(',').next().expect("has a first").to_owned();
    for (other, expected) in [
        (ClientUpload { path: "b".to_owned(), ..upload.clone() }, LinkProblem::WrongSignature),
        (ClientUpload { branch: branch("dev"), ..upload.clone() }, LinkProblem::WrongSignature),
        (
            ClientUpload {
                repository: repository_id("other"),
                physical_address: elsewhere,
                ..upload.clone()
            },
            LinkProblem::WrongSignature,
        ),
        (ClientUpload { physical_address: unsigned, ..upload.clone() }, LinkProblem::NotSigned),
    ] {
        let refused = refusals(&lake, &other).await;
        assert_eq!(refused.len(), 4, "{other:?}");
        for error in refused {
            let found =
                matches!(error, CatalogError::InvalidLink { reason, .. } if reason == expected);
            assert!(found, "{other:?}: {error:?}");
        }
    }
    store(&lake, &upload, 1, "it is still there").await;
}

#[tokio::test]
async fn only_object_data_of_the_repository_is_an_address_of_an_upload() {
    let lake = Lake::new().await;
    let upload = begun(&lake, "a").await;
    let bare = name(&upload);
    for address in ["mem://lake/_lakefs/x", "mem://lake2/data/x", "nonsense", "", &bare] {
        let other = ClientUpload { physical_address: address.to_owned(), ..upload.clone() };
        let refused = refusals(&lake, &other).await;
        assert_eq!(refused.len(), 4, "{address}");
        for error in refused {
            let found = matches!(error, CatalogError::AddressOutsideData(_));
            assert!(found, "{address}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_upload_expires_with_its_address() {
    let lake = Lake::new().await;
    let upload = begun(&lake, "a").await;
    lake.clock.advance(Duration::from_secs(24 * 60 * 60 + 1));
    for error in refusals(&lake, &upload).await {
        assert!(matches!(error, CatalogError::LinkExpired(_)), "{error:?}");
    }
}

#[tokio::test]
async fn nothing_is_begun_or_completed_where_nothing_can_be_staged() {
    let lake = Lake::new().await;
    let nowhere = branch("nowhere");
    let refused = lake.catalog.begin_client_upload(&lake.id, &nowhere, "a", 0, TTL).await;
    let is_missing = |error: &CatalogError| {
        matches!(error, CatalogError::Engine(EngineError::BranchNotFound(_)))
    };
    assert!(refused.as_ref().is_err_and(is_missing), "{refused:?}");

    let upload = begun(&lake, "a").await;
    let part = store(&lake, &upload, 1, "abc").await;
    let writes = ["main".to_owned()];
    lake.catalog.set_protected_patterns(&lake.id, &writes, None).await.expect("protected");
    let refused = complete(&lake, &upload, with(&[(1, &part)])).await;
    let is_protected = |error: &CatalogError| {
        matches!(error, CatalogError::Engine(EngineError::ProtectedBranch { .. }))
    };
    assert!(refused.as_ref().is_err_and(is_protected), "{refused:?}");
    assert_eq!(lake.stored_data().await, Vec::<String>::new(), "it is not completed either");
}

#[tokio::test]
async fn a_store_without_urls_gives_none_out() {
    let lake = Lake::new().await;
    let refused = lake.catalog.begin_client_upload(&lake.id, &lake.main, "a", 1, TTL).await;
    assert!(matches!(refused, Err(CatalogError::NotSupported(_))), "{refused:?}");
    let upload = begun(&lake, "a").await;
    let url = lake.catalog.presign_client_part(&upload, 1, TTL).await.expect("checked");
    assert_eq!(url, None);
    let object = lake.upload("b", "1").await;
    assert_eq!(lake.catalog.presign(&object, TTL).await.expect("asked"), None);
    let link = lake.catalog.link_address(&lake.id, &lake.main, "a").await.expect("given out");
    assert_eq!(lake.catalog.presign_link(&link, TTL).await.expect("asked"), None);
}

#[tokio::test]
async fn an_upload_that_the_store_does_not_know_is_not_found() {
    let lake = Lake::new().await;
    let upload = begun(&lake, "a").await;
    let other = ClientUpload { id: UploadId::from_stored("unknown"), ..upload };
    let source = lake.upload("source", "0123456789").await;
    let copied = lake.catalog.copy_client_part(&other, 1, &source, None).await;
    assert!(matches!(copied, Err(CatalogError::UploadNotFound(_))), "{copied:?}");
    let aborted = lake.catalog.abort_client_upload(&other).await;
    assert!(matches!(aborted, Err(CatalogError::UploadNotFound(_))), "{aborted:?}");
}
