use super::*;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use chrono::DateTime;
use lakehold_clock::ManualClock;
use reqsign_core::StaticEnv;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

const HOUR: Duration = Duration::from_secs(3_600);

fn environment(variables: &[(&str, String)]) -> StaticEnv {
    let own = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
    let envs: HashMap<String, String> = variables.iter().map(own).collect();
    StaticEnv { home_dir: None, envs }
}

fn searching(variables: &[(&str, String)], runtime: &Runtime) -> Credentials {
    let settings = S3Settings::default();
    let http = HttpClient::new(&settings, runtime.clone()).unwrap();
    Credentials::searching(&settings, runtime, &http, environment(variables))
}

/// A service that gives out keys that are good for an hour, until it is told to stop.
struct Service {
    uri: String,
    given: Arc<AtomicU64>,
    clock: Arc<ManualClock>,
    runtime: Runtime,
}

impl Service {
    async fn start() -> Self {
        let (runtime, clock) = Runtime::seeded(1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/keys", listener.local_addr().unwrap());
        let given = Arc::new(AtomicU64::new(0));
        let (counted, now) = (given.clone(), runtime.clone());
        runtime.spawn("service", async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut asked = vec![0; 4_096];
                assert_ne!(client.read(&mut asked).await.unwrap(), 0);
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let until = now.now().plus(HOUR).seconds;
                let until = DateTime::from_timestamp(until, 0).unwrap().to_rfc3339();
                let body = format!(
                    "{{\"AccessKeyId\": \"AKIA{number}\", \"SecretAccessKey\": \"s\", \
                     \"Token\": \"t\", \"Expiration\": \"{until}\"}}"
                );
                let status = if number < 2 { "200 OK" } else { "500 Oops" };
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
                client.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { uri, given, clock, runtime }
    }

    fn credentials(&self) -> Credentials {
        let name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        let elsewhere = ("AWS_EC2_METADATA_DISABLED", "true".to_owned());
        searching(&[(name, self.uri.clone()), elsewhere], &self.runtime)
    }
}

#[tokio::test]
async fn the_environment_is_looked_into_first() {
    let (runtime, _) = Runtime::seeded(1);
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIAENV".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("AWS_SESSION_TOKEN", "token".to_owned()),
    ];
    let keys = searching(&variables, &runtime).get().await.unwrap();
    assert_eq!(keys.access_key_id, "AKIAENV");
    assert_eq!(keys.secret.expose_secret(), "secret");
    assert_eq!(keys.token.unwrap().expose_secret(), "token");
    assert_eq!(keys.expires, None);
}

#[tokio::test]
async fn keys_are_kept_and_renewed_before_they_expire() {
    let service = Service::start().await;
    let credentials = service.credentials();
    for _ in 0..3 {
        assert_eq!(credentials.get().await.unwrap().access_key_id, "AKIA0");
    }
    assert_eq!(service.given.load(Ordering::SeqCst), 1);
    service.clock.advance(HOUR - Duration::from_secs(299));
    assert_eq!(credentials.get().await.unwrap().access_key_id, "AKIA1");
}

#[tokio::test]
async fn keys_that_cannot_be_renewed_are_used_to_their_end() {
    let service = Service::start().await;
    let credentials = service.credentials();
    credentials.get().await.unwrap();
    credentials.refresh().await;
    assert_eq!(credentials.get().await.unwrap().access_key_id, "AKIA1");
    service.clock.advance(HOUR - Duration::from_secs(1));
    assert_eq!(credentials.get().await.unwrap().access_key_id, "AKIA1");
    service.clock.advance(Duration::from_secs(1));
    assert!(credentials.get().await.is_err());
}

#[test]
fn keys_are_not_shown() {
    let given = S3Credentials {
        access_key_id: "AKIA1".to_owned(),
        secret_access_key: "very secret".into(),
        session_token: Some("also secret".into()),
    };
    let shown = format!("{given:?} {:?}", Keys::from(&given));
    assert!(shown.contains("AKIA1") && !shown.contains("secret\""), "{shown}");
    assert!(!shown.contains("very") && !shown.contains("also"), "{shown}");
}
