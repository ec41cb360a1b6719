//! Starts that cannot succeed: exit status 1, an error that names what is wrong and what to do.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::process::Server;
use crate::process::run;
use crate::process::serve;
use crate::process::stderr;

/// What the command says before it ends with status 1.
fn refusal(command: &mut Command) -> String {
    let output = run(command);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = stderr(&output);
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn a_second_process_is_refused_by_naming_the_first() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(&mut serve(temp.path()));
    let said = refusal(&mut serve(temp.path()));
    assert!(said.contains(&format!("process {} on ", server.pid())), "{said}");
    assert!(said.contains(&temp.path().display().to_string()), "{said}");
    assert!(server.knows(&server.keys()), "the first goes on");
}

#[test]
fn a_used_port_is_named() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("an address").to_string();
    let said = refusal(serve(temp.path()).args(["--listen", &address]));
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
}

#[test]
fn an_address_that_is_none_is_named() {
    let temp = tempfile::tempdir().expect("temporary directory");
    for wrong in ["8000", "nosuch.invalid:8000", "192.0.2.1:8000"] {
        let said = refusal(serve(temp.path()).args(["--listen", wrong]));
        assert!(said.contains(wrong.split(':').next().expect("a host")), "{said}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let file = temp.path().join("file");
    fs::write(&file, "").expect("written");
    let below = file.join("data");
    let said = refusal(&mut serve(&below));
    assert!(said.contains(&below.display().to_string()) && said.contains("--data-dir"), "{said}");
}

#[test]
fn half_a_key_pair_and_a_wrong_log_level_are_refused() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let said = refusal(serve(temp.path()).env("LAKEHOLD_ACCESS_KEY_ID", "AKIA"));
    assert!(said.contains("LAKEHOLD_SECRET_ACCESS_KEY must be too"), "{said}");
    let said = refusal(serve(temp.path()).args(["--log-level", "verbose"]));
    assert!(said.contains("no log level"), "{said}");
}

#[test]
fn missing_secrets_are_not_replaced_by_others() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(&mut serve(temp.path()));
    drop(server.stop(Signal::TERM));
    fs::remove_file(temp.path().join("secrets.json")).expect("removed");
    let said = refusal(&mut serve(temp.path()));
    assert!(said.contains("secrets.json is missing"), "{said}");
}

#[test]
fn a_damaged_key_value_store_is_named_and_left_as_it_is() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(&mut serve(temp.path()));
    drop(server.stop(Signal::TERM));
    let damaged = files_below(&temp.path().join("kv"));
    assert!(!damaged.is_empty());
    for file in &damaged {
        let length = fs::metadata(file).expect("a file").len();
        fs::write(file, vec![0x5a; usize::try_from(length).expect("small")]).expect("written");
    }
    let said = refusal(&mut serve(temp.path()));
    assert!(said.contains(&temp.path().join("kv").display().to_string()), "{said}");
    for file in &damaged {
        let content = fs::read(file).expect("still there");
        assert!(content.iter().all(|byte| *byte == 0x5a), "{}", file.display());
    }
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
