//! Imports from folders beside the store.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lakehold_block::BlockStore as _;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_clock::Runtime;

use super::import;
use super::object;
use super::prefix;
use super::why;
use crate::lake::Lake;
use crate::lake::repository;

/// A lake over `home` that may import from the folder `import`.
async fn lake_over(home: &Path) -> Lake {
    let settings = LocalSettings {
        import_enabled: true,
        allowed_external_prefixes: vec![home.join("import")],
        ..LocalSettings::in_data_dir(home)
    };
    let store = LocalBlockStore::open(settings, Runtime::real()).await.expect("opened");
    let lake = Lake::over(|_| Arc::new(store));
    let new = repository("lake", "local://lakes/one");
    lake.catalog.create_repository(new).await.expect("created");
    lake
}

fn write(home: &Path, name: &str, bytes: &[u8]) -> String {
    let path = home.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, bytes).expect("written");
    format!("local://{}", path.display())
}

#[tokio::test]
async fn files_are_imported_where_they_are_with_checksums_of_their_own() {
    let home = tempfile::tempdir().expect("a folder");
    let lake = lake_over(home.path()).await;
    for number in 0..40 {
        write(home.path(), &format!("import/many/{number:02} file#%41.csv"), b"alpha");
    }
    let big = write(home.path(), "import/big", &vec![7; 3 << 20]);
    let many = format!("local://{}/import/many", home.path().display());
    let status = import(&lake, vec![prefix(&many, "many"), object(&big, "big")]).await;
    assert_eq!((status.completed, status.ingested_objects), (true, 41), "{status:?}");
    let found = lake.object("many/07 file#%41.csv").await.expect("is there");
    assert_eq!((found.size, found.checksum.as_str()), (5, "2c1743a391305fbf367df8e4f069f9f9"));
    assert_eq!(found.address.to_string(), format!("{many}/07 file#%41.csv"));
    let found = lake.object("big").await.expect("is there");
    assert_eq!(
        (found.size, found.checksum.as_str()),
        (3 << 20, "1dc9719247f1c59ffa4bd1bc78da7dd7")
    );
    assert_eq!(lake.read("many/07 file#%41.csv").await, "alpha");
    assert!(!home.path().join("block/_lakefs_cache").exists());
    lake.blocks.close().await.expect("closed");
}

#[tokio::test]
async fn only_folders_that_are_allowed_are_imported_from() {
    let home = tempfile::tempdir().expect("a folder");
    let lake = lake_over(home.path()).await;
    let secret = write(home.path(), "imported/secret", b"secret");
    write(home.path(), "import/x", b"x");
    let root = format!("local://{}", home.path().display());
    for (source, said) in [
        (prefix(&format!("{root}/imported/"), "x"), "forbidden"),
        (object(&secret, "x"), "forbidden"),
        (prefix(&format!("{root}/import/../imported"), "x"), "traversal"),
        (prefix(&format!("{root}/import/none/"), "x"), "none/"),
        (prefix("s3://bucket/x/", "x"), "expected local:///path"),
    ] {
        let failed = import(&lake, vec![source.clone()]).await;
        assert!(why(&failed).contains(said), "{source:?}: {failed:?}");
    }
    std::os::unix::fs::symlink(home.path().join("imported"), home.path().join("import/link"))
        .expect("made");
    let failed = import(&lake, vec![prefix(&format!("{root}/import/"), "x")]).await;
    assert!(why(&failed).contains("import/link"), "{failed:?}");
    assert!(lake.paths().await.is_empty());
    lake.blocks.close().await.expect("closed");
}
