//! Encrypted connections to a server with certificates of its own.
//!
//! Those in `certificates` are good for a hundred years and for nothing else: `authority` signed
//! `server` (made out to `localhost`) and `client` (to the user `certified`), `stranger` nobody.

use std::path::Path;
use std::path::PathBuf;

use lakehold_kv_postgres::PostgresSettings;

use crate::server::Server;
use crate::support::open;
use crate::support::refusal;
use crate::support::set;
use crate::support::value;

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/certificates").join(name)
}

/// A server that takes only encrypted connections, and the user `certified` only by certificate.
async fn encrypted() -> Server {
    let server = Server::create(&[
        "-c",
        "ssl=on",
        "-c",
        "ssl_cert_file=server.crt",
        "-c",
        "ssl_key_file=server.key",
        "-c",
        "ssl_ca_file=authority.crt",
    ]);
    for name in ["server.crt", "server.key", "authority.crt"] {
        server.install(&certificate(name), name);
    }
    server.start_again().await;
    let client = crate::server::client(&server.url("postgres")).await;
    client.batch_execute("CREATE ROLE certified SUPERUSER LOGIN").await.expect("a user");
    let rules = "hostssl all certified 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 trust\n";
    std::fs::write(server.data().join("pg_hba.conf"), rules).expect("rules");
    client.batch_execute("SELECT pg_reload_conf()").await.expect("reload");
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mode_encrypts_and_checks_what_it_says() {
    let server = encrypted().await;
    let authority = certificate("authority.crt");
    let stranger = certificate("stranger.crt");
    let (authority, stranger) = (authority.display(), stranger.display());
    let url = |host: &str, query: &str| {
        format!("postgres://postgres@{host}:{}/postgres?{query}", server.port())
    };
    let good = [
        url("127.0.0.1", "sslmode=prefer"),
        url("127.0.0.1", "sslmode=allow"),
        url("127.0.0.1", "sslmode=require"),
        url("127.0.0.1", &format!("sslmode=require&sslrootcert={authority}")),
        url("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={authority}")),
        url(
            "localhost",
            &format!("sslmode=verify-full&sslrootcert={authority}&hostaddr=127.0.0.1"),
        ),
    ];
    for url in good {
        let store = open(&url).await;
        set(&store, "p", "k", url.clone()).await;
        assert_eq!(value(&store, "p", "k").await, Some(url.into()));
    }
    let bad = [
        (url("127.0.0.1", "sslmode=disable"), "login"),
        (url("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={authority}")), "certificate"),
        (url("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={stranger}")), "certificate"),
        (url("127.0.0.1", &format!("sslmode=require&sslrootcert={stranger}")), "certificate"),
        (url("localhost", "sslmode=verify-full&hostaddr=127.0.0.1"), "certificate"),
        (url("localhost", "sslmode=verify-full&sslrootcert=/no/such.crt"), "/no/such.crt"),
    ];
    for (url, named) in bad {
        let refused = refusal(PostgresSettings::new(url.clone())).await;
        assert!(refused.contains(named), "{url}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_our_own_is_shown() {
    let server = encrypted().await;
    let url = format!("postgres://certified@127.0.0.1:{}/postgres?sslmode=require", server.port());
    let refused = refusal(PostgresSettings::new(url.clone())).await;
    assert!(refused.contains("login"), "{refused}");

    let (own, key) = (certificate("client.crt"), certificate("client.key"));
    let certified = format!("{url}&sslcert={}&sslkey={}", own.display(), key.display());
    set(&open(&certified).await, "p", "k", "v").await;

    let wrong = format!("{url}&sslcert={}&sslkey={}", own.display(), own.display());
    let refused = refusal(PostgresSettings::new(wrong)).await;
    assert!(refused.contains("client.crt"), "{refused}");
}

#[tokio::test]
async fn a_server_without_encryption_is_refused_where_it_is_asked_for() {
    let server = Server::start(&[]).await;
    set(&open(&format!("{}?sslmode=prefer", server.url("postgres"))).await, "p", "k", "v").await;
    let url = format!("{}?sslmode=require", server.url("postgres"));
    let refused = refusal(PostgresSettings::new(url)).await;
    assert!(refused.contains("TLS"), "{refused}");
}
