//! Creating repositories: the order of checks and what is left in the block store.

use bytes::Bytes;

use lakehold_block::BlockStore as _;
use lakehold_catalog::Address;
use lakehold_catalog::CatalogError;
use lakehold_catalog::CreateRepository;
use lakehold_catalog::EngineError;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::PageRequest;
use lakehold_catalog::StorageNamespace;

use crate::lake::Lake;
use crate::lake::metadata;
use crate::lake::reference;
use crate::lake::repository;
use crate::lake::repository_id;

async fn create(lake: &Lake, new: CreateRepository) -> Result<(), CatalogError> {
    lake.catalog.create_repository(new).await.map(drop)
}

fn marker(namespace: &str) -> Address {
    Address::relative(&StorageNamespace::from_stored(namespace), "_lakefs/dummy")
}

#[tokio::test]
async fn a_new_repository_has_its_marker_a_branch_and_an_empty_commit() {
    let lake = Lake::new().await;

    let found = lake.catalog.repository(&lake.id).await.expect("is there");
    assert_eq!(found.storage_namespace.as_str(), "mem://lake");
    assert_eq!(found.default_branch.as_str(), "main");
    let body = lake.blocks.get(&marker("mem://lake"), None).await.expect("has a marker");
    assert_eq!(
        body.collect(100).await.expect("readable"),
        "this is dummy data - created by lakeFS to check accessibility"
    );
    let commit = lake.catalog.commit_at(&lake.id, &reference("main")).await.expect("a commit");
    assert_eq!(commit.message, "Repository created");
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_before_anything_else_is_looked_at() {
    let lake = Lake::new().await;
    let new = CreateRepository {
        storage_id: "other".to_owned(),
        default_branch: "a/b".to_owned(),
        ..repository("lake", "no namespace")
    };
    let refused = create(&lake, new).await;
    assert!(
        matches!(refused, Err(CatalogError::Engine(EngineError::RepositoryExists(_)))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_storage_id_then_the_namespace_then_the_default_branch_are_checked() {
    let lake = Lake::without_repository();
    let worst = CreateRepository {
        storage_id: "other".to_owned(),
        default_branch: "a/b".to_owned(),
        ..repository("lake", "no namespace")
    };
    let refused = create(&lake, worst.clone()).await;
    assert!(matches!(refused, Err(CatalogError::UnknownStorageId(_))), "{refused:?}");

    let better = CreateRepository { storage_id: String::new(), ..worst };
    let refused = create(&lake, better.clone()).await;
    assert!(matches!(refused, Err(CatalogError::InvalidNamespace { .. })), "{refused:?}");

    let good_namespace = CreateRepository { storage_namespace: "mem://lake".to_owned(), ..better };
    let refused = create(&lake, good_namespace).await;
    assert!(matches!(refused, Err(CatalogError::Engine(EngineError::InvalidId(_)))), "{refused:?}");
    assert_eq!(lake.blocks.calls(), 0, "nothing was asked of the block store");
}

/// A repository whose default branch no operation could name afterwards.
#[tokio::test]
async fn an_ill_formed_default_branch_is_refused_and_leaves_nothing() {
    let lake = Lake::without_repository();
    for bad in ["a/b", "-x", " ", "~"] {
        let new =
            CreateRepository { default_branch: bad.to_owned(), ..repository("lake", "mem://lake") };
        let refused = create(&lake, new).await.expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{bad}: {refused}");
    }
    create(&lake, repository("lake", "mem://lake")).await.expect("the namespace is still free");
}

#[tokio::test]
async fn a_namespace_belongs_to_one_repository_even_after_its_deletion() {
    let lake = Lake::new().await;
    let refused = create(&lake, repository("other", "mem://lake")).await;
    assert!(
        matches!(&refused, Err(CatalogError::NamespaceInUse { place, .. }) if place == "_lakefs/dummy"),
        "{refused:?}"
    );
    lake.catalog.delete_repository(&lake.id, false).await.expect("deleted");
    let refused = create(&lake, repository("lake", "mem://lake")).await;
    assert!(matches!(refused, Err(CatalogError::NamespaceInUse { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_namespace_with_an_old_marker_is_in_use() {
    let lake = Lake::without_repository();
    let old = Address::relative(&StorageNamespace::from_stored("mem://lake"), "dummy");
    lake.blocks.put(&old, Bytes::from_static(b"x").into()).await.expect("stored");
    let refused = create(&lake, repository("lake", "mem://lake")).await;
    assert!(
        matches!(&refused, Err(CatalogError::NamespaceInUse { place, .. }) if place == "dummy"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn bare_and_read_only_repositories_may_share_a_namespace_in_use() {
    let lake = Lake::new().await;
    let bare = CreateRepository { bare: true, ..repository("bare", "mem://lake") };
    create(&lake, bare).await.expect("created");
    let closed = CreateRepository { read_only: true, ..repository("closed", "mem://lake") };
    create(&lake, closed).await.expect("created");

    let page = PageRequest { amount: 10, ..PageRequest::default() };
    let found = lake.catalog.list_repositories(&page, "").await.expect("listed");
    let names: Vec<&str> = found.results.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(names, ["bare", "closed", "lake"]);
    assert!(found.results[1].read_only);
    let missing = lake.catalog.branch(&repository_id("bare"), &lake.main).await;
    assert!(
        matches!(missing, Err(CatalogError::Engine(EngineError::BranchNotFound(_)))),
        "{missing:?}"
    );
}

/// Whatever of the storage check fails, the answer says so, and no repository is recorded.
#[tokio::test]
async fn storage_that_cannot_be_used_is_found_out_before_anything_is_recorded() {
    for call in 1..=4 {
        let lake = Lake::without_repository();
        lake.blocks.fail_nth(call);
        let refused = create(&lake, repository("lake", "mem://lake")).await;
        assert!(
            matches!(refused, Err(CatalogError::StorageAccess { .. })),
            "call {call}: {refused:?}"
        );
        assert_eq!(lake.blocks.injected(), 1);
        let found = lake.catalog.repository(&lake.id).await;
        assert!(
            matches!(found, Err(CatalogError::Engine(EngineError::RepositoryNotFound(_)))),
            "call {call}: {found:?}"
        );
        create(&lake, repository("lake", "mem://lake"))
            .await
            .expect("the namespace was given back");
    }
}

#[tokio::test]
async fn of_those_who_take_a_namespace_at_the_same_time_one_has_it() {
    let lake = Lake::without_repository();
    let other = lake.restarted();
    let (one, two) = tokio::join!(
        create(&lake, repository("one", "mem://lake")),
        create(&other, repository("two", "mem://lake")),
    );
    let refused = if one.is_ok() { two } else { one };
    assert!(matches!(refused, Err(CatalogError::NamespaceInUse { .. })), "{refused:?}");
    assert!(lake.blocks.head(&marker("mem://lake")).await.expect("asked").is_some());
}

#[tokio::test]
async fn metadata_of_a_repository_is_set_and_removed_key_by_key() {
    let lake = Lake::new().await;
    assert!(lake.catalog.repository_metadata(&lake.id).await.expect("read").is_empty());
    let set = metadata(&[("a", "1"), ("b", "2")]);
    lake.catalog.update_repository_metadata(&lake.id, &set, &[]).await.expect("set");
    let remove = ["a".to_owned(), "missing".to_owned()];
    let more = metadata(&[("c", "3")]);
    lake.catalog.update_repository_metadata(&lake.id, &more, &remove).await.expect("set");
    let found = lake.catalog.repository_metadata(&lake.id).await.expect("read");
    assert_eq!(found, metadata(&[("b", "2"), ("c", "3")]));
}
