//! A bucket's region is found out, once.

use lakehold_block::BlockStore as _;
use lakehold_block_s3::S3Settings;

use crate::proxy::Fault;
use crate::proxy::Proxy;
use crate::proxy::header;
use crate::support::Lake;
use crate::support::is_moto;
use crate::support::pattern;
use crate::support::server;

async fn proxied(discover_bucket_region: bool) -> (Lake, Proxy) {
    let proxy = Proxy::before(&server().endpoint).await;
    let settings =
        S3Settings { discover_bucket_region, ..server().settings(Some(&proxy.endpoint)) };
    (Lake::with(settings).await, proxy)
}

#[tokio::test]
async fn a_bucket_is_asked_once_where_it_is() {
    if !is_moto() {
        return;
    }
    let (lake, proxy) = proxied(true).await;
    let bucket = format!("{}-eu", lake.bucket);
    server().create_bucket(&bucket, "eu-west-1").await;
    let lake = Lake { bucket, store: lake.store };
    for number in 0..3 {
        lake.put(&format!("x{number}"), "bytes").await;
    }
    assert_eq!(proxy.heads("HEAD", "-eu ").len(), 1);
    for head in proxy.heads("PUT", "-eu/x") {
        assert!(header(&head, "authorization").contains("/eu-west-1/s3/aws4_request"), "{head}");
    }
}

#[tokio::test]
async fn a_store_that_is_not_to_ask_does_not() {
    let (lake, proxy) = proxied(false).await;
    lake.put("x", "bytes").await;
    assert!(proxy.heads("HEAD", "").is_empty());
}

#[tokio::test]
async fn who_is_sent_elsewhere_goes_there() {
    if !is_moto() {
        return;
    }
    for redirect in [
        "HTTP/1.1 301 Moved\r\nx-amz-bucket-region: eu-central-1\r\n\r\n",
        "HTTP/1.1 400 Bad\r\n\r\n<Error><Code>AuthorizationHeaderMalformed\
         </Code><Region>eu-central-1</Region></Error>",
    ] {
        let (lake, proxy) = proxied(false).await;
        proxy.plan("PUT", "/x", &[Fault::Answer(redirect)]);
        lake.put("x", pattern(100)).await;
        let heads = proxy.heads("PUT", "/x");
        assert_eq!(heads.len(), 2);
        assert!(header(&heads[0], "authorization").contains("/us-east-1/"));
        assert!(header(&heads[1], "authorization").contains("/eu-central-1/"));
        assert_eq!(lake.read("x").await, pattern(100));
        let heads = proxy.heads("GET", "/x");
        assert!(header(&heads[0], "authorization").contains("/eu-central-1/"), "it is remembered");
    }
}

/// Someone who may not look at a bucket may still be allowed to use what is in it.
#[tokio::test]
async fn a_bucket_that_does_not_say_where_it_is_is_where_we_think() {
    let (lake, proxy) = proxied(true).await;
    let denied = Fault::Answer("HTTP/1.1 403 No\r\n\r\n");
    proxy.plan("HEAD", &format!("/{} ", lake.bucket), &[denied]);
    lake.put("x", "bytes").await;
    assert_eq!(lake.read("x").await, "bytes");
    assert!(lake.store.head(&lake.key("x")).await.expect("head").is_some());
}
