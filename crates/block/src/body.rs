//! Bytes on their way to or from a store.

use std::fmt;

use bytes::Bytes;
use bytes::BytesMut;
use futures::StreamExt as _;
use futures::stream;
use futures::stream::BoxStream;

use crate::BoxError;
use crate::Error;

/// A stream of bytes whose length may be known beforehand.
///
/// A body that stays below a chunk or two is held as one piece, which drivers may treat faster.
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// Piece by piece.
    Stream {
        /// Number of bytes, where it is known.
        length: Option<u64>,
        /// The pieces, in order; an error ends them.
        pieces: BoxStream<'static, Result<Bytes, BoxError>>,
    },
}

impl Body {
    /// A body that comes piece by piece.
    pub fn stream(
        length: Option<u64>,
        pieces: impl futures::Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
    ) -> Self {
        Self::Stream { length, pieces: pieces.boxed() }
    }

    /// Number of bytes, where it is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Stream { length, .. } => *length,
        }
    }

    /// The pieces of the body, in order; an error ends them.
    pub fn into_pieces(self) -> BoxStream<'static, Result<Bytes, BoxError>> {
        match self {
            Self::Whole(bytes) if bytes.is_empty() => stream::empty().boxed(),
            Self::Whole(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Self::Stream { pieces, .. } => pieces,
        }
    }

    /// Collects the body, failing where it has more than `limit` bytes.
    pub async fn collect(self, limit: usize) -> Result<Bytes, BoxError> {
        let mut pieces = match self {
            Self::Whole(bytes) if bytes.len() <= limit => return Ok(bytes),
            other => other.into_pieces(),
        };
        let mut all = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            if all.len() + piece.len() > limit {
                return Err(format!("more than {limit} bytes").into());
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Body").field("length", &self.length()).finish_non_exhaustive()
    }
}

/// The pieces of a body, which end in an error unless they are as long together as was announced.
///
/// What drivers read a body through: it turns both ways a producer can fail into their [`Error`].
pub struct Measured {
    announced: Option<u64>,
    seen: u64,
    pieces: stream::Fuse<BoxStream<'static, Result<Bytes, BoxError>>>,
}

impl fmt::Debug for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { announced, seen, .. } = self;
        out.debug_struct("Measured")
            .field("announced", announced)
            .field("seen", seen)
            .finish_non_exhaustive()
    }
}

impl Measured {
    /// Reads `body`.
    pub fn new(body: Body) -> Self {
        Self { announced: body.length(), seen: 0, pieces: body.into_pieces().fuse() }
    }

    /// The next pieces as one, `least` bytes or more; fewer only at the end.
    ///
    /// Fails with [`Error::Body`] and [`Error::Length`].
    pub async fn gather(&mut self, least: usize) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while all.len() < least {
            let Some(piece) = self.next().await.transpose()? else { break };
            if all.is_empty() && piece.len() >= least {
                return Ok(piece);
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// The next piece; `None` once all that was announced has come.
    ///
    /// Fails with [`Error::Body`] where the producer failed, with [`Error::Length`] where there is
    /// more or less than was announced.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let piece = match self.pieces.next().await {
            Some(Ok(piece)) => piece,
            Some(Err(error)) => return Some(Err(Error::Body(error))),
            None => return self.check(|seen, announced| seen == announced).err().map(Err),
        };
        self.seen += piece.len() as u64;
        Some(self.check(|seen, announced| seen <= announced).map(|()| piece))
    }

    fn check(&self, holds: impl Fn(u64, u64) -> bool) -> Result<(), Error> {
        match self.announced {
            Some(announced) if !holds(self.seen, announced) => {
                Err(Error::Length { announced, actual: self.seen })
            }
            _ => Ok(()),
        }
    }
}
