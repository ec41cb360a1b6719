//! What is sent: nothing, bytes in memory, or a stream that is read while it is sent.
//!
//! Bytes in memory can be sent again. A stream can as long as nobody has begun to read it; its last
//! piece goes out only when its end has been seen, so that one that is too long, or whose producer
//! fails at the end, never looks whole to the store.

mod chunked;

use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use futures::SinkExt as _;
use futures::Stream;
use futures::StreamExt as _;
use futures::TryStreamExt as _;
use futures::channel::mpsc;
use futures::stream;
use futures::stream::BoxStream;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use lakehold_block::BoxError;
use lakehold_block::Error;
use lakehold_block::Measured;
use lakehold_clock::Runtime;

use crate::http_client::OutBody;
use crate::http_client::Progress;
use crate::sigv4::ChunkSigner;

use chunked::Chunk;
pub(crate) use chunked::encoded_length;

/// Chunks that are signed while earlier ones are sent.
const CHUNKS_AHEAD: usize = 4;

/// What a request carries. Cheap to clone; clones of a stream are the same one.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    /// In memory, in pieces.
    Whole(Arc<[Bytes]>),
    /// Read while it is sent.
    Stream(Streamed),
}

/// A stream of known length.
#[derive(Clone, Debug)]
pub(crate) struct Streamed {
    length: u64,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Taken by the first who reads it.
    source: Mutex<Option<Source>>,
    /// Why it ended too early.
    failure: Mutex<Option<Error>>,
}

/// What has been read of a body, and the rest of it.
#[derive(Debug)]
struct Source {
    held: Bytes,
    rest: Measured,
}

impl Payload {
    pub(crate) fn empty() -> Self {
        Self::Whole(Arc::new([]))
    }

    pub(crate) fn whole(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self::Whole(Arc::new([bytes])) }
    }

    /// `first` and what `rest` has yet to give, `length` bytes together.
    pub(crate) fn stream(first: Bytes, rest: Measured, length: u64) -> Self {
        let source = Mutex::new(Some(Source { held: first, rest }));
        Self::Stream(Streamed {
            length,
            shared: Arc::new(Shared { source, failure: Mutex::default() }),
        })
    }

    /// Length in bytes.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Whole(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
            Self::Stream(streamed) => streamed.length,
        }
    }

    /// Whether it can be sent (again).
    pub(crate) fn is_unread(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Stream(streamed) => lock(&streamed.shared.source).is_some(),
        }
    }

    /// Why reading it ended too early, if it did.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        match self {
            Self::Whole(_) => None,
            Self::Stream(streamed) => lock(&streamed.shared.failure).take(),
        }
    }

    /// The body of a request, signed chunk by chunk if there is a `signer`.
    pub(crate) fn body(
        &self,
        runtime: &Runtime,
        signer: Option<ChunkSigner>,
        progress: Progress,
    ) -> OutBody {
        let pieces = match self {
            Self::Whole(pieces) => {
                let pieces: Vec<_> = pieces.iter().cloned().map(Ok).collect();
                stream::iter(pieces).boxed()
            }
            Self::Stream(streamed) => streamed.pieces(),
        };
        let (pieces, left) = match signer {
            Some(signer) => {
                let signed = chunked::signed(pieces, signer);
                (ahead(runtime.clone(), signed).boxed(), encoded_length(self.length()))
            }
            None => (pieces, self.length()),
        };
        Outgoing { pieces, left, progress }.boxed_unsync()
    }
}

impl Streamed {
    fn pieces(&self) -> BoxStream<'static, Result<Bytes, BoxError>> {
        let shared = self.shared.clone();
        let taken = stream::once(async move {
            let source = lock(&shared.source).take();
            (source, shared)
        });
        taken.flat_map(|(source, shared)| source_pieces(source, shared)).boxed()
    }
}

fn source_pieces(
    source: Option<Source>,
    shared: Arc<Shared>,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    stream::unfold(source, move |source| {
        let shared = shared.clone();
        async move {
            let mut source = source?;
            match source.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(source))),
                Ok(None) => None,
                Err(error) => {
                    *lock(&shared.failure) = Some(error);
                    Some((Err("the body broke off".into()), None))
                }
            }
        }
    })
}

impl Source {
    /// The next piece; the last one only when the end has been seen.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let next = self.rest.next().await.transpose()?;
            let is_end = next.is_none();
            let held = match next {
                Some(next) if next.is_empty() => continue,
                next => std::mem::replace(&mut self.held, next.unwrap_or_default()),
            };
            if is_end || !held.is_empty() {
                return Ok(Some(held).filter(|held| !held.is_empty()));
            }
        }
    }
}

/// `chunks`, made by a task of their own while earlier ones are sent, from the first time that one is
/// wanted until nobody wants them any more.
fn ahead(
    runtime: Runtime,
    chunks: impl Stream<Item = Result<Chunk, BoxError>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let started = stream::once(async move {
        let (mut sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        runtime.spawn("sign chunks", async move {
            let mut chunks = pin!(chunks);
            while let Some(chunk) = chunks.next().await {
                if sender.send(chunk).await.is_err() {
                    break;
                }
            }
        });
        receiver
    });
    let pieces = |chunk: Chunk| stream::iter(chunk.into_iter().map(Ok));
    started.flatten().map_ok(pieces).try_flatten()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while holding the lock")
}

/// A body of known length that counts what is taken of it.
struct Outgoing {
    pieces: BoxStream<'static, Result<Bytes, BoxError>>,
    left: u64,
    progress: Progress,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(piece) = ready!(self.pieces.as_mut().poll_next(context)) else {
            return Poll::Ready(None);
        };
        if let Ok(piece) = &piece {
            let length = piece.len() as u64;
            self.left = self.left.saturating_sub(length);
            self.progress.fetch_add(length, Ordering::Relaxed);
        }
        Poll::Ready(Some(piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Piece = Result<Bytes, BoxError>;

    fn streamed(first: &'static str, rest: Vec<Piece>, announced: u64) -> Payload {
        let all = stream::iter([Ok(Bytes::from(first))]).chain(stream::iter(rest));
        let mut measured = Measured::new(lakehold_block::Body::stream(Some(announced), all));
        let first = futures::executor::block_on(measured.next()).unwrap().unwrap();
        Payload::stream(first, measured, announced)
    }

    async fn sent(payload: &Payload) -> Result<Bytes, BoxError> {
        let body = payload.body(&Runtime::real(), None, Progress::default());
        let mut all = Vec::new();
        let mut frames = body.into_data_stream();
        while let Some(piece) = frames.try_next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.into())
    }

    #[tokio::test]
    async fn a_stream_is_sent_once() {
        let pieces = vec![Ok(Bytes::from("cd")), Ok(Bytes::new()), Ok(Bytes::from("e"))];
        let payload = streamed("ab", pieces, 5);
        assert!(payload.is_unread());
        assert_eq!(sent(&payload).await.unwrap(), "abcde");
        assert!(!payload.is_unread());
        assert!(payload.take_failure().is_none());
    }

    #[tokio::test]
    async fn a_stream_of_another_length_is_never_sent_whole() {
        for announced in [4, 6] {
            let payload = streamed("ab", vec![Ok(Bytes::from("cde"))], announced);
            assert!(sent(&payload).await.is_err());
            let failure = payload.take_failure();
            assert!(matches!(failure, Some(Error::Length { .. })), "{failure:?}");
        }
        let pieces = vec![Ok(Bytes::from("cde")), Err("gone".into())];
        let payload = streamed("ab", pieces, 5);
        assert!(sent(&payload).await.is_err());
        assert!(matches!(payload.take_failure(), Some(Error::Body(_))));
    }

    #[tokio::test]
    async fn bytes_in_memory_are_sent_as_often_as_wanted() {
        let payload = Payload::Whole(Arc::new([Bytes::from("ab"), Bytes::from("c")]));
        for _ in 0..2 {
            assert!(payload.is_unread());
            assert_eq!(sent(&payload).await.unwrap(), "abc");
        }
    }
}
