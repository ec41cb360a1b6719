//! Settings as the binary reads them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use crate::process::Server;
use crate::process::run;
use crate::process::stderr;

/// The configuration of an installation of lakeFS.
const LAKEFS: &str = "\
listen_address: 127.0.0.1:0
database:
  type: local
  local: {path: ~/metadata}
blockstore:
  type: local
  local: {path: ~/block}
  signing: {secret_key: signing-secret-for-tests}
auth: {encrypt: {secret_key: auth-secret-for-tests}}
installation: {user_name: operator, access_key_id: AKIAEXISTING, secret_access_key: key-secret-for-tests}
stats: {enabled: false}
";

fn lakehold(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakehold"));
    command.env_clear().env("HOME", home).current_dir(home).args(arguments);
    command
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    stderr(output)
}

fn line<'a>(shown: &'a str, path: &str) -> &'a str {
    let found = shown.lines().find(|line| line.starts_with(&format!("{path}: ")));
    found.expect(path)
}

#[test]
fn an_existing_configuration_is_shown_with_origins_and_without_secrets() {
    let temp = tempfile::tempdir().expect("temporary directory");
    fs::write(temp.path().join("config.yaml"), LAKEFS).expect("written");
    let mut command = lakehold(temp.path(), &["config", "show", "--config", "config.yaml"]);
    command.env("LAKEFS_LOGGING_LEVEL", "DEBUG").env("LAKEFS_LISTEN_ADDRESS", "127.0.0.1:1");
    command.env("LAKEHOLD_LISTEN", "127.0.0.1:2");
    let shown = stdout(&run(&mut command));
    assert!(!shown.contains("secret-for-tests"), "{shown}");
    assert!(line(&shown, "auth.encrypt.secret_key").contains("\"[secret]\""), "{shown}");
    assert!(line(&shown, "listen_address").contains("127.0.0.1:2"), "{shown}");
    assert!(line(&shown, "listen_address").ends_with("# environment LAKEHOLD_LISTEN"), "{shown}");
    assert!(
        line(&shown, "logging.level").ends_with("# environment LAKEFS_LOGGING_LEVEL"),
        "{shown}"
    );
    assert!(line(&shown, "database.local.path").ends_with("# file config.yaml"), "{shown}");
    assert!(line(&shown, "setup").ends_with("# default of lakeFS"), "{shown}");
    assert!(line(&shown, "stats.enabled").contains("decides nothing"), "{shown}");

    let shown = stdout(&run(command.arg("--json")));
    assert!(shown.contains("\"from\": \"LAKEHOLD_LISTEN\""), "{shown}");
    assert!(!shown.contains("secret-for-tests"), "{shown}");
}

#[test]
fn our_file_is_found_where_the_command_runs_and_a_slip_in_it_is_refused() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let file = temp.path().join("lakehold.yaml");
    fs::write(&file, "listen_address: 127.0.0.1:3\n").expect("written");
    let show = || run(&mut lakehold(temp.path(), &["config", "show"]));
    assert!(line(&stdout(&show()), "listen_address").ends_with("# file lakehold.yaml"));

    fs::write(&file, "listen_address: 127.0.0.1:3\ndatabase:\n  typ: local\n").expect("written");
    for arguments in [&["config", "show"][..], &["serve"], &["doctor"], &["kv", "dump"]] {
        let said = refused(&run(&mut lakehold(temp.path(), arguments)));
        let expected =
            "lakehold.yaml: line 3: unknown setting database.typ: did you mean database.type?";
        assert!(said.contains(expected), "{said}");
    }
    assert!(!temp.path().join("lakehold-data").exists(), "nothing was begun");
}

#[test]
fn what_is_missing_is_shown_and_named() {
    let temp = tempfile::tempdir().expect("temporary directory");
    fs::write(temp.path().join("config.yaml"), "database: {type: postgres}").expect("written");
    let output = run(&mut lakehold(temp.path(), &["config", "show", "-c", "config.yaml"]));
    assert!(String::from_utf8_lossy(&output.stdout).contains("database.type: \"postgres\""));
    let said = refused(&output);
    assert!(said.contains("database.postgres.connection_string is missing"), "{said}");
    assert!(said.contains("LAKEHOLD_DATABASE_POSTGRES_CONNECTION_STRING"), "{said}");
}

#[test]
fn an_existing_configuration_is_served_and_what_has_no_effect_is_told() {
    let temp = tempfile::tempdir().expect("temporary directory");
    fs::write(temp.path().join("config.yaml"), LAKEFS).expect("written");
    let serve = || lakehold(temp.path(), &["serve", "--config", "config.yaml"]);
    let server = Server::start(&mut serve());
    let keys = ("AKIAEXISTING".to_owned(), "key-secret-for-tests".to_owned());
    let user = server.get("/api/v1/user", &[crate::process::basic(&keys)]);
    assert!(user.contains("\"id\":\"operator\""), "{user}");
    assert!(server.printed.contains("metadata"), "{}", server.printed);
    assert!(!server.printed.contains("secret-for-tests"), "{}", server.printed);
    for made in ["metadata", "block", "block-journal"] {
        assert!(temp.path().join(made).is_dir(), "{made}");
    }
    assert!(!temp.path().join("lakehold-data").exists(), "nothing is anywhere else");
    let second = refused(&run(&mut serve()));
    assert!(second.contains(&format!("process {}", server.pid())), "{second}");
    assert!(second.contains("database.local.path"), "{second}");
    let logged = stderr(&server.stop(rustix::process::Signal::TERM));
    assert!(logged.contains("decide nothing: stats.enabled"), "{logged}");
    assert!(!logged.contains("secret-for-tests"), "{logged}");
}

#[test]
fn all_settings_are_listed() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let listed = stdout(&run(&mut lakehold(temp.path(), &["config", "keys"])));
    for name in ["`listen_address`", "`database.postgres.connection_string`", "`tls.enabled`"] {
        assert!(listed.contains(name), "{name}");
    }
    let help = stdout(&run(&mut lakehold(temp.path(), &["config", "--help"])));
    for taught in ["./lakehold.yaml", "/etc/lakehold/lakehold.yaml", "LAKEHOLD_DATABASE_TYPE"] {
        assert!(help.contains(taught), "{help}");
    }
}
