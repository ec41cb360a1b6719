//! Memory does not grow with the length of a body: what was read on one side and not yet written on
//! the other never exceeds a few MiB.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use lakehold_block::BlockStore as _;
use lakehold_block::Body;
use lakehold_block_s3::S3BlockStore;
use lakehold_block_s3::S3Settings;
use lakehold_clock::Runtime;

use crate::sink::Sink;
use crate::support::Lake;
use crate::support::pattern;
use crate::support::server;

const LENGTH: u64 = 256 << 20;

const PIECE: usize = 1 << 20;

/// What the sockets of both sides and the pieces in hand may hold.
const IN_SOCKETS: u64 = 24 << 20;

/// A store over `sink`, and a body of [`LENGTH`] that fails once more than `most` bytes were read of it
/// than have come to the sink.
fn store_and_body(sink: &Sink, announced: Option<u64>, most: u64) -> (Lake, Body) {
    let settings =
        S3Settings { discover_bucket_region: false, ..server().settings(Some(&sink.endpoint)) };
    let store = S3BlockStore::new(settings, Runtime::real()).expect("settings");
    let came = sink.came.clone();
    let pieces = (1..=LENGTH / PIECE as u64).map(move |number| {
        let (read, came) = (number * PIECE as u64, came.load(Ordering::SeqCst));
        if read > came + most {
            return Err(format!("{read} bytes were read and {came} have come").into());
        }
        Ok(Bytes::from(vec![1; PIECE]))
    });
    let lake = Lake { store, bucket: "lake".to_owned() };
    (lake, Body::stream(announced, stream::iter(pieces)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_known_length_is_sent_as_it_comes() {
    let sink = Sink::start(0).await;
    let (lake, body) = store_and_body(&sink, Some(LENGTH), IN_SOCKETS);
    let stored = lake.store.put(&lake.key("x"), body).await;
    assert_eq!(stored.expect("never too much in memory"), LENGTH);
    assert!(sink.came.load(Ordering::SeqCst) > LENGTH, "with the chunks' signatures");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_unknown_length_is_sent_in_a_few_parts_at_a_time() {
    let sink = Sink::start(0).await;
    let (lake, body) = store_and_body(&sink, None, IN_SOCKETS + 3 * (8 << 20));
    let stored = lake.store.put(&lake.key("x"), body).await;
    assert_eq!(stored.expect("never too much in memory"), LENGTH);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_is_fetched_no_faster_than_it_is_read() {
    let sink = Sink::start(LENGTH).await;
    let (lake, _) = store_and_body(&sink, None, 0);
    let body = lake.store.get(&lake.key("x"), None).await.expect("get");
    assert_eq!(body.length(), Some(LENGTH));
    let mut pieces = body.into_pieces();
    let mut read = 0;
    while let Some(piece) = pieces.next().await {
        read += piece.expect("read").len() as u64;
        let went = sink.went.load(Ordering::SeqCst);
        assert!(went <= read + IN_SOCKETS, "{went} bytes went and {read} were read");
    }
    assert_eq!(read, LENGTH);
}

/// Reading stops, and with it the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_stops_the_transfer() {
    let sink = Sink::start(LENGTH).await;
    let (lake, _) = store_and_body(&sink, None, 0);
    let body = lake.store.get(&lake.key("x"), None).await.expect("get");
    let mut pieces = body.into_pieces();
    pieces.next().await.expect("some").expect("read");
    drop(pieces);
    assert!(sink.went.load(Ordering::SeqCst) <= IN_SOCKETS);
}

/// The real thing: 64 MiB there and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_body_comes_back_as_it_was() {
    let lake = Lake::new().await;
    let piece = pattern(PIECE);
    for announced in [Some(64 << 20), None] {
        let pieces = stream::iter((0..64).map({
            let piece = piece.clone();
            move |_| Ok(piece.clone())
        }));
        let stored = lake.store.put(&lake.key("long"), Body::stream(announced, pieces)).await;
        assert_eq!(stored.expect("put"), 64 << 20);
        let mut found = lake.store.get(&lake.key("long"), None).await.expect("get").into_pieces();
        let mut place = 0;
        while let Some(found) = found.next().await {
            let found = found.expect("read");
            let expected = found.iter().zip(piece.iter().cycle().skip(place % PIECE));
            assert!(expected.into_iter().all(|(found, expected)| found == expected), "at {place}");
            place += found.len();
        }
        assert_eq!(place, 64 << 20);
    }
}
