//! A server's life without trouble.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;

use rustix::process::Signal;

use crate::process::Server;
use crate::process::basic;
use crate::process::run;
use crate::process::serve;
use crate::process::stderr;

#[test]
fn the_first_start_prints_keys_that_work_and_the_second_prints_none() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let data_dir = temp.path().join("new/data");
    let server = Server::start(&mut serve(&data_dir));
    let keys = server.keys();
    assert!(server.knows(&keys));
    assert!(server.printed.contains("lakefs_sdk"), "{}", server.printed);

    let stopped = server.stop(Signal::TERM);
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stderr(&stopped).matches("ERROR").count(), 0, "{stopped:?}");

    let server = Server::start(&mut serve(&data_dir));
    assert!(server.knows(&keys));
    assert_eq!(server.value("secret"), None);
    assert!(!server.printed.contains(&keys.1));
    assert!(server.stop(Signal::INT).status.success());
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(&mut serve(temp.path()));
    let keys = server.keys();
    drop(server.stop(Signal::KILL));
    assert!(Server::start(&mut serve(temp.path())).knows(&keys));
}

#[test]
fn given_keys_are_used_and_not_printed() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let keys = ("AKIAIOSFODNN7EXAMPLE".to_owned(), "given-secret".to_owned());
    let with_keys = |command: &mut Command| {
        command.env("LAKEHOLD_ACCESS_KEY_ID", &keys.0);
        command.env("LAKEHOLD_SECRET_ACCESS_KEY", &keys.1);
    };
    let mut command = serve(temp.path());
    with_keys(&mut command);
    let server = Server::start(&mut command);
    assert!(server.knows(&keys));
    assert_eq!(server.value("key id").as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    assert!(!server.printed.contains("given-secret"), "{}", server.printed);
    let stopped = server.stop(Signal::TERM);
    assert!(!stderr(&stopped).contains("given-secret"), "{stopped:?}");

    let mut command = serve(temp.path());
    with_keys(&mut command);
    command.env("LAKEHOLD_SECRET_ACCESS_KEY", "another-secret");
    let server = Server::start(&mut command);
    assert!(server.knows(&keys), "the first start decided");
    let stopped = stderr(&server.stop(Signal::TERM));
    assert!(stopped.contains("are ignored") && !stopped.contains("another-secret"), "{stopped}");
}

#[test]
fn with_manual_setup_the_setup_operation_makes_the_administrator() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(serve(temp.path()).args(["--setup", "manual"]));
    assert_eq!(server.value("secret"), None);
    let state = server.get("/api/v1/setup_lakefs", &[]);
    assert!(state.contains("\"not_initialized\""), "{state}");

    let json = ["Content-Type: application/json".to_owned()];
    let body = r#"{"username":"admin"}"#;
    let made = server.request("POST /api/v1/setup_lakefs", &json, body);
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    let value = |name: &str| {
        let (_, rest) = made.split_once(&format!("\"{name}\":\"")).expect("a field");
        rest.split('"').next().expect("a value").to_owned()
    };
    assert!(server.knows(&(value("access_key_id"), value("secret_access_key"))));
    let again = server.request("POST /api/v1/setup_lakefs", &json, body);
    assert!(again.starts_with("HTTP/1.1 409"), "{again}");
}

#[test]
fn the_front_door_tells_requests_apart() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(&mut serve(temp.path()));
    let json = "Accept: application/json".to_owned();
    let keys = [basic(&server.keys())];

    let health = server.get("/_health", &[]);
    assert!(health.starts_with("HTTP/1.1 200") && health.contains("alive! "), "{health}");
    assert!(health.contains("x-request-id: "), "{health}");
    let page = server.get("/", &[]);
    assert!(page.contains("text/html") && page.contains("Lakehold is running"), "{page}");
    assert!(server.get("/user", &[json, keys[0].clone()]).contains("\"id\":\"admin\""));
    assert!(server.get("/user", &keys).contains("text/html"));
    let described = server.get("/openapi.json", &[]);
    assert!(described.contains("application/json") && described.contains("3.0.3"), "{described}");
    let nowhere = server.get("/api/v1/nowhere", &keys);
    assert!(nowhere.starts_with("HTTP/1.1 404"), "{nowhere}");
    assert!(nowhere.contains("invalid API endpoint"), "{nowhere}");
    let signed = "Authorization: AWS4-HMAC-SHA256 Credential=x".to_owned();
    let gateway = server.get("/bucket/key", &[signed]);
    assert!(gateway.starts_with("HTTP/1.1 501"), "{gateway}");
    assert!(gateway.contains("<Code>NotImplemented</Code>"), "{gateway}");

    assert!(server.knows(&server.keys()));
    let metrics = server.get("/metrics", &[]);
    assert!(metrics.contains("api_requests_total{code=\"200\",method=\"get\"}"), "{metrics}");
    let bucket = "api_request_duration_seconds_bucket{operation=\"getCurrentUser\",code=\"200\"";
    assert!(metrics.contains(bucket), "{metrics}");
}

/// The upload's body comes in two halves, and the stop is asked for between them.
#[test]
fn a_request_that_has_begun_is_finished_after_a_stop_was_asked_for() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let mut server = Server::start(&mut serve(temp.path()));
    let keys = [basic(&server.keys())];
    let json = [keys[0].clone(), "Content-Type: application/json".to_owned()];
    let repository = r#"{"name":"example","storage_namespace":"local://example"}"#;
    let made = server.request("POST /api/v1/repositories", &json, repository);
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");

    let mut upload = server.connect();
    write!(
        upload,
        "POST /api/v1/repositories/example/branches/main/objects?path=a HTTP/1.1\r\nHost: x\r\n\
         {}\r\nContent-Type: application/octet-stream\r\nContent-Length: 10\r\n\
         Expect: 100-continue\r\n\r\n",
        keys[0]
    )
    .expect("sent");
    let mut go_on = [0; 25];
    upload.read_exact(&mut go_on).expect("answered");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    upload.write_all(b"12345").expect("sent");
    server.send(Signal::TERM);
    let refused = (0..100_000).any(|_| TcpStream::connect(&server.address).is_err());
    assert!(refused, "a server that stops accepts nobody new");
    upload.write_all(b"67890").expect("sent");
    let mut answer = String::new();
    upload.read_to_string(&mut answer).expect("answered");

    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let stopped = server.end();
    assert!(stopped.status.success(), "{stopped:?}");
    let server = Server::start(&mut serve(temp.path()));
    let read = server.get("/api/v1/repositories/example/refs/main/objects?path=a", &keys);
    assert!(read.ends_with("\r\n\r\n1234567890"), "{read}");
}

#[test]
fn an_idle_connection_does_not_hold_up_a_stop() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(&mut serve(temp.path()));
    let _idle = server.connect();
    let stopped = server.stop(Signal::TERM);
    assert!(stopped.status.success(), "{stopped:?}");
    assert!(!stderr(&stopped).contains("cut off"), "{stopped:?}");
}

#[test]
fn from_debug_on_every_request_is_logged_without_its_secrets() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let server =
        Server::start(serve(temp.path()).args(["--log-level", "debug", "--log-format", "json"]));
    let keys = server.keys();
    assert!(server.knows(&keys));
    let logged = stderr(&server.stop(Signal::TERM));
    let line = logged.lines().find(|line| line.contains("HTTP call ended")).expect("an audit line");
    for part in ["\"path\":\"/api/v1/user\"", "\"user.id\":\"admin\"", "\"status_code\":200"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let presented = basic(&keys);
    let presented = presented.rsplit(' ').next().expect("base64");
    assert!(!logged.contains(&keys.1) && !logged.contains(presented), "{logged}");
}

#[test]
fn help_and_version_are_printed() {
    let print = |arguments: &[&str]| {
        let output = run(Command::new(env!("CARGO_BIN_EXE_lakehold")).args(arguments));
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(print(&["--version"]).starts_with("lakehold 0."));
    let help = print(&["serve", "--help"]);
    for taught in ["--data-dir", "LAKEHOLD_LISTEN", "LAKEHOLD_SECRET_ACCESS_KEY", "127.0.0.1:8000"]
    {
        assert!(help.contains(taught), "{taught}: {help}");
    }
}
