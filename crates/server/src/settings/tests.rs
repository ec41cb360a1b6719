//! Layers, and what comes out of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;

/// The configuration of a real installation of lakeFS.
const EXISTING: &str = r#"
database: {type: local, local: {path: /srv/lakefs/metadata}}
blockstore:
  type: local
  local: {path: /srv/lakefs/block, import_enabled: true, allowed_external_prefixes: [/srv/lakefs/import]}
  signing: {secret_key: "signing-secret-for-tests-0123456789"}
auth: {encrypt: {secret_key: "some-secret-for-tests-0123456789"}}
committed:
  permanent: {min_range_size_bytes: 4096, max_range_size_bytes: 65536, range_raggedness_entries: 500}
actions: {lua: {net_http_enabled: true}}
"#;

/// Sources in a temporary directory that is home as well.
struct Fixture {
    temp: tempfile::TempDir,
    sources: Sources,
}

impl Fixture {
    fn new() -> Self {
        let temp = tempfile::tempdir().expect("temporary directory");
        let home = temp.path().display().to_string();
        let environment = BTreeMap::from([("HOME".to_owned(), home)]);
        Self { temp, sources: Sources { environment, ..Sources::default() } }
    }

    fn file(mut self, name: &str, text: &str) -> Self {
        let path = self.temp.path().join(name);
        fs::write(&path, text).expect("written");
        self.sources.config = Some(path);
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn flag(mut self, flag: &'static str, path: &'static str, value: &str) -> Self {
        self.sources.flags.push((flag, path, value.to_owned()));
        self
    }

    fn configuration(&self) -> Configuration {
        Configuration::load(&self.sources).expect("valid")
    }

    fn settings(&self) -> Settings {
        self.configuration().settings().expect("complete")
    }

    fn refusal(&self) -> String {
        let settings = Configuration::load(&self.sources).and_then(|loaded| loaded.settings());
        format!("{:#}", settings.expect_err("refused"))
    }

    fn home(&self, path: &str) -> PathBuf {
        self.temp.path().join(path)
    }
}

#[test]
fn nothing_given_is_a_server_of_its_own() {
    let settings = Fixture::new().settings();
    assert_eq!(settings.listen, "127.0.0.1:8000");
    assert_eq!(settings.data_dir, Path::new("./lakehold-data"));
    assert_eq!(settings.setup, SetupMode::Auto);
    assert!(matches!(settings.database, DatabaseSettings::Local { path: None }));
    assert!(matches!(&settings.blocks, BlocksSettings::Local(local) if local.path.is_none()));
    assert!(settings.secrets.may_be_made && settings.needs_data_dir());
    assert_eq!(settings.login_duration, Duration::from_secs(7 * 24 * 60 * 60));
    assert!(settings.notes.is_empty(), "{:?}", settings.notes);
}

#[test]
fn defaults_are_those_of_the_parts() {
    let postgres = Fixture::new()
        .variable("LAKEHOLD_DATABASE_TYPE", "postgres")
        .variable("LAKEHOLD_DATABASE_POSTGRES_CONNECTION_STRING", "postgres://localhost/db")
        .variable("LAKEHOLD_BLOCKSTORE_TYPE", "s3")
        .variable("LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY", "a")
        .variable("LAKEHOLD_SIGNING_SECRET_KEY", "s");
    let settings = postgres.settings();
    let DatabaseSettings::Postgres(found) = settings.database else { panic!("postgres") };
    let expected = PostgresSettings::new("postgres://localhost/db");
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    let BlocksSettings::S3(found) = settings.blocks else { panic!("s3") };
    assert_eq!(format!("{:?}", found.s3), format!("{:?}", S3Settings::default()));
    assert_eq!(format!("{:?}", settings.trees), format!("{:?}", TreeSettings::default()));
}

/// A layer, and the value and origin that are shown where it is the highest.
type Layer = (fn(Fixture) -> Fixture, &'static str, &'static str);

const LAYERS: [Layer; 4] = [
    (|below| below.file("lakehold.yaml", "listen_address: file:1"), "file:1", "file "),
    (
        |below| below.variable("LAKEFS_LISTEN_ADDRESS", "lakefs:2"),
        "lakefs:2",
        "environment LAKEFS_LISTEN_ADDRESS",
    ),
    (
        |below| below.variable("LAKEHOLD_LISTEN_ADDRESS", "ours:3"),
        "ours:3",
        "environment LAKEHOLD_LISTEN_ADDRESS",
    ),
    (|below| below.flag("--listen", "listen_address", "flag:4"), "flag:4", "flag --listen"),
];

#[test]
fn what_is_higher_wins() {
    for highest in 0..LAYERS.len() {
        let fixture = LAYERS[..=highest].iter().fold(Fixture::new(), |below, (add, ..)| add(below));
        let (_, value, origin) = LAYERS[highest];
        assert_eq!(fixture.settings().listen, value);
        let shown = fixture.configuration().show(ShowForm::Text);
        let line = shown.lines().find(|line| line.starts_with("listen_address")).expect("shown");
        assert!(line.contains(value) && line.contains(origin), "{line}");
    }
}

#[test]
fn a_setting_has_one_value_in_the_environment_whatever_its_name_there() {
    let one = Fixture::new().variable("LAKEHOLD_LISTEN", "a:1");
    assert_eq!(one.settings().listen, "a:1");
    let same = one.variable("LAKEHOLD_LISTEN_ADDRESS", "a:1");
    assert_eq!(same.settings().listen, "a:1");
    let empty = Fixture::new().variable("LAKEHOLD_LISTEN", "");
    assert_eq!(empty.settings().listen, "127.0.0.1:8000");
    let refused = same.variable("LAKEHOLD_LISTEN", "b:1").refusal();
    assert!(refused.contains("LAKEHOLD_LISTEN_ADDRESS and LAKEHOLD_LISTEN"), "{refused}");
}

#[test]
fn the_configuration_of_an_existing_installation_is_taken_as_it_is() {
    let fixture = Fixture::new().file("config.yaml", EXISTING);
    let settings = fixture.settings();
    assert_eq!(settings.listen, "0.0.0.0:8000");
    let DatabaseSettings::Local { path: Some(path) } = &settings.database else { panic!("local") };
    assert_eq!(path, Path::new("/srv/lakefs/metadata"));
    let BlocksSettings::Local(blocks) = &settings.blocks else { panic!("local") };
    assert_eq!(blocks.path.as_deref(), Some(Path::new("/srv/lakefs/block")));
    assert!(blocks.import_enabled);
    assert_eq!(blocks.allowed_external_prefixes, [Path::new("/srv/lakefs/import")]);
    assert_eq!((settings.trees.min_range_bytes, settings.trees.max_range_bytes), (4_096, 65_536));
    assert_eq!(settings.trees.raggedness, 500);
    assert_eq!(
        settings.secrets.auth_secret_key.as_deref(),
        Some("some-secret-for-tests-0123456789")
    );
    assert_eq!(settings.setup, SetupMode::Manual, "as lakeFS, it waits for the setup operation");
    assert!(!settings.needs_data_dir());
    let notes = settings.notes.join("\n");
    assert!(notes.contains("decide nothing: actions.lua.net_http_enabled ("), "{notes}");
}

#[test]
fn an_existing_installation_has_the_places_of_lakefs_where_it_names_none() {
    let in_file = Fixture::new().file(
        "config.yaml",
        "{database: {type: local}, blockstore: {type: s3}, auth: {encrypt: {secret_key: a}}}",
    );
    let in_environment = Fixture::new()
        .variable("LAKEFS_DATABASE_TYPE", "local")
        .variable("LAKEFS_BLOCKSTORE_TYPE", "s3")
        .variable("LAKEFS_AUTH_ENCRYPT_SECRET_KEY", "a");
    for fixture in [in_file, in_environment] {
        let settings = fixture.settings();
        let DatabaseSettings::Local { path: Some(path) } = &settings.database else {
            panic!("local")
        };
        assert_eq!(*path, fixture.home("lakefs/metadata"));
        let BlocksSettings::S3(blocks) = &settings.blocks else { panic!("s3") };
        assert_eq!(blocks.cache_dir, Some(fixture.home("lakefs/data/cache")));
        let signing = settings.secrets.signing_secret_key.as_deref();
        assert_eq!(signing, Some("OVERRIDE_THIS_SIGNING_SECRET_DEFAULT"));
        assert!(settings.notes.iter().any(|note| note.contains("everybody knows")));
    }
}

#[test]
fn a_file_is_ours_by_its_name_or_by_a_setting_that_lakefs_does_not_know() {
    for (name, text, ours) in [
        ("config.yaml", "database: {type: local}", false),
        ("config.yaml", "{database: {type: local}, data_dir: x}", true),
        ("lakehold.yaml", "database: {type: local}", true),
        ("Lakehold-test.yml", "database: {type: local}", true),
    ] {
        let fixture =
            Fixture::new().file(name, text).variable("LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY", "a");
        let expected = if ours { "127.0.0.1:8000" } else { "0.0.0.0:8000" };
        assert_eq!(fixture.settings().listen, expected, "{name}: {text}");
    }
}

#[test]
fn a_missing_secret_of_an_existing_or_shared_installation_is_named() {
    let existing = Fixture::new().file("config.yaml", "database: {type: local}").refusal();
    assert!(existing.contains("auth.encrypt.secret_key is missing: set it in"), "{existing}");
    assert!(
        existing.contains("config.yaml, or set LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY"),
        "{existing}"
    );
    assert!(existing.contains("THIS_MUST_BE_CHANGED_IN_PRODUCTION"), "{existing}");
    assert!(existing.contains("whose name begins with lakehold"), "{existing}");
    let shared = Fixture::new()
        .variable("LAKEHOLD_DATABASE_TYPE", "postgres")
        .variable("LAKEHOLD_DATABASE_POSTGRES_CONNECTION_STRING", "postgres://localhost/db")
        .variable("LAKEHOLD_AUTH_ENCRYPT_SECRET_KEY", "a");
    let refused = shared.refusal();
    assert!(refused.contains("blockstore.signing.secret_key is missing"), "{refused}");
    assert!(refused.contains("LAKEHOLD_SIGNING_SECRET_KEY; all servers"), "{refused}");
    let nowhere = Fixture::new().variable("LAKEHOLD_DATABASE_TYPE", "postgres").refusal();
    assert!(nowhere.contains("database.postgres.connection_string is missing"), "{nowhere}");
}

#[test]
fn the_first_administrator_is_taken_from_the_configuration() {
    let text = "installation: {user_name: operator, access_key_id: AKIA, secret_access_key: s}";
    let existing = format!("{EXISTING}\n{text}\n");
    let settings = Fixture::new().file("config.yaml", &existing).settings();
    assert_eq!(settings.setup, SetupMode::Auto, "as lakeFS, it sets itself up");
    assert_eq!(settings.administrator.name, "operator");
    assert_eq!(settings.administrator.keys, Some(("AKIA".to_owned(), "s".to_owned())));
    let waits = Fixture::new().file("config.yaml", &(existing + "setup: manual"));
    assert_eq!(waits.settings().setup, SetupMode::Manual);
}

#[test]
fn half_a_key_pair_is_refused_by_naming_the_other_half() {
    let refused = Fixture::new().variable("LAKEHOLD_ACCESS_KEY_ID", "a").refusal();
    assert!(refused.contains("LAKEHOLD_SECRET_ACCESS_KEY must be too"), "{refused}");
    let refused = Fixture::new().variable("LAKEFS_INSTALLATION_SECRET_ACCESS_KEY", "a").refusal();
    assert!(refused.contains("LAKEFS_INSTALLATION_SECRET_ACCESS_KEY"), "{refused}");
    assert!(refused.contains("LAKEHOLD_ACCESS_KEY_ID must be too"), "{refused}");
}

#[test]
fn a_wrong_value_is_refused_by_saying_where_it_stands() {
    let cases = [
        (
            Fixture::new().variable("LAKEHOLD_DATABASE_TYPE", "redis"),
            "LAKEHOLD_DATABASE_TYPE: expected one of local, postgres, mem, got \"redis\"",
        ),
        (
            Fixture::new().variable("LAKEFS_AUTH_LOGIN_DURATION", "5"),
            "LAKEFS_AUTH_LOGIN_DURATION: expected a time",
        ),
        (
            Fixture::new().flag("--setup", "setup", "never"),
            "--setup: expected one of auto, manual, got \"never\"",
        ),
        (
            Fixture::new().variable("LAKEHOLD_COMMITTED_PERMANENT_MAX_RANGE_SIZE_BYTES", "-1"),
            "committed.permanent.max_range_size_bytes cannot be -1 (environment LAKEHOLD_",
        ),
        (
            Fixture::new().file("config.yaml", "database:\n  typ: local"),
            "config.yaml: line 2: unknown setting database.typ: did you mean database.type?",
        ),
        (
            Fixture::new().variable("LAKEFS_TLS_ENABLED", "true"),
            "tls.enabled cannot be what environment LAKEFS_TLS_ENABLED says",
        ),
        (
            Fixture::new().file("config.yaml", "auth: {api: {endpoint: 'http://acl'}}"),
            "auth.api.endpoint cannot be what file",
        ),
    ];
    for (fixture, said) in cases {
        let refused = fixture.refusal();
        assert!(refused.contains(said), "{refused}");
    }
    let mut nowhere = Fixture::new();
    nowhere.sources.config = Some("/nowhere/lakehold.yaml".into());
    assert!(nowhere.refusal().contains("there is no file /nowhere/lakehold.yaml"));
}

#[test]
fn what_lakefs_has_as_its_default_is_not_refused() {
    let fixture = Fixture::new()
        .variable("LAKEFS_TLS_ENABLED", "false")
        .variable("LAKEFS_AUTH_UI_CONFIG_RBAC", "none")
        .variable("LAKEFS_DATABASE_DROP_TABLES", "0");
    drop(fixture.settings());
}

#[test]
fn a_variable_that_nobody_reads_is_told_if_it_is_nearly_one_that_somebody_does() {
    let fixture = Fixture::new()
        .variable("LAKEHOLD_LISTEN_ADRESS", "x")
        .variable("LAKEFS_PORT_8000_TCP_ADDR", "10.0.0.1")
        .variable("LAKEHOLD_SERVICE_HOST", "10.0.0.1")
        .variable("LAKEHOLD_HOST", "http://localhost")
        .variable("LAKEHOLD_BINARY", "x");
    let notes = fixture.settings().notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].contains("LAKEHOLD_LISTEN_ADRESS: is LAKEHOLD_LISTEN_ADDRESS meant?"),
        "{notes:?}"
    );
}

#[test]
fn our_file_is_found_and_that_of_lakefs_is_only_named() {
    let fixture = Fixture::new();
    let folder = fixture.home(".config/lakehold");
    fs::create_dir_all(&folder).expect("made");
    fs::write(folder.join("lakehold.yaml"), "listen_address: found:1").expect("written");
    assert_eq!(fixture.settings().listen, "found:1");
    let named = fixture.home("other.yaml");
    fs::write(&named, "{setup: manual, listen_address: named:1}").expect("written");
    let fixture = fixture.variable("LAKEHOLD_CONFIG", &named.display().to_string());
    assert_eq!(fixture.settings().listen, "named:1");

    let fixture = Fixture::new();
    let lakefs = fixture.home(".lakefs.yaml");
    fs::write(&lakefs, "listen_address: lakefs:1").expect("written");
    let settings = fixture.settings();
    assert_eq!(settings.listen, "127.0.0.1:8000");
    assert!(
        settings.notes[0].contains(&format!("--config {}", lakefs.display())),
        "{:?}",
        settings.notes
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let fixture = Fixture::new()
        .file("config.yaml", EXISTING)
        .variable("LAKEHOLD_ACCESS_KEY_ID", "AKIA")
        .variable("LAKEHOLD_SECRET_ACCESS_KEY", "third-secret-for-tests")
        .variable("LAKEHOLD_DATABASE_REDIS_PASSWORD", "unread-secret-for-tests")
        .variable("LAKEFS_DATABASE_DYNAMODB_AWS_SECRET_ACCESS_KEY", "ignored-secret-for-tests");
    let configuration = fixture.configuration();
    let settings = format!("{:?} {configuration:?} {:?}", fixture.settings(), fixture.sources);
    let text = configuration.show(ShowForm::Text);
    let json = configuration.show(ShowForm::Json);
    for shown in [&settings, &text, &json] {
        assert!(!shown.contains("-secret-for-tests"), "{shown}");
    }
    assert!(text.contains("auth.encrypt.secret_key: \"[secret]\""), "{text}");
    assert!(json.contains("AKIA"), "{json}");
}

#[test]
fn what_is_shown_can_be_read_as_a_file_again() {
    let fixture = Fixture::new().file("config.yaml", EXISTING);
    let shown = fixture.configuration().show(ShowForm::Text);
    let again = Fixture::new().file("config.yaml", &shown);
    let secret = |text: &str| text.contains("[secret]");
    let lines = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !secret(line));
        lines
            .map(|line| line.split("  #").next().unwrap_or_default().trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&again.configuration().show(ShowForm::Text)), lines(&shown));
}

#[test]
fn json_has_value_origin_and_reason() {
    let fixture = Fixture::new().file("config.yaml", EXISTING).variable("LAKEHOLD_LISTEN", "a:1");
    let shown: serde_json::Value =
        serde_json::from_str(&fixture.configuration().show(ShowForm::Json)).expect("JSON");
    assert_eq!(shown["listen_address"]["origin"], "environment");
    assert_eq!(shown["listen_address"]["from"], "LAKEHOLD_LISTEN");
    assert_eq!(shown["committed.permanent.max_range_size_bytes"]["value"], 65_536);
    assert_eq!(shown["auth.login_duration"]["value"], "168h");
    assert_eq!(shown["auth.login_duration"]["origin"], "default");
    assert!(shown["actions.lua.net_http_enabled"]["ignored"].is_string());
    assert_eq!(shown["blockstore.s3.region"], serde_json::Value::Null, "not in use");
}

#[test]
fn levels_of_lakefs_are_known() {
    for (level, ours) in [
        ("INFO", "info"),
        ("WARNING", "warn"),
        ("panic", "error"),
        ("Trace", "trace"),
        ("info,lakehold_engine=debug", "info,lakehold_engine=debug"),
    ] {
        assert_eq!(
            Fixture::new().variable("LAKEFS_LOGGING_LEVEL", level).settings().log.level,
            ours
        );
    }
}

#[test]
fn an_address_is_host_and_port() {
    let address = |listen: &str| {
        let settings = Fixture::new().flag("--listen", "listen_address", listen).settings();
        settings.listen_address().ok()
    };
    assert_eq!(address("localhost:80"), Some(("localhost".into(), 80)));
    assert_eq!(address("[::1]:0"), Some(("::1".into(), 0)));
    assert_eq!(address(":8000"), Some(("0.0.0.0".into(), 8000)));
    for wrong in ["", "8000", "localhost", "localhost:", "localhost:http", "localhost:70000"] {
        assert_eq!(address(wrong), None, "{wrong}");
    }
}

/// The section of docs/guide/settings.md that `lakehold config keys` prints.
#[test]
fn the_guide_lists_the_settings_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/settings.md");
    let document = fs::read_to_string(path).expect("the guide");
    let (_, after) = document.split_once("<!-- settings: begin -->").expect("a begin");
    let (listed, _) = after.split_once("<!-- settings: end -->").expect("an end");
    assert!(
        listed.trim() == guide().trim(),
        "docs/guide/settings.md differs: paste what `lakehold config keys` prints between its marks"
    );
}
