//! URLs that anyone may use for a while, used by a client that knows nothing of S3.

use std::time::Duration;

use lakehold_block::BlockStore as _;
use lakehold_block::CompletedPart;
use lakehold_block::MIN_PART_BYTES;
use lakehold_block_s3::S3BlockStore;
use lakehold_block_s3::S3Credentials;
use lakehold_block_s3::S3Settings;
use lakehold_clock::Runtime;
use lakehold_clock::Timestamp;

use crate::proxy::Proxy;
use crate::support::Lake;
use crate::support::http_client;
use crate::support::pattern;
use crate::support::server;

const TTL: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_object_is_read_by_its_url() {
    let lake = Lake::new().await;
    lake.put("a b+c/ü.csv", "some bytes").await;
    let url = lake.store.presign_get(&lake.key("a b+c/ü.csv"), TTL, Some("ü.csv")).await;
    let url = url.expect("presign").expect("it can").url;
    let answer = http_client().get(&url).send().await.expect("sent");
    assert_eq!(answer.status(), 200);
    let disposition = answer.headers()["content-disposition"].to_str().expect("text");
    assert!(disposition.contains("filename*=UTF-8''%C3%BC.csv"), "{disposition}");
    assert_eq!(answer.bytes().await.expect("read"), "some bytes");
    let part = http_client().get(&url).header("range", "bytes=5-9").send().await.expect("sent");
    assert_eq!(part.bytes().await.expect("read"), "bytes");
}

#[tokio::test]
async fn parts_are_stored_by_their_urls() {
    let lake = Lake::new().await;
    let address = lake.key("parts");
    let upload = lake.store.create_multipart(&address).await.expect("create");
    let bodies = [pattern(MIN_PART_BYTES as usize), pattern(100)];
    let mut parts = Vec::new();
    for (number, body) in (1..).zip(&bodies) {
        let url = lake.store.presign_part(&address, &upload, number, TTL).await;
        let url = url.expect("presign").expect("it can").url;
        let stored = http_client().put(&url).body(body.clone()).send().await.expect("sent");
        assert_eq!(stored.status(), 200);
        let etag = stored.headers()["etag"].to_str().expect("text").to_owned();
        parts.push(CompletedPart { number, etag });
    }
    let completed = lake.store.complete_multipart(&address, &upload, &parts).await;
    assert_eq!(completed.expect("complete").head.size, MIN_PART_BYTES + 100);
    assert!(lake.read("parts").await == bodies.concat());
}

#[tokio::test]
async fn clients_may_be_sent_to_another_endpoint() {
    let proxy = Proxy::before(&server().endpoint).await;
    let settings =
        S3Settings { pre_signed_endpoint: Some(proxy.endpoint.clone()), ..server().settings(None) };
    let lake = Lake::with(settings).await;
    lake.put("x", "bytes").await;
    assert!(proxy.heads("", "").is_empty());
    let url = lake.store.presign_get(&lake.key("x"), TTL, None).await;
    let url = url.expect("presign").expect("it can").url;
    assert!(url.starts_with(&format!("{}/", proxy.endpoint)), "{url}");
    let answer = http_client().get(&url).send().await.expect("sent");
    assert_eq!(answer.bytes().await.expect("read"), "bytes");
}

#[tokio::test]
async fn a_url_says_until_when_it_is_good() {
    let (runtime, _) = Runtime::seeded(1);
    let now = runtime.now();
    let settings = S3Settings {
        discover_bucket_region: false,
        region: "eu-west-1".to_owned(),
        credentials: Some(S3Credentials {
            access_key_id: "AKIA1".to_owned(),
            secret_access_key: "secret".into(),
            session_token: Some("token/1".into()),
        }),
        ..S3Settings::default()
    };
    let store = S3BlockStore::new(settings, runtime).expect("settings");
    let lake = Lake { store, bucket: "lake".to_owned() };
    let url = lake.store.presign_get(&lake.key("a//b"), Duration::from_secs(900), None).await;
    let url = url.expect("presign").expect("it can");
    assert_eq!(url.expires, Timestamp::from_seconds(now.seconds + 900));
    assert!(url.url.starts_with("https://lake.s3.eu-west-1.amazonaws.com/a//b?"), "{}", url.url);
    let scope = "X-Amz-Credential=AKIA1%2F20231114%2Feu-west-1%2Fs3%2Faws4_request";
    for part in ["X-Amz-Expires=900", scope, "X-Amz-Security-Token=token%2F1"] {
        assert!(url.url.contains(part), "{part} is missing in {}", url.url);
    }
    let week = lake.store.presign_get(&lake.key("x"), Duration::from_secs(1 << 30), None).await;
    let week = week.expect("presign").expect("it can");
    assert_eq!(week.expires, Timestamp::from_seconds(now.seconds + 7 * 86_400));
}
