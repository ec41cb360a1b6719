//! Conditional writes: one wins, and a lost answer is not a conflict.

use bytes::Bytes;
use futures::future;
use futures::stream;
use lakehold_block::BlockStore as _;
use lakehold_block::Body;
use lakehold_block::Error;

use crate::proxy::Fault;
use crate::proxy::Proxy;
use crate::support::Lake;
use crate::support::pattern;
use crate::support::server;

/// A store behind a proxy, and one that is not.
async fn proxied() -> (Lake, Lake, Proxy) {
    let proxy = Proxy::before(&server().endpoint).await;
    let plain = Lake::new().await;
    let behind = plain.and(server().settings(Some(&proxy.endpoint)));
    (behind, plain, proxy)
}

/// A body that cannot be sent twice.
fn streamed(bytes: &Bytes) -> Body {
    let pieces: Vec<_> =
        bytes.chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Body::stream(Some(bytes.len() as u64), stream::iter(pieces))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_writers_one_wins() {
    let lake = Lake::new().await;
    for round in 0..5 {
        let address = lake.key(&format!("race/{round}"));
        let body = |writer: u8| Bytes::from(vec![writer; 1_000]);
        let writers = (0..16).map(|writer| lake.store.put_if_absent(&address, body(writer).into()));
        let answers = future::join_all(writers).await;
        let winners: Vec<u8> = (0..)
            .zip(&answers)
            .filter(|(_, answer)| answer.is_ok())
            .map(|(writer, _)| writer)
            .collect();
        let told = answers.iter().filter(|answer| matches!(answer, Err(Error::Exists(_)))).count();
        assert_eq!((winners.len(), told), (1, 15), "{answers:?}");
        assert_eq!(lake.read(&format!("race/{round}")).await, body(winners[0]));
    }
}

#[tokio::test]
async fn a_lost_answer_is_not_a_conflict() {
    let (lake, _, proxy) = proxied().await;
    for size in [10, 2 << 20] {
        let key = format!("lost/{size}");
        proxy.plan("PUT", &key, &[Fault::CutAnswer(0)]);
        let stored = lake.store.put_if_absent(&lake.key(&key), pattern(size).into()).await;
        assert!(matches!(stored, Ok(length) if length == size as u64), "{stored:?}");
        assert_eq!(proxy.heads("PUT", &key).len(), 2, "the second one met the first");
        assert!(lake.read(&key).await == pattern(size));
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_stream_is_found_out() {
    let (lake, _, proxy) = proxied().await;
    proxy.plan("PUT", "streamed", &[Fault::CutAnswer(0)]);
    let body = pattern(3 << 20);
    let stored = lake.store.put_if_absent(&lake.key("streamed"), streamed(&body)).await;
    assert!(matches!(stored, Ok(length) if length == body.len() as u64), "{stored:?}");
    assert_eq!(proxy.heads("PUT", "streamed").len(), 1, "a stream cannot be sent again");
    assert!(lake.read("streamed").await == body);
}

/// An answer of 500 says nothing of what was done.
#[tokio::test]
async fn a_failure_of_the_server_is_not_a_conflict() {
    let (lake, _, proxy) = proxied().await;
    let failure = Fault::Replace("HTTP/1.1 500 Oops\r\n\r\n");
    proxy.plan("PUT", "failed", &[failure]);
    let stored = lake.store.put_if_absent(&lake.key("failed"), pattern(10).into()).await;
    assert!(stored.is_ok(), "{stored:?}");
    assert_eq!(lake.read("failed").await, pattern(10));
}

#[tokio::test]
async fn another_writer_who_came_first_is_a_conflict() {
    let (lake, plain, proxy) = proxied().await;
    // Ours does not get there, the other's does.
    proxy.plan("PUT", "taken", &[Fault::CutRequest(1)]);
    let ours = pattern(1_000);
    let address = lake.key("taken");
    let (stored, ()) = tokio::join!(
        async { lake.store.put_if_absent(&address, ours.into()).await },
        plain.put("taken", "the other's"),
    );
    match stored {
        // The other came after our second attempt.
        Ok(_) => {}
        Err(error) => assert!(matches!(error, Error::Exists(_)), "{error}"),
    }
    proxy.plan("PUT", "later", &[Fault::CutRequest(1)]);
    plain.put("later", "the other's").await;
    let refused = lake.store.put_if_absent(&lake.key("later"), pattern(1_000).into()).await;
    assert!(matches!(refused, Err(Error::Exists(_))), "{refused:?}");
    assert_eq!(lake.read("later").await, "the other's");
}

#[tokio::test]
async fn what_cannot_be_found_out_is_told_as_unknown() {
    let (lake, _, proxy) = proxied().await;
    proxy.plan("PUT", "unknown", &[Fault::CutRequest(100_000)]);
    let body = pattern(3 << 20);
    let unknown = lake.store.put_if_absent(&lake.key("unknown"), streamed(&body)).await;
    assert!(matches!(unknown, Err(Error::OutcomeUnknown { .. })), "{unknown:?}");

    proxy.plan("PUT", "blind", &[Fault::CutAnswer(0)]);
    proxy.plan("HEAD", "blind", &[Fault::Answer("HTTP/1.1 403 No\r\n\r\n")]);
    let unknown = lake.store.put_if_absent(&lake.key("blind"), streamed(&body)).await;
    assert!(matches!(unknown, Err(Error::OutcomeUnknown { .. })), "{unknown:?}");
    assert_eq!(proxy.waiting(), 0);
}

#[tokio::test]
async fn a_body_sent_in_parts_is_stored_only_if_nothing_is_there() {
    let (lake, _, proxy) = proxied().await;
    let body = pattern(9 << 20);
    let of_unknown_length = || {
        let pieces: Vec<_> =
            body.chunks(1 << 20).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Body::stream(None, stream::iter(pieces))
    };
    let address = lake.key("parts");
    proxy.plan("POST", "parts?uploadId", &[Fault::CutAnswer(0)]);
    let stored = lake.store.put_if_absent(&address, of_unknown_length()).await;
    assert!(stored.is_ok(), "{stored:?}");
    assert!(lake.read("parts").await == body);

    let refused = lake.store.put_if_absent(&address, of_unknown_length()).await;
    assert!(matches!(refused, Err(Error::Exists(_))), "{refused:?}");
    assert!(lake.read("parts").await == body);
}
