//! Repositories with sample data.

use lakehold_catalog::CreateRepository;
use lakehold_catalog::ErrorKind;
use lakehold_catalog::Upload;

use crate::lake::Lake;
use crate::lake::reference;
use crate::lake::repository;
use crate::lake::upload;

async fn sample(new: CreateRepository) -> Lake {
    let lake = Lake::without_repository();
    let new = CreateRepository { sample_data: true, committer: "ann".to_owned(), ..new };
    lake.catalog.create_repository(new).await.expect("created");
    lake
}

#[tokio::test]
async fn sample_data_is_committed_by_who_made_the_repository() {
    let lake = sample(repository("lake", "mem://lake")).await;
    let commit = lake.catalog.commit_at(&lake.id, &reference("main")).await.expect("committed");
    assert_eq!((&*commit.message, &*commit.committer), ("Add sample data", "ann"));
    let paths = [
        "README.md",
        "data/lakes.csv",
        "data/levels/2024.csv",
        "data/levels/2025.csv",
        "images/lake.png",
    ];
    assert_eq!(lake.paths().await, paths);
    for path in paths {
        let object = lake.object(path).await.expect("is there");
        assert_eq!(lake.read(path).await.len() as u64, object.size);
    }
}

#[tokio::test]
async fn the_readme_names_the_repository_and_its_branch() {
    let new =
        CreateRepository { default_branch: "trunk".to_owned(), ..repository("lake", "mem://lake") };
    let lake = sample(new).await;
    let trunk = reference("trunk");
    let object = lake.catalog.object(&lake.id, &trunk, "README.md").await.expect("is there");
    let body = lake.catalog.open(&object, None).await.expect("has bytes");
    let bytes = body.collect(1 << 16).await.expect("readable");
    let text = String::from_utf8(bytes.to_vec()).expect("a text");
    assert!(text.starts_with("# lake\n"), "{text}");
    assert!(text.contains("`trunk` is protected"), "{text}");
    assert!(!text.contains("{{"), "{text}");
}

#[tokio::test]
async fn the_default_branch_is_protected_afterwards() {
    let lake = sample(repository("lake", "mem://lake")).await;
    let (patterns, _) = lake.catalog.protected_patterns(&lake.id).await.expect("read");
    assert_eq!(patterns, ["main"]);
    let refused = lake.try_upload(upload("a", "x")).await.expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_read_only_repository_can_have_sample_data_too() {
    let new = CreateRepository { read_only: true, ..repository("lake", "mem://lake") };
    let lake = sample(new).await;
    assert_eq!(lake.paths().await.len(), 5);
    assert!(lake.catalog.repository(&lake.id).await.expect("is there").read_only);
    lake.catalog.set_protected_patterns(&lake.id, &[], None).await.expect_err("is read-only");
    let refused = lake.try_upload(Upload { force: false, ..upload("a", "x") }).await;
    assert_eq!(refused.expect_err("is read-only").kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_bare_repository_has_no_sample_data() {
    let new = CreateRepository { bare: true, ..repository("lake", "mem://lake") };
    let lake = sample(new).await;
    assert_eq!(lake.blocks.calls(), 0);
}

#[tokio::test]
async fn a_repository_is_there_with_its_sample_data_or_not_at_all() {
    for call in 1..100 {
        let lake = Lake::without_repository();
        let new = CreateRepository { sample_data: true, ..repository("lake", "mem://lake") };
        lake.blocks.fail_nth(call);
        let first = lake.catalog.create_repository(new.clone()).await;
        if lake.blocks.injected() == 0 {
            first.expect("nothing failed");
            assert!(call > 12, "{call} calls only");
            return;
        }
        first.expect_err("the store failed");
        let found = lake.catalog.repository(&lake.id).await.expect_err("is not there");
        assert_eq!(found.kind(), ErrorKind::NotFound, "call {call}");
        lake.catalog.create_repository(new).await.expect("the namespace was given back");
        assert_eq!(lake.paths().await.len(), 5, "call {call}");
    }
    panic!("creation never came to its end");
}
