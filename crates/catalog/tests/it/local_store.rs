//! Over a directory: the two spellings of an address, and addresses that lead out of it.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt as _;

use lakehold_block::BlockStore;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_catalog::Address;
use lakehold_catalog::CatalogError;
use lakehold_catalog::Listed;
use lakehold_catalog::StorageNamespace;

use crate::lake::Lake;
use crate::lake::query;
use crate::lake::reference;
use crate::lake::repository;
use crate::lake::staged;

/// A lake over `folder` with the repository `lake` at `local://lakes/one`. Its store may read what is
/// in the folder `import`.
async fn lake_over(folder: &Path) -> Lake {
    let settings = LocalSettings {
        allowed_external_prefixes: vec![folder.join("import")],
        ..LocalSettings::in_data_dir(folder)
    };
    let store = LocalBlockStore::open(settings, lakehold_clock::Runtime::real());
    let store: Arc<dyn BlockStore> = Arc::new(store.await.expect("opened"));
    let lake = Lake::over(|_| store);
    let new = repository("lake", "local://lakes/one");
    lake.catalog.create_repository(new).await.expect("created");
    lake
}

#[tokio::test]
async fn both_spellings_of_an_address_are_the_object_data_of_the_repository() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake_over(folder.path()).await;
    let uploaded = lake.upload("a", "abc").await;
    let root = format!("local://{}/block/lakes/one/", folder.path().display());
    let main = reference("main");
    let page = lake.catalog.list_objects(&lake.id, &main, &query("")).await.expect("listed");
    assert_eq!(page.results, [Listed::Record(uploaded.clone())]);

    let name = uploaded.physical_address.strip_prefix(&root).expect("an absolute path");
    let expected = Address::relative(&StorageNamespace::from_stored("local://lakes/one"), name);

    for spelling in [uploaded.physical_address.clone(), format!("local://lakes/one/{name}")] {
        let object = lake.catalog.stage(&lake.id, &lake.main, staged("b", &spelling)).await;
        let object = object.expect("staged");
        assert_eq!(object.address, expected, "{spelling}");
        assert_eq!(object.physical_address, uploaded.physical_address);
        assert_eq!(lake.read("b").await, "abc");
    }
    lake.blocks.close().await.expect("closed");
}

/// Whichever spelling is linked, the object moves with its namespace. The absolute one is taken as it
/// comes (a real server does, and staging it would need no signature either).
#[tokio::test]
async fn a_linked_address_is_relative_in_both_spellings_and_checked_in_that_of_the_namespace() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake_over(folder.path()).await;
    let given = lake.catalog.link_address(&lake.id, &lake.main, "a").await.expect("given out");
    let absolute = given.physical_address;
    let root = format!("local://{}/block/lakes/one/", folder.path().display());
    let name = absolute.strip_prefix(&root).expect("an absolute path");
    let short = format!("local://lakes/one/{name}");
    let expected = Address::relative(&StorageNamespace::from_stored("local://lakes/one"), name);

    for (path, spelling) in [("a", &absolute), ("a", &short), ("b", &absolute)] {
        let linked = lake.catalog.link(&lake.id, &lake.main, staged(path, spelling)).await;
        assert_eq!(linked.expect("linked").address, expected, "{path} {spelling}");
    }
    let refused = lake.catalog.link(&lake.id, &lake.main, staged("b", &short)).await;
    assert!(matches!(refused, Err(CatalogError::InvalidLink { .. })), "{refused:?}");
    lake.blocks.close().await.expect("closed");
}

/// As clients know them from existing installations.
#[tokio::test]
async fn a_full_address_is_shown_below_the_block_folder_and_understood_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake_over(folder.path()).await;
    let here = folder.path().display().to_string();
    std::fs::create_dir(folder.path().join("import")).expect("made");
    std::fs::write(folder.path().join("import/x"), "abc").expect("written");
    let outside = format!("local://{here}/import/x");
    let other_repository = format!("local://{here}/block/lakes/other/data/x");
    for (path, full) in [("outside", &outside), ("other", &other_repository)] {
        let given = lake.catalog.stage(&lake.id, &lake.main, staged(path, full)).await;
        let given = given.expect("staged");
        assert_eq!(given.address, Address::Full(full.as_str().into()));
        let absolute = full.strip_prefix("local://").expect("a path");
        assert_eq!(given.physical_address, format!("local://{here}/block{absolute}"));
        let again = staged("again", &given.physical_address);
        let again = lake.catalog.stage(&lake.id, &lake.main, again).await.expect("staged");
        assert_eq!(again.address, given.address);
        let linked = staged("linked", &given.physical_address);
        let linked = lake.catalog.link(&lake.id, &lake.main, linked).await.expect("linked");
        assert_eq!(linked.address, given.address);
    }
    assert_eq!(lake.read("outside").await, "abc");
    lake.blocks.close().await.expect("closed");
}

/// Seen upstream: such an address was accepted, and from then on no listing that met it worked.
#[tokio::test]
async fn an_address_outside_the_store_can_neither_be_staged_nor_linked() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake_over(folder.path()).await;
    let outside = [
        "local://elsewhere/x",
        "local:///etc/passwd",
        "local://lakes/one/data/../../../../x",
        "s3://bucket/x",
    ];
    for address in outside {
        let catalog = &lake.catalog;
        let stagings = [
            catalog.stage(&lake.id, &lake.main, staged("a", address)).boxed(),
            catalog.link(&lake.id, &lake.main, staged("a", address)).boxed(),
        ];
        for outcome in futures::future::join_all(stagings).await {
            assert!(
                matches!(
                    outcome,
                    Err(CatalogError::InvalidAddress { .. } | CatalogError::ForbiddenAddress(_))
                ),
                "{address}: {outcome:?}"
            );
        }
    }
    assert!(lake.paths().await.is_empty());
    lake.blocks.close().await.expect("closed");
}

#[tokio::test]
async fn a_namespace_of_another_store_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake_over(folder.path()).await;
    for namespace in ["s3://bucket", "lakes/two"] {
        let new = repository("two", namespace);
        let refused = lake.catalog.create_repository(new).await;
        assert!(
            matches!(
                &refused,
                Err(CatalogError::InvalidNamespace { expected, .. }) if expected == "^local://"
            ),
            "{namespace}: {refused:?}"
        );
    }
    for namespace in ["local://", "local://../x"] {
        let refused = lake.catalog.create_repository(repository("two", namespace)).await;
        assert!(matches!(refused, Err(CatalogError::StorageAccess { .. })), "{refused:?}");
    }
    let same = repository("two", "local://lakes/one/");
    let refused = lake.catalog.create_repository(same).await;
    assert!(matches!(refused, Err(CatalogError::NamespaceInUse { .. })), "{refused:?}");
    lake.blocks.close().await.expect("closed");
}

/// Two requests at once must not both find the namespace free.
#[tokio::test]
async fn of_two_repositories_made_at_once_one_gets_the_namespace() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake_over(folder.path()).await;
    let create = |id| lake.catalog.create_repository(repository(id, "local://lakes/two"));
    let (one, other) = futures::join!(create("one"), create("other"));
    assert_eq!([&one, &other].iter().filter(|made| made.is_ok()).count(), 1, "{one:?} {other:?}");
    lake.blocks.close().await.expect("closed");
}
