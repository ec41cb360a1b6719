//! `lakehold doctor`, of a server that runs, that was stopped, and that was killed.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use rustix::process::Signal;

use crate::process::Server;
use crate::process::basic;
use crate::process::run;
use crate::process::serve;
use crate::process::stderr;

fn doctor(data_dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakehold"));
    command.env_clear().arg("doctor").arg("--data-dir").arg(data_dir).args(arguments);
    run(&mut command)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Runs the doctor, which must find that nothing is wrong, and returns its report.
fn healthy(data_dir: &Path, arguments: &[&str]) -> String {
    let output = doctor(data_dir, arguments);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(stderr(&output), "");
    stdout(&output)
}

/// A server with a repository, a committed object and a staged one.
fn filled(data_dir: &Path) -> Server {
    let server = Server::start(&mut serve(data_dir));
    let keys = basic(&server.keys());
    let json = [keys.clone(), "Content-Type: application/json".to_owned()];
    let bytes = [keys, "Content-Type: application/octet-stream".to_owned()];
    let root = "POST /api/v1/repositories";
    let made = |answer: String| assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let repository = r#"{"name":"example","storage_namespace":"local://example"}"#;
    made(server.request(root, &json, repository));
    let main = format!("{root}/example/branches/main");
    made(server.request(&format!("{main}/objects?path=a"), &bytes, "committed"));
    made(server.request(&format!("{main}/commits"), &json, r#"{"message":"first"}"#));
    made(server.request(&format!("{main}/objects?path=b"), &bytes, "staged"));
    server
}

/// The only file of that many bytes below the objects of the repository.
fn object_of(data_dir: &Path, length: u64) -> PathBuf {
    let data = data_dir.join("block/example/data");
    let partitions = fs::read_dir(data).expect("a folder").map(|entry| entry.expect("read").path());
    let files = partitions.flat_map(|path| fs::read_dir(path).expect("a folder"));
    let mut files = files.map(|entry| entry.expect("read"));
    let found = files.find(|file| file.metadata().expect("a file").len() == length);
    found.expect("the object").path()
}

#[test]
fn an_installation_is_examined_while_its_server_runs_and_after_it_stopped() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let server = filled(temp.path());
    let report = healthy(temp.path(), &["--deep"]);
    assert!(report.contains("Nothing is wrong."), "{report}");
    assert!(report.contains("2  objects read and compared"), "{report}");
    assert!(server.knows(&server.keys()), "it goes on");

    let stopped = server.stop(Signal::TERM);
    assert!(stopped.status.success(), "{stopped:?}");
    assert!(stderr(&stopped).contains("an examination ended"), "the server did it: {stopped:?}");
    assert!(!temp.path().join("control.sock").exists());
    let report = healthy(temp.path(), &["--deep", "--json"]);
    assert!(report.starts_with('{') && report.contains("\"deep\": true"), "{report}");
    assert!(report.contains("\"objects_compared\": 2"), "{report}");
    let report = healthy(temp.path(), &["--repository", "example"]);
    assert!(report.contains("1  repositories") && !report.contains("users"), "{report}");
}

#[test]
fn a_killed_server_leaves_nothing_wrong_and_its_socket_in_nobodys_way() {
    let temp = tempfile::tempdir().expect("temporary directory");
    drop(filled(temp.path()).stop(Signal::KILL));
    assert!(temp.path().join("control.sock").exists());
    assert!(healthy(temp.path(), &["--deep"]).contains("Nothing is wrong."));
    let server = Server::start(&mut serve(temp.path()));
    healthy(temp.path(), &[]);
    assert!(server.stop(Signal::TERM).status.success());
}

#[test]
fn what_is_damaged_is_named_and_decides_the_exit_status() {
    let temp = tempfile::tempdir().expect("temporary directory");
    assert!(filled(temp.path()).stop(Signal::TERM).status.success());
    let (committed, staged) = (object_of(temp.path(), 9), object_of(temp.path(), 6));
    fs::write(&staged, "STAGED").expect("written");
    healthy(temp.path(), &[]);
    let output = doctor(temp.path(), &["--deep"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(stdout(&output).contains("object_checksum_mismatch"), "{output:?}");

    fs::remove_file(&committed).expect("removed");
    fs::write(temp.path().join("block/example/_lakefs/stranger"), "x").expect("written");
    let output = doctor(temp.path(), &["--json"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let report = stdout(&output);
    assert!(report.contains(r#""kind": "object_missing""#), "{report}");
    assert!(report.contains(r#""errors": 1"#) && report.contains(r#""warnings": 1"#), "{report}");

    fs::write(&committed, "committed").expect("written");
    assert_eq!(doctor(temp.path(), &[]).status.code(), Some(3), "only the stranger is left");
}

#[test]
fn where_nothing_is_there_is_nothing_made_and_nothing_right() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let nowhere = temp.path().join("nowhere");
    let output = doctor(&nowhere, &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("there is no installation in"), "{output:?}");
    assert!(!nowhere.exists());

    drop(Server::start(&mut serve(temp.path())).stop(Signal::TERM));
    let output = doctor(temp.path(), &["--repository", "none"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("\"none\" not found"), "{output:?}");
}

#[test]
fn the_help_teaches_what_the_exit_status_means() {
    let output = run(Command::new(env!("CARGO_BIN_EXE_lakehold")).args(["doctor", "--help"]));
    let help = stdout(&output);
    for taught in ["--deep", "--json", "3  warnings", "4  errors", "LAKEHOLD_DATA_DIR"] {
        assert!(help.contains(taught), "{taught}: {help}");
    }
}
