//! An existing single-machine installation of lakeFS: served in place, imported, and moved.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::process::Server;
use crate::process::basic;
use crate::process::run;
use crate::process::stderr;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/real-install");
const SECRETS: [(&str, &str); 2] = [
    ("LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY", "some-secret-for-tests-0123456789"),
    ("LAKEHOLD_SIGNING_SECRET_KEY", "signing-secret-for-tests-0123456789"),
];

/// A copy of a real installation with its configuration.
struct Installation {
    temp: tempfile::TempDir,
}

impl Installation {
    fn new() -> Self {
        let temp = tempfile::tempdir().expect("temporary directory");
        for archive in ["badger.tar.gz", "files.tar.gz"] {
            let mut unpack = Command::new("tar");
            unpack.arg("-xzf").arg(Path::new(GOLDEN).join(archive)).arg("-C").arg(temp.path());
            assert!(run(&mut unpack).status.success(), "{archive}");
        }
        let root = temp.path().display();
        let config = format!(
            "listen_address: 127.0.0.1:0\n\
             database: {{type: local, local: {{path: {root}/metadata}}}}\n\
             blockstore:\n  type: local\n  local: {{path: {root}/block, import_enabled: true}}\n  \
             signing: {{secret_key: {}}}\n\
             auth: {{encrypt: {{secret_key: {}}}}}\n",
            SECRETS[1].1, SECRETS[0].1
        );
        fs::write(temp.path().join("config.yaml"), config).expect("written");
        Self { temp }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lakehold"));
        command.env_clear().current_dir(self.temp.path()).args(arguments);
        command
    }

    fn serve(&self) -> Command {
        self.command(&["serve", "--config", "config.yaml"])
    }

    /// Name and content of every file below `name`.
    fn files(&self, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        files_below(&self.path(name))
    }
}

fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            let content = fs::read(&path).expect("read");
            files.insert(path, content);
        }
    }
    files
}

/// Asks a server as the administrator of the installation.
fn ask(server: &Server, path: &str) -> String {
    let keys = "AKIAIOSFOLQUICKSTART".to_owned();
    let keys = (keys, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    server.get(path, &[basic(&keys)])
}

#[test]
fn it_is_served_in_place_and_its_files_stay_as_they_are() {
    let installation = Installation::new();
    let before = (installation.files("metadata"), installation.files("block"));
    for _ in 0..2 {
        let server = Server::start(&mut installation.serve());
        assert!(ask(&server, "/api/v1/user").contains("\"id\":\"operator\""));
        let branches = ask(&server, "/api/v1/repositories/tables/branches");
        assert!(branches.contains("\"id\":\"main\""), "{branches}");
        let stopped = server.stop(Signal::TERM);
        assert!(stopped.status.success(), "{stopped:?}");
        let copied = stderr(&stopped).contains("copied and compared 360 records");
        let first =
            before.0 == installation.files("metadata") && !installation.path("seen").exists();
        assert_eq!(copied, first, "{stopped:?}");
        fs::write(installation.path("seen"), "").expect("written");
        assert!(before == (installation.files("metadata"), installation.files("block")));
    }
    let dumped = run(&mut installation.command(&["kv", "dump", "--config", "config.yaml"]));
    let dumped = String::from_utf8(dumped.stdout).expect("UTF-8");
    assert!(dumped.contains("\"key\":\"repos/tables\""), "{dumped}");
}

#[test]
fn a_store_that_has_changed_since_it_was_copied_is_not_passed_over() {
    let installation = Installation::new();
    drop(Server::start(&mut installation.serve()).stop(Signal::TERM));
    fs::write(installation.path("metadata/000009.vlog"), "written by lakeFS").expect("written");
    let refused = run(&mut installation.serve());
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = stderr(&refused);
    assert!(said.contains("has changed since its records were copied"), "{said}");
    let ours = installation.path("metadata.lakehold").display().to_string();
    assert!(
        said.contains(&format!("{ours}/kv")) && said.contains(&format!("move {ours} away")),
        "{said}"
    );

    // The first way out that is named.
    let mut goes_on = installation.serve();
    goes_on.env("LAKEHOLD_DATABASE_LOCAL_PATH", format!("{ours}/kv"));
    let server = Server::start(&mut goes_on);
    assert!(ask(&server, "/api/v1/user").contains("\"id\":\"operator\""));
}

#[test]
fn a_copy_that_was_cut_off_is_made_again() {
    let installation = Installation::new();
    let folder = installation.path("metadata.lakehold");
    fs::create_dir(&folder).expect("made");
    fs::write(folder.join("source.json"), "{\"directory\":\"x\",\"files\":{}}").expect("written");
    let server = Server::start(&mut installation.serve());
    assert!(ask(&server, "/api/v1/user").contains("\"id\":\"operator\""));
}

#[test]
fn it_is_imported_into_a_data_directory_and_moved_from_there() {
    let installation = Installation::new();
    let import = ["import-badger", "metadata", "--data-dir", "data"];
    let imported = run(&mut installation.command(&import));
    assert!(imported.status.success(), "{imported:?}");
    let said = String::from_utf8_lossy(&imported.stdout).into_owned();
    assert!(said.contains("Imported 360 records"), "{said}");
    let again = run(&mut installation.command(&import));
    assert!(stderr(&again).contains("the store is not empty"), "{again:?}");

    let dump = ["kv", "dump", "--data-dir", "data", "--output", "dump.json"];
    assert!(run(&mut installation.command(&dump)).status.success());
    let load = ["kv", "load", "dump.json", "--data-dir", "other"];
    let loaded = run(&mut installation.command(&load));
    let said = String::from_utf8_lossy(&loaded.stdout).into_owned();
    assert!(said.contains("360 records loaded, 0 were there already"), "{loaded:?}");
    let dump = ["kv", "dump", "--data-dir", "other", "--sections", "auth,kv"];
    let dumped = String::from_utf8(run(&mut installation.command(&dump)).stdout).expect("UTF-8");
    assert!(dumped.contains("users/superAdmin") && !dumped.contains("\"graveler\""), "{dumped}");

    let mut serve =
        installation.command(&["serve", "--data-dir", "other", "--listen", "127.0.0.1:0"]);
    let refused = run(&mut serve);
    assert!(stderr(&refused).contains("secrets.json is missing"), "{refused:?}");
    serve.envs(SECRETS).env("LAKEHOLD_BLOCKSTORE_LOCAL_PATH", installation.path("block"));
    let server = Server::start(&mut serve);
    assert!(ask(&server, "/api/v1/repositories").contains("\"id\":\"history\""));
    let busy = run(&mut installation.command(&["kv", "dump", "--data-dir", "other"]));
    assert!(stderr(&busy).contains(&format!("process {}", server.pid())), "{busy:?}");
}

#[test]
fn a_command_about_nothing_says_so() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakehold"));
    command.env_clear().current_dir(temp.path()).args(["kv", "dump"]);
    let refused = run(&mut command);
    assert!(
        stderr(&refused).contains("there is no installation in ./lakehold-data"),
        "{refused:?}"
    );
    assert!(!temp.path().join("lakehold-data").exists());
}
