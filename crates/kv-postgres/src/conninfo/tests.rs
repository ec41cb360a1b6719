use proptest::prelude::*;
use tokio_postgres::config::SslMode;
use tokio_postgres::config::TargetSessionAttrs;

use super::*;

fn parse(text: &str) -> ConnectionInfo {
    ConnectionInfo::parse(text).expect(text)
}

fn refusal(text: &str) -> String {
    ConnectionInfo::parse(text).expect_err(text).to_string()
}

#[test]
fn a_url_and_pairs_say_the_same() {
    let texts = [
        "postgres://us%40er:p%2Fa%27s@db.example:6432/lake?sslmode=require&connect_timeout=3",
        "postgresql://us%40er:p%2Fa%27s@db.example:6432/lake?connect_timeout=3&sslmode=require",
        r"user=us@er password='p/a\'s' host=db.example port = 6432 dbname=lake sslmode=require
          connect_timeout=3",
    ];
    for text in texts {
        let info = parse(text);
        assert_eq!(info.config.get_user(), Some("us@er"));
        assert_eq!(info.config.get_password(), Some(&b"p/a's"[..]));
        assert_eq!(info.config.get_hosts(), [Host::Tcp("db.example".to_owned())]);
        assert_eq!(info.config.get_ports(), [6432]);
        assert_eq!(info.config.get_dbname(), Some("lake"));
        assert_eq!(info.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(info.tls.mode, TlsMode::Require);
        assert_eq!(info.connect_timeout, Some(Duration::from_secs(3)));
        assert_eq!(&*info.place, "db.example:6432, database lake");
    }
}

#[test]
fn several_hosts_sockets_and_addresses_are_understood() {
    let info = parse("postgres://u@one,two:6000,[::1]:7000/d?target_session_attrs=primary");
    assert_eq!(&*info.place, "one:5432,two:6000,::1:7000, database d");
    assert_eq!(info.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);

    let info = parse("hostaddr=127.0.0.1 dbname=d tcp_user_timeout=2500");
    assert_eq!(&*info.place, "127.0.0.1:5432, database d");
    assert!(info.config.get_hosts().is_empty());
    assert_eq!(info.config.get_tcp_user_timeout(), Some(&Duration::from_millis(2_500)));

    let socket = [Host::Unix("/run/postgresql".into())];
    assert_eq!(parse("postgres:///d?host=/run/postgresql").config.get_hosts(), socket);
    assert_eq!(parse("host=/run/postgresql dbname=d").config.get_hosts(), socket);
    assert_eq!(parse("postgres://%2Frun%2Fpostgresql/d").config.get_hosts(), socket);
}

#[test]
fn what_is_not_said_is_what_a_store_needs() {
    let info = parse("postgres:///d");
    assert_eq!(info.config.get_hosts(), [Host::Tcp("localhost".to_owned())]);
    assert_eq!(info.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    assert_eq!(info.config.get_application_name(), Some("lakehold"));
    assert_eq!(info.config.get_keepalives_idle(), Duration::from_secs(30));
    assert_eq!(info.table, "kv");
    assert_eq!(info.tls.mode, TlsMode::Prefer);
    assert_eq!(info.prepared_statements, None);
}

#[test]
fn parameters_of_the_session_and_of_another_driver_are_told_apart() {
    let info = parse(
        "postgres://u@h/d?search_path=a+b&pool_max_conns=9&lakefskv_table=kv_two\
         &options=-c%20geqo%3Doff&default_query_exec_mode=exec&work_mem=1%5C",
    );
    let options = r"-c geqo=off -c search_path=a\ b -c work_mem=1\\";
    assert_eq!(info.config.get_options(), Some(options));
    assert_eq!(info.ignored, ["pool_max_conns"]);
    assert_eq!(info.table, "kv_two");
    assert_eq!(info.prepared_statements, Some(false));
}

#[test]
fn what_cannot_be_done_is_refused_by_name_and_without_the_password() {
    let cases = [
        ("postgres://u:hush@h/d?sslmode=full", "sslmode"),
        ("postgres://u:hush@h/d?service=x", "service"),
        ("postgres://u:hush@h/d?lakefskv_table=Kv", "lakefskv_table"),
        ("postgres://u:hush@h/d?lakefskv_table=", "lakefskv_table"),
        ("postgres://u:hush@h/d?target_session_attrs=standby", "target_session_attrs"),
        ("postgres://u:hush@h/d?connect_timeout=soon", "connect_timeout"),
        ("postgres://u:hush@h/d?sslcert=a", "sslkey"),
        ("postgres://u:hush@h/d?a%20b=c", "a b"),
        ("postgres://u:hush@h/d?a", "value"),
        ("postgres://u:hush@[::1/d", "bracket"),
        ("postgres://u:hush@h:port/d", "port"),
        ("password=hush host=h port=x", "port"),
        ("password='hush", "not closed"),
        ("hush", "URL"),
    ];
    for (text, named) in cases {
        let refusal = refusal(text);
        assert!(refusal.contains(named), "{text}: {refusal}");
        assert!(!refusal.contains("hush"), "{refusal}");
    }
    let shown = format!("{:?}", parse("postgres://u:hush@h/d"));
    assert!(!shown.contains("hush"), "{shown}");
}

proptest! {
    #[test]
    fn pairs_that_are_written_are_read_back(
        pairs in prop::collection::vec(("[a-z_]{1,8}", "\\PC{0,12}"), 0..6),
    ) {
        let read = pairs::parse(&pairs::write(&pairs)).expect("well formed");
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn any_text_is_understood_or_refused(text in "(postgres://)?[a-z:/@?&=%' \\\\,\\[\\]0-9]{0,40}") {
        drop(ConnectionInfo::parse(&text));
    }
}
