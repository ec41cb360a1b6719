//! A server to test against, and stores over it.
//!
//! `LAKEHOLD_TEST_S3` names an S3 endpoint with path style (`LAKEHOLD_TEST_S3_ACCESS_KEY` and
//! `LAKEHOLD_TEST_S3_SECRET` whose keys). Without it one moto serves all tests of the process; it ends
//! when its standard input does, however the process ends.

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::StorageNamespace;
use lakehold_block_s3::S3BlockStore;
use lakehold_block_s3::S3Credentials;
use lakehold_block_s3::S3Settings;
use lakehold_block_s3::sigv4;
use lakehold_clock::Runtime;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// An S3 to test against.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) endpoint: String,
    access_key_id: String,
    secret: String,
    /// Ends with its standard input.
    _process: Option<Child>,
}

/// The server of this process.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match variable("LAKEHOLD_TEST_S3") {
        Some(endpoint) => Server {
            endpoint,
            access_key_id: variable("LAKEHOLD_TEST_S3_ACCESS_KEY").unwrap_or_default(),
            secret: variable("LAKEHOLD_TEST_S3_SECRET").unwrap_or_default(),
            _process: None,
        },
        None => Server::start(&[]),
    })
}

/// Whether the server is moto, which checks no signatures.
pub(crate) fn is_moto() -> bool {
    variable("LAKEHOLD_TEST_S3").is_none()
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).and_then(|value| value.into_string().ok())
}

impl Server {
    /// Starts a moto.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let installed = PathBuf::from(ROOT).join(".venv/bin/python");
        let python = if installed.exists() { installed } else { PathBuf::from("python3") };
        let mut process = Command::new(python)
            .arg(format!("{ROOT}/tests/support/moto.py"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It prints a traceback for each body that breaks off.
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is installed; else run: apt-get install python3 python3-venv");
        let mut endpoint = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut endpoint).expect("it is text");
        assert!(endpoint.starts_with("http"), "moto is missing. Run: tests/run venv");
        Self {
            endpoint: endpoint.trim().to_owned(),
            access_key_id: "AKIAMOTOMOTOMOTOMOTO".to_owned(),
            secret: "moto-takes-any-secret".to_owned(),
            _process: Some(process),
        }
    }

    /// Settings for it, by way of `endpoint` if there is one.
    pub(crate) fn settings(&self, endpoint: Option<&str>) -> S3Settings {
        S3Settings {
            endpoint: Some(endpoint.unwrap_or(&self.endpoint).to_owned()),
            force_path_style: true,
            credentials: Some(S3Credentials {
                access_key_id: self.access_key_id.clone(),
                secret_access_key: self.secret.clone().into(),
                session_token: None,
            }),
            ..S3Settings::default()
        }
    }

    /// Makes a bucket in `region`.
    pub(crate) async fn create_bucket(&self, bucket: &str, region: &str) {
        let body = match region {
            "us-east-1" => String::new(),
            region => format!(
                "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint>\
                 </CreateBucketConfiguration>"
            ),
        };
        let host = self.endpoint.split("://").nth(1).expect("a URL").to_owned();
        let time = "20260101T000000Z";
        let scope = sigv4::Scope {
            day: time[..8].to_owned(),
            region: "us-east-1".to_owned(),
            service: "s3".to_owned(),
        };
        let time = if is_moto() { time.to_owned() } else { present_time() };
        let scope = sigv4::Scope { day: time[..8].to_owned(), ..scope };
        let hash = sigv4::sha256(body.as_bytes());
        let headers =
            [("host", host.as_str()), ("x-amz-content-sha256", &hash), ("x-amz-date", &time)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = sigv4::CanonicalRequest {
            method: "PUT",
            path: &format!("/{bucket}"),
            query: "",
            headers: &headers,
            payload: &hash,
        };
        let key = sigv4::SigningKey::derive(&self.secret, &scope);
        let signature = key.sign(&sigv4::string_to_sign(&time, &scope, &request));
        let names = sigv4::signed_headers(&headers);
        let credential = format!("{}/{}", self.access_key_id, scope.text());
        let authorization = format!(
            "{} Credential={credential}, SignedHeaders={names}, Signature={signature}",
            sigv4::ALGORITHM
        );
        let made = http_client()
            .put(format!("{}/{bucket}", self.endpoint))
            .header("x-amz-content-sha256", hash)
            .header("x-amz-date", time)
            .header("authorization", authorization)
            .body(body)
            .send()
            .await
            .expect("the server answers");
        assert!(made.status().is_success(), "{bucket}: {made:?}");
    }
}

fn present_time() -> String {
    let now = Runtime::real().now();
    let days = now.seconds / 86_400;
    let (year, month, day) = civil(days);
    let second = now.seconds % 86_400;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Year, month and day of the `days`th day since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// A plain client, as users of presigned URLs have.
pub(crate) fn http_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// A fresh bucket, and a store over it.
#[derive(Debug)]
pub(crate) struct Lake {
    pub(crate) store: S3BlockStore,
    pub(crate) bucket: String,
}

impl Lake {
    pub(crate) async fn new() -> Self {
        Self::with(server().settings(None)).await
    }

    /// A store with `settings` over a fresh bucket of the server.
    pub(crate) async fn with(settings: S3Settings) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let bucket = format!("lake-{}-{number}", std::process::id());
        server().create_bucket(&bucket, "us-east-1").await;
        let store = S3BlockStore::new(settings, Runtime::real()).expect("settings");
        Self { store, bucket }
    }

    /// Another store over the same bucket.
    pub(crate) fn and(&self, settings: S3Settings) -> Self {
        let store = S3BlockStore::new(settings, Runtime::real()).expect("settings");
        Self { store, bucket: self.bucket.clone() }
    }

    pub(crate) fn namespace(&self) -> StorageNamespace {
        StorageNamespace::from_stored(&format!("s3://{}/main", self.bucket))
    }

    /// The object with exactly this key.
    pub(crate) fn key(&self, key: &str) -> Address {
        Address::Full(format!("s3://{}/{key}", self.bucket).into())
    }

    pub(crate) async fn put(&self, key: &str, body: impl Into<Bytes>) {
        self.store.put(&self.key(key), body.into().into()).await.expect("put");
    }

    pub(crate) async fn read(&self, key: &str) -> Bytes {
        let body = self.store.get(&self.key(key), None).await.expect("get");
        body.collect(usize::MAX).await.expect("read")
    }

    /// What is at `key`, if anything.
    pub(crate) async fn find(&self, key: &str) -> Option<Bytes> {
        match self.store.get(&self.key(key), None).await {
            Ok(body) => Some(body.collect(usize::MAX).await.expect("read")),
            Err(error) => {
                assert!(matches!(error, lakehold_block::Error::NotFound(_)), "{error}");
                None
            }
        }
    }
}

/// Bytes that differ wherever one looks.
pub(crate) fn pattern(length: usize) -> Bytes {
    (0..length).map(|place| (place.wrapping_mul(31) ^ (place >> 8)) as u8).collect()
}

/// An error with all of its causes.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
