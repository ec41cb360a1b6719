//! What networks and servers do, and what becomes of it.

use bytes::Bytes;
use futures::StreamExt as _;
use lakehold_block::BlockStore as _;
use lakehold_block::Body;
use lakehold_block::BoxError;
use lakehold_block::CompletedPart;
use lakehold_block::Error;
use lakehold_block_s3::S3BlockStore;
use lakehold_block_s3::S3Settings;
use lakehold_clock::Runtime;

use crate::proxy::Fault;
use crate::proxy::Proxy;
use crate::proxy::header;
use crate::support::Lake;
use crate::support::pattern;
use crate::support::server;
use crate::support::told;

const UNAVAILABLE: Fault = Fault::Answer("HTTP/1.1 503 Busy\r\n\r\n");

const SLOW_DOWN: Fault =
    Fault::Answer("HTTP/1.1 503 Slow Down\r\n\r\n<Error><Code>SlowDown</Code></Error>");

/// A success that turns out to be none.
const NONE_AFTER_ALL: Fault =
    Fault::Answer("HTTP/1.1 200 OK\r\n\r\n<Error><Code>InternalError</Code></Error>");

async fn proxied() -> (Lake, Proxy) {
    let proxy = Proxy::before(&server().endpoint).await;
    let lake = Lake::with(server().settings(Some(&proxy.endpoint))).await;
    (lake, proxy)
}

#[tokio::test]
async fn what_was_refused_for_now_is_tried_again() {
    let (lake, proxy) = proxied().await;
    for fault in
        [UNAVAILABLE, SLOW_DOWN, Fault::CutAnswer(0), Fault::CutAnswer(30), Fault::CutRequest(0)]
    {
        for (method, part) in
            [("PUT", "/x"), ("GET", "/x"), ("HEAD", "/x"), ("GET", "list-type"), ("DELETE", "/x")]
        {
            proxy.plan(method, part, &[fault.clone(), fault.clone()]);
        }
        lake.put("x", pattern(1_000)).await;
        assert_eq!(lake.read("x").await, pattern(1_000));
        assert!(lake.store.head(&lake.key("x")).await.expect("head").is_some());
        let namespace =
            lakehold_block::StorageNamespace::from_stored(&format!("s3://{}", lake.bucket));
        assert_eq!(lake.store.list(&namespace, "", "", 10).await.expect("list").len(), 1);
        lake.store.delete(&lake.key("x")).await.expect("delete");
        assert_eq!(lake.find("x").await, None);
        assert_eq!(proxy.waiting(), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn it_is_not_tried_for_ever() {
    let proxy = Proxy::before(&server().endpoint).await;
    let settings = S3Settings { max_retries: 2, ..server().settings(Some(&proxy.endpoint)) };
    let lake = Lake::with(settings).await;
    proxy.plan("PUT", "/x", &vec![SLOW_DOWN; 3]);
    let refused = lake.store.put(&lake.key("x"), pattern(10).into()).await;
    assert!(matches!(refused, Err(Error::Throttled(_))), "{refused:?}");
    assert_eq!(proxy.heads("PUT", "/x").len(), 3);

    proxy.plan("GET", "/x", &vec![UNAVAILABLE; 3]);
    let refused = lake.store.get(&lake.key("x"), None).await.expect_err("unavailable");
    let text = told(&refused);
    assert!(text.contains("s3:GetObject was answered 503 ServiceUnavailable"), "{text}");
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let (lake, proxy) = proxied().await;
    let body = pattern(1 << 20);
    lake.put("big", body.clone()).await;
    proxy.plan("GET", "/big", &[Fault::CutAnswer(300_000), Fault::CutAnswer(200_000)]);
    assert!(lake.read("big").await == body);
    let heads = proxy.heads("GET", "/big");
    assert_eq!(heads.len(), 3);
    assert_eq!(header(&heads[0], "range"), "");
    assert!(header(&heads[1], "range").ends_with("-1048575"), "{}", heads[1]);
    assert!(!header(&heads[1], "if-match").is_empty());

    proxy.plan("GET", "/big", &[Fault::CutAnswer(100_000)]);
    let part = lake.store.get(&lake.key("big"), Some(1_000..900_000)).await.expect("get");
    assert!(part.collect(1 << 20).await.expect("read") == body[1_000..900_000]);
    assert_eq!(proxy.waiting(), 0);
}

#[tokio::test]
async fn a_download_that_goes_on_breaking_off_is_an_error() {
    let proxy = Proxy::before(&server().endpoint).await;
    let settings = S3Settings { max_retries: 2, ..server().settings(Some(&proxy.endpoint)) };
    let lake = Lake::with(settings).await;
    lake.put("big", pattern(1 << 20)).await;
    proxy.plan("GET", "/big", &vec![Fault::CutAnswer(10_000); 3]);
    let body = lake.store.get(&lake.key("big"), None).await.expect("get");
    assert!(body.collect(1 << 20).await.is_err(), "bytes are missing");
}

#[tokio::test]
async fn what_was_replaced_while_it_was_read_is_not_mixed() {
    let (lake, proxy) = proxied().await;
    lake.put("big", pattern(1 << 20)).await;
    proxy.plan("GET", "/big", &[Fault::CutAnswer(300_000)]);
    let body = lake.store.get(&lake.key("big"), None).await.expect("get");
    let mut pieces = body.into_pieces();
    pieces.next().await.expect("some").expect("read");
    lake.put("big", vec![0; 1 << 20]).await;
    let mut last = Ok(Bytes::new());
    while let Some(piece) = pieces.next().await {
        last = piece;
    }
    assert!(last.is_err_and(|error| error.to_string().contains("replaced")));
}

#[tokio::test]
async fn a_success_that_is_an_error_is_tried_again() {
    let (lake, proxy) = proxied().await;
    lake.put("from", "from").await;
    proxy.plan("PUT", "/to", &[NONE_AFTER_ALL]);
    lake.store.copy(&lake.key("from"), &lake.key("to")).await.expect("copy");
    assert_eq!(lake.read("to").await, "from");

    let address = lake.key("parts");
    let upload = lake.store.create_multipart(&address).await.expect("create");
    let part = lake.store.put_part(&address, &upload, 1, pattern(10).into()).await.expect("put");
    let part = CompletedPart { number: 1, etag: part.etag };
    proxy.plan("POST", "/parts", &[NONE_AFTER_ALL]);
    lake.store.complete_multipart(&address, &upload, &[part]).await.expect("complete");
    assert_eq!(lake.read("parts").await, pattern(10));
    assert_eq!(proxy.waiting(), 0);
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_is_found_out() {
    let (lake, proxy) = proxied().await;
    let address = lake.key("parts");
    let upload = lake.store.create_multipart(&address).await.expect("create");
    let part = lake.store.put_part(&address, &upload, 1, pattern(10).into()).await.expect("put");
    let part = CompletedPart { number: 1, etag: part.etag };
    proxy.plan("POST", "/parts", &[Fault::CutAnswer(0)]);
    let completed = lake.store.complete_multipart(&address, &upload, &[part]).await;
    let completed = completed.expect("it was completed");
    assert_eq!(completed.head.size, 10);
    assert!(completed.etag.ends_with("-1"), "{completed:?}");
    assert_eq!(proxy.heads("POST", "/parts?uploadId").len(), 2);
}

#[tokio::test]
async fn a_part_whose_answer_was_lost_is_sent_again() {
    let (lake, proxy) = proxied().await;
    let address = lake.key("parts");
    let upload = lake.store.create_multipart(&address).await.expect("create");
    proxy.plan("PUT", "/parts", &[Fault::CutAnswer(0), UNAVAILABLE]);
    let part = lake.store.put_part(&address, &upload, 1, pattern(10).into()).await.expect("put");
    proxy.plan("DELETE", "/parts", &[Fault::CutAnswer(0)]);
    assert!(!part.etag.is_empty());
    let aborted = lake.store.abort_multipart(&address, &upload).await;
    assert!(aborted.is_ok(), "{aborted:?}");
}

#[tokio::test]
async fn a_stream_that_breaks_off_leaves_nothing() {
    let lake = Lake::new().await;
    for size in [2_usize, 20] {
        for announced in [None, Some((size << 20) as u64 + 100)] {
            let piece = || Ok(Bytes::from(vec![1; 1 << 20]));
            let mut pieces: Vec<Result<Bytes, BoxError>> = (0..size).map(|_| piece()).collect();
            pieces.push(Err("the client went away".into()));
            let body = Body::stream(announced, futures::stream::iter(pieces));
            let refused = lake.store.put(&lake.key("broken"), body).await;
            assert!(matches!(refused, Err(Error::Body(_))), "{refused:?}");
            assert_eq!(lake.find("broken").await, None);
        }
    }
}

#[tokio::test]
async fn errors_say_where_and_what_to_check() {
    let (lake, proxy) = proxied().await;
    let nowhere = Lake { bucket: "no-such-bucket".to_owned(), store: lake.store };
    let refused = nowhere.store.put(&nowhere.key("a/b"), pattern(10).into()).await;
    let text = told(&refused.expect_err("there is no such bucket"));
    assert!(text.contains("s3://no-such-bucket/a/b"), "{text}");
    assert!(text.contains("NoSuchBucket") && text.contains("create bucket"), "{text}");

    proxy.plan(
        "GET",
        "/denied",
        &[Fault::Answer(
            "HTTP/1.1 403 Forbidden\r\nx-amz-request-id: R1D2\r\n\r\n\
         <Error><Code>AccessDenied</Code></Error>",
        )],
    );
    let refused = nowhere.store.get(&nowhere.key("denied"), None).await;
    let text = told(&refused.expect_err("denied"));
    for part in
        ["s3://no-such-bucket/denied", "403 AccessDenied", "R1D2", "s3:GetObject", "policies"]
    {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let endpoint = format!("http://{address}");
    let settings = S3Settings { max_retries: 1, ..server().settings(Some(&endpoint)) };
    let store = S3BlockStore::new(settings, Runtime::real()).expect("settings");
    let lake = Lake { store, bucket: "lake".to_owned() };
    let refused = lake.store.head(&lake.key("x")).await.expect_err("nobody is there");
    let text = told(&refused);
    assert!(text.contains(&address.to_string()) && text.contains("cannot connect"), "{text}");
}

#[tokio::test]
async fn a_completion_that_is_never_answered_is_unknown_and_not_failed() {
    let proxy = Proxy::before(&server().endpoint).await;
    let settings = S3Settings { max_retries: 1, ..server().settings(Some(&proxy.endpoint)) };
    let lake = Lake::with(settings).await;
    let address = lake.key("parts");
    let upload = lake.store.create_multipart(&address).await.expect("create");
    let part = lake.store.put_part(&address, &upload, 1, pattern(10).into()).await.expect("put");
    let part = CompletedPart { number: 1, etag: part.etag };
    proxy.plan("POST", "/parts", &[Fault::CutRequest(0), Fault::CutRequest(0)]);
    let unknown =
        lake.store.complete_multipart(&address, &upload, std::slice::from_ref(&part)).await;
    assert!(matches!(unknown, Err(Error::OutcomeUnknown { .. })), "{unknown:?}");
    let completed = lake.store.complete_multipart(&address, &upload, &[part]).await;
    assert_eq!(completed.expect("it was not completed").head.size, 10);
}
