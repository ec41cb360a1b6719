//! What a refused or failed request is answered.
//!
//! Every error ends as an [`ApiError`]: a status and one text, sent as `{"message": ...}`. What went
//! wrong below travels along as a [`Cause`] in the response's extensions, so that the server's logging
//! layer writes it once, within the request's span. The statuses and texts of the catalog's errors are
//! one table, in [`wire`]; what an operation puts before such a text (`commit: no changes`) is in
//! [`context`].

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use lakehold_api_types::ErrorBody;

use crate::respond::Json;

pub(crate) mod context;
pub(crate) mod wire;

/// After how many seconds a store that asked for patience may be asked again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why the server failed, for its log: in the extensions of a response with status 500 or above.
#[derive(Clone, Debug)]
pub struct Cause(pub Arc<dyn Error + Send + Sync>);

/// An answer that says why not.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: Cow<'static, str>,
    cause: Option<Cause>,
}

impl ApiError {
    /// An error of the client, or one that needs no log.
    pub(crate) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), cause: None }
    }

    /// 400: the request cannot be understood.
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404 of everything that is no operation, whatever the method.
    pub(crate) fn no_such_operation() -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid API endpoint")
    }

    /// 401: nothing, or something wrong, was presented.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "error authenticating request")
    }

    /// 501 of something this server can never do in this form.
    pub(crate) fn not_implemented() -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "Not Implemented")
    }

    /// 500, with what led to it for the log.
    pub(crate) fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        let message = format!("internal error: {}", chain(&cause));
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message).caused_by(cause)
    }

    /// Takes along what went wrong below.
    #[must_use]
    pub(crate) fn caused_by(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Cause(Arc::new(cause)));
        self
    }

    /// Puts `prefix` before the text.
    #[must_use]
    pub(crate) fn prefixed(mut self, prefix: &str) -> Self {
        self.message = format!("{prefix}{}", self.message).into();
        self
    }

    /// Says it in other words.
    #[must_use]
    pub(crate) fn reworded(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

/// The error's text and those of what led to it.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        let said = next.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = next.source();
    }
    text
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody { message: self.message.into_owned() };
        let mut response = Json(body).into_response();
        *response.status_mut() = self.status;
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            // Clients that repeat by themselves do so only where they are told when.
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}
