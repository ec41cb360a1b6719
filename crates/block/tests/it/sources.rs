//! What an import may find in folders: what lies outside of them is out of reach, whatever links say.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use futures::TryStreamExt as _;
use lakehold_block::BlockStore as _;
use lakehold_block::Error;
use lakehold_block::LocalBlockStore;
use lakehold_block::LocalSettings;
use lakehold_clock::Runtime;

/// A store that may import from the folder `import` beside its own.
async fn store(home: &Path, import_hidden: bool) -> LocalBlockStore {
    let settings = LocalSettings {
        import_enabled: true,
        import_hidden,
        allowed_external_prefixes: vec![home.join("import")],
        ..LocalSettings::in_data_dir(home)
    };
    LocalBlockStore::open(settings, Runtime::real()).await.expect("opened")
}

fn write(home: &Path, name: &str) {
    let path = home.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, name).expect("written");
}

async fn names(store: &LocalBlockStore, source: &Path) -> Result<Vec<String>, Error> {
    let source = format!("local://{}", source.display());
    let listed: Vec<_> = store.list_source(&source).try_collect().await?;
    Ok(listed.into_iter().map(|object| object.name).collect())
}

#[tokio::test]
async fn a_folder_is_walked_with_or_without_what_is_hidden() {
    let home = tempfile::tempdir().expect("a folder");
    for name in ["a-b", "a/b", "a/.c", "a0", ".git/config", ".x"] {
        write(home.path(), &format!("import/{name}"));
    }
    fs::create_dir_all(home.path().join("import/z")).expect("made");
    let import = home.path().join("import");
    let shown = store(home.path(), false).await;
    assert_eq!(names(&shown, &import).await.expect("listed"), ["a-b", "a/b", "a0"]);
    assert_eq!(names(&shown, &import.join("a/")).await.expect("listed"), ["b"]);
    assert_eq!(names(&shown, &import.join(".git")).await.expect("listed"), ["config"]);
    assert!(names(&shown, &import.join("z")).await.expect("listed").is_empty());
    drop(shown);
    let all = store(home.path(), true).await;
    let expected = [".git/config", ".x", "a-b", "a/.c", "a/b", "a0"];
    assert_eq!(names(&all, &import).await.expect("listed"), expected);
}

#[tokio::test]
async fn folders_are_compared_by_their_components() {
    let home = tempfile::tempdir().expect("a folder");
    for name in ["import/x", "imported/x", "block2/x", "block/lakes/x"] {
        write(home.path(), name);
    }
    let store = store(home.path(), false).await;
    assert_eq!(names(&store, &home.path().join("block")).await.expect("listed"), ["lakes/x"]);
    for outside in ["imported", "block2", "", "import/../imported"] {
        let refused = names(&store, &home.path().join(outside)).await;
        let is_refused = matches!(refused, Err(Error::Forbidden(_) | Error::InvalidAddress { .. }));
        assert!(is_refused, "{outside}: {refused:?}");
        let uri = format!("local://{}/x", home.path().join(outside).display());
        let refused = store.find_source(&uri).await;
        let is_refused = matches!(refused, Err(Error::Forbidden(_) | Error::InvalidAddress { .. }));
        assert!(is_refused, "{outside}: {refused:?}");
    }
}

#[tokio::test]
async fn what_is_no_folder_or_not_there_is_an_error() {
    let home = tempfile::tempdir().expect("a folder");
    write(home.path(), "import/file");
    let store = store(home.path(), false).await;
    let missing = names(&store, &home.path().join("import/none/")).await;
    assert!(matches!(&missing, Err(Error::NotFound(at)) if at.ends_with("none/")), "{missing:?}");
    let file = names(&store, &home.path().join("import/file")).await;
    assert!(matches!(file, Err(Error::InvalidAddress { .. })), "{file:?}");
}

#[tokio::test]
async fn a_link_leads_only_to_files_that_may_be_imported() {
    let home = tempfile::tempdir().expect("a folder");
    for name in ["import/real/x", "secret/x", "block/lakes/x"] {
        write(home.path(), name);
    }
    let import = home.path().join("import");
    let store = store(home.path(), false).await;
    let link =
        |to: &str, name: &str| symlink(home.path().join(to), import.join(name)).expect("made");
    fs::create_dir_all(import.join("one")).expect("made");
    link("import/real/x", "one/file");
    link("block/lakes/x", "one/other");
    assert_eq!(names(&store, &import.join("one")).await.expect("listed"), ["file", "other"]);

    for (to, name) in
        [("secret/x", "two/file"), ("none", "three/file"), ("import/real", "four/file")]
    {
        let folder = import.join(name);
        let folder = folder.parent().expect("a folder");
        fs::create_dir_all(folder).expect("made");
        link(to, name);
        let refused = names(&store, folder).await.expect_err("refused");
        assert!(refused.to_string().contains(name), "{refused}");
        let uri = format!("local://{}", import.join(name).display());
        let single = store.find_source(&uri).await.expect_err("refused");
        assert_eq!(refused.to_string(), single.to_string());
    }
    symlink(home.path().join("secret"), import.join("folder")).expect("made");
    let refused = names(&store, &import.join("folder")).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn a_pipe_is_left_out_and_a_name_without_text_is_an_error() {
    let home = tempfile::tempdir().expect("a folder");
    write(home.path(), "import/file");
    let import = home.path().join("import");
    let made = std::process::Command::new("mkfifo").arg(import.join("pipe")).status();
    assert!(made.expect("run").success());
    let store = store(home.path(), false).await;
    assert_eq!(names(&store, &import).await.expect("listed"), ["file"]);

    let odd = std::os::unix::ffi::OsStrExt::from_bytes(&b"odd\xff"[..]);
    fs::write(import.join::<&std::ffi::OsStr>(odd), "x").expect("written");
    let refused = names(&store, &import).await;
    assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{refused:?}");
}
