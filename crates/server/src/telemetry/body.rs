//! The body of an answer, which takes its call along: both end together.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use http_body::SizeHint;

use super::call::Call;

/// A body whose end is the end of its call.
pub(super) struct ObservedBody {
    body: Body,
    _call: Call,
}

impl ObservedBody {
    pub(super) fn new(body: Body, call: Call) -> Self {
        Self { body, _call: call }
    }
}

impl http_body::Body for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
